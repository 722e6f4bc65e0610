"""The page on execution tells of every simulator exactly the keys and the books that it refuses."""

import re
from pathlib import Path

import pytest

from tvquant.core.demands import DEMANDS
from tvquant.simulation import SIMULATORS
from tvquant.simulation.simulators.contract import Support

PAGE = (Path(__file__).parents[2] / "docs" / "execution.md").read_text("utf-8")
MET = {
    "funding": "funding", "actions": "splits or dividends", "halts": "missing bars or delistings",
    "late_fill": "a name without opens", "leverage": "cash below zero",
    "short_collateral": "a short whose price doubles", "ruin": "ruin",
}  # fmt: skip
"""What data and prices ask of a simulator, in the words of the page."""


@pytest.fixture(autouse=True)
def _plain_vectorbt() -> None:
    """What a simulator declares needs no library, which takes seconds to import on a worker that has no other use."""


@pytest.mark.parametrize("name", sorted(SIMULATORS))
def test_the_page_tells_what_a_simulator_refuses(name: str) -> None:
    refused = {str(one) for one, support in SIMULATORS[name].capabilities.items() if support is Support.REFUSED}
    asked = {key: capability for key, (capability, _) in DEMANDS.items()} | {"allocation.limits.gross": "leverage"}
    assert refused <= {*asked.values(), *MET}, "a capability that the page has no words for"
    (keys, books) = re.findall(rf"^\| `{name}` \| (.*) \| (.*) \|$", PAGE, re.M)[0]
    assert set(re.findall(r"`([^`]+)`", keys)) == {key for key, one in asked.items() if one in refused}
    told = set() if books == "none" else set(books.split(", "))
    assert told == {words for one, words in MET.items() if one in refused}
