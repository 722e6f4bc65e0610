"""Workspaces whose lake holds a few coins."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from builders.clocks import NOON
from tvquant.app.workspace import Workspace
from tvquant.core.panel import Basis
from tvquant.lake import import_files


def coin_closes(steps: Mapping[str, int], first: datetime, days: int) -> pl.DataFrame:
    """Return daily closes of BINANCE:<coin>USDT that go round 17 prices, each coin by its own step."""
    times = [first + timedelta(days=k) for k in range(days)]
    return pl.concat(
        pl.DataFrame({"symbol": f"BINANCE:{coin}USDT", "timestamp": times}).with_columns(
            pl.col("timestamp").cast(pl.Datetime("us", "UTC")), close=100.0 + ((pl.int_range(pl.len()) * step) % 17)
        )
        for coin, step in steps.items()
    )


def workspace_of(
    folder: Path, bars: pl.DataFrame | None = None, *, recorded_at: datetime = NOON, basis: Basis | None = None
) -> Workspace:
    """Return a new workspace in the folder, its lake with the bars imported from a file beside it."""
    made = Workspace(folder)
    made.create()
    if bars is not None:
        file = folder.with_name(f"{folder.name}.parquet")
        bars.write_parquet(file)
        import_files(made.lake(), [file], basis=basis, recorded_at=recorded_at)
    return made
