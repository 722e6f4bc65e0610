"""Trading rules of instruments, as they became known."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.core.stamps import Stamp
from tvquant.lake import Lake, Snapshot, forks, perturbations
from tvquant.lake.reading.facts import known_facts
from tvquant.lake.storage import tables
from tvquant.lake.writing.facts import store_facts
from tvquant.symbology.tick_lot import Steps, assumed_steps

BTC, ETH = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT"
MAY = datetime(2026, 5, 1, tzinfo=UTC)
JUNE = MAY + timedelta(days=31)


def told(tick: float | None, lot: float | None = None, symbol: str = BTC) -> pl.DataFrame:
    schema = {"symbol": pl.String(), "tick": pl.Float64(), "lot": pl.Float64()}
    return pl.DataFrame({"symbol": [symbol], "tick": [tick], "lot": [lot]}, schema=schema)


def known(lake: Lake, at: datetime) -> list[tuple[str, str, float]]:
    return known_facts(lake.root, at=at).select("symbol", "field", "value").rows()


def test_a_fact_is_known_from_when_it_was_told(lake: Lake) -> None:
    assert known(lake, MAY) == []
    rows = pl.concat([told(0.1, 0.001), told(0.01, None, ETH)])
    assert store_facts(lake, rows, source="s", recorded_at=MAY) == 3
    assert known(lake, MAY - timedelta(seconds=1)) == []
    assert known(lake, MAY) == [(BTC, "lot", 0.001), (BTC, "tick", 0.1), (ETH, "tick", 0.01)]
    assert known_facts(lake.root, [ETH], at=MAY)["symbol"].to_list() == [ETH]


def test_only_what_is_new_is_stored_and_the_past_stays(lake: Lake) -> None:
    store_facts(lake, told(0.1, 0.001), source="s", recorded_at=MAY)
    version = tables.version(lake.root, "facts")
    assert store_facts(lake, told(0.1, 0.001), source="s", recorded_at=JUNE) == 0
    assert tables.version(lake.root, "facts") == version
    assert store_facts(lake, told(0.5, 0.001), source="s", recorded_at=JUNE) == 1
    assert known(lake, JUNE) == [(BTC, "lot", 0.001), (BTC, "tick", 0.5)]
    assert known(lake, MAY) == [(BTC, "lot", 0.001), (BTC, "tick", 0.1)]
    assert store_facts(lake, told(0.1), source="s", recorded_at=JUNE + timedelta(days=1)) == 1  # back to what it was


def test_what_is_no_fact_is_refused(lake: Lake) -> None:
    for rows, why in (
        (told(0.0), "tick of BINANCE:BTCUSDT is 0.0"),
        (told(float("inf")), "is inf; one number above zero"),
        (pl.concat([told(0.1), told(0.2)]), "is 0.1; one number"),
        (told(0.1, symbol="NOWHERE:X"), "exchange 'NOWHERE'"),
    ):
        with pytest.raises(DataError, match=why):
            store_facts(lake, rows, source="s", recorded_at=MAY)
    assert not lake.root.exists()


DAY3 = datetime(2021, 1, 3, 12, tzinfo=UTC)
AT = np.datetime64("2021-01-03T12:00", "us")


@pytest.mark.requirement("R-DAT-24")
def test_a_panel_shows_facts_from_when_they_were_told_and_steps_are_assumed_before(
    lake: Lake, deliver: Callable[..., Any], bars: Callable[..., Any]
) -> None:
    deliver(bars(BTC, [1.0, 2.0, 3.0, 4.0]), bars(ETH, [1.0, 2.0, 3.0, 4.0]))
    bare = lake.pin([BTC, ETH])
    before = lake.panel(bare)
    store_facts(lake, pl.concat([told(0.1, 0.001), told(0.01, None, ETH)]), source="s", recorded_at=DAY3)
    panel = lake.panel(lake.pin([BTC, ETH]))
    btc, eth = panel.columns((BTC, ETH))
    at = AT - np.timedelta64(1, "us")
    early, late = panel.until(at), panel.until(AT)
    assert early.instruments == before.until(at).instruments
    assert early.stamps == before.until(at).stamps  # nothing known later changes an earlier look
    assert early.stamps_of((BTC,)) == {Stamp.ASSUMED_METADATA}
    view = late.instruments[btc].view(AT)
    assert (view.tick, view.lot, view.min_notional) == (0.1, 0.001, None)
    assert late.stamps_of((BTC,)) == frozenset()
    assert late.stamps_of((ETH,)) == {Stamp.ASSUMED_METADATA}  # a tick without a lot is half of it
    assert late.instruments[eth].view(AT).tick == 0.01
    assert lake.panel(bare).instruments == before.instruments  # a snapshot is what it was


@pytest.mark.requirement("R-DAT-24")
def test_facts_are_content_and_survive_a_fork(
    lake: Lake, deliver: Callable[..., Any], bars: Callable[..., Any], tmp_path: Path
) -> None:
    deliver(bars(BTC, [1.0, 2.0, 3.0, 4.0]), bars(ETH, [1.0, 2.0, 3.0, 4.0]))
    bare = lake.pin([BTC, ETH])
    store_facts(lake, told(0.1, 0.001), source="s", recorded_at=DAY3)
    pinned = lake.pin([BTC, ETH])
    assert pinned.symbols[ETH] == bare.symbols[ETH]
    assert pinned.symbols[BTC] != bare.symbols[BTC]
    older = Snapshot(digest=bare.digest, symbols=bare.symbols, tables={**bare.tables})
    assert "facts" not in older.tables
    assert lake.panel(older).keys == (BTC, ETH)  # pinned before there were facts: it still reads
    rows = forks.pinned(lake, pinned)
    copy = forks.rebuilt([rows], tmp_path / "same")
    assert copy.panel(copy.pin([BTC, ETH])).instruments == lake.panel(pinned).instruments
    edited = perturbations.rows_deleted(rows, np.datetime64("2021-01-03", "us"), np.random.default_rng(0))
    assert edited is not None
    assert edited.facts.is_empty()
    changed = perturbations.facts_changed(lake.panel(pinned), np.datetime64("2021-01-03", "us"))
    assert changed.until(AT).stamps_of((ETH,)) == frozenset()


@pytest.mark.requirement("R-DAT-24")
@pytest.mark.parametrize(
    ("symbol", "closes", "tick", "lot"),
    [
        (BTC, [61234.5, 61000.12], 0.01, 1e-5),
        (ETH, [0.629798, 0.63], 1e-6, 1.0),
        ("NASDAQ:AAPL", [101.123], 0.01, 1.0),
        ("NASDAQ:AAPL", [0.51], 0.0001, 1.0),
    ],
)
def test_steps_are_assumed_from_venue_and_prices(symbol: str, closes: list[float], tick: float, lot: float) -> None:
    assert assumed_steps(symbol, np.array([np.nan, *closes])) == Steps(tick=tick, lot=lot)
    with pytest.raises(DataError, match="no close above zero"):
        assumed_steps(symbol, np.array([np.nan]))
