"""The policy: vetoes in force at each stage, the loop's condition, and what is recorded."""

from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.selection import Veto
from tvquant.selection.places import Places
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.stages.policy import SelectionPolicyStage, in_force_with
from tvquant.selection.stages.synthesis import SynthesisStage
from tvquant.selection.vetoes.catalogue import VETOES
from tvquant.statistics import NullStatistic, null_quantile

POLICY = SelectionPolicyStage()
STRICT, SPECTRAL = (null_quantile(NullStatistic.ENTROPY, np.array([200]), share).item() for share in (0.90, 0.95))


@pytest.fixture
def ready(judged):
    """Atoms of falling score, each in its own cluster unless `clusters` says otherwise."""

    def make(clusters=(), settings=None, **columns):
        given = judged(settings=settings, **columns)
        count = len(given.pool.atoms)
        return replace(given, scores=-np.arange(float(count)), clusters=tuple(clusters) or tuple(range(1, count + 1)))

    return make


def stages(given):
    """The contexts after each stage of relaxation."""
    done = [POLICY.run(given)]
    while POLICY.goes_on(done[-1]):
        done.append(POLICY.run(done[-1]))
    return done


def reached(given):
    return stages(given)[-1]


@pytest.mark.requirement("R-SEL-20")
def test_a_sufficient_pool_stops_at_the_strict_stage(ready):
    done = reached(ready(kurtosis=[0.0] * 20))
    assert (done.stage, len(done.recruited), done.vetoes) == (1, 20, {})


@pytest.mark.requirement("R-SEL-20")
def test_the_loop_starts_at_the_stage_that_is_asked_for(ready):
    given = ready(kurtosis=[0.0] * 20, settings={"first_stage": 3})
    assert [context.stage for context in stages(given)] == [3]
    few = ready(kurtosis=[0.0] * 2, settings={"first_stage": 3})
    assert [context.stage for context in stages(few)] == [3, 4]
    strict = SelectionPolicyStage(last=Relaxation.STRICT).run(few)
    assert (strict.stage, len(strict.recruited)) == (1, 2)


@pytest.mark.requirement("R-SEL-21")
def test_stage_2_halves_the_share_of_noise_of_entropy_and_efficiency_and_keeps_it(ready):
    between = (STRICT + SPECTRAL) / 2
    assert STRICT < between < SPECTRAL
    strict, spectral, floor, fallback = stages(ready(entropy=[0.5, between, 1.0], clusters=(1, 1, 1)))
    assert strict.vetoes["X:N001_hold_LONG"] == Veto(rule="entropy", value=between, limit=STRICT, hard=False)
    assert set(strict.recruited) == {"X:N000_hold_LONG"}
    assert set(spectral.recruited) == {"X:N000_hold_LONG", "X:N001_hold_LONG"}
    assert spectral.vetoes == {"X:N002_hold_LONG": Veto(rule="entropy", value=1.0, limit=SPECTRAL, hard=False)}
    shares = {
        name: [context.thresholds[name]["null_share"] for context in (strict, spectral, floor, fallback)]
        for name in VETOES
        if not VETOES[name].hard and name not in ("no_adx", "friction")
    }
    assert shares == {
        "entropy": [0.1, 0.05, 0.05, 0.05],
        "efficiency": [0.1, 0.05, 0.05, 0.05],
        "random_walk": [0.1] * 4,
        "persistent_loser": [0.1] * 4,
        "adx": [0.1] * 4,
    }
    assert [c.thresholds["entropy"]["max"] for c in (strict, spectral, floor)] == [STRICT, SPECTRAL, SPECTRAL]
    assert spectral.thresholds["efficiency"]["max"] < strict.thresholds["efficiency"]["max"]


@pytest.mark.requirement("R-SEL-22")
def test_an_empty_cluster_contributes_at_stage_3(ready):
    done = reached(ready(entropy=[0.5, 1.0, 1.0, 1.0], clusters=(1, 1, 2, 2), settings={"min_winners": 2}))
    assert done.stage == 3
    assert dict(done.recruited) == {"X:N000_hold_LONG": "ranked", "X:N002_hold_LONG": "cluster_floor"}
    assert {symbol: veto.overridden for symbol, veto in done.vetoes.items()} == {
        "X:N001_hold_LONG": False,
        "X:N002_hold_LONG": True,
        "X:N003_hold_LONG": False,
    }


@pytest.mark.requirement("R-SEL-22")
@pytest.mark.parametrize("thresholds", ["calibrated", "as_specified"])
def test_noise_does_not_stand_for_an_empty_cluster_and_is_the_reason(ready, thresholds):
    """At most 0.999, of order 3 in both presets; what is missing is not below it."""
    given = ready(
        adx=[50.0, 1.0, 1.0, 1.0, 1.0],
        floor_entropy=[1.0, 0.9991, 0.999, np.nan, 0.9991],
        kurtosis=[0.0, 0.0, 0.0, 0.0, 30.0],
        clusters=(1, 2, 3, 4, 5),
        settings={"min_winners": 2, "thresholds": thresholds},
    )
    spectral, floor = stages(given)[1:3]
    assert dict(floor.recruited) == {"X:N000_hold_LONG": "ranked", "X:N002_hold_LONG": "cluster_floor"}
    assert floor.vetoes["X:N001_hold_LONG"] == Veto(rule="cluster_floor", value=0.9991, limit=0.999, hard=False)
    assert [floor.vetoes[f"X:N00{k}_hold_LONG"].rule for k in (3, 4)] == ["adx", "kurtosis"]
    assert floor.thresholds["cluster_floor"] == {"entropy": 0.999}
    assert "cluster_floor" not in spectral.thresholds


