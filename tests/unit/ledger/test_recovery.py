"""A ledger that was cut anywhere goes back to its last whole record, and says what it lost."""

import json
from pathlib import Path

import pytest

from tvquant.core.errors import LedgerError
from tvquant.ledger import Integrity, Ledger, verify
from tvquant.ledger.lines import AUDIT, HEAD
from tvquant.ledger.recovery import cut_before, mend, torn


@pytest.mark.parametrize("back", [1, 2, 400, 3000])
def test_a_ledger_that_lost_its_end_goes_on_from_the_last_whole_record(sealed: Path, back: int, clock) -> None:
    audit = sealed / AUDIT
    content = audit.read_bytes()
    audit.write_bytes(content[:-back])
    found = torn(sealed)
    assert found is not None
    assert found[0] == audit
    count = mend(sealed)
    assert content.startswith(audit.read_bytes())
    assert audit.read_bytes().count(b"\n") == count
    assert content[: -back - 1].count(b"\n") == count
    checked = verify(sealed)
    assert (checked.status, checked.records, checked.torn) == (Integrity.INCOMPLETE, count, 0)
    assert torn(sealed) is None
    with Ledger.resume(sealed, run_id="r1", clock=clock):
        pass


@pytest.mark.parametrize("size", [0, 1, 100, None])
def test_a_head_that_is_cut_is_made_again_of_the_lines(sealed: Path, size: int | None) -> None:
    head = sealed / HEAD
    content = head.read_bytes()
    if size is None:
        head.unlink()
    else:
        head.write_bytes(content[:size])
    found = torn(sealed)
    assert found is not None
    assert found[0] == head
    assert mend(sealed) == 22
    assert head.read_bytes() == content
    assert verify(sealed).status is Integrity.OK


def test_bytes_behind_the_seal_go(sealed: Path) -> None:
    content = (sealed / AUDIT).read_bytes()
    (sealed / AUDIT).write_bytes(content + b"\0" * 300)
    assert torn(sealed) is not None
    assert mend(sealed) == 22
    assert (sealed / AUDIT).read_bytes() == content


def test_a_ledger_that_was_killed_is_not_torn(begun: Ledger, fill, tmp_path: Path) -> None:
    fill(begun)
    begun.close()
    assert torn(tmp_path) is None
    with (tmp_path / AUDIT).open("ab") as file:
        file.write(b'{"half":')
    assert torn(tmp_path) is None


def test_a_line_that_was_changed_is_no_torn_end(sealed: Path) -> None:
    lines = (sealed / AUDIT).read_bytes().splitlines(keepends=True)
    lines[7] = lines[7].replace(b'"seq":', b'"seq":1')
    changed = b"".join(lines)
    (sealed / AUDIT).write_bytes(changed)
    assert torn(sealed) is not None
    with pytest.raises(LedgerError, match="line 8 is not right"):
        mend(sealed)
    assert (sealed / AUDIT).read_bytes() == changed


def test_a_ledger_is_cut_before_a_record(sealed: Path) -> None:
    assert cut_before(sealed, lambda fields: fields["n"] == 9) == 8
    assert [json.loads(line)["n"] for line in (sealed / AUDIT).read_text().splitlines()] == list(range(1, 9))
    assert verify(sealed).status is Integrity.INCOMPLETE
