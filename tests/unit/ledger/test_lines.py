import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from builders.ledgers import forge
from tvquant.core.errors import DataError
from tvquant.ledger import Integrity, verify
from tvquant.ledger.lines import BadLine, ChainProgress, Head

pytestmark = pytest.mark.requirement("R-LED-01")


def test_a_digest_is_that_of_the_sorted_json_without_it(sealed: Path) -> None:
    """The rule of the module's text, written with the standard library only."""
    for line in [*(sealed / "audit.jsonl").read_text().splitlines(), (sealed / "audit.head").read_text()]:
        record = json.loads(line)
        digest = record.pop("digest")
        body = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(body.encode()).hexdigest() == digest


def test_every_record_names_the_one_before_it_in_its_chain(sealed: Path) -> None:
    records = [json.loads(line) for line in (sealed / "audit.jsonl").read_text().splitlines()]
    assert [record["n"] for record in records] == list(range(1, len(records) + 1))
    last = {"run": (0, "0" * 64)}
    for record in records:
        seq, digest = last.get(record["chain"], (0, records[0]["digest"]))
        assert (record["seq"], record["previous"]) == (seq + 1, digest)
        last[record["chain"]] = (record["seq"], record["digest"])
    head = json.loads((sealed / "audit.head").read_text())
    assert head["chains"] == {chain: {"length": seq, "digest": digest} for chain, (seq, digest) in last.items()}
    assert head["records"] == len(records) == 22
    assert head["bytes"] == (sealed / "audit.jsonl").stat().st_size


LAST = 22
LONE = (
    b'{"n":1,"chain":"run","seq":1,"at":"","run_id":"r","stage":1,"pillar":null,"kind":"genesis","inputs":{},'
    b'"outputs":{},"metrics":{},"data":{},"previous":"","digest":"\\ud800"}\n'
)
"""A record but for half a character, which no file can hold as text."""


@pytest.mark.parametrize(
    ("number", "changes", "why"),
    [
        (5, {"stage": 14}, "expected"),  # hashes, but the next of its chain names another
        (LAST, {"n": 23}, "n is 23, expected 22"),
        (LAST, {"seq": 9}, "seq is 9, expected 4"),
        (LAST, {"previous": "0" * 64}, "previous is '0000"),
        (LAST, {"run_id": "r2"}, "run_id is 'r2', expected 'r1'"),
        (LAST, {"kind": "genesis"}, "only the first"),
        (1, {"kind": "plan"}, "only the first"),
        (LAST, {"extra": 1}, "not a ledger record"),
        (LAST, {"data": ...}, "not a ledger record"),
        (LAST, {"chain": ["run"]}, "not a ledger record"),
        (LAST, {"outputs": {"result": "0" * 64}}, "the seal does not agree"),
        (LAST, {"data": {"cells": {}, "chains": {}}}, "the seal does not agree"),
        (LAST, {"data": {"cells": {"$null": "nan"}}}, "the seal does not agree"),
        (LAST, {"data": {"$decimal": "x"}}, "the seal does not agree"),
    ],
)
def test_forged_records_that_hash_are_found_where_they_do_not_fit(
    sealed: Path, number: int, changes: dict[str, Any], why: str
) -> None:
    forge(sealed, number, **changes)
    found = verify(sealed)
    assert found.status is Integrity.TAMPERED
    assert found.first_bad is not None
    assert why in found.first_bad.why


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1]\n",
        b"\xff\xfe",
        b'{"bytes":0,"chains":{"a":1},"digest":"","records":0}\n',
        b"[" * 100_000,
        b'{"bytes":0,"chains":{"\\ud800":{"length":1,"digest":"x"}},"digest":"","records":0}\n',
    ],
    ids=lambda content: content[:20].decode("latin-1"),
)
def test_a_head_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "audit.head").write_bytes(content)
    with pytest.raises(BadLine, match=r"^audit\.head does not hash"):
        Head.read(tmp_path)


def test_a_missing_head_is_the_worlds_fault(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"audit\.head: No such file"):
        Head.read(tmp_path)


@pytest.mark.parametrize(
    "line", [b"\n", b"null\n", b'{"n":1}\n', b"NaN\n", b"9" * 5000 + b"\n", b"[" * 100_000 + b"\n", LONE]
)
def test_lines_that_are_no_records(line: bytes) -> None:
    with pytest.raises(BadLine, match=r"audit\.jsonl line 1: is not a ledger record"):
        ChainProgress().step(line)
