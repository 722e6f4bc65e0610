"""Sections of the report: one file each, in the order of `catalogue`."""
