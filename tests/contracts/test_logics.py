"""What every gated logic must keep, and what each of them says, held against plain loops over the same bars."""

import math
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from time import process_time
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from builders.panels import instrument, panel_of
from tvquant.atoms import LOGICS, gates, is_gated, synthesise
from tvquant.atoms.gates import bars_of
from tvquant.atoms.logics.breakout import BreakoutOptions
from tvquant.atoms.logics.carry import CarryOptions
from tvquant.atoms.logics.contract import Bars
from tvquant.atoms.logics.momentum import MomentumOptions
from tvquant.atoms.logics.reversion import ReversionOptions
from tvquant.atoms.logics.trend_gated import TrendOptions
from tvquant.core.atoms import Atom, Direction
from tvquant.core.instruments import Kind
from tvquant.core.panel import Floats, Panel

GATED = sorted(name for name, logic in LOGICS.items() if logic.gate is not None)
OPTIONS = (
    MomentumOptions(lookback=30, skip=5),
    TrendOptions(averages=(10, 40)),
    ReversionOptions(mean=15, width=1.5),
    BreakoutOptions(entry=12, exit=5),
    CarryOptions(bars=4, hurdle=0.02),
)
FIRST = {"momentum": 30, "trend_gated": 39, "reversion": 14, "breakout": 12, "carry": 3}
"""Number of the first bar with a gate."""
N = 160
FIELDS = tuple(one.name for one in fields(Bars))


def bars(seed: int = 0, n: int = N, funding: bool = True) -> Bars:
    """A walk from 1 with highs and lows, and the funding of three payments a day."""
    draw = np.random.default_rng(seed)
    level = np.exp(np.concatenate([[0.0], draw.normal(0.0, 0.03, n - 1)]).cumsum())
    paid = draw.normal(0.0, 2e-4, n) if funding else np.full(n, np.nan)
    return Bars(
        level=level,
        high=level * (1.0 + 0.02 * draw.random(n)),
        low=level * (1.0 - 0.02 * draw.random(n)),
        funding=paid,
        funding_hours=np.where(np.isnan(paid), np.nan, 24.0),
    )


def cut(given: Bars, n: int) -> Bars:
    return replace(given, **{name: getattr(given, name)[:n] for name in FIELDS})


def gate_of(name: str, given: Bars, direction: Direction = Direction.LONG) -> Floats:
    gate = LOGICS[name].gate
    assert gate is not None
    return gate(given, direction, OPTIONS)


def everywhere() -> Iterator[Any]:
    for name in GATED:
        for direction in Direction:
            yield pytest.param(name, direction, id=f"{name}-{direction}")


BOTH = pytest.mark.parametrize(("name", "direction"), list(everywhere()))


# ------------------------------------------------------------------ what each says, in plain loops


def _momentum(b: Bars, t: int, sign: int) -> float:
    if t < 30:
        return math.nan
    return float(sign * (b.level[t - 5] / b.level[t - 30] - 1.0) > 0.0)


def _trend(b: Bars, t: int, sign: int) -> float:
    if t < 39:
        return math.nan
    means = [sum(b.level[k] for k in range(t - w + 1, t + 1)) / w for w in (10, 40)]
    return sum(sign * (b.level[t] - mean) > 0.0 for mean in means) / 2


def _reversion(b: Bars, t: int, sign: int) -> float:
    if t < 14:
        return math.nan
    last = [float(b.level[k]) for k in range(t - 14, t + 1)]
    mean = sum(last) / 15
    spread = math.sqrt(sum((x - mean) ** 2 for x in last) / 15)
    return min(1.0, max(0.0, -sign * (last[-1] - mean) / (1.5 * spread)))


def _breakout(b: Bars, t: int, sign: int) -> float:
    """Walk from the first bar: a state machine without a vector."""
    if t < 12:
        return math.nan
    held = False
    for k in range(12, t + 1):
        top = [b.high[i] for i in range(k)]
        bottom = [b.low[i] for i in range(k)]
        up = b.level[k] > max(top[-12 if sign > 0 else -5 :])
        down = b.level[k] < min(bottom[-5 if sign > 0 else -12 :])
        enters, leaves = (up, down) if sign > 0 else (down, up)
        held = True if enters else False if leaves else held
    return float(held)


def _carry(b: Bars, t: int, sign: int) -> float:
    if t < 3:
        return math.nan
    yearly = sum(b.funding[t - 3 : t + 1]) / 4 * 365  # of whole days
    return float(-sign * yearly > 0.02)


