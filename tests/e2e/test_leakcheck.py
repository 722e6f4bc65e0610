"""`tvquant leakcheck`: clean on honest runs, exit 1 when a decision is another than recorded; it leaves no trace."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders.forged import Forged, run_of
from tvquant.core.records import Entry
from tvquant.lake import perturbations
from tvquant.ledger import records

pytestmark = pytest.mark.xdist_group("small run")

NAMES = ["ledger", "as imported", *perturbations.EDITS, perturbations.FACTS]
CELL = "base_universe_ew/custom"


@pytest.mark.requirement("R-UNI-22")
@pytest.mark.requirement("R-SIM-03")
def test_an_honest_run_is_clean_on_every_fork_of_every_window(
    small: Path, tvquant: Callable[..., Any], files: Callable[[Path], dict[str, bytes]]
) -> None:
    before = files(small)
    said = tvquant("leakcheck", "latest", "--windows", "0", "--json", "-w", small)
    assert said.code == 0, said.err
    found = said.document
    assert [row["fork"] for row in found["forks"]] == NAMES
    assert found["leaks"] == []
    assert len(found["windows"]) == found["windows_of_run"] > 4
    cells = {record.chain for record in records(run_of(small), kind="snapshot")}
    by_fork = {row["fork"]: row for row in found["forks"]}
    assert by_fork["ledger"]["decisions"] == len(cells) * found["windows_of_run"]
    for name in ("as imported", "rows deleted", "rows scrambled", "rows added", "listings added", "facts changed"):
        assert by_fork[name]["decisions"] == by_fork["ledger"]["decisions"]
        assert by_fork[name]["result"].startswith("identical on ")
    assert by_fork["actions scrambled"]["result"] == "nothing to change"
    assert "current_only" in found["stamps"]
    assert files(small) == before


def test_windows_are_spread_over_the_run(small: Path, tvquant: Callable[..., Any]) -> None:
    """Three here; one and two are asked for below."""
    every = sorted({record.metrics["window"] for record in records(run_of(small), kind="snapshot")})
    found = tvquant("leakcheck", "latest", "--windows", 3, "--json", "-w", small).document["windows"]
    assert found == [every[0], found[1], every[-1]]
    assert found[1] in every[1:-1]


def test_a_record_that_is_not_what_was_decided_is_named(forged: Forged, tvquant: Callable[..., Any]) -> None:
    windows = sorted(record.metrics["window"] for record in records(forged.source, chain=CELL, kind="snapshot"))
    first, last = windows[0], windows[-1]

    def other_weight(entry: Entry) -> Entry:
        if entry.chain != f"decision/{CELL.rpartition('/')[0]}" or entry.metrics.get("window") != first:
            return entry
        weights = dict(entry.data["weights"])
        weights["BINANCE:BTCUSDT"] += 0.25
        return replace(entry, data={**entry.data, "weights": weights})

    name = forged.write("forged", other_weight)
    assert tvquant("ledger", "verify", name, "-w", forged.home).code == 0
    said = tvquant("leakcheck", name, "--windows", "2", "--json", "-w", forged.home)
    assert said.code == 1
    assert said.document["windows"] == [first, last]
    (leak,) = said.document["leaks"]
    assert (leak["fork"], leak["window"], leak["cell"]) == ("ledger", first, CELL)
    assert leak["path"] == "weights.BINANCE:BTCUSDT"
    assert leak["before"] == pytest.approx(leak["after"] + 0.25)
    assert len(said.err.strip().splitlines()) == 1
    human = tvquant("leakcheck", name, "--windows", "1", "-w", forged.home)
    assert human.code == 1
    assert f"{name}: 1 of {len(windows)} windows checked, 1 leak" in human.out
    line = next(line for line in human.out.splitlines() if line.startswith("ledger: "))
    assert f"window {first}, {leak['as_of']}, {CELL}: weights.BINANCE:BTCUSDT was " in line


def test_a_run_of_other_code_is_not_checked_with_this(forged: Forged, tvquant: Callable[..., Any]) -> None:
    def other_plan(entry: Entry) -> Entry:
        return replace(entry, outputs={**entry.outputs, "plan": "0" * 64}) if entry.kind == "plan" else entry

    def other_code(entry: Entry) -> Entry:
        return replace(entry, inputs={**entry.inputs, "code": "0" * 64}) if entry.kind == "genesis" else entry

    older = forged.write("older", lambda entry: other_code(other_plan(entry)))
    said = tvquant("leakcheck", older, "-w", forged.home)
    assert said.code == 2
    assert "other code or packages" in said.err
    said = tvquant("leakcheck", forged.write("planned", other_plan), "-w", forged.home)
    assert said.code == 1
    assert "though code and packages are its own" in said.err


def test_a_run_without_an_end_is_not_checked(forged: Forged, tvquant: Callable[..., Any]) -> None:
    said = tvquant("leakcheck", forged.write("open", lambda entry: entry, sealed=False), "-w", forged.home)
    assert said.code == 1
    assert "only a finished run" in said.err


def test_a_run_whose_ledger_was_tampered_with_is_not_checked(forged: Forged, tvquant: Callable[..., Any]) -> None:
    name = forged.write("tampered", lambda entry: entry)
    audit = forged.home / "artifacts" / "summaries" / "runs" / name / "audit.jsonl"
    audit.write_bytes(audit.read_bytes().replace(b'"cash":', b'"cosh":', 1))
    said = tvquant("leakcheck", name, "-w", forged.home)
    assert said.code == 1
    assert "ledger verify" in said.err
