"""What `select` says of a decision."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation import allocate
from tvquant.app.cli.select import _kept, _status
from tvquant.core.allocations import AllocationOutcome, Constraint, Status
from tvquant.core.atoms import Atom, Direction
from tvquant.core.decisions import Decision, Netting
from tvquant.core.selection import SelectionFunnel, SelectionResponse


def test_a_book_that_a_limit_empties_is_told_with_the_limit() -> None:
    told = []
    for net in ((-1.0, 0.0), (0.0, 1.0)):
        problem = problem_of(covariance_of(np.eye(4)), limits=limits(net=net))
        told.append(_status(allocate(problem, engine="custom", risk_profile="hrp")))
    why = (
        "limits: cannot be kept together: allocation.limits.net: net at most 0 % and invested at least 100 %; raise "
        "allocation.limits.net (net at most) from 0 % to 100 %, or allow 100 % cash"
    )
    joined = [" ".join(line.strip() for line in lines) for lines in told]
    assert joined == [f"status   failed ({why})", "status   solved"]
    assert all(len(line) <= 80 for lines in told for line in lines)
    assert _status(None) == ["status   no winner"]


COUNTS = dict.fromkeys(
    ("universe", "discovery", "refined", "selected", "atoms_discovery", "atoms_refined", "atoms_selected"), 0
)


def decided(
    atoms: dict[str, float],
    clusters: Sequence[int],
    others: Sequence[int],
    *,
    moved: float = 0.0,
    position: float = 0.15,
    **made: Any,
) -> Decision:
    """Return a decision of atoms, the ids of which are A_hold_LONG ..., under limits of 0.15 and 0.25."""
    winners = tuple(Atom(physical_symbol=name, logic="hold", direction=Direction.LONG) for name in atoms)
    ids = [one.symbol for one in winners]
    limits = (Constraint(name="position", limit=position, value=0.0), Constraint(name="cluster", limit=0.25, value=0.0))
    allocation = AllocationOutcome(
        cash=1.0 - sum(atoms.values()) - moved, engine="", risk_profile="", status=Status.SOLVED, attempts=(),
        constraints=limits, **made,
    )  # fmt: skip
    response = SelectionResponse(
        decided_at=np.datetime64("2024-06-28", "us"), model="", version="", winners=winners, scores={}, components={},
        vetoes={}, clusters=dict(zip(ids, others, strict=True)), stage=1, recruited={}, thresholds={},
    )  # fmt: skip
    return Decision(
        as_of=response.decided_at, funnel=SelectionFunnel(**COUNTS, vetoed={}), excluded={}, weights=atoms, inputs="",
        stamps=frozenset(), response=response, allocation=allocation, clusters=dict(zip(ids, clusters, strict=True)),
        atoms=dict(zip(ids, atoms.values(), strict=True)), netting=Netting(moved=moved, gross={}, constraints=()),
    )  # fmt: skip


def test_cash_is_explained_by_causes_and_by_the_limits_that_are_reached() -> None:
    book = {"A": 0.15, "B": 0.05, "C": 0.2 - 1e-12, "D": 0.1, "E": 0.1499, "F": -0.15}
    said = _kept(decided(book, (1, 2, 2, 3, 3, 4), (1, 2, 2, 3, 5, 3), moved=0.02, causes={"name B": 0.03}))
    assert said == [
        "3.0 %: name B",
        "2.0 %: taken where a limit would break after netting",
        "allocation.limits.position, 15.0 %: A, C, F",
        "allocation.limits.cluster, 25.0 %: B + C",
        "allocation.limits.cluster, 25.0 %: D + F",
    ]


def test_what_is_invested_whole_or_within_its_limits_has_nothing_to_explain() -> None:
    alone = decided({"A": 0.25, "B": 0.2}, (1, 2), (1, 2), position=0.25)
    assert _kept(alone) == ["allocation.limits.position, 25.0 %: A"]
    assert _kept(decided(dict.fromkeys("ABCDEFGHIJ", 0.1), range(10), [1] * 10)) == []
    assert _kept(decided(dict.fromkeys("ABCDEFGH", 0.1), range(8), (1, 1, 2, 3, 4, 5, 6, 7))) == []
