"""A lake in a temporary folder, and files for it."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tvquant.core.panel import Basis
from tvquant.lake import ImportReport, Lake, import_files

NOW = datetime(2026, 5, 1, tzinfo=UTC)

type Deliver = Callable[..., ImportReport]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lakehouse")


@pytest.fixture(scope="session")
def delivery() -> Callable[[Lake, Path], Deliver]:
    """How rows come into a lake through files in a folder."""

    def into(lake: Lake, folder: Path) -> Deliver:
        count = iter(range(1000))

        def call(*parts: dict[str, Any] | Path, basis: Basis | None = None, **more: Any) -> ImportReport:
            files = [
                part if isinstance(part, Path) else _file(part, folder / f"part{next(count)}.parquet") for part in parts
            ]
            return import_files(lake, files, basis=basis, recorded_at=NOW, **more)

        return call

    return into


@pytest.fixture
def deliver(delivery: Callable[[Lake, Path], Deliver], lake: Lake, tmp_path: Path) -> Deliver:
    """Import rows (a mapping of columns; `timestamp` as ISO dates) or files as they are."""
    return delivery(lake, tmp_path)


def _file(columns: dict[str, Any], path: Path) -> Path:
    frame = pl.DataFrame(columns)
    time = pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC")
    frame.with_columns(time).write_parquet(path)
    return path


@pytest.fixture(scope="session")
def bars() -> Callable[..., dict[str, Any]]:
    """Columns of one symbol: consecutive days with the given closes, each opening at the close before."""

    def make(
        symbol: str, closes: list[float], start: str = "2021-01-01", *, skip: tuple[int, ...] = (), **more: Any
    ) -> dict[str, Any]:
        day = datetime.fromisoformat(start).date().toordinal()
        days = [
            datetime.fromordinal(day + i).date().isoformat() for i in range(len(closes) + len(skip)) if i not in skip
        ]
        opens = [closes[0], *closes[:-1]]
        return {
            "symbol": [symbol] * len(closes),
            "timestamp": [f"{one}T00:00:00Z" for one in days],
            "open": opens,
            "high": [max(pair) for pair in zip(opens, closes, strict=True)],
            "low": [min(pair) for pair in zip(opens, closes, strict=True)],
            "close": closes,
            "volume": [10.0] * len(closes),
        } | more

    return make


@pytest.fixture(scope="session")
def lake_of_two(
    delivery: Callable[[Lake, Path], Deliver],
    bars: Callable[..., dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The folder that `two` is a copy of."""
    folder = tmp_path_factory.mktemp("two")
    deliver = delivery(Lake(folder / "lakehouse"), folder)
    deliver(bars("BINANCE:BTCUSDT", [1.0, 2.0, 3.0]))
    deliver(bars("BINANCE:ETHUSDT", [4.0, 5.0]))
    return folder / "lakehouse"


@pytest.fixture
def two(lake: Lake, lake_of_two: Path) -> Lake:
    """A lake after two imports, of one coin each: two commits of each table that they write to."""
    shutil.copytree(lake_of_two, lake.root, dirs_exist_ok=True)
    return lake
