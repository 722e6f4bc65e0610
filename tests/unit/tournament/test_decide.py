"""The one function that decides: what each spec holds, and when it holds nothing."""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from builders.deciding import EVERYONE, FALLING, RISING, RISK_PROFILES, ROW, recruits, spec_of, weights_at
from builders.toy_engine import Toy
from tvquant.allocation import ENGINES, allocate
from tvquant.allocation.engines.custom.engine import Custom
from tvquant.core.allocations import Allocation, Status
from tvquant.core.atoms import Atom
from tvquant.core.decisions import Decision
from tvquant.core.digests import canonical_json
from tvquant.core.panel import Floats, Panel
from tvquant.core.problems import Problem
from tvquant.core.stamps import Stamp
from tvquant.profiles import Profile
from tvquant.statistics import estimate
from tvquant.tournament.book_figures import drift
from tvquant.tournament.candidates import choose
from tvquant.tournament.decide import correlations, decide, needs_previous
from tvquant.tournament.specs import MarketSpec, Previous, StrategySpec
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]


def test_strategies_keep_their_caps(profile: Profiles, market: Markets, walks: Walks) -> None:
    panel, made = market(walks("ABCDEF", 200)), profile()
    for name in ("min_variance", "equal_weight"):
        decision = decide(look(panel, ROW), spec_of(made, name), Previous())
        assert decision.allocation is not None
        assert decision.allocation.status is Status.SOLVED
        assert sum(decision.weights.values()) + decision.allocation.cash == pytest.approx(1.0, abs=1e-12)
        assert max(decision.weights.values()) <= 0.25 + 1e-9
    assert weights_at(panel, spec_of(made, "equal_weight")) == pytest.approx(dict.fromkeys(panel.keys, 1 / 6))
    quiet, wild = (weights_at(panel, spec_of(made, "min_variance")).get(key, 0.0) for key in ("X:A", "X:F"))
    assert quiet > wild


@pytest.mark.requirement("R-SIM-03")
@pytest.mark.parametrize(("row", "matters"), [(ROW - 61, False), (ROW - 59, True), (ROW, True), (ROW + 1, False)])
def test_a_strategy_learns_from_its_training_rows_only(
    profile: Profiles, market: Markets, walks: Walks, row: int, matters: bool
) -> None:
    """A decision at the close of row i - 1 learns from the returns of rows i - 60 to i - 1, also its clusters here."""
    close, spec = walks("ABCDEF", 200), spec_of(profile(data__lookback=60), "min_variance")
    before = decide(look(market(close), ROW), spec, Previous())
    close["A"][row] *= 1.2
    after = decide(look(market(close), ROW), spec, Previous())
    assert (before.weights != after.weights) is matters
    assert (before.inputs != after.inputs) is matters


@pytest.mark.requirement("R-SEL-30")
def test_a_short_profile_without_scanners_holds_no_long(profile: Profiles, market: Markets, walks: Walks) -> None:
    made = profile(universe__direction="short")
    weights = weights_at(market(walks("ABCDEF", 200)), spec_of(made, "equal_weight"))
    assert weights == pytest.approx({f"X:{name}": -1 / 6 for name in "ABCDEF"})


