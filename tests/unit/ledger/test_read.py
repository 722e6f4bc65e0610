from datetime import UTC, datetime
from math import isnan, nan
from pathlib import Path

import numpy as np
import pytest

from builders.ledgers import forge
from tvquant.core.errors import DataError, LedgerError
from tvquant.core.records import Entry
from tvquant.ledger import Ledger, records


def test_what_was_recorded_is_read(begun: Ledger, tmp_path: Path) -> None:
    first = next(records(tmp_path))
    digest = begun.record(
        Entry(
            chain="cell",
            stage=15,
            pillar=3,
            kind="snapshot",
            inputs={"panel": "aa"},
            outputs={"weights": "bb"},
            metrics={"sharpe": nan, "windows": 3},
            data={"$as_of": np.datetime64("2020-01-31", "us"), "weights": {"A": np.float32(0.5)}},
        )
    )
    (record,) = records(tmp_path, chain="cell")
    assert (record.n, record.chain, record.seq, record.run_id, record.stage, record.pillar, record.kind) == (
        2,
        "cell",
        1,
        "r1",
        15,
        3,
        "snapshot",
    )
    assert record.at == datetime(2024, 1, 2, 3, 4, 7, tzinfo=UTC)
    assert (record.inputs, record.outputs) == ({"panel": "aa"}, {"weights": "bb"})
    assert isnan(record.metrics["sharpe"])
    assert record.metrics["windows"] == 3
    assert record.data == {"$as_of": np.datetime64("2020-01-31", "us"), "weights": {"A": 0.5}}
    assert (record.digest, record.previous) == (digest, first.digest)


def test_by_chain_and_kind(sealed: Path) -> None:
    assert [record.n for record in records(sealed)] == list(range(1, 23))
    assert [record.seq for record in records(sealed, chain="equal_weight")] == list(range(1, 10))
    assert {record.chain for record in records(sealed, kind="snapshot")} == {"min_variance", "equal_weight"}
    assert [record.kind for record in records(sealed, chain="run")] == ["genesis", "intent", "outcome", "seal"]
    assert list(records(sealed, chain="no such")) == []


def test_nothing_unverified_is_read(sealed: Path) -> None:
    audit = sealed / "audit.jsonl"
    whole = audit.read_bytes()
    audit.write_bytes(whole.replace(b'"A":0.5', b'"A":0.6', 1))
    with pytest.raises(LedgerError, match=r"audit\.jsonl line 3: does not hash to its digest"):
        list(records(sealed))
    audit.write_bytes(whole[:-5])
    with pytest.raises(LedgerError, match="do not agree"):
        list(records(sealed))
    audit.unlink()
    with pytest.raises(DataError, match="No such file"):
        list(records(sealed))


@pytest.mark.parametrize("changes", [{"at": "noon"}, {"data": {"day": {"$date": "noon"}}}])
def test_a_record_that_hashes_and_was_never_written_is_named_by_its_line(
    sealed: Path, changes: dict[str, object]
) -> None:
    forge(sealed, 22, **{"kind": "outcome", **changes})
    with pytest.raises(LedgerError, match=r"audit\.jsonl line 22: hashes, but was not written by a run: .*noon"):
        list(records(sealed))
