"""Screeners: the same scanner, asked of a live service."""
