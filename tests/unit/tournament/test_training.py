"""What a decision takes from its training rows: clusters by the profile's linkage, and the shrinkage of covariance."""

from collections.abc import Callable

import numpy as np
import pytest

from builders.deciding import ROW, spec_of
from tvquant.core.panel import Floats, Panel
from tvquant.core.regimes import Quadrant
from tvquant.profiles import Profile
from tvquant.statistics import ESTIMATORS, estimate, permutation_entropy
from tvquant.tournament.candidates import choose
from tvquant.tournament.decide import decide
from tvquant.tournament.specs import Previous, StrategySpec
from tvquant.tournament.training import Training, training
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]


@pytest.mark.requirement("R-SEL-27")
def test_the_profiles_linkage_cuts_the_clusters_of_selection_and_of_allocation(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    panel, counts = market(walks("ABCDEFGHIJ", 200)), []  # independent: all about 0.71 apart
    for linkage in ("ward", "average"):
        spec = spec_of(profile(selection__linkage=linkage, selection__cluster_distance=0.72), "equal_weight")
        decision = decide(look(panel, ROW), spec, Previous())
        assert decision.response is not None
        counts.append((len(set(decision.response.clusters.values())), len(set(decision.clusters.values()))))
    ward, average = counts
    assert ward[0] > average[0]
    assert ward[1] > average[1]


@pytest.mark.requirement("R-SEL-28")
def test_the_covariance_of_a_hardened_pool_is_shrunk_by_half_as_much_again_on_record(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    """The last 120 returns are the six least predictable columns of noise."""
    close, noise = walks("ABCDEF", 200), np.random.default_rng(5).normal(0.0, 0.01, (120, 600))
    wild = noise[:, np.argsort(-permutation_entropy(noise))[:6]]
    for k, name in enumerate("ABCDEF"):
        close[name][ROW - 119 : ROW + 1] = close[name][ROW - 120] * np.cumprod(1.0 + wild[:, k])
    made, calm = (
        decide(look(market(close), ROW), spec_of(profile(selection__model="v4", **given), "min_variance"), Previous())
        for given in ({"selection__vetoes": ["entropy"]}, {"selection__vetoes": []})
    )
    assert made.response is not None
    assert calm.response is not None
    assert made.allocation is not None
    assert calm.allocation is not None
    assert {one.symbol for one in made.response.winners} == {one.symbol for one in calm.response.winners}
    assert ("hardened" in made.response.flags, "hardened" in calm.response.flags) == (True, False)
    usual = estimate(wild[-60:]).shrinkage
    (tried,) = [one for one in made.allocation.attempts if one.what == "shrinkage"]
    assert tried.outcome.startswith(f"{min(1.0, 1.5 * usual):.4g}, 1.5 times the estimate")
    assert "shrinkage" not in [one.what for one in calm.allocation.attempts]
    assert made.weights != calm.weights


@pytest.mark.requirement("R-RSK-08")
@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_the_profiles_estimators_make_what_every_risk_profile_is_given(
    name: str, profile: Profiles, market: Markets, walks: Walks
) -> None:
    given = {"covariance__estimator": name, "covariance__half_life": 15, "means__estimator": "sample"}
    made = profile(**{f"allocation__{key}": value for key, value in given.items()}, allocation__means__risk_free=0.365)
    view = look(market(walks("ABCDEF", 200)), ROW)
    found = [decide(view, spec_of(made, one), Previous()).allocation for one in ("min_variance", "equal_weight")]
    spec = spec_of(made, "min_variance")
    assert isinstance(spec, StrategySpec)
    winners = choose(view, spec.rules).winners
    known = training(view, spec.rules, winners)
    assert isinstance(known, Training)
    rate = 1.365 ** (1.0 / 365) - 1.0
    expected = estimate(known.returns, spec.rules.estimates, rate=rate)
    assert (known.covariance.method, known.covariance.means_method) == (name, "sample")
    np.testing.assert_array_equal(known.covariance.matrix, expected.matrix)
    np.testing.assert_allclose(known.covariance.means, known.returns.mean(axis=0) - rate, atol=1e-16)
    for one in found:
        assert one is not None
        assert one.expected is not None
        assert (one.expected.method, one.expected.condition) == (name, known.covariance.condition)
    if name == "exponential":
        assert known.covariance.effective == pytest.approx(38.2, abs=0.5)  # of 60, at a half-life of 15


@pytest.mark.requirement("R-RSK-07")
def test_l2_is_that_of_the_quadrant_and_max_sharpe_has_a_tenth(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    names = ("min_variance", "max_sharpe", "hrp")
    view = look(market(walks("ABCDEF", 200)), ROW)
    for least in (0.01, 0.2, 0.0):
        every = {f"allocation__l2__{one.value}": least * (k + 1) for k, one in enumerate(Quadrant)}
        made = profile(allocation__profiles=names, **every)
        found = [decide(view, spec_of(made, name), Previous()) for name in names]
        assert found[0].regime is not None
        asked = made.allocation.l2.of(found[0].regime.quadrant)
        assert (asked > 0.0) is (least > 0.0)
        expected = [asked, max(asked, 0.1) if asked else 0.0, 0.0]
        assert [one.allocation.expected.l2 for one in found if one.allocation and one.allocation.expected] == expected


@pytest.mark.requirement("R-RSK-04")
def test_two_layers_weigh_clusters_of_streams_and_both_clusters_are_kept(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    view = look(market(walks("ABCDEFGHIJ", 200)), ROW)
    given = {"allocation__limits__cluster": 1.0, "allocation__limits__position": 1.0}
    made = profile(selection__cluster_distance=0.72, allocation__layers="two", **given)
    decision = decide(view, spec_of(made, "equal_weight"), Previous())
    assert decision.response is not None
    held: dict[int, float] = {}
    for atom, cluster in decision.clusters.items():
        held[cluster] = held.get(cluster, 0.0) + decision.atoms[atom]
    assert 1 < len(held) < 10
    assert list(held.values()) == pytest.approx([1.0 / len(held)] * len(held))
    assert decision.clusters != dict(decision.response.clusters)
