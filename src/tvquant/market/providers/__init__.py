"""Providers of market data: one file, or one folder, per member."""
