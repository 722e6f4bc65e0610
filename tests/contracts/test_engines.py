"""The contract of every optimiser engine, on every risk profile that it solves.

The toy engine is held to it too: it is how much a second engine takes, one file and one line of a catalogue.
"""

import sys
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest

import tvquant.allocation
import tvquant.tournament.cells
from builders.problems import HOUSE, estimated, limits
from builders.profiles import resolved_of
from builders.toy_engine import InverseVariance, Toy
from tvquant.allocation import ENGINES, RISK_PROFILES, allocate, risk_profiles_of, uninstalled
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.risk.contract import Capping, Estimate, Objective
from tvquant.app.cli import main
from tvquant.app.vocabulary import vocabulary
from tvquant.core.allocations import Status
from tvquant.core.errors import ProfileError
from tvquant.profiles import Options, explain
from tvquant.profiles.options import declared_by
from tvquant.statistics import estimate
from tvquant.tournament.cells import paths, schedule
from tvquant.tournament.specs import StrategySpec

ALL = MappingProxyType({**ENGINES, "toy": Toy()})
HANDED_TO_NOBODY = ("equal_weight", "equal_names", "fixed", "barbell")
"""Risk profiles by which what a cap cuts off is cash, of a barbell where its core has no room."""
EQUAL = ("equal_weight", "equal_names", "fixed")
OWN = {name: engine for name, engine in ALL.items() if not engine.library}
"""Engines without a library between: those with one take seconds for what these do in milliseconds, and are held to
the contract by `test_generated_problems.py`."""
CASES = [(engine, profile) for engine in OWN for profile in sorted(risk_profiles_of(ALL[engine]))]


@pytest.fixture(autouse=True)
def catalogue(monkeypatch):
    """The catalogue with the toy in it."""
    for module in (tvquant.allocation, sys.modules["tvquant.allocation.allocate"], tvquant.tournament.cells):
        monkeypatch.setattr(module, "ENGINES", ALL)


def problem(n, limits=HOUSE):
    rng = np.random.default_rng(n)
    returns = rng.normal(0.0, 0.01, (90, 1)) * rng.uniform(0.3, 1.7, n) + rng.normal(0.0, 0.01, (90, n))
    # Means are positive: without that max_sharpe has no answer, and says so.
    return estimated(returns + 0.003, limits=limits)


def solve(given, engine, profile):
    return ALL[engine].solve(given, feasible_set(given), RISK_PROFILES[profile], defaults(engine, profile))


def weighed(given, engine, profile):
    return allocate(given, engine=engine, risk_profile=profile, options=defaults(engine, profile))


def defaults(engine, profile):
    return tuple(declared() for declared in declared_by((ALL[engine], RISK_PROFILES[profile])))


def test_catalogues_are_consistent_and_read_only():
    assert all(engine.name == name for name, engine in ALL.items())
    assert all(profile.name == name and profile.meaning.endswith(".") for name, profile in RISK_PROFILES.items())
    assert all(engine.objectives <= frozenset(Objective) for engine in ALL.values())
    for catalogue in (ENGINES, RISK_PROFILES):
        with pytest.raises(TypeError):
            catalogue["another"] = None


def test_the_house_engine_solves_every_risk_profile():
    assert risk_profiles_of(ENGINES["custom"]) == frozenset(RISK_PROFILES)


def resolved(profile, engines=("toy",), **options):
    settings = {f"allocation__{name}": value for name, value in {"profiles": [profile], **options}.items()}
    return resolved_of(allocation__engines=list(engines), risk__primary=profile, **settings)


def strategies(found):
    """The options of each strategy of a profile, by engine."""
    specs = [path.spec for path in paths(found.profile, [schedule(found.profile)])]
    return {spec.engine: spec.options for spec in specs if isinstance(spec, StrategySpec)}


def test_a_second_engine_is_known_to_profiles_and_refused_what_it_does_not_solve():
    assert vocabulary().engines["toy"] == {"min_variance", "market_neutral", "risk_parity", "adaptive"}
    assert resolved("risk_parity").profile.allocation.engines == ("toy",)
    with pytest.raises(ProfileError, match=r"'hrp' is solved by none of allocation\.engines"):
        resolved("hrp")
    with pytest.raises(
        ProfileError, match="engine toy does not solve risk profile 'hrp'; it solves market_neutral, min_variance, risk"
    ):
        allocate(problem(5), engine="toy", risk_profile="hrp")


