"""Conflicts: what they say, and in which direction a suggestion is rounded."""

import pytest

from tvquant.core.conflicts import Conflict, Sense, StatedLimit, Step

CLUSTER = StatedLimit(key="allocation.limits.cluster", what="a cluster at most", value=0.25, sense=Sense.MOST)
NET = StatedLimit(key="allocation.limits.net", what="net at least", value=0.9, sense=Sense.LEAST)
ALL = StatedLimit(key="", what="invested at least", value=1.0, sense=Sense.LEAST)


def test_a_conflict_names_its_limits_and_the_ways_out_in_one_line() -> None:
    found = Conflict(limits=(ALL, CLUSTER), relaxations=((Step(limit=CLUSTER, to=0.31),), (Step(limit=ALL, to=0.94),)))
    assert str(found) == (
        "cannot be kept together: invested at least 100 % and allocation.limits.cluster: a cluster at most 25 %; "
        "raise allocation.limits.cluster (a cluster at most) from 25 % to 31 %, or allow 6 % cash"
    )
    assert Conflict.of(found.payload()) == found


def test_what_has_to_change_together_is_one_way_out() -> None:
    found = Conflict(limits=(NET,), relaxations=((Step(limit=CLUSTER, to=0.3), Step(limit=NET, to=0.8)),))
    assert str(found) == (
        "cannot be kept: allocation.limits.net: net at least 90 %; raise allocation.limits.cluster (a cluster at most) "
        "from 25 % to 30 % and lower allocation.limits.net (net at least) from 90 % to 80 %"
    )


@pytest.mark.parametrize(
    ("limit", "to", "said"),
    [
        (CLUSTER, 1.0 / 3.0, "from 25 % to 33.34 %"),  # a third itself would not do when it is cut to 33.33 %
        (NET, 2.0 / 3.0, "from 90 % to 66.66 %"),
        (ALL, 2.0 / 3.0, "allow 33.34 % cash"),
        (CLUSTER, 0.3 + 1e-13, "from 25 % to 30 %"),  # rounding of a solver is no digit
        (ALL, 0.7 - 1e-13, "allow 30 % cash"),
    ],
)
def test_a_suggestion_is_rounded_to_where_it_still_makes_room(limit: StatedLimit, to: float, said: str) -> None:
    assert said in str(Step(limit=limit, to=to))
