"""Binance: spot pairs and perpetuals in dollar stablecoins, through the client library ccxt."""
