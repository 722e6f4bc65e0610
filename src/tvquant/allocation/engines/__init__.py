"""Optimiser engines: one file or folder per member."""
