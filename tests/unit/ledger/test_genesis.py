from dataclasses import replace
from typing import Any

import pytest

from tvquant.core.records import Entry
from tvquant.ledger import genesis_entry
from tvquant.ledger.genesis import check_genesis

pytestmark = pytest.mark.requirement("R-LED-02")

FIELDS: dict[str, Any] = {
    "run_id": "r1",
    "profile": "demo",
    "code": "c",
    "manifest": "m",
    "environment": "e",
    "train": 60,
    "test": 20,
    "step": 20,
    "lookback": 500,
    "selection": "baseline",
    "rebalance": "next_close",
}


def test_it_says_which_run_from_what_and_on_which_timescales() -> None:
    entry = genesis_entry(**FIELDS)
    assert (entry.chain, entry.stage, entry.kind) == ("run", 1, "genesis")
    assert entry.inputs == {"code": "c", "manifest": "m", "environment": "e"}
    assert entry.data == {
        "run_id": "r1",
        "profile": "demo",
        "timescales": {name: FIELDS[name] for name in ("train", "test", "step", "lookback", "selection", "rebalance")},
    }


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "run_id"])
@pytest.mark.parametrize("value", [None, "", 0, -20, True, 1.5, ["a"]], ids=str)
def test_every_field_is_checked(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^genesis: {name} must be"):
        genesis_entry(**{**FIELDS, name: value})


def test_a_field_more_or_less_is_refused() -> None:
    entry = genesis_entry(**FIELDS)
    for scales in ({}, [1], {**entry.data["timescales"], "warmup": 5}):
        with pytest.raises(ValueError, match="timescales must be train, test, step"):
            check_genesis(replace(entry, data={**entry.data, "timescales": scales}), "r1")
    with pytest.raises(ValueError, match="environment must be a text, found None"):
        check_genesis(replace(entry, inputs={"code": "c", "manifest": "m"}), "r1")


def test_it_belongs_to_one_run() -> None:
    with pytest.raises(ValueError, match="run_id is 'r1', expected 'r2'"):
        check_genesis(genesis_entry(**FIELDS), "r2")
    with pytest.raises(ValueError, match="found 'plan' on 'run'"):
        check_genesis(Entry(chain="run", stage=1, kind="plan"), "r1")
