"""The six stages of v4: one file per stage."""
