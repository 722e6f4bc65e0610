"""A decision in parts: which part says what; that nothing is lost is a property of `tests/property`."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.allocations import AllocationOutcome, Status
from tvquant.core.atoms import Atom, Direction
from tvquant.core.decision_records import COMMON, Context, WrittenDecision, context_of, own_of, together
from tvquant.core.decisions import Decision
from tvquant.core.digests import digest_json
from tvquant.core.selection import SelectionFunnel, SelectionResponse

DAY = np.datetime64("2024-05-01", "us")
FUNNEL = SelectionFunnel(
    universe=2, discovery=2, refined=2, selected=2, atoms_discovery=2, atoms_refined=2, atoms_selected=2, vetoed={}
)
BEST, NEXT = (Atom(physical_symbol=f"X:{name}", logic="hold", direction=Direction.LONG) for name in "BA")
RESPONSE = SelectionResponse(
    decided_at=DAY, model="v4", version="4", winners=(BEST, NEXT), scores={BEST.symbol: 2.0, NEXT.symbol: 1.0},
    components={}, vetoes={}, clusters={BEST.symbol: 1, NEXT.symbol: 2}, stage=1, thresholds={},
    recruited={BEST.symbol: "ranked", NEXT.symbol: "ranked"},
)  # fmt: skip
MADE = AllocationOutcome(
    cash=0.5, engine="custom", risk_profile="hrp", status=Status.SOLVED, attempts=(), constraints=()
)
DECISION = Decision(
    as_of=DAY, funnel=FUNNEL, excluded={"X:C": "history"}, weights={"X:B": 0.5}, inputs="1n", stamps=frozenset(),
    response=RESPONSE, allocation=MADE, clusters={BEST.symbol: 1, NEXT.symbol: 1}, atoms={BEST.symbol: 0.5},
    gates={NEXT.symbol: 0.25},
)  # fmt: skip


def test_decisions_of_other_weights_have_one_context() -> None:
    other = replace(DECISION, weights={"X:A": 0.5}, atoms={NEXT.symbol: 0.5}, gates={}, inputs="other")
    assert context_of(other) == context_of(DECISION)
    assert own_of(other) != own_of(DECISION)
    for changed in (replace(DECISION, excluded={}), replace(DECISION, clusters={BEST.symbol: 1, NEXT.symbol: 2})):
        assert context_of(changed) != context_of(DECISION)


def test_weights_and_gates_stand_in_the_order_of_winners() -> None:
    own = own_of(DECISION)
    assert (own["atoms"], own["gates"]) == ([0.5, None], [None, 0.25])
    assert "clusters" not in own["allocation"]
    unselected = own_of(replace(DECISION, response=None))
    assert unselected["atoms"] == {BEST.symbol: 0.5}, "without a selection they have their names"


def test_a_gate_that_is_shut_is_not_one_that_is_missing() -> None:
    shut = replace(DECISION, gates={BEST.symbol: 0.0})
    payload = shut.payload()
    again = together(context_of(shut), own_of(shut), RESPONSE, shut.inputs)
    assert again.gates == {BEST.symbol: 0.0}
    assert again.payload() == payload


def test_weights_of_another_selection_are_refused() -> None:
    fewer = replace(RESPONSE, winners=(BEST,), recruited={BEST.symbol: "ranked"})
    with pytest.raises(ValueError, match="argument 2"):
        together(context_of(DECISION), own_of(DECISION), fewer, "1n")


def test_a_context_is_written_once_for_the_decisions_that_have_it() -> None:
    """Text that stands in context and decision is one object; a decision of other findings has it written anew."""
    context = Context.of(DECISION)
    same = replace(DECISION, weights={"X:A": 0.5}, clusters=dict(DECISION.clusters))
    assert context.has(same)
    others = {"as_of": DAY + 1, "excluded": {}, "clusters": {}, "allocation": None, "funnel": replace(FUNNEL)}
    assert not any(context.has(replace(DECISION, **{name: value})) for name, value in others.items())
    shared, alone = WrittenDecision.of(same, context), WrittenDecision.of(same)
    assert all(shared.texts[name] is context.texts[name] for name in COMMON)
    assert shared.texts == alone.texts
    assert json.loads(shared.texts["allocation"])["clusters"] == DECISION.clusters
    assert (shared.own, shared.digest(None)) == (own_of(same), digest_json({**same.payload(), "selection": None}))
