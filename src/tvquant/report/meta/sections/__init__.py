"""Sections of the page that only a meta-portfolio has."""
