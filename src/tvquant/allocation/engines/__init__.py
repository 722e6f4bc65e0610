"""Optimiser engines: one file per member."""