def test_a_grid_leaves_out_pairs_and_fallbacks_that_an_engine_does_not_solve():
    found = resolved("hrp", ["custom", "toy"], profiles=["hrp", "min_variance"], fallbacks=["equal_weight"])
    specs = [path.spec for path in paths(found.profile, [schedule(found.profile)])]
    assert [(s.engine, s.risk_profile, s.fallbacks) for s in specs if isinstance(s, StrategySpec)] == [
        ("custom", "hrp", ("equal_weight",)),
        ("custom", "min_variance", ("equal_weight",)),
        ("toy", "min_variance", ()),
    ]
    assert sum("engine toy does not solve" in notice for notice in found.notices) == 2


@pytest.mark.requirement("R-RSK-01")
def test_an_engine_whose_library_is_not_here_is_unavailable_and_refused(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(Toy, "library", "no_such_package")
    monkeypatch.setattr(sys.modules["tvquant.allocation.engines.catalogue"], "ENGINES", ALL)
    assert uninstalled() == {"toy": "engines"}
    with pytest.raises(ProfileError, match=r"engine 'toy' is not installed; install tvquant\[engines\]"):
        resolved("risk_parity")
    main(["doctor", "-w", str(tmp_path)])
    assert "toy (unavailable: install tvquant[engines])" in capsys.readouterr().out


def test_an_option_is_explained_checked_and_reaches_its_engine_alone():
    def power(found):
        return {row.key: (row.value, row.layer) for row in explain(found)}["allocation.toy.power"]

    plain, other = resolved("risk_parity", ["custom", "toy"]), resolved("risk_parity", ["custom", "toy"], toy__power=1)
    assert power(plain) == (0.5, "defaults")
    assert power(other) == (1.0, "argument --allocation.toy.power")
    assert vocabulary().keys.meaning("allocation.toy.power").startswith("of the variances, by whose inverse")
    assert strategies(other) == {"custom": (), "toy": (InverseVariance(power=1.0),)}
    with pytest.raises(ProfileError, match=r"allocation\.toy\.power: expected less than or equal to 2, found 3"):
        resolved("risk_parity", toy__power=3)
    loose = problem(5, replace(HOUSE, position=1.0, cluster=1.0))
    for found, exponent in ((plain, -0.5), (other, -1.0)):
        got = allocate(loose, engine="toy", risk_profile="risk_parity", options=strategies(found)["toy"])
        weights = np.diag(loose.covariance.matrix) ** exponent
        assert list(got.weights.values()) == pytest.approx(weights / weights.sum(), abs=1e-12)
    with pytest.raises(ProfileError, match="no value of power: InverseVariance is declared by nobody named"):
        allocate(loose, engine="toy", risk_profile="risk_parity")


def test_options_of_a_risk_profile_go_with_every_strategy_that_may_come_to_it(monkeypatch):
    class Tail(Options):
        """Option of a toy aim.

        Parameters
        ----------
        level : share of the worst returns.
        """

        level: float = 0.05

    aims = {**RISK_PROFILES, "hrp": replace(RISK_PROFILES["hrp"], options=(Tail,))}
    for module in (tvquant.allocation, tvquant.tournament.cells):
        monkeypatch.setattr(module, "RISK_PROFILES", aims)
    assert strategies(resolved("hrp", ["custom"], level=0.1)) == {"custom": (Tail(level=0.1),)}
    assert strategies(resolved("min_variance", ["custom"], fallbacks=["hrp"])) == {"custom": (Tail(),)}
    assert strategies(resolved("min_variance", ["custom"])) == {"custom": ()}


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 30, 120, 500])
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_raw_answers_are_long_documented_and_within_caps_unless_they_are_projected(engine, profile, n):
    answer = solve(problem(n), engine, profile)
    assert answer.weights.shape == (n,)
    assert (answer.weights >= -1e-9).all()
    assert np.isfinite(answer.weights).all()
    assert answer.attempts
    assert answer.attempts[-1].outcome.startswith("solved")
    if RISK_PROFILES[profile].capping is Capping.INSIDE:
        assert (answer.weights <= 0.25 + 1e-9).all()
        assert answer.weights.sum() == pytest.approx(min(1.0, n * 0.25), abs=1e-9)
    else:
        assert answer.weights.sum() > 0.0
        loose = replace(problem(n), limits=replace(HOUSE, position=1.0, cluster=1.0))
        assert answer.weights.tobytes() == solve(loose, engine, profile).weights.tobytes()


