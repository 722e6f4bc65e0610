"""What a decision takes from its training rows: clusters by the profile's linkage, and the shrinkage of covariance."""

from collections.abc import Callable

import numpy as np
import pytest

from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.statistics import estimate, permutation_entropy
from tvquant.tournament.cells import cells
from tvquant.tournament.decide import decide
from tvquant.tournament.specs import Previous, Spec
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]

ROW = 150


def spec_of(made: Profile, name: str) -> Spec:
    return next(cell.spec for cell in cells(made) if cell.path.key.endswith(name))


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
