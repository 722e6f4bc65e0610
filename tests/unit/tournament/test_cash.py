"""The cash of a decision by cause: the parts sum to it, and each is what its limit leaves, worked out by hand."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation import allocate
from tvquant.core.allocations import Allocation, Constraint, Status
from tvquant.core.atoms import Atom, Direction
from tvquant.core.decisions import Decision, Netting, Survival
from tvquant.core.selection import SelectionFunnel, SelectionResponse
from tvquant.tournament.cash import Cause, cash_parts
from tvquant.tournament.survival import BUDGET

AT = np.datetime64("2024-06-28", "us")


def funnel(selected: int, **counts: Any) -> SelectionFunnel:
    """Return a funnel of atoms that are instruments, in which nobody but those named fell out."""
    given = {"universe": selected, "discovery": selected, "refined": selected, "vetoed": {}} | counts
    discovery, refined = given["discovery"], given["refined"]
    return SelectionFunnel(
        **given, selected=selected, atoms_discovery=discovery, atoms_refined=refined, atoms_selected=selected
    )


def decided(problem: Any, made: Allocation, counted: SelectionFunnel, *, moved: float = 0.0) -> Decision:
    """Return the decision of an allocation; netting takes `moved` of each weight alike."""
    signs = problem.units.net.tolist()
    winners = tuple(
        Atom(physical_symbol=f"X:{key}", logic="hold", direction=Direction.LONG if sign > 0 else Direction.SHORT)
        for key, sign in zip(problem.keys, signs, strict=True)
    )
    ids = [atom.symbol for atom in winners]
    response = SelectionResponse(
        decided_at=AT, model="v4", version="", winners=winners, scores={}, components={}, vetoes={},
        clusters=dict.fromkeys(ids, 1), stage=1, recruited={}, thresholds={},
    )  # fmt: skip
    held = math.fsum(made.weights.values())
    atoms = {a: w * (1 - moved / held) for a, w in zip(ids, made.weights.values(), strict=True)} if held else {}
    return Decision(
        as_of=AT, funnel=counted, excluded={}, weights=atoms, inputs="", stamps=frozenset(), response=response,
        allocation=made, clusters=dict(zip(ids, problem.clusters, strict=True)), atoms=atoms,
        netting=Netting(moved=moved, gross={}, constraints=made.constraints),
    )  # fmt: skip


def shares(decision: Decision) -> dict[Cause, float]:
    """The parts by cause; they sum to the cash."""
    parts = cash_parts(decision)
    assert math.fsum(one.share for one in parts) == pytest.approx(1 - math.fsum(decision.atoms.values()), abs=1e-9)
    found: dict[Cause, float] = {}
    for one in parts:
        found[one.cause] = found.get(one.cause, 0.0) + one.share
    return {cause: share for cause, share in found.items() if cause is not Cause.ROUNDING}


def solved(n: int, profile: str = "hrp", *, clusters: Any = None, signs: Any = None, **given: Any) -> Any:
    problem = problem_of(
        covariance_of(np.diag(1.0 + np.arange(n))), clusters=clusters, limits=limits(**given), signs=signs
    )
    return problem, allocate(problem, engine="custom", risk_profile=profile)


def test_names_that_are_missing_are_laid_to_those_who_fell_out_the_last_ones_first() -> None:
    """Two winners of .2 each leave .6, three places: one was not chosen, one vetoed, the third unhealthy."""
    counted = funnel(2, universe=9, discovery=6, refined=3, vetoed={"history": 2, "kurtosis": 1})
    decision = decided(*solved(2, position=0.2), counted)
    assert shares(decision) == pytest.approx({Cause.PLACES: 0.2, Cause.VETOES: 0.2, Cause.HEALTH: 0.2})
    places, vetoes, health = (one for one in cash_parts(decision) if one.cause is not Cause.ROUNDING)
    assert places.detail == "2 weighted, 0.2 each; 1 of 3 were not chosen"
    assert vetoes.detail == "2 weighted, 0.2 each; kurtosis 1"
    assert health.detail == "2 weighted, 0.2 each; history 2"
    assert places.change.startswith("allocation.limits.position and cluster: 0.5, or selection.top_n")
    wide = decided(*solved(2, position=0.2), funnel(2, universe=3, discovery=2, refined=2))
    assert shares(wide) == pytest.approx({Cause.NOBODY: 0.2, Cause.FEW: 0.4})


def test_few_clusters_force_what_their_caps_leave_and_say_which_cap_would_do() -> None:
    """Nine names in three clusters of 25 % hold 75 %; a third each would hold all."""
    decision = decided(*solved(9, clusters=[0, 0, 0, 1, 1, 1, 2, 2, 2]), funnel(9))
    assert shares(decision) == pytest.approx({Cause.CLUSTERS: 0.25})
    (part,) = (one for one in cash_parts(decision) if one.cause is Cause.CLUSTERS)
    assert part.detail == "3 clusters of 9 winners, 0.25 each, hold 0.75 at most"
    assert part.change.startswith("allocation.limits.cluster: 0.3334, ")
    enough = solved(9, clusters=[0, 0, 0, 1, 1, 1, 2, 2, 2], cluster=0.3334)[1]
    assert enough.cash == pytest.approx(0.0, abs=1e-9)


def test_a_position_cap_that_would_do_is_named() -> None:
    problem, made = solved(3, position=0.2, cluster=0.4)
    (part,) = (one for one in cash_parts(decided(problem, made, funnel(3))) if one.cause is Cause.FEW)
    assert (part.share, part.change.split(",")[0]) == (pytest.approx(0.4), "allocation.limits.position: 0.3334")
    (part,) = (
        one for one in cash_parts(decided(*solved(3, position=0.5, cluster=0.2), funnel(3))) if one.cause is Cause.FEW
    )
    assert part.change.split(",")[0] == "allocation.limits.cluster: 0.3334"
    assert solved(3, position=0.3334, cluster=0.4)[1].cash == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("profile", ["equal_names", "equal_weight"])
def test_what_a_cap_cuts_from_equal_weights_is_its_own_cause(profile: str) -> None:
    """Six names, three in one cluster: 1/6 each; the cluster is cut from 1/2 to 1/4, and nobody gets the rest."""
    found = shares(decided(*solved(6, profile, clusters=[0, 0, 0, 1, 2, 3]), funnel(6)))
    assert found == {Cause.CUT_CLUSTER: pytest.approx(0.25)}


def test_what_the_profile_wants_netting_and_limits_by_name_are_told_apart() -> None:
    counted = funnel(6)
    assert shares(decided(*solved(6, gross=0.7), counted)) == pytest.approx({Cause.WANTED: 0.3})
    assert shares(decided(*solved(6, net=(0.0, 0.6)), counted)) == pytest.approx({Cause.WANTED: 0.4})
    netted = decided(*solved(4), funnel(4), moved=0.1)
    assert shares(netted) == pytest.approx({Cause.NETTING: 0.1})
    assert [(one.detail, one.change) for one in cash_parts(netted) if one.cause is Cause.NETTING] == [
        (
            "at its limit now: position 0.25, cluster 0.25, gross 1, net 1",
            "allocation.limits: position, cluster, gross, net",
        )
    ]
    group = limits(groups={"g": ([f"X:N{k:03d}" for k in range(6)], 0.8)})
    problem = problem_of(covariance_of(np.eye(6)), limits=group)
    made = allocate(problem, engine="custom", risk_profile="hrp")
    found = decided(problem, made, counted)
    assert shares(found) == pytest.approx({Cause.NAMED: 0.2}, abs=1e-6)
    assert [one.detail for one in cash_parts(found) if one.cause is Cause.NAMED] == ["group g"]


def test_what_netting_took_is_laid_to_keys_of_the_profile() -> None:
    """Verified limits are of net and of gross weights: the profile has one key for both."""
    found = decided(*solved(4), funnel(4), moved=0.1)
    full = [("net_position", 0.25), ("net_cluster", 0.25), ("gross_cluster", 0.25), ("group banks", 0.5)]
    limits = tuple(Constraint(name=name, limit=limit, value=limit) for name, limit in [*full, ("net_low", -1.0)])
    netting = Netting(moved=0.1, gross={}, constraints=limits)
    (part,) = (one for one in cash_parts(replace(found, netting=netting)) if one.cause is Cause.NETTING)
    assert part.detail == "at its limit now: position 0.25, cluster 0.25, group banks 0.5"
    assert part.change == "allocation.limits: position, cluster, groups"


def test_net_limits_of_two_sides_force_what_neither_side_may_hold() -> None:
    """One short of .25 lets a net of at most 0 hold .25 long: half of the equity stays in cash."""
    found = shares(decided(*solved(6, signs=[1, 1, 1, 1, 1, -1], net=(0.0, 0.0)), funnel(6)))
    assert found == pytest.approx({Cause.NET: 0.5})


def test_weights_of_the_users_own_leave_what_they_do_not_declare() -> None:
    problem = problem_of(covariance_of(np.eye(4)))
    object.__setattr__(problem, "target", np.array([0.3, 0.1, 0.1, 0.1]))
    made = allocate(problem, engine="custom", risk_profile="fixed")
    found = decided(problem, made, funnel(4))
    assert shares(found) == pytest.approx({Cause.CUT_POSITION: 0.05, Cause.DECLARED: 0.4})


def test_without_weights_all_is_cash_by_one_cause() -> None:
    def bare(counted: SelectionFunnel, **more: Any) -> Decision:
        nobody = {"excluded": {"X:A": "history"}, "weights": {}, "inputs": "", "stamps": frozenset()}
        return Decision(as_of=AT, funnel=counted, **nobody | more)

    health = funnel(0, universe=3, discovery=2, refined=0, vetoed={"history": 2})
    assert shares(bare(funnel(0, universe=3, discovery=0, refined=0))) == {Cause.NOBODY: 1.0}
    assert shares(bare(health)) == {Cause.HEALTH: 1.0}
    assert cash_parts(bare(health))[0].detail == "history 2"
    assert shares(bare(health, failure="no answer")) == {Cause.FAILED: 1.0}
    problem, made = solved(2, net=(-1.0, 0.0))
    failed = decided(problem, made, funnel(2))
    assert made.status is Status.FAILED
    assert shares(failed) == {Cause.FAILED: 1.0}
    (part,) = cash_parts(failed)
    assert part.detail == "cannot be kept together: allocation.limits.net: net at most 0 % and invested at least 50 %"
    assert part.change == "raise allocation.limits.net (net at most) from 0 % to 50 %, or allow 100 % cash"


def test_what_reference_bounds_keep_is_a_cause_of_its_own() -> None:
    problem = problem_of(covariance_of(np.diag([1.0] * 12 + [25.0] * 3)), clusters=(0,) * 12 + (1, 2, 3),
                         limits=limits(reference=2.0))  # fmt: skip
    made = allocate(problem, engine="custom", risk_profile="min_variance")
    found = shares(decided(problem, made, funnel(15)))
    assert found[Cause.REFERENCE] == pytest.approx(1.0 - 0.25 - 3 / 15, abs=1e-6)
    assert Cause.CLUSTERS not in found
    assert sum(found.values()) == pytest.approx(made.cash)


def test_what_the_limit_on_turnover_leaves_is_a_cause_of_its_own() -> None:
    problem, _ = solved(5, gross=0.9, turnover=0.3, reference=2.0)
    problem = replace(problem, held={"X:N000": 0.2, "X:GONE": 0.1})
    decision = decided(problem, allocate(problem, engine="custom", risk_profile="hrp"), funnel(5))
    assert shares(decision) == pytest.approx({Cause.WANTED: 0.1, Cause.TURNOVER: 0.4})
    (part,) = (one for one in cash_parts(decision) if one.cause is Cause.TURNOVER)
    assert part.change == "allocation.limits.turnover: more, or null"


def test_clusters_of_the_selection_that_bind_alone_are_named() -> None:
    problem, _ = solved(6)
    problem = replace(problem, selection_clusters=(0, 0, 0, 0, 1, 1))
    made = allocate(problem, engine="custom", risk_profile="hrp")
    assert shares(decided(problem, made, funnel(6)))[Cause.TOGETHER] == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("profile", ["equal_names", "equal_weight"])
def test_what_caps_cut_from_equal_weights_is_counted_once(profile: str) -> None:
    """One cluster of twelve: .15 is all that it may hold, and no cut of single names says more than that."""
    found = shares(decided(*solved(12, profile, clusters=[0] * 12, cluster=0.15), funnel(12)))
    assert found == pytest.approx({Cause.CLUSTERS: 0.85})
    found = shares(decided(*solved(5, profile, position=0.05, gross=0.9), funnel(5, universe=30)))
    assert found == pytest.approx({Cause.WANTED: 0.1, Cause.NOBODY: 0.65})
    found = shares(decided(*solved(12, profile, clusters=[0] * 12, reference=0.5), funnel(12)))
    assert found == pytest.approx({Cause.CLUSTERS: 0.75})


def test_declared_weights_above_gross_are_cut_once() -> None:
    """Four of 1/4, half of them by gross: nothing else is missing."""
    assert shares(decided(*solved(4, "fixed", gross=0.5), funnel(4))) == pytest.approx({Cause.WANTED: 0.5})


@pytest.mark.parametrize("profile", ["hrp", "equal_weight", "fixed"])
def test_what_protection_after_a_loss_leaves_is_a_cause_of_its_own(profile: str) -> None:
    """Gross .8 wants .2; of the rest the protection leaves .3, and where gross wants .7 nothing."""
    for gross, kept in ((0.8, {Cause.WANTED: 0.2, Cause.SURVIVAL: 0.3}), (0.3, {Cause.WANTED: 0.7})):
        problem = replace(solved(6, gross=gross)[0], budget=BUDGET)
        if profile == "fixed":  # no more is declared than gross allows
            problem = replace(problem, target=np.full(6, gross / 6))
            kept = {Cause.DECLARED if cause is Cause.WANTED else cause: share for cause, share in kept.items()}
        made = allocate(problem, engine="custom", risk_profile=profile)
        protected = replace(decided(problem, made, funnel(6)), survival=Survival(drawdown=0.6, left=3))
        assert shares(protected) == pytest.approx(kept)


def test_in_two_layers_a_member_at_its_limit_and_a_limit_by_name_are_told_apart() -> None:
    """Two clusters of two, of variances 1 and 9: the larger part, .9, may be .18 and .25, and binds its cluster."""
    problem = problem_of(covariance_of(np.diag([1.0, 9.0, 1.0, 9.0])), clusters=[0, 0, 1, 1],
                         limits=limits(cluster=1.0, names={"X:N000": (0.0, 0.18)}))  # fmt: skip
    two = {"engine": "custom", "estimated": lambda returns: covariance_of(np.eye(2))}
    made = allocate(problem, risk_profile="equal_weight", **two)
    assert made.cash == pytest.approx(1 - 0.43 / 0.9)
    assert sum(shares(decided(problem, made, funnel(4))).values()) == pytest.approx(made.cash)
    made = allocate(problem, risk_profile="hrp", **two)
    found = shares(decided(problem, made, funnel(4)))
    assert found == pytest.approx({Cause.NAMED: 0.07, Cause.SHARES: 0.93 - 0.43 / 0.9}, abs=1e-6)
    (part,) = (one for one in cash_parts(decided(problem, made, funnel(4))) if one.cause is Cause.SHARES)
    assert part.change.startswith("allocation.layers: one")


@pytest.mark.requirement("R-SYN-04")
def test_what_gates_leave_out_is_told_from_what_caps_on_the_rest_force() -> None:
    """Two atoms half open, gross .3: six tenths may be weighed, of which half is held; the other four are forced."""
    problem, made = solved(2, "min_variance", signs=[0.5, -0.5], gross=0.3)
    plain = decided(problem, made, funnel(2))
    found = replace(plain, gates=dict.fromkeys(plain.atoms, 0.5))
    parts = {one.cause: one.share for one in cash_parts(found) if one.cause is not Cause.ROUNDING}
    assert parts == {Cause.GATED: pytest.approx(0.4, abs=1e-9), Cause.GATE: pytest.approx(0.3, abs=1e-9)}
    assert found.cash == pytest.approx(0.7, abs=1e-9)
    assert cash_parts(found)[0].detail == "2 of 2 atoms have a gate below 1, 0.5 on average"
