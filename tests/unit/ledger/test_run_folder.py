from pathlib import Path

import pytest

from tvquant.core.errors import DataError
from tvquant.ledger import RunFolder

RUN = "20260101T000000-demo_sp500-aaaaaa"


def test_documents_round_trip_and_damage_is_named(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / RUN)
    run.write_json("data/x.json", {"a": [1, None, "é"]})
    assert run.read_json("data/x.json") == {"a": [1, None, "é"]}
    (run.path / "data" / "x.json").write_text("{")
    with pytest.raises(DataError, match=rf"run {RUN}: data/x\.json cannot be read"):
        run.read_json("data/x.json")


def test_a_disk_that_takes_no_document_is_the_worlds_fault(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / RUN)
    run.path.mkdir()
    (run.path / "data").write_text("a file where the folder should be")
    with pytest.raises(DataError, match="make room or choose a folder"):
        run.write_json("data/x.json", {})
