"""What judged bars say against their basis, actions, volume and dates; and what their health makes of it."""

import os
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from tvquant.core.errors import LedgerError
from tvquant.core.panel import Basis
from tvquant.lake import FindingKind, HealthState, Lake, audit, health
from tvquant.lake.quality.health import gate
from tvquant.lake.writing.declared_basis import Doubt

BTC, AAA, BBB = "BINANCE:BTCUSDT", "NASDAQ:AAA", "NASDAQ:BBB"
HOLIDAYS = {date(2021, 1, 18), date(2021, 2, 15), date(2021, 4, 2)}
SESSIONS = [
    day for k in range(170) if (day := date(2021, 1, 4) + timedelta(days=k)).weekday() < 5 and day not in HOLIDAYS
]
SESSIONS = [day for day in SESSIONS if day != date(2021, 5, 31)][:100]
EX = 60
SPOILT = [(spoilt, at) for at in (0, 50, 99) for spoilt in ("negative", "zero", "disorder", "conflict")]
"""How a bar is spoilt, and which; the gate has every way once, one way at every place, and the last bar twice."""
if not os.environ.get("TVQUANT_PROOF"):
    SPOILT = [
        (spoilt, at) for spoilt, at in SPOILT if at == 50 or spoilt == "negative" or (spoilt, at) == ("conflict", 99)
    ]


def stamps(hour: str = "00:00", shift: int = 0) -> list[str]:
    return [f"{day + timedelta(days=shift)}T{hour}:00Z" for day in SESSIONS]


def closes(seed: int = 1, count: int = 100) -> list[float]:
    moves = np.random.default_rng(seed).normal(0.0, 0.01, count).cumsum()
    return [float(value) for value in 100.0 * np.exp(moves)]


def splits(ratio: float) -> list[float]:
    return [ratio if k == EX else 0.0 for k in range(100)]


def found(lake: Lake, *kinds: FindingKind, **more: Any) -> list[tuple[str, str, str]]:
    return [(f.symbol, f.kind.value, str(f.first)[:10]) for f in audit(lake, **more) if f.kind in kinds]


def state(lake: Lake, symbol: str = AAA, **more: Any) -> HealthState:
    (one,) = health(lake, [symbol], **({"minimum": 1} | more))
    return one.state


@pytest.mark.requirement("R-DAT-10")
@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ({"stock_splits": splits(0.25)}, {"unshown_action"}),  # upside down
        ({"stock_splits": splits(4.0)}, {"unshown_action", "basis_contradiction"}),  # not in the prices
        ({"dividends": [30.0 if k == EX else 0.0 for k in range(100)]}, {"unshown_action"}),  # a hundredfold
    ],
)
def test_an_action_that_prices_deny_is_named_and_a_gate_from_its_day_on(
    action: dict[str, list[float]], kinds: set[str], lake: Lake, deliver: Any, bars: Any
) -> None:
    factor = 0.25 if action.get("stock_splits") == splits(0.25) else 1.0
    shown = [close * factor if k >= EX else close for k, close in enumerate(closes())]
    deliver(bars(AAA, shown, timestamp=stamps(), **action), basis=Basis.RAW, doubt=Doubt.IGNORE)
    deliver(bars(BBB, closes(2), timestamp=stamps()), basis=Basis.RAW)
    both = (FindingKind.UNSHOWN_ACTION, FindingKind.BASIS)
    day = str(SESSIONS[EX])
    named = found(lake, *both)
    assert {kind for _, kind, _ in named} == kinds
    assert {(symbol, first) for symbol, _, first in named} == {(AAA, day)}
    assert (state(lake), state(lake, BBB)) == (HealthState.CONTRADICTED, HealthState.OK)
    before = np.datetime64(f"{day}T19:00", "us")
    assert state(lake, as_of=before) is HealthState.OK
    assert not found(lake, *both, as_of=before)
    assert state(lake, as_of=before + np.timedelta64(2, "h")) is HealthState.CONTRADICTED
    with pytest.raises(LedgerError, match=rf"1 of 2 assets are fine; not: {AAA} \(contradicted\)"):
        gate(health(lake, minimum=1))


def test_right_actions_pass_and_what_was_accepted_is_usable_and_named(lake: Lake, deliver: Any, bars: Any) -> None:
    shown = [close / 4 if k >= EX else close for k, close in enumerate(closes())]
    deliver(bars(BBB, shown, timestamp=stamps(), stock_splits=splits(4.0)), basis=Basis.RAW)
    deliver(bars(AAA, closes(), timestamp=stamps(), stock_splits=splits(4.0)), basis=Basis.RAW, doubt=Doubt.ACCEPT)
    assert (state(lake, BBB), state(lake)) == (HealthState.OK, HealthState.ACCEPTED)
    assert HealthState.ACCEPTED.usable
    assert not HealthState.ACCEPTED.fine
    assert state(lake, minimum=101) is HealthState.DROPPED
    told = [f for f in audit(lake) if not f.kind.note]
    assert {f.symbol for f in told} == {AAA}
    assert all("taken on your word" in f.detail for f in told)


