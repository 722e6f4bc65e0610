"""A payload is the whole of a decision but what is declared to be left out: read back, it gives the same payload."""

import json
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvquant.core.allocations import Allocation, AllocationOutcome, Attempt, Constraint, Status
from tvquant.core.atoms import Atom, Direction
from tvquant.core.decision_records import Context, WrittenDecision, context_of, own_of, together
from tvquant.core.decisions import Decision, Footing, Netting
from tvquant.core.digests import canonical_json, digest_json
from tvquant.core.selection import SelectionFunnel, SelectionResponse, Veto
from tvquant.core.stamps import Stamp
from tvquant.ledger import decode, encode

dear = settings() if os.environ.get("TVQUANT_PROOF") else settings(max_examples=20)
"""Each example takes a hundredth of a second: twenty in the gate."""
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
COUNTS = st.integers(0, 9999)
WORDS = st.text(max_size=8)
NAMES = st.sampled_from(["NYSE:KO", "X:A", "X:A#2", "BINANCE:币安人生USDT"])
MOMENTS = st.integers(0, 10**15).map(lambda us: np.datetime64(us, "us"))
CONSTRAINTS = st.lists(st.builds(Constraint, name=WORDS, limit=NUMBERS, value=NUMBERS), max_size=3).map(tuple)
ATTEMPTS = st.lists(st.builds(Attempt, what=WORDS, outcome=WORDS), max_size=3).map(tuple)
FUNNELS = st.builds(
    SelectionFunnel,
    universe=COUNTS, discovery=COUNTS, refined=COUNTS, selected=COUNTS, atoms_discovery=COUNTS, atoms_refined=COUNTS,
    atoms_selected=COUNTS, vetoed=st.dictionaries(WORDS, COUNTS, max_size=3),
)  # fmt: skip
FOOTINGS = st.builds(
    Footing,
    asked=MOMENTS, bar=MOMENTS, quorum=st.booleans(), alive=COUNTS, present=COUNTS,
    missing=st.lists(NAMES, max_size=3).map(tuple),
)  # fmt: skip
NETTINGS = st.builds(Netting, moved=NUMBERS, gross=st.dictionaries(NAMES, NUMBERS), constraints=CONSTRAINTS)
ALLOCATIONS = st.builds(
    Allocation,
    weights=st.dictionaries(NAMES, NUMBERS), cash=NUMBERS, engine=WORDS, risk_profile=WORDS,
    status=st.sampled_from(Status), attempts=ATTEMPTS, constraints=CONSTRAINTS, forced_cash=NUMBERS,
)  # fmt: skip
ATOMS = st.builds(Atom, physical_symbol=NAMES, logic=WORDS, direction=st.sampled_from(Direction), scan=WORDS)
WHOLE = {
    "footing": FOOTINGS,
    "netting": NETTINGS,
    "allocation": ALLOCATIONS,
    "clusters": st.dictionaries(NAMES, COUNTS),
    "atoms": st.dictionaries(NAMES, NUMBERS),
}
KINDS = {"strategy": WHOLE, "failed": {"failure": WORDS, "footing": FOOTINGS}, "baseline": {"footing": FOOTINGS}}


@st.composite
def responses(draw: Any) -> SelectionResponse:
    winners = tuple(draw(st.lists(ATOMS, max_size=3, unique_by=lambda atom: atom.symbol)))
    ids = [*(atom.symbol for atom in winners), *draw(st.lists(WORDS, max_size=2))]
    return SelectionResponse(
        decided_at=draw(MOMENTS),
        model=draw(WORDS),
        version=draw(WORDS),
        winners=winners,
        scores={name: draw(NUMBERS) for name in ids},
        components={name: draw(st.dictionaries(WORDS, NUMBERS, max_size=2)) for name in ids},
        vetoes={
            name: Veto(
                rule=draw(WORDS),
                value=draw(NUMBERS),
                limit=draw(NUMBERS),
                hard=draw(st.booleans()),
                overridden=draw(st.booleans()),
            )
            for name in ids
        },
        clusters={name: draw(COUNTS) for name in ids},
        stage=draw(st.integers(1, 4)),
        recruited={atom.symbol: draw(WORDS) for atom in winners},
        thresholds=draw(st.dictionaries(WORDS, st.dictionaries(WORDS, NUMBERS, max_size=2), max_size=2)),
        absent=draw(st.dictionaries(WORDS, WORDS, max_size=2)),
        missing={draw(WORDS): tuple(ids)},
        flags=draw(st.frozensets(WORDS, max_size=2)),
        shares=draw(st.dictionaries(WORDS, st.floats(-1.0, 2.0), max_size=2)),
        effective_bets=draw(st.none() | st.floats(0.0, 25.0)),
        trace=tuple(draw(st.lists(WORDS, max_size=2))),
    )


