"""Outliers are found where they are, with what brought them: one name, or the market; a leap, or many steps."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from builders.panels import market_of
from builders.rebalances import path_of, rebalance_of
from tvquant.core.books import Convention, CostModel, Execution, Rebalancing, SimResult
from tvquant.core.panel import Floats, Panel
from tvquant.simulation import SIMULATORS
from tvquant.tournament.outliers import Cause, Outlier, Study, study
from tvquant.tournament.path_holdings import first_fills, restored
from tvquant.tournament.rebalances import Rebalance

ROWS, NAMES, STEP, FIRST = 220, "ABCDEFGH", 20, 140
HIT = FIRST + STEP + 10
"""A row in the middle of the second window."""

CONVENTIONS = pytest.mark.parametrize("convention", [Convention.NEXT_OPEN, Convention.NEXT_CLOSE])


def returns(seed: int = 3) -> Floats:
    """A market that all names follow by half of their moves."""
    draw = np.random.default_rng(seed).normal(0.0, 0.01, (ROWS, len(NAMES) + 1))
    return draw[:, :1] * np.linspace(0.7, 1.3, len(NAMES)) + draw[:, 1:]


def panel_of_returns(moves: Floats, gap: float = 0.3) -> Panel:
    """Closes of these returns; a part of each comes before the open."""
    close = 100.0 * np.cumprod(1.0 + moves, axis=0)
    before = np.vstack([np.full((1, moves.shape[1]), 100.0), close[:-1]])
    opened = before * (1.0 + gap * moves)
    return market_of(dict(zip(NAMES, close.T, strict=True)), open=dict(zip(NAMES, opened.T, strict=True)))


def rebalances_of(panel: Panel, weights: Mapping[str, float]) -> list[Rebalance]:
    """The same book at each of four windows."""
    held = [(f"X:{name}", "LONG" if w > 0 else "SHORT", abs(w), 1.0) for name, w in weights.items()]
    rows = range(FIRST - 1, ROWS - 1, STEP)
    return [rebalance_of(panel, row, *held, window=row + 1) for row in rows]


def played(panel: Panel, weights: Mapping[str, float], execution: Execution) -> tuple[SimResult, list[Rebalance]]:
    rebalances = rebalances_of(panel, weights)
    costs = CostModel(slippage_bps=5.0, commission_bps=1.0)
    result = SIMULATORS["custom"].simulate(panel, path_of(panel, rebalances), costs=costs, execution=execution)
    return result, rebalances


def studied(moves: Floats, weights: Mapping[str, float], execution: Execution | None = None, **more: Any) -> Study:
    execution = execution or Execution()
    panel = panel_of_returns(moves)
    result, rebalances = played(panel, weights, execution)
    first = first_fills(restored(rebalances, result.filled, execution))
    ids = [one.window for one in rebalances]
    return study(panel, result, execution, first_fills=first, ids=ids, **{"partial": [False] * len(ids), **more})


EVEN = dict.fromkeys(NAMES, 1.0 / len(NAMES))
TILTED = {"A": 0.5, "B": 0.1, "C": 0.1, "D": 0.1, "E": 0.1}


@pytest.mark.requirement("R-TRN-10")
@CONVENTIONS
def test_a_crash_of_one_name_is_that_names_and_no_market_move(convention: Convention) -> None:
    """It is in the window that held it, with the day, and neither market nor component have a part in it."""
    moves = returns()
    moves[HIT, 0] = -0.75
    found = studied(moves, TILTED, Execution(convention=convention))
    (one,) = [each for each in found.outliers if "drawdown" in each.reasons]
    assert (one.window, one.cause) == (FIRST + STEP, Cause.NAME_JUMP)
    assert next(iter(one.names)) == "X:A"
    assert one.names["X:A"] == pytest.approx(-0.375, abs=0.06)
    assert one.held["X:A"] == pytest.approx(0.5, abs=0.05)
    assert one.start <= one.largest_on <= one.stop
    assert one.largest_on == str(np.datetime64("2020-01-01") + np.timedelta64(HIT, "D"))
    assert one.largest > 0.9
    assert one.z is not None
    assert one.z > 3.09
    assert abs(one.market) < 0.1
    assert one.by_component is not None
    assert min(one.by_market, one.by_component) > 0.3 * one.change  # of a loss that both are no third of
    assert one.change == pytest.approx(found.windows["drawdown"][1], abs=1e-6), "it is told from the peak on"
    assert sum(one.names.values()) + one.others + one.costs == pytest.approx(one.change, abs=1e-5)


@pytest.mark.requirement("R-TRN-10")
@pytest.mark.parametrize("weights", [EVEN, TILTED])
@CONVENTIONS
def test_a_crash_of_the_market_is_the_markets(weights: Mapping[str, float], convention: Convention) -> None:
    """On one day it is a jump of the market, over ten days a shift; both moves explain it."""
    for days, cause in ((1, Cause.MARKET_JUMP), (10, Cause.FACTOR_SHIFT)):
        moves = returns()
        moves[HIT - 5 : HIT - 5 + days] = (1.0 - 0.4 * np.linspace(0.9, 1.1, len(NAMES))) ** (1.0 / days) - 1.0
        found = studied(moves, weights, Execution(convention=convention))
        (one,) = [each for each in found.outliers if "drawdown" in each.reasons]
        assert (one.window, one.cause) == (FIRST + STEP, cause)
        assert one.market == pytest.approx(-0.4, abs=0.08)
        assert one.by_component is not None
        assert abs(one.costs) < 5e-4, "names bring all but costs, whatever equity was meanwhile"
        for part in (one.by_market, one.by_component):
            assert part / (one.change - one.costs) == pytest.approx(1.0, abs=0.45)


@pytest.mark.requirement("R-TRN-10")
def test_a_slow_fall_of_one_name_is_its_own_and_no_leap() -> None:
    moves = returns()
    moves[HIT - 8 : HIT + 8, 0] -= 0.08
    (one,) = [each for each in studied(moves, TILTED).outliers if "drawdown" in each.reasons]
    assert (one.cause, next(iter(one.names))) == (Cause.OWN_DRIFT, "X:A")


@pytest.mark.requirement("R-TRN-10")
def test_a_short_book_loses_by_the_rise_of_the_market() -> None:
    moves = returns()
    moves[HIT - 5 : HIT + 5] = 0.05
    (one,) = [each for each in studied(moves, {k: -w for k, w in EVEN.items()}).outliers if "drawdown" in each.reasons]
    assert one.cause is Cause.FACTOR_SHIFT
    assert one.market > 0.5
    assert one.by_market < -0.3


@pytest.mark.requirement("R-TRN-10")
def test_a_run_that_lost_more_than_sixty_per_cent_is_one() -> None:
    """Spread over all windows, none of which is one by itself."""
    moves = returns()
    moves[FIRST:] -= 0.014
    found = studied(moves, EVEN)
    (one,) = [each for each in found.outliers if each.window is None]
    assert [each for each in found.outliers if "drawdown" in each.reasons] == [one]
    assert (one.reasons, one.cause) == (("drawdown",), Cause.FACTOR_SHIFT)
    assert one.change < -0.60
    assert not [each for each in studied(returns(), EVEN).outliers if each.window is None]


@CONVENTIONS
@pytest.mark.parametrize("rebalancing", list(Rebalancing))
def test_windows_are_what_lies_between_fills(convention: Convention, rebalancing: Rebalancing) -> None:
    """Their changes are those of the equity from fill to fill, whatever fills lie between."""
    execution = Execution(convention=convention, rebalancing=rebalancing)
    panel = panel_of_returns(returns())
    result, rebalances = played(panel, TILTED, execution)
    first = first_fills(restored(rebalances, result.filled, execution))
    ids = [one.window for one in rebalances]
    found = study(panel, result, execution, first_fills=first, ids=ids, partial=[False, False, False, True])
    levels = np.append(result.fill_equity[first], result.equity[-1])
    assert found.windows["change"] == pytest.approx(levels[1:] / levels[:-1] - 1.0, rel=1e-12)
    assert (found.windows["drawdown"] <= np.minimum(found.windows["change"], 0.0) + 1e-12).all()
    assert np.isfinite(found.windows["sharpe"]).tolist() == [True, True, True, False]


@CONVENTIONS
def test_what_names_bring_from_fill_to_fill_is_all_but_fees(
    convention: Convention, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in rows that a fill parts: before it by the old units, after it by the new ones."""
    monkeypatch.setattr("tvquant.tournament.outliers.SHARPE", 0.0)
    execution = Execution(convention=convention)
    panel = panel_of_returns(returns())
    result, rebalances = played(panel, TILTED, execution)
    first = first_fills(restored(rebalances, result.filled, execution))
    ids = [one.window for one in rebalances]
    found = study(panel, result, execution, first_fills=first, ids=ids, partial=[False] * 4)
    at = result.filled[first] - (ROWS - len(result.times))
    fees = (result.costs["slippage"] + result.costs["commission"])[at] / result.fill_equity[first]
    assert [one.window for one in found.outliers] == ids
    assert [-one.costs for one in found.outliers] == pytest.approx(fees.tolist(), abs=2e-6)