@pytest.mark.requirement("R-SEL-23")
@pytest.mark.requirement("R-SEL-24")
def test_a_pool_of_40_gives_15_and_a_pool_of_9_gives_9(ready):
    many = reached(ready(entropy=[1.0] * 40, clusters=(1,) * 40))
    assert (many.stage, len(many.recruited)) == (4, 15)
    assert set(many.recruited.values()) == {"cluster_floor", "alpha_fallback"}
    few = reached(ready(entropy=[1.0] * 9, clusters=(1,) * 9))
    assert (few.stage, len(few.recruited)) == (4, 9)


BETWEEN = (STRICT + SPECTRAL) / 2
"""An entropy that only the first stage rejects."""


@pytest.mark.requirement("R-SEL-20")
@pytest.mark.requirement("R-SEL-24")
@pytest.mark.parametrize(
    ("stage", "floor", "clusters", "columns", "winners", "flags"),
    [
        (1, 2, (1, 2, 3), {"entropy": [0.5, 0.5, 1.0]}, "01", set()),
        (2, 2, (1, 2, 3), {"entropy": [0.5, BETWEEN, 1.0]}, "01", set()),
        (3, 2, (1, 2, 2), {"entropy": [0.5, 1.0, 1.0]}, "01", set()),
        (4, 2, (1, 1, 1), {"entropy": [0.5, 1.0, 1.0]}, "01", set()),
        (4, 3, (1, 1, 1), {"entropy": [0.5, 1.0, 1.0], "kurtosis": [0.0, 30.0, 0.0]}, "02", {"sparse"}),
    ],
    ids=["enough", "looser limits", "an empty cluster", "the best of the rest", "too few at all"],
)
def test_the_stage_that_each_scenario_reaches_is_on_record(ready, stage, floor, clusters, columns, winners, flags):
    settings = {"min_winners": floor, "vetoes": ("kurtosis", "entropy")}
    done = SynthesisStage().run(reached(ready(clusters=clusters, settings=settings, **columns)))
    assert done.stage == stage
    assert [atom.physical_symbol for atom in done.winners] == [f"X:N00{k}" for k in winners]
    assert done.flags == flags
    assert ("cluster_floor" in done.thresholds) is (stage >= 3)


@pytest.mark.requirement("R-SEL-19")
@pytest.mark.requirement("R-SEL-17")
@pytest.mark.parametrize(
    "hard",
    [
        {"kurtosis": 21.0}, {"volatility": 2.6}, {"kurtosis": np.nan}, {"survival": 0.09}, {"roc": 100.1},
        {"roc": -80.1}, {"volatility_d": 100.1}, {"metadata_known": 0.0},
    ],
)  # fmt: skip
def test_a_hard_veto_is_never_relaxed(ready, hard):
    ((name, value),) = hard.items()
    usual = {
        "kurtosis": 0.0,
        "volatility": 0.5,
        "survival": 1.0,
        "roc": 5.0,
        "volatility_d": 4.0,
        "metadata_known": 1.0,
    }[name]
    given = ready(entropy=[1.0] * 10, clusters=range(1, 11), **{name: [value] * 5 + [usual] * 5})
    for done in stages(given):
        barred = set(given.pool.ids[:5])
        assert not barred & set(done.recruited)
        assert {symbol for symbol, veto in done.vetoes.items() if veto.hard} == barred
    assert (done.stage, len(done.recruited)) == (4, 5)


def test_a_hard_rule_is_the_reason_when_a_soft_one_is_broken_too(ready):
    done = POLICY.run(ready(entropy=[1.0, 0.5], kurtosis=[30.0, 0.0]))
    assert done.vetoes == {"X:N000_hold_LONG": Veto(rule="kurtosis", value=30.0, limit=20.0, hard=True)}


@pytest.mark.requirement("R-SEL-31")
def test_who_is_recruited_in_spite_of_a_soft_veto_keeps_it_overridden(ready):
    done = reached(ready(adx=[1.0, 1.0, 1.0], clusters=(1, 1, 1), settings={"min_winners": 2}))
    assert len(done.recruited) == 2
    assert {symbol for symbol, veto in done.vetoes.items() if veto.overridden} == set(done.recruited)
    limit = null_quantile(NullStatistic.ADX, np.array([200]), 0.1).item()
    assert done.vetoes["X:N000_hold_LONG"] == Veto(rule="adx", value=1.0, limit=limit, hard=False, overridden=True)
    assert not done.vetoes["X:N002_hold_LONG"].overridden


