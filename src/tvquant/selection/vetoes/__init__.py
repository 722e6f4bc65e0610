"""Vetoes: rules by which an atom may not win; one file per group of rules on the same statistics."""