def test_what_explains_a_window_does_not_look_beyond_it() -> None:
    moves = returns()
    moves[HIT, 0] = -0.75
    later = moves.copy()
    later[FIRST + 2 * STEP + 2 :] = -3.0 * returns(8)[FIRST + 2 * STEP + 2 :]
    for one, other in zip(studied(moves, TILTED).outliers[:1], studied(later, TILTED).outliers[:1], strict=True):
        assert one.window == FIRST + STEP
        assert one == other


@pytest.mark.requirement("R-TRN-10")
def test_a_sharpe_ratio_is_of_whole_rows_and_noise_is_counted() -> None:
    """A window that rises day by day is an outlier; of noise as many are as are said to be."""
    moves = returns()
    moves[FIRST + 2 * STEP : FIRST + 3 * STEP] += 0.02
    panel = panel_of_returns(moves, gap=1.0)  # all of a move comes before the open: a window's rows are its bars
    result, rebalances = played(panel, EVEN, Execution())
    first = first_fills(restored(rebalances, result.filled, Execution()))
    ids = [one.window for one in rebalances]
    found = study(panel, result, Execution(), first_fills=first, ids=ids, partial=[False] * 4)
    mine = result.returns[2 * STEP + 1 : 3 * STEP + 1]
    expected = mine.mean() / mine.std(ddof=1) * math.sqrt(365)
    assert found.windows["sharpe"][2] == pytest.approx(expected, rel=0.02)
    assert [one.window for one in found.outliers] == [FIRST + 2 * STEP]
    assert found.outliers[0].reasons == ("sharpe",)
    draws = np.random.default_rng(0).normal(size=(20_000, STEP))
    noise = np.abs(draws.mean(axis=1) / draws.std(axis=1, ddof=1) * math.sqrt(365)) > 10.0
    assert found.by_chance / 4 == pytest.approx(noise.mean(), rel=0.15)


