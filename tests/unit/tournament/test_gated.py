"""Gated atoms in a decision: who is a candidate, what is optimised, and that it is what is held."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from builders.panels import market_of
from tvquant.atoms import flatten, gates
from tvquant.core.atoms import Atom, Direction
from tvquant.core.decisions import Decision
from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.tournament.candidates import FeaturePass, atom_pool, candidate_atoms, choose, gated_out, training_streams
from tvquant.tournament.cash import Cause, cash_parts
from tvquant.tournament.cells import cells
from tvquant.tournament.decide import decide
from tvquant.tournament.neutrality import beta_of
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.specs import Previous, RawPoolSpec, Rules, StrategySpec, WinnersSpec
from tvquant.tournament.views import View, look

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]

ROWS = 200
OWN = {"logics__momentum__lookback": 20, "logics__momentum__skip": 2, "logics__trend_gated__averages": [10, 30]}


def scanner(logic: str, side: Direction) -> dict[str, Any]:
    return {
        "name": f"{logic}_{side.value.lower()}", "exchange": None, "kinds": [], "exclude_kinds": [], "currency": None,
        "logic": logic, "direction": side.value, "pool": [], "signal": [],
    }  # fmt: skip


def ensemble(*logics: str) -> list[dict[str, Any]]:
    return [scanner(logic, side) for logic in logics for side in Direction]


def strategy(profile: Profile) -> StrategySpec:
    spec = cells(profile)[0].spec
    assert isinstance(spec, StrategySpec)
    return spec


@pytest.fixture
def view(market: Markets, walks: Walks) -> View:
    return look(market(walks("ABCDEFGH", ROWS, seed=4)), ROWS - 1)


@pytest.fixture
def rules(profile: Profiles) -> Rules:
    return strategy(profile(universe__scanners=ensemble("momentum", "trend_gated", "reversion"), **OWN)).rules


@pytest.mark.requirement("R-SYN-04")
def test_who_has_no_open_gate_is_no_candidate_and_why_is_recorded(market: Markets, profile: Profiles) -> None:
    """A rises, B falls, C is listed too late for a gate on every training row; so is D, whose is closed."""
    days = np.arange(ROWS, dtype=np.float64)
    wave = 1.0 + 0.01 * np.sin(days)
    close = {"A": wave * 1.01**days, "B": wave * 0.99**days, "C": wave * 1.01**days}
    close["D"] = np.where(days < ROWS - 95, np.nan, close["B"])
    close["C"] = np.where(days < ROWS - 95, np.nan, close["C"])  # 95 bars; 61 training rows and 60 before are 121
    long = strategy(profile(universe__scanners=[scanner("momentum", Direction.LONG)], logics__momentum__lookback=60))
    seen = look(market(close), ROWS - 1)
    unknown = {"X:C_momentum_LONG": "gate_unknown", "X:D_momentum_LONG": "gate_unknown"}
    assert gated_out(seen, long.rules) == {"X:B_momentum_LONG": "gate_closed", **unknown}
    choice = choose(seen, long.rules)
    assert [atom.symbol for atom in choice.winners] == ["X:A_momentum_LONG"]
    assert choice.excluded == {"X:B": "gate_closed", "X:C": "gate_unknown", "X:D": "gate_unknown"}
    assert choice.funnel.vetoed == {"gate_closed": 1, "gate_unknown": 2}
    assert (choice.funnel.atoms_discovery, choice.funnel.atoms_refined, choice.funnel.atoms_selected) == (4, 1, 1)
    both = strategy(profile(universe__scanners=ensemble("momentum"), logics__momentum__lookback=60))
    assert choose(seen, both.rules).excluded == {"X:C": "gate_unknown", "X:D": "gate_unknown"}, "B is held short"
    nobody = decide(look(market({"B": close["B"]}), ROWS - 1), long, Previous())
    (part,) = cash_parts(nobody)
    assert (part.cause, part.share, part.detail) == (Cause.SHUT, 1.0, "gate_closed 1")


@pytest.mark.requirement("R-SYN-04")
def test_training_streams_are_gated_by_the_row_before(view: View, rules: Rules) -> None:
    atoms = tuple(choose(view, rules).winners)
    streams = training_streams(view, rules, atoms)
    panel = view.panel
    known = gates(panel, atoms, rules.logics)
    partly = 0
    for k, atom in enumerate(atoms):
        close = panel.fields["close"][:, panel.keys.index(atom.physical_symbol)]
        for t, row in enumerate(range(ROWS - 60, ROWS)):
            own = close[row] / close[row - 1] - 1.0
            base = own if atom.direction is Direction.LONG else -min(own, 1.0)
            assert streams.returns[t, k] == pytest.approx(known[row - 1, k] * base, abs=1e-15)
            partly += 0.0 < known[row - 1, k] < 1.0
        (units,) = streams.composition[atom.symbol].values()
        assert units == atom.direction.sign * known[-1, k]
    assert partly > 100, "gates of three logics are anywhere from 0 to 1"
    pool = atom_pool(view, rules, atoms).streams
    np.testing.assert_array_equal(pool.returns[-60:], streams.returns)
    shorter = replace(rules, data=rules.data.model_copy(update={"lookback": 120}))  # the first row has the gate before
    np.testing.assert_array_equal(atom_pool(view, shorter, atoms).streams.returns, pool.returns[-120:])


@pytest.mark.requirement("R-SYN-04")
def test_a_joined_row_has_the_gate_of_the_row_before_it_on_which_all_had_a_bar(profile: Profiles) -> None:
    """B lacks two sessions; A's gate in between opens nothing of the joined return."""
    rows = 140
    up = 1.01 ** np.arange(rows)
    a, b = up * (1.0 + 0.02 * np.sin(np.arange(rows))), up * (1.0 + 0.03 * np.cos(np.arange(rows)))
    b[[100, 101]] = np.nan
    made = profile(universe__scanners=ensemble("reversion"), logics__reversion__mean=5)
    seen = look(market_of({"A": a, "B": b}, calendar="XNYS"), rows - 1)
    rules = strategy(made).rules
    sides = [Atom(physical_symbol="X:A", logic="reversion", direction=side) for side in Direction]
    known = gates(seen.panel, sides, rules.logics)
    open_, base = int(np.argmax(known[-1])), Atom(physical_symbol="X:B", logic="hold", direction=Direction.LONG)
    streams = training_streams(seen, rules, (sides[open_], base))  # B is of the common rows
    common = [row for row in range(rows - 61, rows) if row not in (100, 101)]
    joined = sides[open_].direction.sign * (a[102] / a[99] - 1.0)
    assert len({*known[99:102, open_]}) == 3
    assert streams.returns[common.index(102) - 1, 0] == pytest.approx(known[99, open_] * joined, abs=1e-15)