@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_weights_depend_on_what_the_profile_needs_and_on_nothing_else(engine, profile):
    given, needs = problem(30), RISK_PROFILES[profile].needs
    spread = np.linspace(0.5, 2.0, 30)
    c = given.covariance
    for estimate_of, changed in (
        (Estimate.MEANS, replace(c, means=c.means * spread)),
        (Estimate.COVARIANCE, replace(c, matrix=c.matrix * np.outer(spread, spread))),
        (Estimate.RETURNS, None),
    ):
        other = replace(given, covariance=changed) if changed else replace(given, returns=given.returns * spread)
        before, after = (solve(p, engine, profile).weights for p in (given, other))
        assert bool(np.abs(before - after).max() > 1e-6) is (estimate_of in needs)


@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_the_same_problem_has_the_same_answer(engine, profile):
    given = problem(30)
    first, second = (solve(given, engine, profile).weights for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.requirement("R-RSK-24")
@pytest.mark.parametrize(
    "limits", [HOUSE, replace(HOUSE, gross=0.5), replace(HOUSE, net=(0.0, 0.3)), replace(HOUSE, position=0.05)]
)
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_every_limit_is_kept_and_reported(engine, profile, limits):
    got = weighed(problem(30, limits), engine, profile)
    assert got.status is Status.SOLVED
    assert sum(got.weights.values()) == pytest.approx(min(1.0, limits.gross, limits.net[1]), abs=1e-9)
    assert sum(got.weights.values()) + got.cash == pytest.approx(1.0, abs=1e-12)
    assert {c.name for c in got.constraints} >= {"position", "cluster", "gross", "net_high", "net_low", "long_only"}
    assert all(c.value <= c.limit + 1e-9 for c in got.constraints)


BY_NAME = {
    "most": limits(names={"X:N000": (0.0, 0.01), "X:N001": (0.0, 0.0)}),
    "least": limits(names={"X:N000": (0.08, 0.1), "X:N029": (0.05, 0.25)}),
    "group": limits(groups={"odd": ([f"X:N{i:03d}" for i in range(1, 30, 2)], 0.15)}),
    "groups that share a name, and a least in both": limits(
        names={"X:N002": (0.04, 0.1)},
        groups={"a": (("X:N000", "X:N001", "X:N002"), 0.05), "b": (("X:N002", "X:N003"), 0.06)},
    ),
    "no room": limits(groups={"nearly all": ([f"X:N{i:03d}" for i in range(28)], 0.2)}),
}


@pytest.mark.parametrize("sides", ["long", "both"])
@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_limits_by_name_are_kept_reported_and_named_where_they_keep_cash(engine, profile, name, sides):
    these, signs = BY_NAME[name], np.where(np.arange(30) % 3, 1.0, -1.0 if sides == "both" else 1.0)
    given = replace(
        problem(30, these), composition={f"N{i:03d}": {f"X:N{i:03d}": sign} for i, sign in enumerate(signs.tolist())}
    )
    got = weighed(given, engine, profile)
    weights = np.array(list(got.weights.values()))
    assert got.status is not Status.FAILED, got.attempts
    for one in these.names:
        assert one.least - 1e-9 <= weights[int(one.symbol[-3:])] <= one.most + 1e-9
    for group in these.groups:
        assert weights[[int(symbol[-3:]) for symbol in group.symbols]].sum() <= group.most + 1e-9
    reported = {c.name: c for c in got.constraints}
    assert {f"name {one.symbol}" for one in these.names} | {f"group {one.name}" for one in these.groups} <= set(
        reported
    )
    assert {f"least of name {one.symbol}" for one in these.names if one.least} <= set(reported)
    assert all(c.value <= c.limit + 1e-9 for c in got.constraints)
    assert sum(got.causes.values()) <= got.cash + 1e-9
    if name == "no room":  # .2, and two names of .25
        assert got.causes.keys() == {"group nearly all"}
        assert got.forced_cash == pytest.approx(28 / 30 - 0.2 if profile in EQUAL else 0.3, abs=1e-9)
    if profile not in HANDED_TO_NOBODY:
        assert weights.sum() == pytest.approx(0.7 if name == "no room" else 1.0, abs=1e-7)


@pytest.mark.parametrize(
    ("these", "why"),
    [
        (
            limits(names={"X:N000": (0.2, 0.25)}, groups={"g": (["X:N000"], 0.1)}),
            "limits.names: X:N000 at least 20 % and allocation.limits.groups: group g at most 10 %;",
        ),
        (
            limits(names={"X:N000": (0.2, 0.2), "X:N001": (0.2, 0.2)}, groups={"g": (["X:N000", "X:N001"], 0.3)}),
            "X:N000 at least 20 %, allocation.limits.names: X:N001 at least 20 % and allocation.limits.groups: group g",
        ),
        (
            limits(gross=0.3, names={"X:N000": (0.2, 0.2), "X:N001": (0.2, 0.2)}),
            "a cluster at most 25 %, allocation.limits.names: X:N000 at least 20 % and allocation.limits.names: X:N001",
        ),
        (
            limits(cluster=0.3, names={"X:N000": (0.2, 0.2), "X:N001": (0.2, 0.2)}),
            "raise allocation.limits.cluster (a cluster at most) from 30 % to 40 %",
        ),
    ],
)
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_a_least_that_cannot_be_held_is_a_recorded_failure(engine, profile, these, why):
    given = replace(problem(6, these), clusters=(0, 0, 1, 2, 3, 4))
    got = weighed(given, engine, profile)
    assert (got.status, got.weights, got.cash) == (Status.FAILED, {}, 1.0)
    assert got.attempts[-1].what == "limits"
    assert why in got.attempts[-1].outcome


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.parametrize(
    ("clusters", "budget"),
    [
        pytest.param((0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5), 1.0, id="one large"),
        pytest.param((0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3), 1.0, id="four, all full"),
        pytest.param((0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2), 0.75, id="three, all full"),
        pytest.param((7,) * 12, 0.25, id="all in one"),
    ],
)
@pytest.mark.parametrize("position", [0.25, 0.1])
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_shared_clusters_keep_the_cluster_cap(engine, profile, position, clusters, budget):
    limits = replace(HOUSE, position=position)
    got = weighed(replace(problem(12, limits), clusters=clusters), engine, profile)
    weights = np.array(list(got.weights.values()))
    held = np.bincount(clusters, weights)
    room = sum(min(0.25, position * size) for size in np.bincount(clusters))
    assert got.status is Status.SOLVED
    assert held.max() <= 0.25 + 1e-9
    assert weights.max() <= position + 1e-9
    forced = got.cash if profile in HANDED_TO_NOBODY else max(0.0, 1.0 - room)  # all of it was asked for
    assert got.forced_cash == pytest.approx(forced, abs=1e-12)
    if profile in HANDED_TO_NOBODY:  # what a cap cuts off is not handed to the others
        assert weights.sum() <= min(budget, room) + 1e-9
    else:
        assert weights.sum() == pytest.approx(min(budget, room), abs=1e-9)


@pytest.mark.requirement("R-RSK-18")
@pytest.mark.parametrize("net", [(-0.2, 0.2), (-0.3, -0.1), (0.5, 0.8)])
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_longs_beside_shorts_keep_the_net_of_what_they_hold(engine, profile, net):
    signs = np.where(np.arange(30) % 3, 1.0, -1.0)
    given = replace(
        problem(30, replace(HOUSE, net=net)),
        composition={f"N{i:03d}": {f"X:N{i:03d}": sign} for i, sign in enumerate(signs.tolist())},
    )
    got = weighed(given, engine, profile)
    weights = np.array(list(got.weights.values()))
    assert got.status is Status.SOLVED
    assert net[0] - 1e-9 <= weights @ signs <= net[1] + 1e-9
    assert (weights >= 0.0).all()
    if profile not in HANDED_TO_NOBODY:  # the side that a limit cuts is not made up for
        assert weights.sum() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("scale", [1e-10, 1e-4, 1e4, 1e10])
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_the_scale_of_returns_does_not_matter(engine, profile, scale):
    given = problem(20)
    c = given.covariance
    scaled = replace(given, covariance=replace(c, matrix=c.matrix * scale**2, means=c.means * scale))
    plain, other = (weighed(p, engine, profile) for p in (given, scaled))
    assert plain.status is other.status is Status.SOLVED
    assert list(plain.weights.values()) == pytest.approx(list(other.weights.values()), abs=1e-7)


@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_nearly_equal_names_have_weights(engine, profile):
    rng = np.random.default_rng(0)
    returns = 0.003 + rng.normal(0.0, 0.01, (90, 1)) + rng.normal(0.0, 1e-7, (90, 20))
    got = weighed(replace(problem(20), covariance=estimate(returns)), engine, profile)
    assert got.status is Status.SOLVED
    assert sum(got.weights.values()) == pytest.approx(1.0, abs=1e-9)
    assert all(c.value <= c.limit + 1e-9 for c in got.constraints)


@pytest.mark.requirement("R-RSK-06")
@pytest.mark.parametrize("engine", [e for e in OWN if Objective.MAX_RATIO in ALL[e].objectives])
def test_max_sharpe_without_a_positive_mean_has_no_answer(engine):
    given = problem(6)
    c = given.covariance
    answer = solve(replace(given, covariance=replace(c, means=-np.abs(c.means))), engine, "max_sharpe")
    assert answer.weights is None
    assert answer.attempts[-1].outcome == "no name has a positive expected return"