REFEREES: dict[str, Callable[[Bars, int, int], float]] = {
    "momentum": _momentum,
    "trend_gated": _trend,
    "reversion": _reversion,
    "breakout": _breakout,
    "carry": _carry,
}


@pytest.mark.requirement("R-SYN-04")
@BOTH
def test_a_gate_is_what_its_source_says(name: str, direction: Direction) -> None:
    given = bars(3)
    found = gate_of(name, given, direction)
    expected = [REFEREES[name](given, t, direction.sign) for t in range(N)]
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-12)
    seen = found[np.isfinite(found)]
    assert 0.05 < seen.mean() < 0.95, "the walk opens and closes it"


# ------------------------------------------------------------------ what all keep


@BOTH
def test_gates_are_from_0_to_1_and_missing_only_before_the_first(name: str, direction: Direction) -> None:
    for seed in range(3):
        found = gate_of(name, bars(seed), direction)
        assert np.array_equal(np.isnan(found), np.arange(N) < FIRST[name])
        assert ((found[FIRST[name] :] >= 0.0) & (found[FIRST[name] :] <= 1.0)).all()
    for n in range(FIRST[name] + 2):
        assert len(gate_of(name, bars(0, max(n, 1)), direction)) == max(n, 1)


def stable(gate: Callable[[Bars], Floats]) -> bool:
    """Whether each gate is that of the bars until it, whatever follows: rows cut, and rows scrambled."""
    whole, other = bars(1), bars(2)
    found = gate(whole)
    for k in range(45, N, 7):
        if not np.array_equal(gate(cut(whole, k)), found[:k], equal_nan=True):
            return False
        mixed = {name: np.r_[getattr(whole, name)[:k], 50.0 * getattr(other, name)[k:]] for name in FIELDS}
        if not np.array_equal(gate(Bars(**mixed))[:k], found[:k], equal_nan=True):
            return False
    return True


@pytest.mark.requirement("R-SIM-03")
@BOTH
def test_no_later_bar_changes_a_gate_by_a_bit(name: str, direction: Direction) -> None:
    assert stable(lambda given: gate_of(name, given, direction))


def _min_max(b: Bars) -> Floats:
    return np.asarray((b.level - b.level.min()) / (b.level.max() - b.level.min()))


def _centred(b: Bars) -> Floats:
    return np.asarray((np.convolve(b.level, np.ones(5) / 5, "same") < b.level).astype(float))


def _latest_range(b: Bars) -> Floats:
    return np.full(len(b.level), float(np.mean((b.high - b.low)[-20:]) > 0.02))


def _back_adjusted(b: Bars) -> Floats:
    return np.asarray((b.level / b.level[-1] > 1.0).astype(float))


def _whole_health(b: Bars) -> Floats:
    return np.full(len(b.level), float(np.ptp(b.level) > 0.5 * b.level.mean()))


def _survives(b: Bars) -> Floats:
    return np.full(len(b.level), float(len(b.level) >= N))


PLANTED = {
    "whole-sample min-max": _min_max,
    "centred window": _centred,
    "today's liquidity": _latest_range,
    "back-adjustment level": _back_adjusted,
    "whole-sample health": _whole_health,
    "future delisting": _survives,
}


@pytest.mark.requirement("R-SIM-03")
@pytest.mark.parametrize("leak", PLANTED)
def test_a_planted_leak_is_found_at_the_rows_of_a_gate(leak: str) -> None:
    """A view that is cut at the decision hides such a leak from decisions; the training rows have it all the same."""
    assert not stable(PLANTED[leak])


@BOTH
def test_the_newest_bar_counts(name: str, direction: Direction) -> None:
    """But of momentum, whose newest bar is the one that it skips to."""
    given, at = bars(4), N - 1 - (5 if name == "momentum" else 0)
    found = {gate_of(name, given, direction)[-1]}
    for factor in (0.5, 2.0):
        other = {field: getattr(given, field).copy() for field in FIELDS}
        for field in ("level", "high", "low"):
            other[field][at] *= factor
        other["funding"][at] = 0.05 * np.log(factor)
        found.add(gate_of(name, Bars(**other), direction)[-1])
    assert len(found) > 1


