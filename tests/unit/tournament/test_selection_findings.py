"""Selections over all windows: what is counted, what is averaged, and an information that is known."""

import math

import numpy as np
import pytest

from builders.selections import after_of, response_of
from tvquant.tournament.selection_evidence import measured, nothing_chosen
from tvquant.tournament.selection_findings import finding

ROWS = 20


def window(winners: list[int], returns: list[float], **more: object) -> object:
    given = response_of({"one": np.arange(float(len(returns)))}, winners, **more)  # type: ignore[arg-type]
    return measured(given, after_of(np.array([returns])), rows=ROWS)


def test_what_was_chosen_is_counted_and_compared_with_the_window_before() -> None:
    windows = [
        window([0, 1], [0.1, 0.2, 0.0, 0.1], clusters=[1, 1, 2, 2]),
        window([1, 2, 3], [0.1, 0.2, 0.0, 0.1], clusters=[1, 1, 2, 2], stage=4, flags=frozenset({"sparse"})),
        window([], [0.1, 0.2, 0.0, 0.1], clusters=[1, 2, 1, 2], stage=4, flags=frozenset({"sparse"})),
        nothing_chosen(rows=ROWS, horizons=1, failure="why"),
    ]
    found = finding("m", windows, floor=True)  # type: ignore[arg-type]
    assert (found.windows, found.empty, found.sparse, found.failures) == (4, 2, 3, ("why",))
    assert (found.winners, found.fewest, found.stages) == (5 / 4, 0, (1, 1, 0, 0, 2))
    assert found.overlap == pytest.approx(np.mean([1 / 4, 0.0]))  # without a pool there is none
    assert found.turnover == pytest.approx(2 / 3)
    assert found.rand == pytest.approx(np.mean([1.0, -0.5]))
    assert (found.bets, found.silent) == (2.5, 0.0)
    assert finding("m", windows, floor=False).sparse is None  # type: ignore[arg-type]


def test_winners_in_common_are_counted_among_names_that_both_pools_have() -> None:
    """A3 wins and leaves: it is no change. A pool without a name in common with the next has nothing to compare."""
    nobody = nothing_chosen(rows=ROWS, horizons=1, failure="")
    windows = [window([0, 1, 3], [0.0] * 4), window([1, 2], [0.0] * 3), nobody]
    assert finding("m", windows, floor=True).overlap == pytest.approx(1 / 3)  # type: ignore[arg-type]


def test_alpha_by_window_and_by_the_year_in_closed_form() -> None:
    """Winners earn 1 % or 3 % more than the other half, so alpha is half of that."""
    windows = [window([0, 1], [edge, edge, 0.0, 0.0]) for edge in (0.01, 0.03, 0.01, 0.03)]
    found = finding("m", windows, floor=True)  # type: ignore[arg-type]
    assert found.alpha.mean == pytest.approx(0.01)
    assert found.alpha.se == pytest.approx(0.005 / math.sqrt(3))
    assert found.annual_alpha(365) == pytest.approx((0.01 * 365 / ROWS, found.alpha.se * 365 / ROWS))
    assert found.annual_alpha(500) is None  # 80 rows are 58 days
    assert finding("m", windows[:1], floor=True).annual_alpha(252) is None  # type: ignore[arg-type]


def test_a_feature_of_known_information_is_found_and_an_idle_one_is_not() -> None:
    """Of 100 pairs of normal variables with correlation r: Moran (1948), Biometrika 35, 203-206."""
    rng, r = np.random.default_rng(5), 0.3
    expected = 6 / math.pi / 101 * (math.asin(r) + 98 * math.asin(r / 2))
    windows = []
    for _ in range(60):
        known, idle = rng.normal(size=(2, 100))
        after = r * known + math.sqrt(1 - r * r) * rng.normal(size=100)
        windows.append(measured(response_of({"known": known, "idle": idle}, [0]), after_of(after[None]), rows=ROWS))
    features = finding("m", windows, floor=True).features
    known, idle = features["known"].ic[0], features["idle"].ic[0]
    assert known.mean is not None
    assert known.se is not None
    assert known.mean == pytest.approx(expected, abs=2 * known.se)
    assert known.se < 0.02
    assert known.p is not None
    assert idle.p is not None
    assert known.p < 1e-9 < 0.05 < idle.p
    assert features["known"].share == pytest.approx(0.5, abs=0.05)


def test_a_feature_or_a_rule_of_some_windows_only_is_judged_by_those() -> None:
    with_two = response_of({"one": np.arange(4.0), "two": np.arange(4.0)[::-1] ** 2}, [0], vetoes={1: ("adx", False)})
    windows = [
        measured(with_two, after_of(np.array([[0.1, 0.2, 0.3, 0.5]])), rows=ROWS),
        window([0], [0.1, 0.2, 0.3, 0.4]),
        measured(with_two, after_of(np.array([[0.1, 0.4, 0.3, 0.5]])), rows=ROWS),
    ]
    found = finding("m", windows, floor=True)  # type: ignore[arg-type]
    assert (found.features["one"].ic[0].n, found.features["two"].ic[0].n) == (3, 2)
    assert found.features["two"].ic[0].mean == pytest.approx(np.mean([-1.0, -0.8]))
    (veto,) = found.vetoes
    assert (veto.rule, veto.overridden, veto.count, veto.regret.n) == ("adx", False, 2, 2)
    assert veto.regret.mean == pytest.approx(0.2)
