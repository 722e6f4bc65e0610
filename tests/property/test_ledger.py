"""What is recorded is not lost, neither to a kill nor to JSON; what is done to it later: `test_tampering`."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from builders.clocks import ManualClock
from tvquant.core.digests import canonical_json
from tvquant.core.records import RUN, Entry
from tvquant.ledger import Integrity, Ledger, decode, encode, genesis_entry, records, verify

TIMESCALES: dict[str, Any] = {
    "train": 60,
    "test": 20,
    "step": 20,
    "lookback": 500,
    "selection": "baseline",
    "rebalance": "next_open",
}
GENESIS = genesis_entry(run_id="r1", profile="demo", code="c", manifest="m", environment="e", **TIMESCALES)
CELLS = ("a", "b", "ß")


CLOCK = ManualClock(datetime(2024, 1, 1, tzinfo=UTC))


def write(folder: Path, chains: list[str]) -> Ledger:
    """A ledger with one snapshot for each name."""
    ledger = Ledger.create(folder, run_id="r1", clock=CLOCK)
    ledger.record(GENESIS)
    for i, chain in enumerate(chains):
        ledger.record(Entry(chain=chain, stage=15, kind="snapshot", data={"i": i, "w": {"é": i / 7}}))
    return ledger


@pytest.mark.requirement("R-LED-01")
@settings(max_examples=60, deadline=None)
@given(
    before=st.lists(st.sampled_from((RUN, *CELLS)), max_size=40),
    after=st.lists(st.sampled_from((RUN, *CELLS)), max_size=5),
    lost=st.integers(0, 600),
)
def test_a_kill_at_any_byte_is_incomplete_and_resume_heals_it(before: list[str], after: list[str], lost: int) -> None:
    """A kill leaves some head of the past and any number of the bytes that were written after it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, before)
        written = (folder / "audit.jsonl").read_bytes()
        covered = verify(folder)
        assert (covered.status, covered.records) == (Integrity.INCOMPLETE, len(before) + 1)
        size = int((folder / "audit.head").read_bytes().split(b'"bytes":')[1].split(b",")[0])
        left = written[: max(size, len(written) - lost)]
        (folder / "audit.jsonl").write_bytes(left)
        killed = verify(folder)
        assert (killed.status, killed.records) == (Integrity.INCOMPLETE, left.count(b"\n"))
        ledger = Ledger.resume(folder, run_id="r1", clock=CLOCK)
        for chain in after:
            ledger.record(Entry(chain=chain, stage=15, kind="snapshot"))
        ledger.seal({})
        assert verify(folder).status is Integrity.OK
        kinds = [record.kind for record in records(folder)]
        assert kinds[killed.records :] == ["resume", *["snapshot"] * len(after), "seal"]


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
KEYS = st.one_of(TEXTS, st.sampled_from(["$", "$$", "$null", "$date", "$array", "$$null", "n", "digest"]))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TEXTS,
    st.dates(),
    st.datetimes(timezones=st.sampled_from([None, UTC])),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    stn.from_dtype(np.dtype("M8[us]"), min_value=-(2**60), max_value=2**60),
    stn.from_dtype(np.dtype("M8[D]"), min_value=-(10**6), max_value=10**6),
    stn.from_dtype(np.dtype("m8[ns]")),
    st.floats(width=32).map(np.float32),
    stn.from_dtype(np.dtype("i8")),
    stn.arrays(
        stn.scalar_dtypes().filter(lambda dtype: dtype.kind in "biuf" and dtype.itemsize <= 8), stn.array_shapes()
    ),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


def same(a: Any, b: Any) -> bool:
    """Equal, with NaN and NaT equal to themselves and the signs of zeros told apart."""
    match a:
        case dict():
            return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
        case list():
            return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
        case np.ndarray():
            return (
                a.dtype.name == b.dtype.name
                and a.shape == b.shape
                and list(map(repr, a.flat)) == list(map(repr, b.flat))
            )
        case np.datetime64() | np.timedelta64():
            return a.dtype == b.dtype and (bool(np.isnat(a) and np.isnat(b)) or bool(a == b))
        case float() | np.floating():
            return repr(float(a)) == repr(b)
        case _:
            return bool(a == b) and (isinstance(a, np.generic) or type(a) is type(b))


@pytest.mark.requirement("R-LED-07")
@settings(max_examples=300, deadline=None)
@given(value=VALUES)
def test_what_goes_in_comes_out(value: Any) -> None:
    assert same(value, decode(json.loads(canonical_json(encode(value)))))


@pytest.mark.requirement("R-LED-07")
@settings(max_examples=60, deadline=None)
@given(
    content=st.dictionaries(KEYS, VALUES, max_size=4), metrics=st.dictionaries(KEYS, st.floats() | TEXTS, max_size=3)
)
def test_a_record_comes_back_from_the_file(content: dict[str, Any], metrics: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        ledger = write(Path(name), [])
        ledger.record(Entry(chain="cell", stage=15, kind="outcome", data=content, metrics=metrics))
        ledger.seal({"$null": "nan"})
        assert verify(Path(name)).status is Integrity.OK
        (record,) = records(Path(name), kind="outcome")
        assert same(content, record.data)
        assert same(metrics, record.metrics)