def test_actions_that_conflict_are_not_applied_and_deny_nothing(lake: Lake, deliver: Any, bars: Any) -> None:
    for ratio in (4.0, 5.0):
        given = bars(AAA, closes(), timestamp=stamps(), stock_splits=splits(ratio))
        deliver(given, basis=Basis.RAW, doubt=Doubt.IGNORE)
    assert not found(lake, FindingKind.UNSHOWN_ACTION, FindingKind.BASIS)
    assert found(lake, FindingKind.CONFLICTING_ACTION)


@pytest.mark.requirement("R-DAT-15")
@pytest.mark.parametrize(("spoilt", "at"), SPOILT)
def test_a_bar_that_is_masked_is_not_healthy_wherever_it_stands(
    spoilt: str, at: int, lake: Lake, deliver: Any, bars: Any
) -> None:
    given = bars(AAA, closes(), timestamp=stamps())
    wrong = {"negative": ("low", -1.0), "zero": ("open", 0.0), "disorder": ("high", 1.0)}
    if spoilt in wrong:
        column, value = wrong[spoilt]
        given[column][at] = value
    deliver(given, basis=Basis.TOTAL)
    if spoilt == "conflict":
        deliver(
            {name: [values[at] * 1.1 if name == "volume" else values[at]] for name, values in given.items()},
            basis=Basis.TOTAL,
        )
    assert state(lake) is HealthState.MASKED
    assert state(lake, lookback=30) is (HealthState.MASKED if at == 99 else HealthState.OK)
    assert state(lake, as_of=np.datetime64(f"{SESSIONS[98]}T22:00", "us")) is (
        HealthState.OK if at == 99 else HealthState.MASKED
    )
    with pytest.raises(LedgerError, match="masked"):
        gate(health(lake, minimum=1))


@pytest.mark.parametrize("interval", [3, 5])
def test_holes_in_volume_are_named_and_days_without_a_trade_are_not(
    interval: int, lake: Lake, deliver: Any, bars: Any
) -> None:
    holes = [k % interval == 0 for k in range(100)]
    null = bars(BTC, closes(), volume=[None if hole else 10.0 for hole in holes])
    zero = bars("BINANCE:ETHUSDT", closes(), volume=[0.0 if hole else 10.0 for hole in holes])
    price = [1.0 if hole else 2.0 for hole in holes]
    still = bars("BINANCE:ADAUSDT", price, volume=zero["volume"], open=price, high=price, low=price)
    late = bars("BINANCE:XRPUSDT", closes(), volume=[None] * 60 + [10.0] * 40)
    without = bars("BINANCE:AAVEUSDT", closes(), volume=[None] * 100)
    deliver(null, zero, still, late, without)
    told = {f.symbol: f.count for f in audit(lake) if f.kind is FindingKind.VOLUME_HOLE}
    inner = sum(holes) - 1 - (99 % interval == 0)
    assert told == {BTC: inner, "BINANCE:ETHUSDT": inner}
    assert not FindingKind.VOLUME_HOLE.note


@pytest.mark.requirement("R-DAT-05")
@pytest.mark.parametrize(
    ("hour", "shift", "way"),
    [("18:30", -1, "early"), ("15:00", -1, "early"), ("00:00", -1, "early"), ("05:00", 1, "late")],
)
def test_dates_of_midnights_elsewhere_are_found_and_not_healthy(
    hour: str, shift: int, way: str, lake: Lake, deliver: Any, bars: Any
) -> None:
    deliver(bars(AAA, closes(), timestamp=stamps(hour, shift)), basis=Basis.SPLIT)
    (drift,) = (f for f in audit(lake) if f.kind is FindingKind.CALENDAR_DRIFT)
    assert (drift.count, f"a day {way}" in drift.detail) == (100, True)
    assert not state(lake, lookback=2).fine
    with pytest.raises(LedgerError, match=AAA):
        gate(health(lake, minimum=1))


@pytest.mark.parametrize("hour", ["05:00", "14:30"])
def test_midnights_and_openings_of_the_same_day_are_sessions(hour: str, lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAA, closes(), timestamp=stamps(hour)), basis=Basis.TOTAL)
    assert not [f for f in audit(lake) if not f.kind.note]
    assert state(lake) is HealthState.OK


@pytest.mark.requirement("R-DAT-10")
@pytest.mark.parametrize(
    ("ended", "now", "expected"),
    [
        ("2021-04-11", "2021-06-01", HealthState.DELISTED),
        ("2021-04-12", "2021-06-01", HealthState.DELISTED),
        ("2021-04-20", "2021-06-01", HealthState.STALE),  # bars do not reach to the end
        ("2021-04-12", "2021-04-11T12:00", HealthState.OK),  # not known yet
        (None, "2021-06-01", HealthState.STALE),
    ],
)
def test_what_its_provider_ended_is_delisted_and_fine(
    ended: str | None, now: str, expected: HealthState, lake: Lake, deliver: Any, bars: Any
) -> None:
    deliver(bars(BTC, closes()))  # to the 10th of April
    known = {BTC: np.datetime64(ended, "us")} if ended else {}
    got = state(lake, BTC, now=np.datetime64(now, "us"), delisted=known)
    assert got is expected
    assert HealthState.DELISTED.fine
