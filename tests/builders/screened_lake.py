"""A lake of coins whose last closed day a live screener is set beside."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from builders.workspaces import workspace_of
from tvquant.app.workspace import Workspace

COINS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH")
DAYS = 260
YOUNG, DAYS_OF_YOUNG = "YOU", 40
"""A coin that is not rated yet, and lacks some votes."""


def screened_lake(folder: Path, *, last: datetime) -> Workspace:
    """Return a workspace with bars of `COINS` and `YOUNG` against USDT up to the day `last`; each has a drift."""
    random = np.random.default_rng(5)
    times = [
        last.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC) - timedelta(days=k) for k in range(DAYS)
    ]
    frames = []
    for k, coin in enumerate(COINS):
        close = 100.0 * np.exp(np.cumsum(random.normal((k - 3.5) * 2e-3, 0.02, DAYS)))
        open_ = np.concatenate([[100.0], close[:-1]])
        frames.append(
            pl.DataFrame({
                "symbol": f"BINANCE:{coin}USDT", "timestamp": times[::-1], "open": open_, "close": close,
                "high": np.maximum(open_, close) * 1.01, "low": np.minimum(open_, close) * 0.99, "volume": 1e8 / close,
            }).with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")))
        )  # fmt: skip
    frames.append(frames[-1].tail(DAYS_OF_YOUNG).with_columns(symbol=pl.lit(f"BINANCE:{YOUNG}USDT")))
    return workspace_of(folder, pl.concat(frames), recorded_at=last + timedelta(days=2))
