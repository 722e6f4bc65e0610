"""What the market is, that a decision knows nothing later of it, and what its regime lowers."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tvquant.core.allocations import Status
from tvquant.core.decisions import Decision
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Floats, Panel
from tvquant.core.regimes import REGIME_UNKNOWN, Regime
from tvquant.profiles import Profile
from tvquant.profiles.regime_bands import packaged_bands
from tvquant.tournament.cash import cash_parts
from tvquant.tournament.cells import cells
from tvquant.tournament.decide import decide, prepare
from tvquant.tournament.market_regime import market_regime, market_regime_at, market_returns, regime_key
from tvquant.tournament.specs import Previous, StrategySpec
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]

ROW = 290


def strategy(made: Profile, name: str = "equal_weight") -> StrategySpec:
    spec = next(cell.spec for cell in cells(made) if cell.path.key.endswith(name))
    assert isinstance(spec, StrategySpec)
    return spec


def bands(label: Regime, **more: Any) -> dict[str, Any]:
    """Return bands by which every market has the label."""
    low, high = [-1.0] * len(packaged_bands().rows), [9.0] * len(packaged_bands().rows)
    at = list(Regime).index(label)
    columns = {name: low if k < at else high for k, name in enumerate(("quiet", "turbulent", "crisis"))}
    return packaged_bands().model_dump(mode="json") | columns | {"growth": high} | more


@pytest.mark.requirement("R-REG-01")
def test_the_market_is_the_equal_weight_of_the_healthy_pool_before_selection(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    """E comes in later and counts from then on, F has too little history to be healthy."""
    close = walks("ABCDEF", 300)
    close["E"][:120], close["F"][:250] = np.nan, np.nan
    panel = market(close)
    rules = strategy(profile(selection__model="v4", selection__min_winners=1, selection__max_winners=1)).rules
    times, found = market_returns(look(panel, ROW), rules)
    pool = panel.columns(("X:A", "X:B", "X:C", "X:D", "X:E"))
    expected = np.nanmean(panel.fields["total_return"][1 : ROW + 1, pool], axis=1)
    assert found == pytest.approx(expected, rel=1e-12)
    assert times.tolist() == panel.times[1 : ROW + 1].tolist()
    short = replace(rules, data=rules.data.model_copy(update={"lookback": 100}))
    assert market_returns(look(panel, ROW), short)[1] == pytest.approx(expected[-100:], rel=1e-12)
    assert market_regime(look(panel, ROW), short).rows == 100


@pytest.mark.requirement("R-REG-01")
@pytest.mark.requirement("R-REG-08")
def test_test_rows_do_not_change_the_regime_that_a_decision_knows(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    close, spec = walks("ABCDEF", 300), strategy(profile())
    before = decide(look(market(close), ROW), spec, Previous()).regime
    after = {name: np.append(column[: ROW + 1], column[ROW + 1 :] * 3.0) for name, column in close.items()}
    assert before is not None
    assert before.rows == 252
    assert decide(look(market(after), ROW), spec, Previous()).regime == before
    assert market_regime_at(market(after), ROW + 1, spec.rules).score > before.score + 0.5
    changed = {name: np.append(column[:ROW], column[ROW:] * 1.05) for name, column in close.items()}
    assert decide(look(market(changed), ROW), spec, Previous()).regime != before


def test_it_is_prepared_once_and_shared_by_rules_that_select_otherwise(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    view, spec = look(market(walks("ABCDEF", 300)), ROW), strategy(profile())
    prepared = prepare(view, spec.rules)
    assert prepared[regime_key(spec.rules)] is market_regime(view, spec.rules)
    other = replace(spec.rules, selection=spec.rules.selection.model_copy(update={"top_n": 1}))
    assert market_regime(view, other) is market_regime(view, spec.rules)


def test_before_there_is_a_pool_nothing_is_known(profile: Profiles, market: Markets, walks: Walks) -> None:
    found = decide(look(market(walks("ABC", 200)), 80), strategy(profile()), Previous())
    assert found.regime is not None
    assert (found.regime.label, found.regime.flags) == (Regime.NORMAL, (REGIME_UNKNOWN,))
    assert found.weights == {}


@pytest.mark.requirement("R-REG-09")
@pytest.mark.requirement("R-RSK-11")
@pytest.mark.parametrize(("label", "cap"), [("quiet", 0.25), ("normal", 0.25), ("turbulent", 0.20), ("crisis", 0.15)])
def test_a_forced_regime_lowers_the_caps_and_the_weights(
    profile: Profiles, market: Markets, walks: Walks, label: str, cap: float
) -> None:
    """Four names: a full book under .25, and cash of .2 and .4 where the market is worse."""
    panel = market(walks("ABCD", 300))
    spec = strategy(profile(regime__bands=bands(Regime(label))))
    found = decide(look(panel, ROW), spec, Previous())
    assert found.regime is not None
    assert found.allocation is not None
    assert found.netting is not None
    assert found.regime.label is Regime(label)
    assert found.weights == pytest.approx(dict.fromkeys(panel.keys, cap), abs=1e-9)
    assert found.allocation.cash == pytest.approx(1.0 - 4 * cap, abs=1e-9)
    limits = {one.name: one.limit for one in (*found.allocation.constraints, *found.netting.constraints)}
    names = ("position", "cluster", "net_position", "gross_position", "net_cluster", "gross_cluster")
    assert [limits[name] for name in names] == [cap] * 6


@pytest.mark.requirement("R-REG-09")
def test_a_forced_regime_lowers_the_share_of_the_aggressors(profile: Profiles, market: Markets, walks: Walks) -> None:
    view, given = look(market(walks("ABCDEFGHIJKL", 300)), ROW), {"allocation__profiles": ["barbell"]}
    found = {}
    for label in Regime:
        made = profile(regime__bands=bands(label), risk__primary="barbell", selection__model="all", **given)
        decision = decide(view, strategy(made, "barbell"), Previous())
        assert decision.allocation is not None
        assert decision.allocation.barbell is not None
        bold = [one.atom for one in decision.allocation.barbell.leaders if one.aggressor]
        assert len(bold) == 5
        found[label.value] = sum(decision.atoms[name] for name in bold)
    assert found == pytest.approx({"quiet": 0.15, "normal": 0.10, "turbulent": 0.05, "crisis": 0.03}, abs=1e-6)


@pytest.mark.requirement("R-REG-09")
@pytest.mark.parametrize("name", ["min_variance", "max_sharpe"])
def test_a_forced_quadrant_changes_l2_and_the_book(profile: Profiles, market: Markets, walks: Walks, name: str) -> None:
    """Growth above every band is expansion or a trend, by the stress; a band that nothing reaches is normal.

    The least variance is spread the more; of the best ratio only the denominator is, so that means count for more.
    """
    view, least = look(market(walks("ABCDEFGHIJ", 300)), ROW), [-1.0] * len(packaged_bands().rows)
    calm = {"growth": [0.0] * len(least), "stress": [9.0] * len(least)}
    l2, books = {}, []
    for columns in ({}, calm, {**calm, "stress": least}):
        made = profile(
            regime__bands=bands(Regime.NORMAL, **columns), allocation__profiles=[name], risk__primary=name,
            allocation__l2__normal=0.2, allocation__l2__expansion=0.5, allocation__l2__inflationary_trend=5.0,
            allocation__limits__position=1.0, allocation__limits__cluster=1.0, allocation__limits__reference=None,
        )  # fmt: skip
        decision = decide(view, strategy(made, name), Previous())
        assert decision.regime is not None
        assert decision.allocation is not None
        assert decision.allocation.expected is not None
        l2[decision.regime.quadrant.value] = decision.allocation.expected.l2
        books.append(np.array([decision.weights.get(key, 0.0) for key in view.panel.keys]))
    assert l2 == {"normal": 0.2, "expansion": 0.5, "inflationary_trend": 5.0}
    assert min(np.abs(one - other).max() for one, other in pairwise(books)) > 0.005
    if name == "min_variance":
        squared = [one @ one for one in books]
        assert squared == sorted(squared, reverse=True)


def test_a_regime_hardens_no_pool(profile: Profiles, market: Markets, walks: Walks) -> None:
    """Entropy hardens; the regime is recorded only (R-SEL-28)."""
    view = look(market(walks("ABCDEFGHIJ", 300)), ROW)
    answered = []
    for label in (Regime.QUIET, Regime.CRISIS):
        made = profile(regime__bands=bands(label), selection__model="v4", selection__min_winners=2)
        decision = decide(view, strategy(made), Previous())
        assert decision.regime is not None
        assert decision.regime.label is label
        assert decision.response is not None
        assert decision.allocation is not None
        assert decision.allocation.expected is not None
        answered.append((repr(decision.response), decision.allocation.expected.shrinkage))
    assert answered[0] == answered[1]


@pytest.mark.requirement("R-RSK-11")
@pytest.mark.parametrize("name", ["min_variance", "hrp", "risk_parity", "max_sharpe", "equal_weight"])
def test_nothing_is_above_fifteen_per_cent_in_a_crisis_whatever_the_limits(
    profile: Profiles, market: Markets, walks: Walks, name: str
) -> None:
    """A pair that goes together is one cluster, of allocation and of selection, and has .15 between the two."""
    close = walks("ABCDEFGHI", 300)
    close["B"] = close["A"] * np.exp(0.001 * np.random.default_rng(1).standard_normal(300))
    made = profile(
        regime__bands=bands(Regime.CRISIS), allocation__profiles=[name], risk__primary=name, selection__model="all",
        allocation__limits__cluster=1.0, allocation__limits__position=1.0,
    )  # fmt: skip
    found = decide(look(market(close), ROW), strategy(made, name), Previous())
    assert found.allocation is not None
    assert found.response is not None
    assert found.allocation.status is not Status.FAILED
    assert max(found.weights.values()) <= 0.15 + 1e-9
    for clusters in (found.clusters, found.response.clusters):
        held: dict[int, float] = {}
        for atom, weight in found.atoms.items():
            held[clusters[atom]] = held.get(clusters[atom], 0.0) + weight
        assert max(held.values()) <= 0.15 + 1e-9
        assert len(held) < len(found.atoms)


def test_weights_of_the_users_own_are_cut_by_no_regime(profile: Profiles, market: Markets, walks: Walks) -> None:
    made = profile(
        regime__bands=bands(Regime.CRISIS), allocation__profiles=["fixed"], risk__primary="fixed",
        selection__model="all", allocation__fixed__weights={"X:A": 0.6, "X:B": 0.4},
        allocation__limits__cluster=1.0, allocation__limits__position=0.6,
    )  # fmt: skip
    found = decide(look(market(walks("ABC", 300)), ROW), strategy(made, "fixed"), Previous())
    assert found.weights == {"X:A": 0.6, "X:B": 0.4}
    said = found.allocation.attempts[0]
    assert (said.what, said.outcome[:51]) == ("market is crisis", "held as declared: position 60 % above regime.caps.c")


def test_what_is_held_in_place_of_declared_weights_is_capped_by_the_regime(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    """Without A declared weights are 30 % net where 50 % are asked for: what is held instead knows of the crisis."""
    made = profile(
        regime__bands=bands(Regime.CRISIS), allocation__profiles=["hrp", "fixed"], risk__primary="hrp",
        selection__model="all", allocation__fixed__weights={"X:A": 0.6, "X:B": 0.3}, allocation__fallbacks=["hrp"],
        allocation__limits__cluster=1.0, allocation__limits__position=0.6, allocation__limits__net=[0.5, 1.0],
    )  # fmt: skip
    spec = strategy(made, "fixed")
    view = look(market(walks("ABCDEFGHI", 300)), ROW)
    assert decide(view, spec, Previous()).weights == {"X:A": 0.6, "X:B": 0.3}
    missing = market(walks("BCDEFGHI", 300))
    found = decide(look(missing, ROW), spec, Previous())
    assert found.allocation is not None
    assert (found.allocation.risk_profile, found.allocation.status) == ("hrp", Status.FELL_BACK)
    assert max(found.weights.values()) <= 0.15 + 1e-9
    assert {row.limit for row in found.netting.constraints if "position" in row.name} == {0.15}


@pytest.mark.requirement("R-REG-10")
def test_bands_that_were_made_later_than_a_decision_are_refused(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    panel = market(walks("ABC", 300))
    day = str(panel.times[ROW])[:10]
    sample = {"profile": "p", "first": "2020-01-01", "last": day, "rows": 252, "digest": "d"}
    spec = strategy(profile(regime__bands=bands(Regime.NORMAL, sample=sample)))
    assert decide(look(panel, ROW), spec, Previous()).regime is not None
    with pytest.raises(ProfileError, match=f"regime.bands were made on returns until {day}"):
        decide(look(panel, ROW - 1), spec, Previous())


def test_a_payload_holds_the_regime_and_a_baseline_has_none(profile: Profiles, market: Markets, walks: Walks) -> None:
    view, made = look(market(walks("ABCDEF", 300)), ROW), profile()
    found = decide(view, strategy(made), Previous())
    assert found.regime is not None
    assert {"label", "quadrant", "score", "components"} <= set(found.payload()["regime"])
    assert Decision.of(found.payload()).regime == found.regime
    baseline = next(cell.spec for cell in cells(made) if cell.baseline)
    assert decide(view, baseline, Previous()).payload()["regime"] is None


def test_where_the_cap_of_a_regime_leaves_a_least_no_room_it_is_that_cap_which_is_named(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    """A is to hold .2 at least, which the profile's own caps of .25 allow and a crisis with .15 does not."""
    panel = market(walks("ABCDEFGH", 300))

    def made(label: Regime, **more: Any) -> Decision:
        given = {"allocation__limits__names": {"X:A": [0.2, 0.22]}, "regime__bands": bands(label), **more}
        return decide(look(panel, ROW), strategy(profile(**given)), Previous())

    assert made(Regime.NORMAL).weights["X:A"] == pytest.approx(0.2)
    failed = made(Regime.CRISIS)
    assert (failed.weights, failed.funnel.selected) == ({}, 8)
    (part,) = cash_parts(failed)
    assert "regime.caps.crisis: a name at most 15 %" in part.detail
    assert "raise regime.caps.crisis (a name at most) from 15 % to 20 %" in part.change
    assert "allocation.limits.position" not in part.change
    lower: dict[str, Any] = {"allocation__limits__names": {"X:A": [0.15, 0.22]}}
    raised: dict[str, Any] = {"regime__caps__crisis": 0.2}
    for change in (lower, raised):
        held = made(Regime.CRISIS, **change)
        assert held.allocation is not None
        assert held.allocation.status is Status.SOLVED, "each way out is one"
        assert held.allocation.constraints[0].limit == (0.2 if change is raised else 0.15)
