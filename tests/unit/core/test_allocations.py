"""When a limit is broken, and that an outcome is read back as it was written."""

from dataclasses import replace

import pytest

from tvquant.core.allocations import AllocationOutcome, Attempt, Constraint, Recourse, Status, violated
from tvquant.core.conflicts import Conflict, Sense, StatedLimit, Step

NAN = float("nan")


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.parametrize(
    ("value", "broken"), [(0.25, False), (0.25 + 9e-10, False), (0.25 + 1.1e-9, True), (NAN, True)]
)
def test_a_limit_is_broken_beyond_the_tolerance(value: float, broken: bool) -> None:
    kept, judged = (Constraint(name=name, limit=0.25, value=v) for name, v in (("gross", -1.0), ("cluster", value)))
    assert violated((kept, judged)) == ((judged,) if broken else ())
    assert str(replace(judged, value=0.5)) == "cluster is 0.5, limit 0.25"


def test_an_outcome_is_read_back_from_its_payload_with_what_it_resorted_to_and_the_limits_in_conflict() -> None:
    limit = StatedLimit(key="allocation.limits.net", what="net at least", value=0.5, sense=Sense.LEAST)
    conflict = Conflict(limits=(limit,), relaxations=((Step(limit=limit, to=0.25),),))
    attempts = (
        Attempt(what="limits", outcome="cannot be kept", conflict=conflict),
        Attempt(what="hrp", outcome="solved", recourse=(Recourse.PROJECTION, Recourse.SUBSTITUTE)),
    )
    made = AllocationOutcome(
        cash=0.0, engine="custom", risk_profile="hrp", status=Status.FELL_BACK, attempts=attempts, constraints=()
    )
    again = AllocationOutcome.of(made.payload())
    assert again.attempts == attempts
    assert (again.recourse, again.comparable) == (attempts[1].recourse, False)
    assert set(Attempt(what="hrp", outcome="solved").payload()) == {"what", "outcome"}
