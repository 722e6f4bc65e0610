"""Whatever is done to the files of a finished run is found, and the record or the file is named.

What is drawn is either done to bytes (flipped, cut off, taken out, put in, moved, repeated), one after another, or is
the work of a forger who edits a record and knows the hashes: he goes so far as to the line itself, its chain, the seal,
the head. Who goes all the way has a ledger that verifies, and only an anchor shows it.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.clocks import ManualClock
from tvquant.core.digests import canonical_json, merkle_root
from tvquant.core.records import RUN, Entry
from tvquant.ledger import Integrity, Ledger, RunFolder, Verification, genesis_entry, outputs_of
from tvquant.ledger.anchors import Anchor, changes
from tvquant.ledger.lines import AUDIT, HEAD, Head, Tip, hashed_line
from tvquant.ledger.recorded_run import RecordedRun

PROOF = bool(os.environ.get("TVQUANT_PROOF"))
pytestmark = pytest.mark.requirement("R-LED-01")

RUN_ID = "r1"
CELLS = ("a", "b", "ß")
FILES = ("manifest.json", "results/returns.parquet", "results/weights.parquet")
BETTER = b"better returns"
DAY = datetime(2024, 1, 1, tzinfo=UTC)
LINE, CHAIN, SEAL, EVERYTHING = range(1, 5)
"""How far a forger goes: the hash of the line, those of its chain, the seal, the head."""

type Files = dict[str, bytes]
"""Every file of the run by name; one that is not there was removed."""


@dataclass(frozen=True, repr=False)
class Whole:
    """A finished run as it was written, and its anchor."""

    folder: Path
    files: Files
    anchor: Anchor

    @property
    def lines(self) -> list[bytes]:
        return self.files[AUDIT].splitlines(keepends=True)

    def judged(self, files: Files) -> tuple[Verification, tuple[str, ...]]:
        """Return what verification and anchor say of these files."""
        for name in self.files:
            (self.folder / name).unlink(missing_ok=True)
            if name in files:
                (self.folder / name).write_bytes(files[name])
        run = RecordedRun(RunFolder(self.folder))
        return run.verification, changes(self.anchor, run)


@pytest.fixture(scope="module")
def whole() -> Iterator[Whole]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / RUN_ID
        (folder / "results").mkdir(parents=True)
        for number, file in enumerate(FILES):
            (folder / file).write_bytes(bytes(range(17 + number)) * 3)
        genesis = genesis_entry(
            run_id=RUN_ID, profile="demo", code="c", manifest="m", environment="e", train=60, test=20, step=20,
            lookback=500, selection="baseline", rebalance="next_open",
        )  # fmt: skip
        with Ledger.create(folder, run_id=RUN_ID, clock=ManualClock(DAY)) as ledger:
            ledger.record(genesis)
            ledger.record(Entry(chain=RUN, stage=15, kind="intent"))
            for window in range(3):
                for cell in CELLS:
                    weights = {
                        "data": {"weights": {"é": 0.25 + window / 7}},
                        "metrics": {"cash": 0.5, "window": window},
                    }
                    ledger.record(Entry(chain=cell, stage=15, kind="snapshot", **weights))
            for cell in CELLS:
                ledger.record(Entry(chain=cell, stage=15, kind="outcome", metrics={"sharpe": 1.5, "cash": 0.25}))
            ledger.record(Entry(chain=RUN, stage=15, kind="outcome", outputs=outputs_of(folder, FILES)))
            ledger.seal({cell: f"{number}" * 64 for number, cell in enumerate(CELLS)})
        files = {file: (folder / file).read_bytes() for file in (AUDIT, HEAD, *FILES)}
        anchor = Anchor.of(RecordedRun(RunFolder(folder)), at=DAY, previous="0" * 64)
        yield Whole(folder, files, anchor)


@st.composite
def blows(draw: Callable[..., Any]) -> tuple[str, float, float, bytes]:
    """Draw what is done to which file: places are parts of its length, so that they fit whatever was done before."""
    kind = draw(st.sampled_from(("flip", "cut", "splice", "append", "remove", "empty", "drop", "swap", "repeat")))
    part = st.floats(0, 1, exclude_max=True)
    return kind, draw(part), draw(part), draw(st.binary(min_size=1, max_size=8))


def struck(content: bytes, kind: str, first: float, second: float, with_: bytes) -> bytes | None:
    """Return the content of a file after one blow; None where it is gone."""
    start, end = sorted((int(first * len(content)), int(second * len(content))))
    lines = content.splitlines(keepends=True)
    low, high = sorted((int(first * len(lines)), int(second * len(lines))))
    match kind:
        case "flip" if content:
            return content[:start] + bytes([content[start] ^ (with_[0] or 1)]) + content[start + 1 :]
        case "cut":
            return content[:start]
        case "splice":
            return content[:start] + with_ + content[min(end, start + 400) :]
        case "append":
            return content + with_ if second < 0.5 else content + b"".join(lines[low : low + 1])
        case "remove":
            return None
        case "empty":
            return b""
        case "drop" if lines:
            return b"".join(lines[:low] + lines[low + 1 :])
        case "swap" if lines:
            lines[low], lines[high] = lines[high], lines[low]
            return b"".join(lines)
        case "repeat" if lines:
            return b"".join([*lines[:high], lines[low], *lines[high:]])
        case _:
            return content


def first_line(before: bytes, after: bytes) -> int:
    """Return the number of the first line that is another one, or is no longer there."""
    pairs = enumerate(zip(before.splitlines(keepends=True), after.splitlines(keepends=True), strict=False), 1)
    return next((number for number, (a, b) in pairs if a != b), min(before.count(b"\n"), after.count(b"\n")) + 1)


@settings(max_examples=500 if PROOF else 60, deadline=None)
@given(where=st.sampled_from((AUDIT, AUDIT, HEAD, *FILES)), done=st.lists(blows(), min_size=1, max_size=3))
def test_what_is_done_to_bytes_is_found_and_named(
    whole: Whole, where: str, done: list[tuple[str, float, float, bytes]]
) -> None:
    content: bytes | None = whole.files[where]
    for blow in done:
        content = None if content is None else struck(content, *blow)
    files = {name: bytes_ for name, bytes_ in (whole.files | {where: content}).items() if bytes_ is not None}
    if where in (AUDIT, HEAD) and content is None:
        with pytest.raises(Exception, match=f"{where}: No such file"):
            whole.judged(files)
        return
    found, anchored = whole.judged(files)
    if content == whole.files[where]:
        assert (found.status, found.altered, anchored) == (Integrity.OK, (), ())
    elif where in FILES:
        assert (found.status, [one.file for one in found.altered]) == (Integrity.ALTERED, [where])
    else:
        assert found.status in (Integrity.TAMPERED, Integrity.TRUNCATED)
        assert found.first_bad is not None
        assert content is not None
        assert found.first_bad.line == (0 if where == HEAD else first_line(whole.files[AUDIT], content))


def weight(fields: dict[str, Any]) -> None:
    fields["data"]["weights"]["é"] += 0.125


def metric(fields: dict[str, Any]) -> None:
    fields["metrics"]["cash"] -= 0.125


def file(fields: dict[str, Any]) -> None:
    fields["outputs"]["file:results/returns.parquet"] = hashlib.sha256(BETTER).hexdigest()


def leaf(fields: dict[str, Any]) -> None:
    fields["data"]["cells"]["b"] = "f" * 64
    fields["outputs"]["result"] = merkle_root(fields["data"]["cells"])


def profile(fields: dict[str, Any]) -> None:
    fields["data"]["profile"] = "other"


EDITS: dict[Callable[[dict[str, Any]], None], Callable[[dict[str, Any]], bool]] = {
    weight: lambda fields: fields["kind"] == "snapshot",
    metric: lambda fields: "cash" in fields["metrics"],
    file: lambda fields: "file:results/returns.parquet" in fields["outputs"],
    leaf: lambda fields: fields["kind"] == "seal",
    profile: lambda fields: fields["kind"] == "genesis",
}
"""What a forger changes, and in which records he can."""


def forged(whole: Whole, at: int, edit: Callable[[dict[str, Any]], None], depth: int) -> Files:
    """Return the files after an edit of the line `at`, with hashes recomputed so far."""
    renamed: dict[str, str] = {}
    made: list[bytes] = []
    tips: dict[str, Tip] = {}
    for number, line in enumerate(whole.lines):
        fields = json.loads(line)
        before = fields["digest"]
        if depth >= (SEAL if fields["kind"] == "seal" else CHAIN):
            fields["previous"] = renamed.get(fields["previous"], fields["previous"])
        if fields["kind"] == "seal" and depth >= SEAL:
            fields["data"]["chains"] = {
                chain: {**tip, "digest": renamed.get(tip["digest"], tip["digest"])}
                for chain, tip in fields["data"]["chains"].items()
            }
        if number == at:
            edit(fields)
        if depth:
            line, renamed[before] = hashed_line({key: one for key, one in fields.items() if key != "digest"})
        elif number == at:
            line = canonical_json(fields) + b"\n"
        made.append(line)
        tips[fields["chain"]] = Tip(length=fields["seq"], digest=json.loads(line)["digest"])
    audit = b"".join(made)
    head = Head(records=len(made), size=len(audit), tips=tips).line() if depth == EVERYTHING else whole.files[HEAD]
    return whole.files | {AUDIT: audit, HEAD: head}


def expected(whole: Whole, at: int, depth: int) -> int:
    """Return the number of the line that gives a forger away: 0 is the head."""
    records = [json.loads(line) for line in whole.lines]
    last = len(records)
    if not depth:
        return at + 1
    if at == last - 1 or depth == SEAL:
        return 0
    following = (one["n"] for one in records if one["previous"] == records[at]["digest"])
    return next(following, last) if depth == LINE else last


@settings(max_examples=500 if PROOF else 40, deadline=None)
@given(data=st.data(), edit=st.sampled_from(list(EDITS)), depth=st.integers(0, EVERYTHING))
def test_a_forger_is_found_where_he_stopped_and_by_the_anchor_where_he_did_not(
    whole: Whole, data: st.DataObject, edit: Callable[[dict[str, Any]], None], depth: int
) -> None:
    places = [number for number, line in enumerate(whole.lines) if EDITS[edit](json.loads(line))]
    at = data.draw(st.sampled_from(places))
    files = forged(whole, at, edit, depth)
    chain = json.loads(whole.lines[at])["chain"]
    if edit is file:
        files["results/returns.parquet"] = BETTER
    found, anchored = whole.judged(files)
    if depth < EVERYTHING:
        shown, short = expected(whole, at, depth), len(files[AUDIT]) < len(whole.files[AUDIT])
        assert found.first_bad is not None
        if shown == 0 and short:  # every line is right, and there should be more
            assert (found.status, found.first_bad.line) == (Integrity.TRUNCATED, len(whole.lines) + 1)
        else:
            assert (found.status, found.first_bad.line) == (Integrity.TAMPERED, shown)
        return
    assert found.status is Integrity.OK  # and nothing in the run shows it
    named = [change.partition(":")[0] for change in anchored]
    assert f"chain {chain}" in named
    assert f"chain {RUN}" in named
    assert ("file results/returns.parquet" in named) == (edit is file)
    assert ("result of cell b" in named) == (edit is leaf)


@pytest.mark.parametrize("rehashed", [False, True])
def test_chains_that_change_places_are_found(whole: Whole, rehashed: bool) -> None:
    """Each record under the name of another chain: what one cell decided is another's."""
    other = {"a": "b", "b": "a"}
    made = []
    for line in whole.lines:
        fields = json.loads(line)
        fields["chain"] = other.get(fields["chain"], fields["chain"])
        plain = {key: one for key, one in fields.items() if key != "digest"}
        made.append(hashed_line(plain)[0] if rehashed else canonical_json(fields) + b"\n")
    found, anchored = whole.judged(whole.files | {AUDIT: b"".join(made)})
    records = [json.loads(line) for line in whole.lines]
    first = next(one["n"] for one in records if one["chain"] in other)
    following = next(one["n"] for one in records if one["chain"] in other and one["seq"] == 2)
    assert found.status is Integrity.TAMPERED
    assert found.first_bad is not None
    assert found.first_bad.line == (following if rehashed else first)
    assert anchored
