"""Shares and funds of the US from Yahoo Finance, through yfinance."""