@pytest.mark.requirement("R-SEL-26")
def test_the_best_25_are_kept(ready):
    done = reached(ready(kurtosis=[0.0] * 40))
    assert list(done.recruited) == list(done.pool.ids[:25])


@pytest.mark.requirement("R-SEL-25")
@pytest.mark.parametrize(("top_n", "count"), [(1, 2), (2, 4), (3, 6)])
def test_top_n_of_the_profile_changes_the_count(ready, top_n, count):
    settings = {"top_n": top_n, "min_winners": 1}
    assert len(reached(ready(kurtosis=[0.0] * 12, clusters=[1] * 6 + [2] * 6, settings=settings)).recruited) == count


@pytest.mark.requirement("R-SEL-19")
def test_every_threshold_of_the_catalogue_is_recorded(ready):
    done = POLICY.run(ready(kurtosis=[0.0], settings={"vetoes": tuple(VETOES)}))
    assert set(done.thresholds) == {*VETOES, "hardening"}
    assert all(np.isfinite(list(limits.values())).all() for limits in done.thresholds.values())


@pytest.mark.requirement("R-SEL-01")
def test_policy_before_partitioning_is_refused(judged):
    given = replace(judged(kurtosis=[0.0]), scores=np.zeros(1))
    with pytest.raises(ValueError, match="run partitioning first"):
        POLICY.run(given)


BREAKS = {
    "no_statistics": {"kurtosis": np.nan}, "survival": {"survival": 0.0}, "kurtosis": {"kurtosis": 99.0},
    "volatility": {"volatility": 9.0}, "roc": {"roc": 400.0}, "volatility_d": {"volatility_d": 400.0},
    "metadata": {"metadata_known": 0.0}, "unborrowable": {"kurtosis": 0.0},
    "entropy": {"entropy": 1.0}, "efficiency": {"efficiency": 0.0}, "random_walk": {"hurst": 0.5},
    "persistent_loser": {"hurst": 0.99, "momentum": -1.0}, "no_adx": {"adx": np.nan}, "adx": {"adx": 1.0},
    "friction": {"momentum": 0.1},
}  # fmt: skip


@pytest.mark.requirement("R-SEL-15")
@pytest.mark.requirement("R-SEL-32")
@pytest.mark.parametrize("rule", VETOES)
def test_each_veto_can_be_switched_off_by_itself(ready, rule):
    columns = {name: [value] for name, value in BREAKS[rule].items()}
    if rule == "random_walk":
        low, high = (null_quantile(NullStatistic.HURST, np.array([200]), share) for share in (0.45, 0.55))
        columns["hurst"] = ((low + high) / 2).tolist()
    lent = {"unborrowable": ("X:N000",)} if rule == "unborrowable" else {}
    given = ready(settings={"vetoes": tuple(VETOES), **lent}, directions="S" if lent else "L", **columns)
    if rule == "friction":  # nothing is traded
        traded = (np.array(given.features.names) == "adv_median_30")[:, None]
        given = replace(given, features=replace(given.features, values=np.where(traded, 0.0, given.features.values)))
    with_it = POLICY.run(given)
    assert [veto.rule for veto in with_it.vetoes.values()] == [rule]
    others = tuple(name for name in VETOES if name != rule)
    parameters = given.parameters.model_copy(update={"vetoes": others})
    without = POLICY.run(replace(given, parameters=parameters))
    assert (dict(without.vetoes), len(without.recruited)) == ({}, 1)
    assert set(without.thresholds) == {*others, "hardening"} - ({"hardening"} if rule == "entropy" else set())


def test_without_any_veto_everyone_is_ranked(ready):
    done = POLICY.run(ready(settings={"vetoes": ()}, kurtosis=[99.0, np.nan]))
    assert (done.stage, len(done.recruited), dict(done.vetoes), dict(done.thresholds)) == (1, 2, {}, {})


def test_a_rule_of_the_models_own_judges_whatever_the_profile_names(ready):
    policy = SelectionPolicyStage(rules=in_force_with(VETOES["kurtosis"]))
    for vetoes in ((), ("kurtosis", "roc")):
        done = policy.run(ready(settings={"vetoes": vetoes}, kurtosis=[99.0, 0.0]))
        assert [veto.rule for veto in done.vetoes.values()] == ["kurtosis"]
        assert set(done.thresholds) == {"kurtosis", *vetoes}


@pytest.mark.requirement("R-SEL-09")
def test_a_policy_without_relaxation_ends_with_its_first_stage(ready):
    policy = SelectionPolicyStage(last=Relaxation.STRICT)
    done = policy.run(ready(entropy=[1.0] * 3))
    assert (policy.goes_on(done), POLICY.goes_on(done), dict(done.recruited)) == (False, True, {})


def test_places_are_those_of_the_placing_and_are_recorded(ready):
    placing = lambda _: Places(of_cluster={1: 2, 2: 1}, thresholds={"places": {"1": 2.0}})  # noqa: E731
    done = SelectionPolicyStage(placing=placing).run(ready(kurtosis=[0.0] * 6, clusters=[1] * 3 + [2] * 3))
    assert [symbol[2:6] for symbol in done.recruited] == ["N000", "N001", "N003"]
    assert done.thresholds["places"] == {"1": 2.0}
