from dataclasses import asdict

from tvquant.core.allocations import Constraint
from tvquant.core.flat import flat
from tvquant.core.selection import Veto


def test_a_flat_record_is_what_asdict_makes_of_it_in_the_same_order() -> None:
    for one in (Constraint(name="net", limit=0.5, value=-0.0), Veto(rule="hurst", value=0.4, limit=0.5, hard=True)):
        assert list(flat(one).items()) == list(asdict(one).items())
