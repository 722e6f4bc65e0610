from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.errors import ProfileError
from tvquant.core.panel import Basis
from tvquant.core.stamps import Stamp
from tvquant.lake import Lake
from tvquant.lake.forks import pinned, rebuilt
from tvquant.lake.perturbations import rows_deleted
from tvquant.lake.reading import sources
from tvquant.lake.storage import tables
from tvquant.lake.writing.upserts import upsert

BTC, SIM, SOL = "BINANCE:BTCUSDT", "BINANCE:S001USDT", "KRAKEN:SOLUSD"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
type Deliver = Callable[..., Any]
type Made = Callable[..., dict[str, Any]]


def synced(lake: Lake, bars: Made, symbol: str, *, source: str = "simulated") -> None:
    rows = pl.DataFrame(bars(symbol, [1.0, 2.0, 3.0])).with_columns(
        pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC"), volume=pl.lit(5.0), quote_volume=None
    )
    upsert(lake, rows, interval="1d", basis=Basis.RAW, source=source, recorded_at=NOW, reason="sync")


def stamped(lake: Lake, *symbols: str) -> list[bool]:
    panel = lake.panel(lake.pin(symbols))
    return [Stamp.SIMULATED in panel.until(panel.known_at[0, 0]).stamps_of((name,)) for name in symbols]


def test_simulated_bars_are_stamped_from_their_first_on_and_others_never(
    lake: Lake, deliver: Deliver, bars: Made
) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    before = lake.pin([BTC])
    synced(lake, bars, SIM)
    assert stamped(lake, BTC, SIM) == [False, True]
    assert lake.pin([BTC]).digest == before.digest
    assert all(fact.field != "simulated" for fact in lake.panel(lake.pin([SIM])).instruments[0].facts)


def test_the_stamp_is_content_and_survives_a_fork(lake: Lake, bars: Made, tmp_path: Path) -> None:
    synced(lake, bars, SIM)
    other = Lake(tmp_path / "other")
    synced(other, bars, SIM, source="binance")
    assert lake.pin([SIM]).digest != other.pin([SIM]).digest
    snapshot = lake.pin([SIM])
    rows = pinned(lake, snapshot)
    fork = rebuilt([rows], tmp_path / "fork")
    assert stamped(fork, SIM) == [True]
    assert fork.pin([SIM]).digest == snapshot.digest
    cut = rows_deleted(rows, np.datetime64("2021-01-02T00:00", "us"), np.random.default_rng(0))
    assert cut is not None
    assert stamped(rebuilt([cut], tmp_path / "cut"), SIM) == [True]


def test_simulated_bars_are_refused_beside_real_ones_of_their_exchange(
    lake: Lake, deliver: Deliver, bars: Made
) -> None:
    sources.check(lake.root, [SIM], source="simulated")  # an empty lake has neither
    deliver(bars(BTC, [1.0, 2.0]), bars("BINANCE:ETHUSDT", [1.0]))
    sources.check(lake.root, [SOL], source="simulated")
    sources.check(lake.root, ["BINANCE:XRPUSDT"], source="binance")
    with pytest.raises(ProfileError, match=r"real ones of it \(BINANCE:BTCUSDT and 1 others\).* by --into-real"):
        sources.check(lake.root, [SOL, SIM], source="simulated")
    sources.check(lake.root, [SIM], source="simulated", mixing=True)
    with pytest.raises(ProfileError, match=f"simulated bars of {BTC} were given, but the lake holds real ones; use"):
        sources.check(lake.root, [BTC], source="simulated", mixing=True)


def test_real_bars_are_refused_beside_simulated_ones_of_their_exchange(
    lake: Lake, deliver: Deliver, bars: Made
) -> None:
    synced(lake, bars, SIM)
    with pytest.raises(ProfileError, match="mix them by --into-simulated"):
        deliver(bars(BTC, [1.0, 2.0]))
    assert lake.symbols() == (SIM,)
    deliver(bars(SOL, [1.0, 2.0]))
    deliver(bars(BTC, [1.0, 2.0]), mixing=True)
    assert stamped(lake, BTC, SIM) == [False, True]
    with pytest.raises(ProfileError, match="holds simulated ones; use another workspace"):
        deliver(bars(SIM, [1.0, 2.0]), mixing=True)


def test_who_could_hold_simulated_bars_is_told_without_reading(lake: Lake, deliver: Deliver, bars: Made) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    assert not tables.may_hold(lake.root, "bars", "source", "simulated", None)
    assert not tables.may_hold(lake.root, "bars_4h", "source", "simulated", None)
    synced(lake, bars, SIM)
    assert tables.may_hold(lake.root, "bars", "source", "simulated", None)
    assert not tables.may_hold(lake.root, "bars", "source", "simulated", 0)