@BOTH
def test_a_price_that_stands_still_is_on_no_side(name: str, direction: Direction) -> None:
    still = Bars(level=np.ones(N), high=np.ones(N), low=np.ones(N), funding=np.zeros(N), funding_hours=np.full(N, 24.0))
    found = gate_of(name, still, direction)
    assert not found[FIRST[name] :].any()
    ragged = replace(still, level=still.level * 0.1 * 3.0)  # a mean of .3 is .3 but for rounding
    assert not gate_of(name, replace(ragged, high=ragged.level, low=ragged.level), direction)[FIRST[name] :].any()


@pytest.mark.parametrize("direction", list(Direction))
def test_a_close_at_the_edge_of_a_channel_is_not_beyond_it(direction: Direction) -> None:
    """Entry by two bars and exit by one: at the edge nothing opens and nothing closes, a hair beyond it both do.

    A short has the same of the negative of each step.
    """
    gate = LOGICS["breakout"].gate
    assert gate is not None
    for steps, held in (
        ((0.0, 0.0, 0.1, 0.1), [0.0, 1.0, 1.0]),  # bar 2 is above 1, bar 3 at the highest and the lowest of bar 2
        ((0.0, 0.0, 0.0, 0.1), [0.0, 0.0, 1.0]),
        ((0.0, 0.0, 0.1, 0.1 - 1e-9), [0.0, 1.0, 0.0]),
    ):
        level = 1.0 + direction.sign * np.array([0.0, *steps])
        flat = Bars(level=level, high=level, low=level, funding=level, funding_hours=level)
        assert gate(flat, direction, (BreakoutOptions(entry=2, exit=1),))[2:].tolist() == held


@pytest.mark.parametrize("name", GATED)
def test_no_bar_opens_both_sides_fully(name: str) -> None:
    both = gate_of(name, bars(5)) + gate_of(name, bars(5), Direction.SHORT)
    assert np.nanmax(both) <= 1.0
    assert np.nanmax(both) > 0.0


@pytest.mark.parametrize("name", GATED)
def test_a_gate_costs_little(name: str) -> None:
    """A thousand names of ten years take seconds at most, and time grows with the bars alone."""
    long, begun = bars(6, 2520), process_time()
    for _ in range(20):
        gate_of(name, long)
    assert (process_time() - begun) / 20 < 0.02


# ------------------------------------------------------------------ on panels


def _panel(seed: int = 7, *, split: bool = False, holes: bool = False) -> Panel:
    """One perpetual swap; through a split of ten for one, or with rows at which it has no bar."""
    given, at = bars(seed), 60
    units = np.where(np.arange(N) >= at, 10.0, 1.0) if split else np.ones(N)
    columns = {name: 100.0 * getattr(given, field) / units for name, field in
               (("close", "level"), ("high", "high"), ("low", "low"))}  # fmt: skip
    columns |= {"funding": given.funding, "funding_hours": given.funding_hours}
    if split:
        columns["split"] = np.where(np.arange(N) == at, 10.0, 1.0)
    if holes:
        keep = np.ones(N, bool)
        keep[[0, 50, 51, 90, N - 1]] = False
        columns = {name: np.where(keep, values, np.nan) for name, values in columns.items()}
    return panel_of({name: values[:, None] for name, values in columns.items()},
                    names=[instrument("N.P", kind=Kind.SWAP)])  # fmt: skip


def _atom(logic: str, direction: Direction = Direction.LONG) -> Atom:
    return Atom(physical_symbol="X:N.P", logic=logic, direction=direction)


@pytest.mark.requirement("R-FEA-12")
@BOTH
def test_a_split_changes_no_gate(name: str, direction: Direction) -> None:
    atoms = [_atom(name, direction)]
    np.testing.assert_allclose(gates(_panel(split=True), atoms, OPTIONS), gates(_panel(), atoms, OPTIONS), atol=1e-9)


@BOTH
def test_a_hole_is_no_bar_and_keeps_the_gate_of_the_bar_before(name: str, direction: Direction) -> None:
    panel = _panel(holes=True)
    found, have = gates(panel, [_atom(name, direction)], OPTIONS)[:, 0], panel.tradable[:, 0]
    np.testing.assert_array_equal(found[have], gate_of(name, bars_of(panel, 0), direction))
    assert math.isnan(found[0])
    np.testing.assert_array_equal(found[[50, 51, 90, N - 1]], found[[49, 49, 89, N - 2]])


