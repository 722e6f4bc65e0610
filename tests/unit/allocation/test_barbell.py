"""Who leads, who is bold, what each end is given, and what the limits leave of both."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import estimated, limits
from tvquant.allocation import ENGINES, RISK_PROFILES, allocate
from tvquant.allocation.barbell import ranked
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.risk.aggressors import Aggressors
from tvquant.core.allocations import Status
from tvquant.core.barbells import NO_AGGRESSORS, Barbell
from tvquant.core.regimes import UNKNOWN, Regime

RNG = np.random.default_rng(8)
CLUSTERS = (3, 3, 3, 1, 1, 2, 2, 2, 4, 4, 5, 5, 5, 6, 6, 6)
LOOSE = limits(position=0.5, cluster=0.5)


def problem(clusters=CLUSTERS, within=LOOSE, **figures):
    n = len(clusters)
    returns = RNG.normal(0.0, 0.01, (90, 1)) + np.random.default_rng(n).normal(0.0, 0.01, (90, n))
    given = estimated(returns, clusters=clusters, limits=within)
    return replace(given, **{name: np.array(values, dtype=np.float64) for name, values in figures.items()})


def weighed(given, **options):
    return allocate(given, engine="custom", risk_profile="barbell", options=(Aggressors(**options),))


def scored(**more):
    """The second of each cluster leads; clusters by antifragility: 6, 2, 4, 1, 3, 5."""
    best = [i in (1, 4, 6, 9, 11, 14) for i in range(16)]
    rank = {6: 0.9, 2: 0.8, 4: 0.7, 1: 0.3, 3: 0.2, 5: 0.1}
    own = [rank[c] * (1.0 if first else 5.0) for c, first in zip(CLUSTERS, best, strict=True)]
    return problem(scores=np.where(best, 1.0, 0.5), antifragility=own, **more)


@pytest.mark.requirement("R-RSK-13")
def test_leaders_are_the_best_scores_and_their_antifragility_ranks_the_clusters() -> None:
    leaders = ranked(scored(), 5)
    assert [one.cluster for one in leaders] == [6, 2, 4, 1, 3, 5]
    assert [one.atom for one in leaders] == ["N014", "N006", "N009", "N004", "N001", "N011"]
    assert [one.aggressor for one in leaders] == [True] * 3 + [False] * 3  # half of six
    assert [one.aggressor for one in ranked(scored(), 2)] == [True] * 2 + [False] * 4


def test_ties_go_by_number_and_who_has_no_figure_comes_last() -> None:
    figures = dict.fromkeys(range(16), 0.5) | dict.fromkeys((3, 4), np.nan) | {13: -np.inf + 0 if False else -2.0}
    given = problem(scores=np.ones(16), antifragility=[figures[i] for i in range(16)])
    leaders = ranked(given, 5)
    assert [one.cluster for one in leaders] == [2, 3, 4, 5, 6, 1]
    assert [one.atom for one in leaders][:2] == ["N005", "N000"]  # of equal scores the first by id
    assert leaders[-1].antifragility is None
    assert [one.cluster for one in ranked(problem(), 5)] == [1, 2, 3, 4, 5, 6]
    assert ranked(problem(scores=[np.nan, 0.1] + [np.nan] * 14), 5)[2].atom == "N001"


@pytest.mark.requirement("R-RSK-14")
@pytest.mark.parametrize(
    ("regime", "share"), [(Regime.QUIET, 0.15), (Regime.NORMAL, 0.10), (Regime.TURBULENT, 0.05), (Regime.CRISIS, 0.03)]
)
def test_the_regime_says_what_the_aggressors_share_equally(regime, share) -> None:
    got = weighed(replace(scored(), regime=replace(UNKNOWN, label=regime)))
    assert got.barbell.aggressors == ("N014", "N006", "N009")
    assert [got.weights[atom] for atom in got.barbell.aggressors] == pytest.approx([share / 3] * 3, abs=1e-12)
    assert (got.barbell.share, got.barbell.regime) == (share, regime.value)
    assert sum(got.weights.values()) == pytest.approx(1.0, abs=1e-12)
    assert Barbell.of(got.barbell.payload()) == got.barbell


@pytest.mark.requirement("R-RSK-13")
def test_bold_clusters_hold_nothing_but_their_leader_and_the_core_is_the_engines_hrp_of_all_others() -> None:
    given = problem(clusters=tuple(range(10)) + tuple(range(10)), antifragility=np.linspace(1.0, 0.0, 20))
    got = weighed(given)
    held = {key for key, weight in got.weights.items() if weight > 0.0}
    core = [f"N{i:03d}" for i in range(20) if i % 10 >= 5]
    assert held == {*got.barbell.aggressors, *core}
    assert got.barbell.core == "hrp"
    alone = replace(given.of(np.arange(20) % 10 >= 5), limits=limits(position=1.0, cluster=1.0))
    hrp = ENGINES["custom"].solve(alone, feasible_set(alone), RISK_PROFILES["hrp"], ()).weights
    np.testing.assert_allclose([got.weights[key] for key in core], 0.9 * hrp, atol=1e-12)


def test_a_core_of_fewer_than_ten_is_equal() -> None:
    got = weighed(scored())
    assert got.barbell.core == "equal"  # clusters 1, 3 and 5 have eight streams
    assert [got.weights[f"N{i:03d}"] for i in (0, 1, 2, 3, 4, 10, 11, 12)] == pytest.approx([0.9 / 8] * 8, abs=1e-12)


def test_what_the_core_has_no_room_for_is_cash_and_never_raises_the_aggressors() -> None:
    got = weighed(problem(clusters=(0, 1, 2, 3), within=limits()))
    assert got.weights == pytest.approx({"N000": 0.05, "N001": 0.05, "N002": 0.25, "N003": 0.25}, abs=1e-12)
    assert got.cash == pytest.approx(0.4)
    assert got.causes == pytest.approx({"core": 0.4})
    assert got.forced_cash == pytest.approx(0.4)


def test_all_limits_hold_on_the_whole_and_the_ends_keep_their_proportion_under_a_lower_gross() -> None:
    half = weighed(scored(within=limits(gross=0.5, position=0.5, cluster=0.5)))
    assert [half.weights[atom] for atom in half.barbell.aggressors] == pytest.approx([0.05 / 3] * 3, abs=1e-12)
    named = weighed(
        scored(within=limits(position=0.5, cluster=0.5, names={"X:N014": (0.0, 0.01), "X:N005": (0.04, 0.1)}))
    )
    assert named.status is not Status.FAILED
    assert named.weights["N014"] <= 0.01 + 1e-9
    assert named.weights["N005"] == pytest.approx(0.04, abs=1e-6)  # in a bold cluster: held at its least alone


def test_one_cluster_is_all_core_and_flagged() -> None:
    got = weighed(problem(clusters=(7,) * 12, within=limits(position=1.0, cluster=1.0)))
    assert got.barbell.aggressors == ()
    assert (got.barbell.flags, got.barbell.share) == ((NO_AGGRESSORS,), 0.0)
    assert sum(got.weights.values()) == pytest.approx(1.0)


def test_it_says_of_everyone_which_end_it_is() -> None:
    made = weighed(scored()).barbell
    assert made.role("N006", 2) == "number 2 of 3 aggressors, which share 10 % of equity in a normal market"
    assert made.role("N005", 2) == "left out: its cluster is held as an aggressor, by N006 alone"
    assert made.role("N004", 1) == "of the core, held equally"
    bold = "aggressors N014, N006, N009: 10 % of equity in a normal market"
    assert made.summary == f"{bold}; the rest is core, held equally"
    assert weighed(problem(clusters=(7,) * 12)).barbell.summary.startswith("no aggressors, as there is one cluster")
