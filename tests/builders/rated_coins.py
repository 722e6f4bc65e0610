"""Coins that trend in turns: at every date some are rated a buy and others a sell; liquid beyond every floor."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

COINS = ("BTC", "ETH", "SOL", "XRP", "ADA", "LTC")
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def rated_bars(days: int = 300) -> pl.DataFrame:
    """Return daily bars of BINANCE:<coin>USDT with a common part and trends that turn every 35 days."""
    draw, days_of = np.random.default_rng(7), np.arange(days)
    times = [BEGIN + timedelta(days=k) for k in range(days)]
    common, parts = 0.015 * draw.standard_normal(days), []
    for k, coin in enumerate(COINS):
        trend = 0.01 * np.sin(2 * np.pi * (days_of / 70.0 + k / len(COINS)))
        close = 100.0 * np.exp(np.cumsum(common + trend + 0.02 * draw.standard_normal(days)))
        parts.append(pl.DataFrame({"symbol": f"BINANCE:{coin}USDT", "timestamp": times, "close": close}))
    shaped = pl.concat(parts).with_columns(
        pl.col("timestamp").cast(pl.Datetime("us", "UTC")),
        open=pl.col("close").shift(1).over("symbol").fill_null(pl.col("close")),
        volume=pl.lit(1e6),
    )
    return shaped.with_columns(
        high=pl.max_horizontal("open", "close") * 1.01, low=pl.min_horizontal("open", "close") * 0.99
    )