@pytest.mark.requirement("R-UNI-22")
def test_gates_of_one_pass_are_those_that_each_view_computes(
    market: Markets, walks: Walks, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of names listed and lost on the way, and with holes: to the last bit, and each atom's are computed once."""
    close = walks("ABCDEFGH", ROWS, seed=4)
    close["H"][:100] = close["F"][150:] = close["C"][[120, 121, 160]] = np.nan
    panel, calls = market(close), []
    asked = lambda view, atoms, options: calls.append(len(atoms)) or gates(view, atoms, options)  # noqa: E731
    alone = {row: look(panel, row) for row in (130, 149, 150, 161, ROWS - 1)}
    expected = {row: gated_out(view, rules) for row, view in alone.items()}
    monkeypatch.setattr("tvquant.tournament.candidates.gates", asked)
    shared = FeaturePass(panel, np.arange(100, len(panel.times)))
    for row, other in alone.items():
        view = look(panel, row)
        shared.lend(view, row, rules)
        assert gated_out(view, rules) == expected[row]
        winners = choose(view, rules).winners
        lent, own = (atom_pool(one, rules, winners).streams for one in (view, other))
        np.testing.assert_array_equal(lent.returns, own.returns)
        assert lent.composition == own.composition
    assert sum(calls) == 8 * 6, "eight names, three logics, two sides"


def decided(view: View, made: Profile) -> Decision:
    return decide(view, strategy(made), Previous())


@pytest.mark.requirement("R-SYN-05")
@pytest.mark.requirement("R-SYN-10")
@pytest.mark.parametrize("risk_profile", ["risk_parity", "min_variance", "equal_weight", "hrp", "max_sharpe"])
@pytest.mark.parametrize("layers", ["one", "two"])
def test_what_is_weighed_is_what_is_held(view: View, profile: Profiles, risk_profile: str, layers: str) -> None:
    """Several logics on one asset, long and short: weights net to weight x sign x gate, and caps are of that."""
    made = profile(
        universe__scanners=ensemble("momentum", "trend_gated", "reversion"), allocation__profiles=[risk_profile],
        risk__primary=risk_profile, allocation__layers=layers, allocation__limits__position=0.12, **OWN,
    )  # fmt: skip
    found = decided(view, made)
    assert found.response is not None
    assert found.allocation is not None
    assert found.netting is not None
    winners = {atom.symbol: atom for atom in found.response.winners}
    assert found.gates.keys() == winners.keys()
    assert all(weight > 0.0 for weight in found.atoms.values()), "solvers see synthetic longs alone"
    net: dict[str, float] = {}
    gross: dict[str, float] = {}
    for symbol, weight in found.atoms.items():
        atom = winners[symbol]
        units = weight * found.gates[symbol]
        net[atom.physical_symbol] = net.get(atom.physical_symbol, 0.0) + atom.direction.sign * units
        gross[atom.physical_symbol] = gross.get(atom.physical_symbol, 0.0) + units
    for asset, size in gross.items():
        assert found.weights.get(asset, 0.0) == pytest.approx(net[asset], abs=1e-10)
        assert found.netting.gross.get(asset, abs(found.weights.get(asset, 0.0))) == pytest.approx(size, abs=1e-10)
        assert size <= 0.12 + 1e-9
    assert any(0.0 < gate < 1.0 for gate in found.gates.values())
    assert len(gross) < len(found.atoms), "some asset is held for two reasons"
    assert math.fsum(part.share for part in cash_parts(found)) == pytest.approx(found.cash, abs=1e-9)
    assert found.cash == pytest.approx(1.0 - math.fsum(gross.values()), abs=1e-12)
    shares = {part.cause: part.share for part in cash_parts(found)}
    assert shares[Cause.GATE] == pytest.approx(found.gate_cash, abs=1e-12)
    assert found.gate_cash > 0.01
    assert Cause.LEFT not in shares


@pytest.mark.requirement("R-LED-05")
def test_gates_are_in_the_payload_and_in_what_remains_of_a_decision(view: View, profile: Profiles) -> None:
    found = decided(view, profile(universe__scanners=ensemble("trend_gated", "reversion"), **OWN))
    assert Decision.of(found.payload()).payload() == found.payload()
    assert Decision.of(found.payload()).gates == found.gates
    kept = Rebalance.of(0, ROWS - 1, found, None)
    assert kept.cash == pytest.approx(found.cash, abs=1e-12)
    assert kept.gate_cash == pytest.approx(found.gate_cash, abs=1e-12)
    columns = dict(zip(kept.holdings["atom"], kept.holdings["gate"], strict=True))
    assert columns == dict(found.gates)
    plain = decided(view, profile(universe__scanners=ensemble("rating_ma"), data__rating_min_bars=60))
    assert plain.gates == {}
    assert "gates" not in plain.payload()
    assert set(Rebalance.of(0, ROWS - 1, plain, None).holdings["gate"]) == {1.0}


@pytest.mark.parametrize("kind", [WinnersSpec, RawPoolSpec])
def test_equal_parts_are_gated_too(view: View, profile: Profiles, kind: type) -> None:
    made = profile(universe__scanners=ensemble("trend_gated", "reversion"), **OWN)
    (spec,) = (cell.spec for cell in cells(made) if isinstance(cell.spec, kind))
    found = decide(view, spec, Previous())
    held = candidate_atoms(view, spec.rules) if found.response is None else found.response.winners
    assert any(gate not in (0.0, 1.0) for gate in found.gates.values())
    composition = {atom.symbol: {atom.physical_symbol: atom.direction.sign * found.gates[atom.symbol]} for atom in held}
    net = flatten(found.atoms, composition).net
    assert found.weights == pytest.approx({asset: weight for asset, weight in net.items() if weight}, abs=1e-15)


@pytest.mark.requirement("R-RSK-16")
def test_a_beta_is_of_what_is_held(view: View, profile: Profiles) -> None:
    """The same names on the same sides, held for a gated logic and for none: betas differ by the gates."""
    made = profile(
        universe__scanners=ensemble("trend_gated"), benchmark__market=["X:B"],
        allocation__profiles=["market_neutral"], risk__primary="market_neutral", **OWN,
    )  # fmt: skip
    spec = strategy(made)
    gated = choose(view, spec.rules).winners
    plain = tuple(Atom(physical_symbol=a.physical_symbol, logic="hold", direction=a.direction) for a in gated)
    held = gates(view.panel, gated, spec.rules.logics)[-1]
    found, whole = (beta_of(view, spec, atoms, tuple(a.symbol for a in atoms)) for atoms in (gated, plain))
    assert found is not None
    assert whole is not None
    np.testing.assert_allclose(found.values, whole.values * held, atol=1e-15)
    assert (held < 1.0).any()
