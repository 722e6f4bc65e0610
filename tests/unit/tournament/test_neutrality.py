"""Neutral decisions: betas to the profile's benchmark on the training rows, and what is recorded without one."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tvquant.core.allocations import Status
from tvquant.core.atoms import Direction
from tvquant.core.decisions import Decision
from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.tournament.candidates import choose
from tvquant.tournament.cells import cells
from tvquant.tournament.decide import decide
from tvquant.tournament.neutrality import beta_of
from tvquant.tournament.specs import Previous, StrategySpec
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]
type Markets = Callable[..., Panel]

ROW, ROWS, NAMES = 150, 200, "ABCDEF"
OWN = np.array([0.1, 0.4, 0.8, 1.0, 1.4, 2.0])


def neutral(profile: Profiles, **settings: Any) -> StrategySpec:
    asked = {
        "allocation__profiles": ["market_neutral", "min_variance"],
        "risk__primary": "market_neutral",
        "benchmark__market": ["X:M"],
        "universe__exclude_symbols": ["X:M"],
        "data__lookback": 60,
        **settings,
    }
    specs = [cell.spec for cell in cells(profile(**asked))]
    return next(s for s in specs if isinstance(s, StrategySpec) and s.risk_profile == "market_neutral")


def closes(seed: int = 0) -> dict[str, Floats]:
    """Names that move with M by `OWN`, and a little by themselves."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0.0, 0.02, ROWS)
    own = np.outer(moves, OWN) + rng.normal(0.0, 0.004, (ROWS, len(OWN)))
    levels = 100.0 * np.cumprod(1.0 + np.column_stack((moves, own)), axis=0)
    return dict(zip(f"M{NAMES}", levels.T, strict=True))


def decided(panel: Panel, spec: StrategySpec) -> Decision:
    return decide(look(panel, ROW), spec, Previous())


def values(panel: Panel, spec: StrategySpec) -> Floats:
    view = look(panel, ROW)
    winners = choose(view, spec.rules).winners
    found = beta_of(view, spec, winners, tuple(atom.symbol for atom in winners))
    assert found is not None
    return found.values


@pytest.mark.requirement("R-RSK-16")
def test_betas_are_of_the_training_rows_alone(profile: Profiles, market: Markets) -> None:
    spec, close = neutral(profile), closes()
    got = values(market(close), spec)
    np.testing.assert_allclose(got, OWN, atol=0.1)
    for row, matters in ((ROW - 61, False), (ROW - 60, True), (ROW, True), (ROW + 1, False)):
        other = closes()
        other["M"][row] *= 1.05
        assert (values(market(other), spec) != got).any() == matters
    for row, matters in ((ROW - 60, False), (ROW - 59, True)):  # one return alone: that of the first training row
        other = closes()
        other["M"][row:] *= 1.05
        assert (np.abs(values(market(other), spec) - got) > 1e-9).any() == matters


def test_the_beta_of_a_short_is_that_of_its_side(profile: Profiles, market: Markets) -> None:
    spec, view = neutral(profile), look(market(closes()), ROW)
    winners = choose(view, spec.rules).winners
    shorts = tuple(replace(atom, direction=Direction.SHORT) for atom in winners)
    found = beta_of(view, spec, shorts, tuple(atom.symbol for atom in shorts))
    assert found is not None
    np.testing.assert_allclose(found.values, -values(market(closes()), spec), rtol=1e-12)


@pytest.mark.requirement("R-RSK-16")
def test_the_book_keeps_its_beta_and_records_it(profile: Profiles, market: Markets) -> None:
    close = closes()
    close["A"] = 100.0 * np.exp(np.random.default_rng(9).normal(0.0, 0.03, ROWS).cumsum())
    close["B"] = 1e4 / close["M"]  # falls as the benchmark rises
    spec = neutral(profile)
    got = decided(market(close), spec)
    made = got.allocation
    assert made is not None
    assert made.neutrality is not None
    assert made.neutrality.benchmark == "X:M"
    assert made.risk_profile == "market_neutral"
    assert made.neutrality.tolerance is not None
    assert abs(made.neutrality.beta) <= made.neutrality.tolerance + 1e-9
    assert Decision.of(got.payload()).payload() == got.payload()


@pytest.mark.requirement("R-RSK-17")
def test_a_pool_of_high_betas_is_held_at_equal_risk_and_flagged(profile: Profiles, market: Markets) -> None:
    close = closes()
    del close["A"], close["B"], close["C"]  # the others are one cluster, so a quarter is held: a beta of .26 at least
    made = decided(market(close), neutral(profile)).allocation
    assert made is not None
    assert made.risk_profile == "risk_parity"
    assert [one.what.partition(":")[0] for one in made.attempts] == [
        "market_neutral, beta within 0.05",
        "market_neutral, beta within 0.15",
        "market_neutral, beta within 0.25",
        "risk_parity, not neutral",
    ]
    assert made.neutrality is not None
    assert made.neutrality.tolerance is None
    assert made.neutrality.beta > 0.25


def test_a_benchmark_of_parts_is_weighted_as_declared(profile: Profiles, market: Markets) -> None:
    close = closes()
    close["N"] = close["M"] ** 0.5
    twice = values(market(close), neutral(profile, benchmark__market={"X:M": 0.5, "cash": 0.5}))
    np.testing.assert_allclose(twice, 2.0 * values(market(close), neutral(profile)), rtol=1e-9)
    settings = {"universe__exclude_symbols": ["X:M", "X:N"]}
    both = neutral(profile, benchmark__market=["X:M", "X:N"], **settings)
    assert both.neutral is not None
    np.testing.assert_allclose(values(market(close), both), OWN / 0.75, atol=0.15)


@pytest.mark.requirement("R-RSK-16")
def test_without_the_benchmark_it_is_a_recorded_failure(profile: Profiles, market: Markets) -> None:
    spec = neutral(profile)
    close = closes()
    unlisted = dict(close)
    del unlisted["M"]
    silent = dict(close) | {"M": np.where(np.arange(ROWS) < ROW - 80, close["M"], np.nan)}
    young = unlisted | {"M": np.where(np.arange(ROWS) > ROW - 19, close["M"], np.nan)}
    for given, why in (
        (unlisted, "the data have no X:M, which benchmark.market names; import it"),
        (silent, "X:M, which benchmark.market names, has no bar on the training rows"),
        (young, "beta: expected 20 rows that all names and the benchmark have, found 18"),
    ):
        made = decided(market(given), spec).allocation
        assert made is not None
        assert made.status is Status.FAILED
        assert [(one.what, one.outcome) for one in made.attempts] == [("neutrality", why)]


def test_who_is_not_neutral_needs_no_benchmark(profile: Profiles, market: Markets) -> None:
    made = profile()
    spec = next(cell.spec for cell in cells(made) if isinstance(cell.spec, StrategySpec))
    assert spec.neutral is None
    assert beta_of(look(market(closes()), ROW), spec, (), ()) is None


def test_a_profile_without_a_benchmark_has_no_betas(profile: Profiles, market: Markets) -> None:
    spec = neutral(profile)
    assert spec.neutral is not None
    unnamed = replace(spec, neutral=replace(spec.neutral, symbols=()))
    with pytest.raises(ModelError, match=r"benchmark\.market names no symbol"):
        beta_of(look(market(closes()), ROW), unnamed, (), ())
