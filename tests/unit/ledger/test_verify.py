from collections.abc import Callable
from pathlib import Path

import pytest

from tvquant.core.errors import DataError
from tvquant.core.records import Entry
from tvquant.ledger import Integrity, Ledger, Verification, verify

pytestmark = pytest.mark.requirement("R-LED-01")


def damaged(folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> Verification:
    """The verdict on the ledger with its lines changed."""
    audit = folder / "audit.jsonl"
    audit.write_bytes(b"".join(change(audit.read_bytes().splitlines(keepends=True))))
    return verify(folder)


def where(found: Verification) -> tuple[int, str | None, int | None]:
    assert found.first_bad is not None
    return found.first_bad.line, found.first_bad.chain, found.first_bad.seq


def test_a_whole_ledger(sealed: Path) -> None:
    found = verify(sealed)
    assert (found.status, found.records, found.sealed, found.torn) == (Integrity.OK, 22, True, 0)
    assert {chain: tip.length for chain, tip in found.chains.items()} == {
        "run": 4,
        "min_variance": 9,
        "equal_weight": 9,
    }
    assert found.first_bad is None
    assert found.unpaired == ()


def test_a_ledger_at_work_is_incomplete(begun: Ledger, tmp_path: Path, fill: Callable[..., None]) -> None:
    fill(begun)
    found = verify(tmp_path)
    assert (found.status, found.records, found.torn, found.first_bad) == (Integrity.INCOMPLETE, 21, 0, None)


def test_lines_that_change_places(sealed: Path) -> None:
    found = damaged(sealed, lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]])
    assert (found.status, where(found)) == (Integrity.TAMPERED, (4, "min_variance", 3))


def test_lines_of_two_chains_that_change_places(sealed: Path) -> None:
    """Each chain alone would still hold."""
    found = damaged(sealed, lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]])
    assert (found.status, where(found)) == (Integrity.TAMPERED, (5, "equal_weight", 1))


def test_a_line_that_is_gone(sealed: Path) -> None:
    found = damaged(sealed, lambda lines: lines[:7] + lines[8:])
    assert (found.status, where(found)) == (Integrity.TAMPERED, (8, "min_variance", 4))


def test_a_line_that_is_there_twice(sealed: Path) -> None:
    found = damaged(sealed, lambda lines: [*lines[:8], lines[7], *lines[8:]])
    assert (found.status, where(found)) == (Integrity.TAMPERED, (9, "equal_weight", 3))


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace(b",", b", ", 1),
        lambda line: b" " + line,
        lambda line: line[:-1] + b" \n",
        lambda line: line[:-1] + b"\r\n",
        lambda line: b"\n" + line,
        lambda line: line.replace(b'"n"', b'"\\u006e"'),
        lambda line: line.replace(b'{"at"', b'{"at":"","at"'),
        lambda line: line.replace(b"0.5", b"0.50"),
    ],
)
def test_another_writing_of_the_same_json(sealed: Path, change: Callable[[bytes], bytes]) -> None:
    found = damaged(sealed, lambda lines: [*lines[:6], change(lines[6]), *lines[7:]])
    assert found.status is Integrity.TAMPERED
    assert found.records == 6


@pytest.mark.parametrize("lines_kept", [0, 1, 12, 21])
def test_a_file_that_became_shorter(sealed: Path, lines_kept: int) -> None:
    found = damaged(sealed, lambda lines: lines[:lines_kept])
    assert (found.status, found.records, found.sealed) == (Integrity.TRUNCATED, lines_kept, False)
    assert where(found) == (lines_kept + 1, None, None)


def test_shorter_and_changed_is_tampered(sealed: Path) -> None:
    found = damaged(sealed, lambda lines: [lines[0], lines[1].replace(b"15", b"16"), lines[2]])
    assert found.status is Integrity.TAMPERED


@pytest.mark.parametrize("more", [b"x", b"\n", b"{}\n"])
def test_a_seal_is_the_end(sealed: Path, more: bytes) -> None:
    found = damaged(sealed, lambda lines: [*lines, more])
    assert found.status is Integrity.TAMPERED
    assert found.first_bad is not None
    assert found.first_bad.why == f"{len(more)} bytes stand after the seal"


def test_whole_lines_behind_the_head_are_judged(begun: Ledger, tmp_path: Path) -> None:
    begun.record(Entry(chain="cell", stage=15, kind="snapshot", data={"w": 0.25}))
    assert verify(tmp_path).status is Integrity.INCOMPLETE
    found = damaged(tmp_path, lambda lines: [lines[0], lines[1].replace(b"0.25", b"0.75")])
    assert (found.status, where(found)) == (Integrity.TAMPERED, (2, "cell", 1))


def test_the_head_of_another_ledger(sealed: Path, tmp_path: Path) -> None:
    own = (sealed / "audit.head").read_bytes()
    assert verify(sealed).status is Integrity.OK
    (sealed / "audit.head").write_bytes(own.replace(b'"records":22', b'"records":23'))
    found = verify(sealed)
    assert (found.status, where(found)) == (Integrity.TAMPERED, (0, None, None))


@pytest.mark.parametrize("name", ["audit.jsonl", "audit.head"])
def test_a_missing_file(sealed: Path, name: str) -> None:
    (sealed / name).unlink()
    with pytest.raises(DataError, match=rf"{name}: No such file or directory; this folder holds no whole ledger"):
        verify(sealed)


def test_a_folder_without_any_record_says_that_its_run_is_started_anew(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a run that was stopped before its first record is started anew$"):
        verify(tmp_path)


@pytest.mark.requirement("R-LED-03")
def test_intents_and_outcomes_balance(begun: Ledger, tmp_path: Path) -> None:
    """Pairs are of one chain and stage, however the chains interleave."""
    for chain, stage, kind in (
        ("a", 14, "intent"),  # line 2
        ("b", 14, "intent"),
        ("a", 14, "outcome"),
        ("a", 15, "outcome"),  # line 5: stage 15 was never announced
        ("b", 15, "intent"),  # line 6: never ended
        ("b", 14, "outcome"),
        ("c", 14, "outcome"),  # line 8
    ):
        begun.record(Entry(chain=chain, stage=stage, kind=kind))
    begun.seal({})
    found = verify(tmp_path)
    assert found.status is Integrity.OK
    assert [(x.line, x.chain, x.seq, x.why) for x in found.unpaired] == [
        (5, "a", 3, "outcome without intent"),
        (6, "b", 2, "intent without outcome"),
        (8, "c", 1, "outcome without intent"),
    ]
