"""The page of a meta-portfolio's run."""