@st.composite
def decisions(draw: Any, kind: str) -> Decision:
    return Decision(
        as_of=draw(MOMENTS),
        funnel=draw(FUNNELS),
        excluded=draw(st.dictionaries(NAMES, WORDS)),
        weights={} if kind == "failed" else draw(st.dictionaries(NAMES, NUMBERS)),
        inputs=draw(WORDS),
        stamps=draw(st.frozensets(st.sampled_from(Stamp))),
        response=draw(responses()) if kind == "strategy" else None,
        **{name: draw(values) for name, values in KINDS.get(kind, {}).items()},
    )


@pytest.mark.parametrize("kind", [*KINDS, "empty"])
@dear
@given(data=st.data())
def test_a_decision_is_read_back_as_it_was_written(kind: str, data: st.DataObject) -> None:
    """From the value itself, and through the ledger's JSON: to the byte, the sign of a zero included."""
    payload = data.draw(decisions(kind)).payload()
    for form in (payload, decode(json.loads(json.dumps(encode(payload))))):
        again = Decision.of(form).payload()
        assert json.dumps(again, sort_keys=True) == json.dumps(payload, sort_keys=True)


@pytest.mark.requirement("R-LED-05")
@pytest.mark.parametrize("kind", [*KINDS, "empty"])
@dear
@given(data=st.data(), whole=st.booleans())
def test_a_decision_taken_apart_for_the_ledger_is_put_together_whole(
    kind: str, data: st.DataObject, whole: bool
) -> None:
    """Context, own part and selection through the ledger's JSON, whatever a decision holds."""
    made = data.draw(decisions(kind))
    context, own = (decode(json.loads(json.dumps(encode(part)))) for part in (context_of(made), own_of(made)))
    response = made.response and recorded(made.response, whole=whole)
    again = together(context, own, response, made.inputs)
    assert json.dumps(again.payload(), sort_keys=True) == json.dumps(made.payload(), sort_keys=True)
    text = WrittenDecision.of(made)
    assert text.digest("s") == digest_json({**made.payload(), "selection": "s"})
    assert canonical_json(encode(text.own)) == canonical_json(encode(own_of(made)))
    assert canonical_json(encode(Context.of(made).data)) == canonical_json(encode(context_of(made)))


def recorded(response: SelectionResponse, *, whole: bool) -> SelectionResponse:
    return SelectionResponse.recorded(decode(json.loads(json.dumps(encode(response.record(whole=whole))))))


@dear
@given(responses())
def test_a_selection_recorded_whole_has_the_components_of_everyone(response: SelectionResponse) -> None:
    assert recorded(response, whole=True).components == response.components
    of_winners = SelectionResponse.of(response.payload()).components
    assert recorded(response, whole=False).components == of_winners


@dear
@given(ALLOCATIONS)
def test_of_an_allocation_everything_but_the_weights_is_read_back(made: Allocation) -> None:
    again = AllocationOutcome.of(made.payload())
    assert again.payload() == made.payload()
    assert not hasattr(again, "weights"), "what was not recorded is not made up"


@dear
@given(responses())
def test_components_are_read_back_of_winners_only(response: SelectionResponse) -> None:
    again, won = SelectionResponse.of(response.payload()), {atom.symbol for atom in response.winners}
    assert again.components == {name: parts for name, parts in response.components.items() if name in won}
    assert (again.winners, again.recruited, again.vetoes) == (response.winners, response.recruited, response.vetoes)
