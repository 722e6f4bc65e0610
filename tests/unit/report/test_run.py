"""Reading a run folder: standings, and what is said when something is not there."""

import json
from dataclasses import replace
from math import nan

import pytest

from tvquant.core.errors import DataError, LedgerError
from tvquant.lake.quality.health import from_report
from tvquant.ledger import LedgerRecord, records
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.ledger.result_store import ResultStore
from tvquant.report import standings
from tvquant.report.run import health_counts, read_run


def test_strategies_come_first_by_sharpe_then_baselines(run):
    rows = standings(run)
    assert [row["baseline"] for row in rows] == [False] * 5 + [True] * 3
    for rank in (rows[:5], rows[5:]):
        order = [(-round(row["sharpe"], 9), row["cell"]) for row in rank]
        assert order == sorted(order)
    outcome = {r.chain: r.metrics["sharpe"] for r in records(run, kind="outcome") if r.chain != "run"}
    assert {row["cell"]: row["sharpe"] for row in rows} == outcome
    assert {"current_only", "no_volume"} <= set(rows[0]["stamps"])


def test_ratios_that_differ_in_their_last_digits_are_equal_and_ranked_by_key(run):
    data = read_run(run)
    one = data.headline
    twin, better = (
        replace(one, key=f"{one.key.rpartition('/')[0]}/{name}", measures=replace(one.measures, sharpe=sharpe))
        for name, sharpe in (("vectorbt", one.measures.sharpe + 1e-12), ("better", one.measures.sharpe + 1e-6))
    )
    data.outcomes = (twin, one, better)
    assert [cell.key.rpartition("/")[2] for cell in data.cells] == ["better", "custom", "vectorbt"]


def test_a_failed_cell_has_every_key_and_the_reason(run, record_failed):
    record_failed(run, "v4/custom/broken/custom", "the covariance is singular")
    rows = standings(run)
    assert len({frozenset(row) for row in rows}) == 1
    failed = rows[5]  # the last of the strategies
    assert failed["cell"] == "v4/custom/broken/custom"
    assert failed["why"] == "the covariance is singular"
    assert failed["sharpe"] is None
    assert not failed["baseline"]


def test_a_run_under_another_name_is_refused(run):
    moved = run.rename(run.with_name("20260102T000000-demo_sp500-bbbbbb"))
    with pytest.raises(LedgerError, match="bbbbbb holds the ledger of run 20260102T000000-demo_sp500-abcdef"):
        read_run(moved)


@pytest.mark.parametrize("name", ["results/returns.parquet", "results/events.parquet", "data/health.json"])
def test_a_file_that_is_not_what_the_ledger_says_is_refused_by_name(run, bind, name):
    bind(run, name)
    whole = (run / name).read_bytes()
    assert read_run(run).files.keys() == {name}
    (run / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(LedgerError, match=f"{name} is not the file that was written: expected SHA-256"):
        standings(run)
    (run / name).write_bytes(b"")
    with pytest.raises(LedgerError, match=f"{name} is empty"):
        standings(run)
    (run / name).unlink()
    with pytest.raises(LedgerError, match=f"{name} is not there"):
        standings(run)
    bind(run)
    (run / name).write_bytes(whole)
    assert read_run(run)


def test_a_shard_beside_a_table_of_the_ledger_is_not_read(run, bind):
    bind(run, "results/events.parquet")
    ResultStore(run / "results").put("events", "v4/custom/hrp/custom", {"kind": ["forged"]})
    assert "forged" not in read_run(run).table("events")["kind"].to_list()


def test_a_measure_without_a_value_is_not_known():
    metrics = {"status": "played", "sharpe": nan, "n": 3, "baseline": False, "cost_borrow": nan}
    cell = RecordedCell.of(
        LedgerRecord(
            **{
                **dict.fromkeys(LedgerRecord.__slots__),
                "chain": "a/b/c/d",
                "data": {},
                "outputs": {},
                "metrics": metrics,
            }
        )
    )
    assert (cell.measures.sharpe, cell.metrics["sharpe"], cell.measures.n) == (None, None, 3)
    assert cell.measures.costs == {"borrow": 0.0}


@pytest.mark.parametrize(
    ("name", "ask"),
    [
        ("manifest.json", lambda data: data.profile),
        ("data/health.json", lambda data: data.health),
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
    assets[2]["state"] = "accepted"
    assets[3]["state"] = "delisted"
    counts = {"ok": 3, "delisted": 1, "accepted": 1, "gaps": 1}
    assert list(health_counts(from_report(assets)).items()) == list(counts.items())
    assert health_counts([]) == {}


def test_a_health_report_of_another_version_is_named(run):
    (run / "data" / "health.json").write_text('[{"key": "NYSE:AAA"}]')
    with pytest.raises(Absent, match=r"^data/health.json: health report, asset 0: expected age_hours"):
        _ = read_run(run).health
