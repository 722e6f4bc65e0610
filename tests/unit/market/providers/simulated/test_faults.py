from collections import Counter
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tvquant.core.errors import ProfileError
from tvquant.market.providers.simulated.faults import DELIVERY, HARMLESS, Fault, FaultKind, Faults, draw, spoil

DAY = datetime(2022, 1, 5, tzinfo=UTC)
PRICES = ["open", "high", "low", "close"]


@pytest.fixture
def rows(world):
    return world.truth("BINANCE:S001USDT", now=datetime(2022, 1, 11, tzinfo=UTC)).tail(10)


def fault(kind, **more):
    return Fault(kind=kind, symbol="BINANCE:S001USDT", start=DAY, end=DAY + timedelta(days=2), **more)


def hit(rows):
    return rows.filter(pl.col("timestamp").is_between(DAY, DAY + timedelta(days=1)))


def rest(rows):
    return rows.filter(~pl.col("timestamp").is_between(DAY, DAY + timedelta(days=1)))


@pytest.mark.parametrize("kind", list(FaultKind))
def test_only_the_touched_bars_are_touched(rows, kind):
    got = spoil(rows, fault(kind)).sort("timestamp")
    assert rest(got).equals(rest(rows))
    if kind in DELIVERY or kind is FaultKind.DISORDER:
        assert got.equals(rows)
    else:
        assert not hit(got).equals(hit(rows))


def test_a_gap_and_a_stale_answer_lack_bars(rows):
    assert hit(spoil(rows, fault(FaultKind.GAP))).is_empty()
    stale = Fault(kind=FaultKind.STALE, symbol="BINANCE:S001USDT", start=DAY)
    assert spoil(rows, stale)["timestamp"].max() == DAY - timedelta(days=1)


def test_duplicates_are_equal_and_conflicts_differ_without_contradicting_themselves(rows):
    twice = spoil(rows, fault(FaultKind.DUPLICATE))
    assert len(twice) == len(rows) + 2
    assert twice.unique(maintain_order=True).equals(rows)
    conflict = hit(spoil(rows, fault(FaultKind.CONFLICT)))
    assert len(conflict.unique()) == 4
    assert (conflict["high"] >= conflict["close"]).all()
    assert (conflict["low"] <= conflict["close"]).all()
    assert conflict["timestamp"].is_sorted()


def test_disorder_is_newest_first(rows):
    assert spoil(rows, fault(FaultKind.DISORDER))["timestamp"].is_sorted(descending=True)


def test_wrong_prices(rows):
    swapped = hit(spoil(rows, fault(FaultKind.HIGH_LOW)))
    assert swapped["high"].to_list() == hit(rows)["low"].to_list()
    assert swapped["low"].to_list() == hit(rows)["high"].to_list()
    spike = hit(spoil(rows, fault(FaultKind.SPIKE, factor=3.0)))
    assert (spike["close"] / hit(rows)["close"]).to_list() == pytest.approx([3.0, 3.0])
    assert (spike["high"] >= spike["close"]).all()
    assert spike["open"].to_list() == hit(rows)["open"].to_list()
    scaled = hit(spoil(rows, fault(FaultKind.SCALE)))
    assert scaled.select(PRICES).to_numpy() == pytest.approx(1000 * hit(rows).select(PRICES).to_numpy())
    assert scaled["volume"].to_list() == hit(rows)["volume"].to_list()


def test_what_is_irreparable():
    faults = Faults(
        faults=(
            Fault(kind=FaultKind.GAP, symbol="A", requests=None),
            Fault(kind=FaultKind.GAP, symbol="B", requests=9),
            Fault(kind=FaultKind.DISORDER, symbol="C", requests=None),
            Fault(kind=FaultKind.SERVER_ERROR, symbol="D", requests=None),
        )
    )
    assert faults.irreparable == {"A", "D"}


def test_a_fault_that_never_shows_is_refused():
    with pytest.raises(ProfileError, match="0 requests"):
        Fault(kind=FaultKind.GAP, symbol="A", requests=0)


def test_every_kind_is_drawn_in_turn():
    symbols = [f"BINANCE:S{i:03d}USDT" for i in range(200)]
    now = datetime(2024, 5, 3, 10, 30, tzinfo=UTC)
    got = draw(symbols, seed=1, now=now)
    counts = Counter(one.kind for one in got.faults)
    assert set(counts) == set(FaultKind)
    assert sum(counts.values()) == 100
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len({one.symbol for one in got.faults}) == 100
    assert got == draw(symbols, seed=1, now=now)
    assert got != draw(symbols, seed=2, now=now)
    assert 5 <= len(got.irreparable) <= 30
    for one in got.faults:
        assert (one.start is None) == (one.kind in DELIVERY or one.kind is FaultKind.DISORDER)
        assert one.start is None or one.start < now
        assert one.requests is not None or one.kind not in (FaultKind.BAN, FaultKind.SPIKE, *HARMLESS)
    assert all(one.requests is None for one in got.faults if one.kind is FaultKind.UNKNOWN)
