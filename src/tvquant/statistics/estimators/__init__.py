"""Estimators of a covariance: one file per idea, each blind to how its answer is conditioned."""