def test_bars_are_on_one_scale_and_what_is_not_there_is_missing() -> None:
    panel = panel_of({"close": np.array([[50.0], [55.0], [44.0]])})
    made = bars_of(panel, 0)
    for values in (made.level, made.high, made.low):
        np.testing.assert_allclose(values, [1.0, 1.1, 0.88], rtol=1e-15)
    assert np.isnan(made.funding).all()
    high = panel_of({"close": np.array([[50.0], [55.0]]), "high": np.array([[60.0], [66.0]])})
    np.testing.assert_allclose(bars_of(high, 0).high, [1.2, 1.32], rtol=1e-15)


def test_carry_is_not_known_where_no_payment_is() -> None:
    assert np.isnan(gate_of("carry", bars(funding=False))).all(), "spot has none, and none is not 0"
    for missing, value in (("funding", np.nan), ("funding_hours", 0.0)):  # a rate for no time is no payment
        gap = bars(8)
        getattr(gap, missing)[40] = value
        found = gate_of("carry", gap)
        assert np.isnan(found[40:44]).all()
        assert np.isfinite(found[[39, 44]]).all()
    half = replace(bars(8), funding_hours=np.full(N, 12.0))  # the same payments for half as long: twice the rate
    twice = replace(bars(8), funding=2.0 * bars(8).funding)
    np.testing.assert_array_equal(gate_of("carry", half), gate_of("carry", twice))


@pytest.mark.parametrize("direction", list(Direction))
def test_a_swap_that_pays_nothing_is_carried_by_nobody(direction: Direction) -> None:
    gate = LOGICS["carry"].gate
    assert gate is not None
    assert (gate(replace(bars(8), funding=np.zeros(N)), direction, (CarryOptions(hurdle=0.0),))[10:] == 0.0).all()


@pytest.mark.requirement("R-SYN-04")
@BOTH
def test_a_stream_is_the_gate_of_the_row_before_times_the_asset(name: str, direction: Direction) -> None:
    """Row by row: the return of a row never helps to decide what is held in it."""
    panel = _panel()
    r, atom = panel.fields["total_return"][1:], _atom(name, direction)
    known = gates(panel, [atom], OPTIONS)
    last = int(np.flatnonzero(known[:, 0] > 0.0)[-1])
    stream = synthesise(r[:last], panel.times[1 : last + 1], panel.keys, [atom], known[: last + 1]).streams
    for t in range(1, last + 1):
        own = r[t - 1, 0] if direction is Direction.LONG else -min(r[t - 1, 0], 1.0)
        np.testing.assert_equal(stream.returns[t - 1, 0], known[t - 1, 0] * own)
    assert stream.composition == {atom.symbol: {"X:N.P": direction.sign * known[last, 0]}}


@pytest.mark.requirement("R-SYN-04")
def test_pass_through_and_gated_atoms_of_one_asset_stand_side_by_side() -> None:
    panel, atoms = _panel(), [_atom("hold"), _atom("trend_gated"), _atom("rating_ma", Direction.SHORT)]
    found = gates(panel, atoms, OPTIONS)
    assert (found[:, [0, 2]] == 1.0).all()
    assert [is_gated(atom) for atom in atoms] == [False, True, False]
    end = int(np.flatnonzero(found[:, 1] == 0.5)[-1])
    r = panel.fields["total_return"][1 : end + 1]
    streams = synthesise(r, panel.times[1 : end + 1], panel.keys, atoms, found[: end + 1]).streams
    np.testing.assert_array_equal(streams.returns[:, 0], r[:, 0])
    assert [list(held.values()) for held in streams.composition.values()] == [[1.0], [0.5], [-1.0]]


@pytest.mark.parametrize(
    ("declared", "given", "said"),
    [
        (MomentumOptions, {"lookback": 5, "skip": 5}, r"expected fewer bars than logics.momentum.lookback \(5\)"),
        (BreakoutOptions, {"entry": 5, "exit": 6}, r"expected at most logics.breakout.entry \(5\), found 6"),
        (TrendOptions, {"averages": (5, 5)}, "more than once"),
        (ReversionOptions, {"width": 0.0}, "greater than 0"),
        (CarryOptions, {"hurdle": -0.1}, "greater than or equal to 0"),
    ],
)
def test_options_that_make_no_rule_are_refused(declared: Any, given: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        declared(**given)


def test_no_two_gated_logics_share_a_key() -> None:
    for name in GATED:
        assert [declared.under for declared in LOGICS[name].options] == [name]
