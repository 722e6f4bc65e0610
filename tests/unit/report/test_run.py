"""Reading a run folder: standings, and what is said when something is not there."""

import json

import pytest

from tvquant.core.errors import DataError, LedgerError
from tvquant.ledger import records
from tvquant.report import standings
from tvquant.report.run import Absent, health_counts, read_run


def test_strategies_come_first_by_sharpe_then_baselines(run):
    rows = standings(run)
    assert [row["baseline"] for row in rows] == [False] * 5 + [True] * 2
    for rank in (rows[:5], rows[5:]):
        sharpes = [row["sharpe"] for row in rank]
        assert sharpes == sorted(sharpes, reverse=True)
    outcome = {r.chain: r.metrics["sharpe"] for r in records(run, kind="outcome") if r.chain != "run"}
    assert {row["cell"]: row["sharpe"] for row in rows} == outcome
    assert {"current_only", "no_volume"} <= set(rows[0]["stamps"])


def test_a_failed_cell_has_every_key_and_the_reason(run, record_failed):
    record_failed(run, "v4/custom/broken/custom", "the covariance is singular")
    rows = standings(run)
    assert len({frozenset(row) for row in rows}) == 1
    failed = rows[5]  # the last of the strategies
    assert failed["cell"] == "v4/custom/broken/custom"
    assert failed["why"] == "the covariance is singular"
    assert failed["sharpe"] is None
    assert not failed["baseline"]


def test_the_run_id_is_the_ledgers_and_not_the_folders(run):
    moved = run.rename(run.with_name("elsewhere"))
    assert read_run(moved).run_id == "20260102T000000-demo_sp500-abcdef"


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("manifest.json", lambda data: data.profile()),
        ("data/health.json", lambda data: data.health()),
        ("results/returns.parquet", lambda data: data.table("returns")),
    ],
)
@pytest.mark.requirement("R-REP-01")
def test_what_is_missing_or_damaged_is_named_without_a_machine_path(run, name, ask):
    (run / name).write_bytes(b"not what it was")
    with pytest.raises(Absent, match=f"^{name} cannot be read: it is damaged$"):
        ask(read_run(run))
    (run / name).unlink()
    with pytest.raises(Absent, match=f"^{name} is not in the run folder$"):
        ask(read_run(run))


def test_a_ledger_that_does_not_verify_is_not_reported(run):
    audit = run / "audit.jsonl"
    audit.write_bytes(audit.read_bytes().replace(b'"sharpe":0', b'"sharpe":9', 1).replace(b"p1an", b"p1am", 1))
    with pytest.raises(LedgerError):
        standings(run)


def test_a_folder_without_ledger_is_refused(tmp_path):
    with pytest.raises(DataError):
        standings(tmp_path)


def test_health_is_counted_from_states(run):
    path = run / "data" / "health.json"
    assets = json.loads(path.read_text())
    assets[1]["state"] = "gaps"
    assert health_counts(assets) == {"ok": 5, "gaps": 1}
    assert health_counts([]) == {}
