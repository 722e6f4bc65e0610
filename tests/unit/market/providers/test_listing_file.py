"""A list of listings beside files of bars: who ended is delisted and whole, not stale."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from builders.clocks import ManualClock
from tvquant.app.deliveries import Source
from tvquant.app.progress import Watcher
from tvquant.app.syncing import Asked, sync
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError
from tvquant.lake import health
from tvquant.market.listings import delistings
from tvquant.market.providers.contract import INSTRUMENTS
from tvquant.market.providers.listing_file import read_listings
from tvquant.market.registry import AssetState, RegistryManager

FIRST, DAYS = datetime(2024, 1, 1, tzinfo=UTC), 120
LIVING, GONE, QUIET = "BINANCE:BTCUSDT", "BINANCE:MATICUSDT", "BINANCE:USDCUSDT"
END = FIRST + timedelta(days=DAYS - 20)


def bars(symbol: str, days: int) -> pl.DataFrame:
    times = [FIRST + timedelta(days=k) for k in range(days)]
    close = [100.0 + 7 * k % 11 for k in range(days)]
    frame = pl.DataFrame({"symbol": symbol, "timestamp": times, "close": close, "volume": 5.0})
    return frame.with_columns(open="close", high="close", low="close")


@pytest.mark.requirement("R-DAT-22")
def test_who_is_listed_as_ended_is_whole_and_who_is_not_is_stale(tmp_path: Path) -> None:
    """Both stop twenty days before the others: of one it is known why."""
    folder = tmp_path / "in"
    folder.mkdir()
    frames = [bars(LIVING, DAYS), bars("BINANCE:ETHUSDT", DAYS), bars(GONE, DAYS - 20), bars(QUIET, DAYS - 20)]
    pl.concat(frames).write_parquet(folder / "coins.parquet")
    (folder / "listings.csv").write_text(f"symbol,delisted_at\n{GONE},{END:%Y-%m-%d}\n{LIVING},\n")
    home, clock = Workspace(tmp_path / "ws"), ManualClock(FIRST + timedelta(days=DAYS, hours=1))
    home.create()
    options = {"path": str(folder), "listings": str(folder / "listings.csv")}
    done = sync(
        home, Source(name="files", options=options), Asked(command="", bars=DAYS), clock=clock, watcher=Watcher()
    )
    assert (done.account.missing, done.account.failed) == ({}, {})
    lake = home.lake()
    states = {one.symbol: one.state.value for one in health(lake, delisted=delistings(lake))}
    assert states == {LIVING: "ok", "BINANCE:ETHUSDT": "ok", GONE: "delisted", QUIET: "stale"}
    records = RegistryManager(lake.folder).read()
    assert records.record(GONE, "1d").delisted == END
    assert [records.record(name, "1d").state for name in (GONE, QUIET)] == [AssetState.STABLE, AssetState.DEGRADED]


def test_moments_are_dates_or_utc_and_what_is_empty_is_not_known(tmp_path: Path) -> None:
    file = tmp_path / "listings.csv"
    file.write_text("symbol,listed_at,delisted_at\nA:B,2024-01-02, 2024-03-04T05:06:07Z\nA:C,,\n")
    found = read_listings(file)
    assert found.schema == pl.Schema(dict(INSTRUMENTS))
    assert found.select("symbol", "listed_at", "delisted_at").rows() == [
        ("A:B", datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 3, 4, 5, 6, 7, tzinfo=UTC)),
        ("A:C", None, None),
    ]
    found.select("symbol", "delisted_at").write_parquet(tmp_path / "listings.parquet")
    assert read_listings(tmp_path / "listings.parquet")["delisted_at"].to_list() == found["delisted_at"].to_list()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("symbol,ended\nA:B,2024-01-01\n", "expected the columns symbol, delisted_at"),
        ("symbol,listed_at\nA:B,2024-01-01\n", "expected the columns symbol, delisted_at"),
        ("symbol,delisted_at\nA:B,yesterday\n", "a moment is neither"),
        ("symbol,delisted_at\nbtc,2024-01-01\n", "'btc' is not EXCHANGE:TICKER"),
        ("symbol,delisted_at\nA:B,2024-01-01\nA:B,2024-01-02\n", "A:B is there more than once"),
        ("symbol,delisted_at,listed_at\nA:B,2024-01-01,2024-01-01\n", "A:B ended before it was listed"),
        (None, "no list of listings can be read"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path: Path, text: str | None, why: str) -> None:
    file = tmp_path / "listings.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(DataError, match=why):
        read_listings(file)