def test_an_outlier_is_what_its_payload_says() -> None:
    moves = returns()
    moves[HIT, 0] = -0.75
    found = studied(moves, {"A": 0.6, "B": 0.4})
    (one,) = found.outliers
    assert one.by_component is None, "two names cannot outvote one"
    assert Outlier.of(found.payload()["outliers"][0]) == one
    assert found.payload()["windows"]["change"] == pytest.approx(found.windows["change"], abs=1e-6)


@pytest.mark.requirement("R-TRN-10")
@pytest.mark.parametrize("beyond", [False, True])
def test_the_limits_are_ten_thirty_and_sixty_per_cent(beyond: bool) -> None:
    """One name, held whole, that moves nowhere but where a figure is put just within or just beyond its limit."""

    def found(moves: Floats) -> list[tuple[int | None, tuple[str, ...]]]:
        execution = Execution(convention=Convention.NEXT_CLOSE)
        return [(one.window, one.reasons) for one in studied(moves, {"A": 1.0}, execution).outliers]

    fallen, sunk, ruled, still = (np.zeros((ROWS, len(NAMES))) for _ in range(4))
    fallen[HIT - 3, 0] = 0.1  # a drawdown is from the peak, whatever the window began at
    fallen[HIT, 0] = -0.301 if beyond else -0.299
    assert found(fallen) == ([(FIRST + STEP, ("drawdown",))] if beyond else [])
    sunk[[FIRST + 5, HIT, HIT + STEP, HIT + 2 * STEP], 0] = (0.399 if beyond else 0.401) ** 0.25 - 1.0
    assert found(sunk) == ([(None, ("drawdown",))] if beyond else [])
    swing = 0.001 * np.resize([1.0, -1.0], STEP)
    for sign in (1.0, -1.0):
        mean = sign * (10.05 if beyond else 9.95) / math.sqrt(365) * swing.std(ddof=1)
        ruled[FIRST + STEP + 1 : FIRST + 2 * STEP + 1, 0] = swing + mean
        assert found(ruled) == ([(FIRST + STEP, ("sharpe",))] if beyond else [])
    assert found(still) == []


@pytest.mark.parametrize(("field", "cut"), [("SHARPE", 0.0), ("WINDOW_DRAWDOWN", 0.0), ("RUN_DRAWDOWN", 0.0)])
def test_limits_are_those_that_are_declared(field: str, cut: float, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not studied(returns(), EVEN).outliers
    monkeypatch.setattr(f"tvquant.tournament.outliers.{field}", cut)
    assert studied(returns(), EVEN).outliers