def test_the_value_of_an_engines_option_reaches_the_decision(
    profile: Profiles, market: Markets, walks: Walks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("tvquant.allocation", "tvquant.tournament.cells", "tvquant.tournament.decide"):
        monkeypatch.setattr(f"{module}.ENGINES", {**ENGINES, "toy": Toy()})
    monkeypatch.setattr(sys.modules["tvquant.allocation.allocate"], "ENGINES", {**ENGINES, "toy": Toy()})
    panel = market(walks("ABCDEF", 200))

    def weights(**options: float) -> dict[str, float]:
        made = profile(
            allocation__engines=["toy"], allocation__profiles=["risk_parity"], allocation__fallbacks=[],
            risk__primary="risk_parity", risk__anchors=[], **options,
        )  # fmt: skip
        return dict(weights_at(panel, spec_of(made, "risk_parity")))

    assert weights() == weights(allocation__toy__power=0.5)
    assert weights(allocation__toy__power=2.0)["X:F"] < 0.7 * weights()["X:F"], "the most volatile name"


def test_without_a_candidate_all_is_cash(profile: Profiles, market: Markets, walks: Walks) -> None:
    view = look(market(walks("ABC", 200)), 80)
    for name in ("min_variance", "base_universe_ew", "benchmark"):
        decision = decide(view, spec_of(profile(), name), Previous())
        assert decision.weights == {}
        assert decision.allocation is None
        assert decision.funnel.vetoed == {"history": 3}


def test_without_a_covariance_the_allocation_fails_and_says_why(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    """Two names that miss different sessions have one common return within three rows: no covariance."""
    close = walks("AB", 200)
    close["A"][ROW - 1] = close["B"][ROW - 2] = np.nan
    made = profile(windows__train=3, data__max_missing=0.5)
    decision = decide(look(market(close, name="XNYS"), ROW), spec_of(made, "min_variance"), Previous())
    assert decision.allocation is not None
    assert decision.allocation.status is Status.FAILED
    assert decision.allocation.cash == 1.0
    assert "at least 2 rows" in decision.allocation.attempts[0].outcome
    assert decision.weights == {}
    assert decision.funnel.selected == 2


@pytest.mark.requirement("R-RSK-09")
@pytest.mark.parametrize("name", ["hrp", "min_variance", "equal_weight"])
def test_a_stream_that_does_not_vary_is_removed_by_name_and_the_others_are_held(
    profile: Profiles, market: Markets, walks: Walks, name: str
) -> None:
    """C grows by a tenth of a percent each day of training: its returns differ by rounding alone."""
    close, made = walks("ABCDEF", 200), profile(allocation__profiles=sorted({"min_variance", name}))
    without = decide(look(market({key: close[key] for key in "ABDEF"}), ROW), spec_of(made, name), Previous())
    close["C"][ROW - 61 :] = close["C"][ROW - 61] * 1.001 ** np.arange(200 - ROW + 61)
    decision = decide(look(market(close), ROW), spec_of(made, name), Previous())
    assert decision.allocation is not None
    assert decision.allocation.status is Status.SOLVED
    assert decision.allocation.weights["X:C_hold_LONG"] == 0.0
    assert decision.weights == pytest.approx(without.weights, abs=1e-12)
    assert "X:C_hold_LONG removed" in decision.allocation.attempts[0].outcome
    for key in "ABDEF":
        close[key][ROW - 61 :] = close["C"][ROW - 61 :]
    failed = decide(look(market(close), ROW), spec_of(made, name), Previous()).allocation
    assert failed is not None
    assert failed.status is Status.FAILED
    assert "X:A_hold_LONG, X:B_hold_LONG" in failed.attempts[0].outcome


def test_decisions_carry_the_caveats_of_universe_and_windows(profile: Profiles, market: Markets, walks: Walks) -> None:
    panel = market(walks("ABCDE", 200))
    decision = decide(look(panel, ROW), spec_of(profile(), "equal_weight"), Previous())
    assert decision.stamps == {Stamp.CURRENT_ONLY, Stamp.SWEPT_WINDOWS}
    assert decide(look(panel, ROW), MarketSpec(symbols=("X:A",), quorum=0.8), Previous()).stamps == frozenset()


@pytest.mark.requirement("R-SYN-06")
@pytest.mark.requirement("R-RSK-24")
@pytest.mark.parametrize("name", RISK_PROFILES)
def test_short_atoms_have_positive_weights_and_negative_holdings(
    name: str, trending: Panel, scanned: Callable[..., Profile]
) -> None:
    decision = decide(look(trending, ROW), spec_of(scanned(RISING, FALLING), name), Previous())
    assert decision.allocation is not None
    assert decision.allocation.status is Status.SOLVED
    assert min(decision.allocation.weights.values()) >= 0.0
    sides = {symbol.rpartition("_")[2] for symbol in decision.atoms}
    assert sides == {"LONG", "SHORT"}
    for atom, weight in decision.atoms.items():
        asset, side = atom.split("_rating_ma_")
        assert decision.weights[asset] == pytest.approx(weight if side == "LONG" else -weight, abs=1e-15)
    assert sum(decision.atoms.values()) <= 1.0 + 1e-12
    assert decision.netting is not None
    assert {c.name for c in decision.netting.constraints} == {
        "net_position", "gross_position", "net_cluster", "gross_cluster", "gross", "net_high", "net_low"
    }  # fmt: skip
    assert all(c.value <= c.limit + 1e-9 for c in decision.netting.constraints)


@pytest.mark.requirement("R-RSK-12")
@pytest.mark.requirement("R-SYN-10")
def test_two_atoms_on_one_asset_are_cut_to_its_cap(trending: Panel, scanned: Callable[..., Profile]) -> None:
    """Of 24 atoms the falling names have two, a long and a short: gross is what binds, net is what is left of it."""
    made = scanned(EVERYONE, FALLING, selection__model="baseline", allocation__limits__position=0.05)
    decision = decide(look(trending, ROW), spec_of(made, "equal_weight"), Previous())
    assert decision.netting is not None
    assert decision.allocation is not None
    falling = {f"X:{name}" for name in "GHIJKL"}
    assert set(decision.netting.gross) == falling
    for asset in falling:
        long, short = decision.atoms[f"{asset}_hold_LONG"], decision.atoms[f"{asset}_rating_ma_SHORT"]
        assert decision.weights.get(asset, 0.0) == pytest.approx(long - short, abs=1e-15)
        assert decision.netting.gross[asset] == pytest.approx(long + short, abs=1e-15)
        assert long + short <= 0.05 + 1e-9
    assert decision.netting.moved == 0.0, "the allocation was given the cap of assets"
    assert decision.allocation.causes["position"] > 0.05
    assert decision.allocation.forced_cash > 0.2


@pytest.mark.requirement("R-RSK-12")
def test_after_netting_the_cap_binds_the_clusters_of_selection_not_those_of_allocation(
    market: Markets, scanned: Callable[..., Profile]
) -> None:
    """A rises and L falls on the same shocks: long and short of them are opposite streams, two clusters in allocation.

    Their assets move as one, so selection has one cluster of them, and that may be held up to its cap, gross.
    """
    draw = np.random.default_rng(3)
    shocks = draw.standard_normal((200, 6))
    shocks[:, 5] = shocks[:, 0] + 0.1 * shocks[:, 5]
    moves = np.array([0.008] * 5 + [-0.008]) + 0.01 * shocks
    panel = market(dict(zip("ABCDEL", 100.0 * np.exp(moves.cumsum(axis=0)).T, strict=True)))
    decision = decide(look(panel, ROW), spec_of(scanned(RISING, FALLING), "equal_weight"), Previous())
    long, short = "X:A_rating_ma_LONG", "X:L_rating_ma_SHORT"
    assert decision.response is not None
    assert decision.allocation is not None
    assert decision.netting is not None
    assert decision.response.clusters[long] == decision.response.clusters[short]
    assert decision.clusters[long] != decision.clusters[short]
    asked = sum(decision.allocation.weights[atom] for atom in (long, short))
    assert asked == pytest.approx(0.25, abs=1e-12), "the allocation knows both"
    assert decision.atoms[long] + decision.atoms[short] == pytest.approx(0.25, abs=1e-12)
    assert decision.netting.moved == pytest.approx(asked - 0.25, abs=1e-12)


@pytest.mark.requirement("R-RSK-12")
def test_the_limits_of_a_view_bind_the_problem_and_what_is_held_after_netting(
    trending: Panel, scanned: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, spec = sys.modules["tvquant.tournament.decide"], spec_of(scanned(RISING, FALLING), "hrp")
    monkeypatch.setattr(module, "limits_at", lambda view, spec: replace(spec.limits, cluster=0.05))
    decision = decide(look(trending, ROW), spec, Previous())
    assert decision.allocation is not None
    assert decision.netting is not None
    rows = (*decision.allocation.constraints, *decision.netting.constraints)
    clusters = {row.name: row for row in rows if "cluster" in row.name}
    assert set(clusters) == {"cluster", "selection_cluster", "net_cluster", "gross_cluster"}
    assert all(row.limit == 0.05 for row in clusters.values())
    assert clusters["cluster"].value == pytest.approx(0.05, abs=1e-9)


@pytest.mark.parametrize("starts", [True, False])
def test_an_engine_is_given_the_streams_and_what_was_held_where_it_starts_from_that(
    trending: Panel, scanned: Callable[..., Profile], monkeypatch: pytest.MonkeyPatch, starts: bool
) -> None:
    given: list[Problem] = []
    told = replace(Custom(), from_previous=starts)
    monkeypatch.setattr("tvquant.tournament.decide.ENGINES", {**ENGINES, "custom": told})

    def spy(problem: Problem, **how: Any) -> Allocation:
        given.append(problem)
        return allocate(problem, **how)

    monkeypatch.setattr(sys.modules["tvquant.tournament.decide"], "allocate", spy)
    held = {"X:A_rating_ma_LONG": 0.2, "X:G_rating_ma_SHORT": 0.1, "X:Z_rating_ma_LONG": 0.3}
    decision = decide(look(trending, ROW), spec_of(scanned(RISING, FALLING), "hrp"), Previous(atoms=held))
    assert decision.allocation is not None
    (problem,) = given
    assert problem.keys == tuple(decision.allocation.weights)
    before = dict(zip(problem.keys, problem.previous.tolist(), strict=True))
    assert before == {key: held.get(key, 0.0) if starts else 0.0 for key in problem.keys}
    assert sum(before.values()) == pytest.approx(0.3 if starts else 0.0)
    moves = np.diff(trending.fields["close"][ROW - 60 : ROW + 1], axis=0) / trending.fields["close"][ROW - 60 : ROW]
    for key, stream, exposure in zip(problem.keys, problem.returns.T, problem.units.net, strict=True):
        asset, _, side = key.replace("_rating_ma_", "|").partition("|")
        assert exposure == (1.0 if side == "LONG" else -1.0)
        np.testing.assert_allclose(stream, exposure * moves[:, trending.keys.index(asset)], rtol=1e-9)
    np.testing.assert_array_equal(problem.covariance.matrix, estimate(problem.returns).matrix)


@pytest.mark.requirement("R-TRN-01")
def test_a_decision_needs_what_was_held_after_a_loss_or_where_its_engine_starts_from_that(
    profile: Profiles, market: Markets, walks: Walks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost over half in the last ten rows; else nothing that was held makes a bit of difference."""
    close = walks("ABCDEFGH", 200)
    close["A"] = np.where(np.arange(200) > ROW - 10, 0.4, 1.0) * close["A"]
    view, made = look(market(close), ROW), profile(data__max_abs_return=5.0)
    spec, since = spec_of(made, "min_variance"), view.panel.times[ROW - 20]
    sides = {f"X:{name}_LONG": 0.5 for name in "BC"}
    calm = Previous(atoms=sides, weights={"X:B": 0.5, "X:C": 0.5}, since=since)
    cases = {"calm": calm, "lost": replace(calm, weights={"X:A": 1.0}), "protected": replace(calm, protected=3),
             "ended": replace(calm, protected=1)}  # fmt: skip
    unheld = decide(view, spec, Previous()).payload()
    for name, previous in cases.items():
        needed = name in ("lost", "protected")
        assert needs_previous(view, spec, previous) is needed, name
        assert (decide(view, spec, previous).payload() != unheld) is needed, name
        assert not needs_previous(view, spec_of(made, "base_universe_ew"), previous)
    monkeypatch.setattr("tvquant.tournament.decide.ENGINES", {"custom": replace(Custom(), from_previous=True)})
    assert needs_previous(view, spec, calm)
    assert not needs_previous(view, spec, replace(calm, atoms={})), "all cash is nothing to start from"


def test_a_net_limit_out_of_reach_is_a_failed_decision_that_names_it(
    trending: Panel, scanned: Callable[..., Profile]
) -> None:
    """Shorts only, and at least a tenth net long: no scaling down of shorts makes a long."""
    made = scanned(FALLING, allocation__limits__net=[0.1, 1.0])
    decision = decide(look(trending, ROW), spec_of(made, "hrp"), Previous())
    assert decision.allocation is not None
    assert decision.allocation.status is Status.FAILED
    assert decision.weights == {}
    assert decision.atoms == {}
    last = decision.allocation.attempts[-1]
    assert (last.what, "net at least" in last.outcome) == ("limits", True)
    assert (decision.allocation.forced_cash, decision.allocation.constraints) == (0.0, ())


@pytest.mark.requirement("R-RSK-18")
@pytest.mark.parametrize("name", RISK_PROFILES)
def test_shorts_alone_are_fully_invested_where_net_may_be_minus_one(
    name: str, trending: Panel, scanned: Callable[..., Profile]
) -> None:
    made = scanned(FALLING, allocation__limits__net=[-1.0, 0.0])
    decision = decide(look(trending, ROW), spec_of(made, name), Previous())
    assert decision.allocation is not None
    assert decision.allocation.status is Status.SOLVED
    assert sum(decision.weights.values()) == pytest.approx(-1.0, abs=1e-9)
    assert max(decision.weights.values()) < 0.0


@pytest.mark.requirement("R-RSK-18")
@pytest.mark.parametrize("name", RISK_PROFILES)
def test_a_pool_of_both_sides_is_held_within_its_net(
    name: str, trending: Panel, scanned: Callable[..., Profile]
) -> None:
    made = scanned(RISING, FALLING, allocation__limits__net=[-0.3, -0.1])
    decision = decide(look(trending, ROW), spec_of(made, name), Previous())
    assert decision.allocation is not None
    assert decision.allocation.status is Status.SOLVED
    assert -0.3 - 1e-9 <= sum(decision.weights.values()) <= -0.1 + 1e-9
    assert decision.netting is not None
    assert decision.netting.moved == pytest.approx(0.0, abs=1e-9)
    if name != "equal_weight":
        assert sum(decision.atoms.values()) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.requirement("R-RSK-18")
@pytest.mark.parametrize(
    ("scanner", "net", "said"), [(RISING, [-1.0, 0.0], "net at most 0 %"), (FALLING, [0.0, 1.0], "net at least 0 %")]
)
def test_a_book_that_a_net_limit_empties_is_not_solved(
    scanner: dict[str, object], net: list[float], said: str, trending: Panel, scanned: Callable[..., Profile]
) -> None:
    made = scanned(scanner, allocation__limits__net=net)
    for name in RISK_PROFILES:
        decision = decide(look(trending, ROW), spec_of(made, name), Previous())
        assert decision.allocation is not None
        assert (decision.allocation.status, decision.allocation.cash) == (Status.FAILED, 1.0)
        assert (decision.weights, decision.atoms) == ({}, {})
        assert said in decision.allocation.attempts[-1].outcome
        assert "nan" not in str(decision.payload())


@pytest.mark.requirement("R-SEL-01")
def test_v4_says_why_and_a_step_of_every_stage_is_in_the_payload(
    trending: Panel, scanned: Callable[..., Profile]
) -> None:
    payload = decide(look(trending, ROW), spec_of(scanned(RISING, FALLING), "hrp"), Previous()).payload()
    chosen = payload["selection"]
    assert (chosen["model"], len(chosen["scores"])) == ("v4", payload["funnel"]["atoms_discovery"])
    assert set(chosen["trace"]) == {
        "ingestion", "feature_engineering", "inference", "partitioning", "policy", "synthesis"
    }  # fmt: skip
    assert {winner["how"] for winner in chosen["winners"]} <= {"ranked", "cluster_floor", "alpha_fallback"}
    assert not {symbol for symbol, veto in chosen["vetoes"].items() if veto["hard"]} & set(payload["atoms"])
    assert set(chosen["absent"]) == {"adx"}
    assert chosen["absent"]["adx"] == "the data have no high or low"
    assert set(payload["allocation"]["clusters"]) == {Atom.of(winner).symbol for winner in chosen["winners"]}


def test_cells_that_share_a_selection_record_the_same_one(trending: Panel, scanned: Callable[..., Profile]) -> None:
    view, made = look(trending, ROW), scanned(RISING, FALLING)
    payloads = [decide(view, spec_of(made, name), Previous()).payload() for name in RISK_PROFILES]
    assert all(payload["selection"] == payloads[0]["selection"] for payload in payloads)
    assert all(payload["inputs"] == payloads[0]["inputs"] for payload in payloads)
    assert len({str(payload["weights"]) for payload in payloads}) == len(payloads)


def test_max_sharpe_where_everything_falls_goes_by_its_fallback(market: Markets, profile: Profiles) -> None:
    draw = np.random.default_rng(1)
    falling = {name: 100.0 * np.exp((-0.03 + 0.01 * draw.standard_normal(200)).cumsum()) for name in "ABCDEF"}
    panel = market(falling)
    for fallbacks, status, risk_profile in (
        ([], Status.FAILED, "max_sharpe"),
        (["min_variance"], Status.FELL_BACK, "min_variance"),
    ):
        made = profile(allocation__profiles=["max_sharpe"], allocation__fallbacks=fallbacks, risk__primary="max_sharpe")
        decision = decide(look(panel, ROW), spec_of(made, "max_sharpe"), Previous())
        assert decision.allocation is not None
        assert (decision.allocation.status, decision.allocation.risk_profile) == (status, risk_profile)
        assert bool(decision.weights) is bool(fallbacks)
        assert "positive expected return" in decision.allocation.attempts[0].outcome


def test_correlations_are_those_of_the_winners_streams(trending: Panel, scanned: Callable[..., Profile]) -> None:
    """A short's stream is turned over, so it correlates with a long as the assets do with the other sign."""
    view, made = look(trending, ROW), scanned(RISING, FALLING)
    spec = spec_of(made, "hrp")
    assert isinstance(spec, StrategySpec)
    found = correlations(view, spec.rules)
    assert found is not None
    ids, matrix = found
    assert ids == tuple(atom.symbol for atom in choose(view, spec.rules).winners)
    close = {key: trending.fields["close"][ROW - 60 : ROW + 1, j] for j, key in enumerate(trending.keys)}
    streams = [
        (-1.0 if atom.endswith("SHORT") else 1.0) * (np.diff(close[atom[:3]]) / close[atom[:3]][:-1]) for atom in ids
    ]
    assert matrix == pytest.approx(np.corrcoef(streams), abs=1e-12)
    assert correlations(look(trending, 80), spec.rules) is None


@pytest.mark.parametrize(
    ("kind", "name", "holds", "chose"),
    [("strategy", "hrp", True, True), ("failed", "hrp", False, True), ("empty", "hrp", False, False),
     ("baseline", "base_universe_ew", True, False), ("raw", "raw_pool_ew", True, False),
     ("benchmark", "benchmark", True, True)],
)  # fmt: skip
def test_every_kind_of_decision_is_read_back_from_its_payload(
    kind: str, name: str, holds: bool, chose: bool, trending: Panel, scanned: Callable[..., Profile]
) -> None:
    nobody = recruits("nobody", "rating_ma", "LONG", above=2.0)
    made = {
        "failed": scanned(RISING, allocation__limits__net=[-1.0, 0.0]),
        "empty": scanned(nobody),
    }.get(kind, scanned(RISING, FALLING))  # fmt: skip
    decision = decide(look(trending, ROW), spec_of(made, name), Previous())
    again = Decision.of(decision.payload())
    assert canonical_json(again.payload()) == canonical_json(decision.payload())
    assert (bool(again.weights), again.response is not None) == (holds, chose)


@pytest.mark.parametrize("risk_profile", ["equal_names", "equal_weight", "hrp", "min_variance", "risk_parity"])
def test_limits_by_name_bind_what_is_traded(
    profile: Profiles, market: Markets, walks: Walks, risk_profile: str
) -> None:
    made = profile(
        allocation__profiles=[risk_profile], risk__primary=risk_profile,
        allocation__limits__names={"X:A": 0.05, "X:B": [0.2, 0.22]},
        allocation__limits__groups={"tail": {"symbols": ["X:D", "X:E"], "max": 0.1}},
        allocation__limits__cluster=1.0,
    )  # fmt: skip
    decision = decide(look(market(walks("ABCDEFGH", 200)), ROW), spec_of(made, risk_profile), Previous())
    held = decision.weights
    assert decision.netting is not None
    assert held["X:A"] <= 0.05 + 1e-9
    assert 0.2 - 1e-9 <= held["X:B"] <= 0.22 + 1e-9
    assert held.get("X:D", 0.0) + held.get("X:E", 0.0) <= 0.1 + 1e-9
    reported = {c.name for c in decision.netting.constraints}
    assert {"name X:A", "name X:B", "least of name X:B", "group tail"} <= reported
    assert Decision.of(decision.payload()).payload() == decision.payload()


def test_a_problem_without_an_answer_keeps_its_selection(trending: Panel, scanned: Callable[..., Profile]) -> None:
    """One cluster of every falling name, long and short: its stream does not vary, so two layers have no covariance."""
    both = (recruits("all", "hold", "LONG", below=-0.1), FALLING)
    more = {"selection__model": "baseline", "selection__max_clusters": 1, "allocation__layers": "two"}
    decision = decide(look(trending, ROW), spec_of(scanned(*both, **more), "hrp"), Previous())
    assert decision.allocation is not None
    assert "no variance" in decision.allocation.attempts[0].outcome
    assert (decision.failure, decision.allocation.status, decision.funnel.atoms_selected) == (None, Status.FAILED, 12)


@pytest.mark.requirement("R-RSK-18")
def test_turnover_is_bounded_from_the_weights_before_and_verified_on_what_is_traded(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    view = look(market(walks("ABCDEFGH", 200)), ROW)
    spec = spec_of(profile(), "min_variance")
    slow = replace(spec, limits=replace(spec.limits, turnover=0.1))
    first = decide(view, slow, Previous())
    assert first.payload() == decide(view, spec, Previous()).payload(), "the first book is bought whole"
    names = sorted(first.weights)
    assert not needs_previous(view, slow, Previous())
    before = dict(zip(names, [first.weights[name] for name in reversed(names)], strict=True))
    assert drift(before, first.weights) > 0.15
    previous = Previous(atoms={f"{name}_LONG": weight for name, weight in before.items()}, weights=before)
    assert needs_previous(view, slow, previous)
    found = decide(view, slow, previous)
    assert drift(before, found.weights) == pytest.approx(0.1, abs=1e-9)
    assert found.netting is not None
    (traded,) = (one for one in found.netting.constraints if one.name == "turnover")
    assert (traded.limit, traded.value) == (0.1, pytest.approx(0.1, abs=1e-9))
    assert found.inputs != first.inputs
    assert Decision.of(found.payload()).payload() == found.payload()


def test_costs_are_weighed_from_the_weights_before_where_the_profile_asks(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    view = look(market(walks("ABCDEFGH", 200)), ROW)
    plain = spec_of(profile(), "min_variance")
    costed = spec_of(profile(allocation__risk_aversion=5.0, costs__slippage_bps=9.0), "min_variance")
    assert (plain.cost, costed.cost) == (0.0, pytest.approx(10e-4 / 5.0))
    first = decide(view, costed, Previous())
    assert first.weights == decide(view, plain, Previous()).weights
    names = sorted(first.weights)
    before = dict(zip(names, [first.weights[name] for name in reversed(names)], strict=True))
    previous = Previous(atoms={f"{name}_LONG": weight for name, weight in before.items()}, weights=before)
    assert needs_previous(view, costed, previous)
    found = decide(view, costed, previous)
    assert drift(before, found.weights) < drift(before, first.weights) - 0.01
    assert found.inputs != first.inputs
