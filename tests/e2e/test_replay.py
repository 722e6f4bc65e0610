"""`tvquant ledger replay`: any decision is computed again from what was pinned, and what differs first is named."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.forged import Forged, run_of
from tvquant.app.remaking import _all_there, held_before
from tvquant.app.window_trace import trace
from tvquant.core.errors import LedgerError
from tvquant.core.records import Entry
from tvquant.ledger import RunFolder, records
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.tournament.specs import Previous

pytestmark = pytest.mark.xdist_group("small run")

PARTS = ["view", "selection", "training", "weights", "record", "fills", "returns", "cell"]
STRATEGY, BASELINE = "v4/custom/min_variance/custom", "base_universe_ew/custom"


def replayed(tvquant: Callable[..., Any], home: Path, run: str, *words: object, code: int = 0) -> dict[str, Any]:
    """Return cell -> part -> what was found of it, of the one window that is asked for."""
    said = tvquant("ledger", "replay", run, *words, "--json", "-w", home)
    assert said.code == code, said.err
    return {one["cell"]: {part["part"]: part for part in one["parts"]} for one in said.document["decisions"]}


@pytest.mark.requirement("R-LED-10")
@pytest.mark.requirement("R-LED-12")
def test_every_decision_of_an_honest_run_is_computed_again_as_it_was(
    small: Path, tvquant: Callable[..., Any], files: Callable[[Path], dict[str, bytes]]
) -> None:
    before, run = files(small), run_of(small)
    said = tvquant("ledger", "replay", "latest", "--all", "--json", "-w", small)
    assert said.code == 0, said.err
    decided = RecordedRun(RunFolder(run)).decisions
    found = said.document["decisions"]
    assert len(found) == sum(map(len, decided.values())) > 40
    for one in found:
        assert [part["part"] for part in one["parts"]] == PARTS
        assert all(part["equal"] and part["recorded"] == part["again"] for part in one["parts"])
    assert {(one["cell"], one["window"]) for one in found} == {(c, w) for c, made in decided.items() for w in made}
    trained = [part for one in found if one["cell"] == STRATEGY for part in one["parts"] if part["part"] == "training"]
    assert len({part["recorded"] for part in trained}) == len(trained)  # it is of each window's own data
    assert files(small) == before


def forge(entry: Entry, window: int) -> Entry:
    """Change one thing of the decision of each of these cells at a window."""
    if entry.kind not in ("decision", "snapshot", "outcome") or entry.metrics.get("window", window) != window:
        return entry
    match entry.chain, entry.kind:
        case ("decision/base_universe_ew", _):
            weights = dict(entry.data["weights"])
            weights["BINANCE:BTCUSDT"] += 0.25
            return replace(entry, data={**entry.data, "weights": weights})
        case ("decision/market", _):
            return replace(entry, inputs={**entry.inputs, "view": "0" * 64})
        case ("decision/v4/custom/hrp", _):
            return replace(entry, inputs={**entry.inputs, "view": "0" * 64})
        case ("v4/custom/risk_parity/custom", "snapshot"):
            return replace(entry, metrics={**entry.metrics, "cash": 0.5})
        case ("benchmark/custom", "outcome"):
            return replace(entry, outputs={**entry.outputs, "cell": "0" * 64})
        case _:
            return entry


@pytest.mark.requirement("R-LED-10")
def test_the_part_that_was_forged_is_named_with_both_figures(forged: Forged, tvquant: Callable[..., Any]) -> None:
    recorded = RecordedRun(RunFolder(forged.source))
    window = max(recorded.decisions[BASELINE])
    trades, returns = recorded.table("trades"), recorded.table("returns")
    mine = pl.col("cell") == "v4/custom/barbell/custom"
    dearer = pl.when(mine & (pl.col("window") == window)).then(pl.col("price") * 1.5).otherwise(pl.col("price"))
    late = (pl.col("cell") == STRATEGY) & (pl.col("time") == returns["time"].max())
    next_window = recorded.table("windows", BASELINE)["filled_at"].max()  # the row that the one before no longer owns
    late |= (pl.col("cell") == BASELINE) & (pl.col("time") == next_window)
    better = pl.when(late).then(pl.col("return") + 0.01).otherwise(pl.col("return"))
    name = forged.write(
        "forged",
        lambda entry: forge(entry, window),
        tables={"trades": trades.with_columns(dearer), "returns": returns.with_columns(better.alias("return"))},
    )
    assert tvquant("ledger", "verify", name, "-w", forged.home).code == 0
    found = replayed(tvquant, forged.home, name, "--window", window, code=1)
    first = {cell: next((p for p in parts.values() if not p["equal"]), None) for cell, parts in found.items()}
    named = {cell: (part["part"], part["path"]) for cell, part in first.items() if part}
    assert named.pop("v4/custom/barbell/custom")[0] == "fills"
    assert named == {
        BASELINE: ("weights", "weights.BINANCE:BTCUSDT"),
        "market/custom": ("view", "inputs"),
        "v4/custom/hrp/custom": ("training", "inputs"),
        "v4/custom/risk_parity/custom": ("record", "metrics.cash"),
        STRATEGY: ("returns", f"returns[{len(_last_rows(returns, recorded)) - 1}].return"),
        "benchmark/custom": ("cell", "cell"),
    }
    part = first[BASELINE]
    assert part is not None
    assert float(part["was"]) == pytest.approx(float(part["is"]) + 0.25)
    differ = {part for part, one in found[BASELINE].items() if not one["equal"]}
    assert differ == {"weights", "record", "returns"}
    words = "--window", sorted(recorded.decisions[BASELINE])[-2], "--cell", BASELINE
    before = replayed(tvquant, forged.home, name, *words, code=1)
    assert {part for part, one in before[BASELINE].items() if not one["equal"]} == {"cell"}


@pytest.mark.requirement("R-LED-10")
def test_what_was_taken_out_of_a_ledger_is_missed(forged: Forged, tvquant: Callable[..., Any]) -> None:
    """Sealed again it verifies: that a cell or a window lacks is known from the profile and the data alone."""
    window = max(RecordedRun(RunFolder(forged.source)).decisions[BASELINE])

    def without(entry: Entry) -> Entry | None:
        """A window of one cell is gone, and the result of another is not the one at its end."""
        if (entry.chain, entry.kind) == (BASELINE, "snapshot") and entry.metrics["window"] == window:
            return None
        if "leaves" not in entry.data:
            return entry
        return replace(entry, data={**entry.data, "leaves": {**entry.data["leaves"], "market/custom": "0" * 64}})

    name = forged.write("without", without)
    assert tvquant("ledger", "verify", name, "-w", forged.home).code == 0
    words = "ledger", "replay", name, "--window", window, "--cell"
    said = tvquant(*words, BASELINE, "-w", forged.home)
    assert said.code == 1
    assert f"window {window}, {BASELINE}: record differs first: decision was '(absent)', is 'due'" in said.err
    said = tvquant(*words, "market/custom", "-w", forged.home)
    assert said.code == 1
    assert "cell differs first: seal was '000" in said.err

    chains = (STRATEGY, f"decision/{STRATEGY.rpartition('/')[0]}")
    name = forged.write("fewer", lambda entry: None if entry.chain in chains else entry)
    assert tvquant("ledger", "verify", name, "-w", forged.home).code == 0
    said = tvquant("ledger", "replay", name, "--all", "-w", forged.home)
    assert said.code == 1
    assert f"has no decision or no end of {STRATEGY}, which its profile plays" in said.err
    with pytest.raises(LedgerError, match="has x/custom, which its profile does not play: chains were put in"):
        _all_there(name, {STRATEGY}, decided={STRATEGY}, ended={STRATEGY, "x/custom"})


def _last_rows(returns: pl.DataFrame, run: RecordedRun) -> pl.DataFrame:
    """Return the rows of the strategy that its last window owns."""
    filled = run.table("windows", STRATEGY)["filled_at"].max()
    return returns.filter((pl.col("cell") == STRATEGY) & (pl.col("time") >= filled))


def test_a_decision_is_given_what_the_one_before_it_left(small: Path) -> None:
    decided = RecordedRun(RunFolder(run_of(small))).decisions[STRATEGY]
    times = np.datetime64("2024-01-01", "us") + np.arange(300) * np.timedelta64(1, "D")
    first, second, third, *_ = decided
    assert held_before(decided, first, times) == Previous()
    held = held_before(decided, third, times)
    last = decided[second]
    assert held.weights == last.decision.weights != decided[first].decision.weights
    assert held.atoms == last.decision.atoms
    assert held.since == times[last.row]


def test_a_forged_selection_is_the_first_that_differs(forged: Forged, tvquant: Callable[..., Any]) -> None:
    window = max(RecordedRun(RunFolder(forged.source)).decisions[STRATEGY])

    def other_score(entry: Entry) -> Entry:
        if entry.kind != "selection" or entry.metrics["window"] != window:
            return entry
        scores = dict(entry.data["scores"])
        atom = next(iter(scores))
        return replace(entry, data={**entry.data, "scores": {**scores, atom: scores[atom] + 0.125}})

    name = forged.write("scored", other_score)
    said = tvquant("ledger", "replay", name, "--window", window, "--cell", STRATEGY, "-w", forged.home)
    assert said.code == 1
    assert f"window {window}, {STRATEGY}: selection differs first: selection.scores." in said.err
    assert said.out.splitlines()[0].startswith(f"{STRATEGY}, window {window}, decided 2024-")
    rows = {line.split()[0]: line.split()[1] for line in said.out.splitlines()[2:10]}
    assert list(rows) == PARTS
    assert (rows["view"], rows["selection"]) == ("equal", "DIFFERS")


@pytest.mark.requirement("R-LED-01")
def test_an_anchor_finds_a_run_that_was_forged_and_sealed_again(
    forged: Forged, tmp_path: Path, tvquant: Callable[..., Any]
) -> None:
    file, name = tmp_path / "outside.jsonl", forged.write("anchored", lambda entry: entry)
    window = max(RecordedRun(RunFolder(forged.source)).decisions[BASELINE])
    made = tvquant("ledger", "anchor", name, "--to", file, "--json", "-w", forged.home)
    assert made.code == 0, made.err
    assert made.document["file"] == str(file)
    said = tvquant("ledger", "verify", name, "--anchor", file, "--json", "-w", forged.home)
    assert (said.code, said.document["anchor"]["changed"]) == (0, [])
    pruned = tvquant("runs", "prune", "--older-than", 30, "--dry-run", "--json", "-w", forged.home).document
    assert (pruned["would_remove"], pruned["kept_by_tag"]) == ([], [name])
    shutil.rmtree(forged.source.parent / name)
    forged.write("anchored", lambda entry: forge(entry, window))
    assert tvquant("ledger", "verify", name, "-w", forged.home).code == 0
    said = tvquant("ledger", "verify", name, "--anchor", file, "-w", forged.home)
    assert said.code == 1
    assert f"NOT the run that was anchored {made.document['at']}" in said.out
    assert "chain decision/base_universe_ew: anchored " in said.out
    assert f"{name} is not the one that was anchored" in said.err


def test_what_is_asked_for_must_be_there(small: Path, tvquant: Callable[..., Any]) -> None:
    for words, why in (
        ((), "--window N, or --all"),
        (("--window", 100, "--all"), "one of them"),
        (("--window", 7), "unknown window 7 (known: 100, 120"),
        (("--all", "--cell", "v4/custom/hpr/custom"), "did you mean v4/custom/hrp/custom?"),
    ):
        said = tvquant("ledger", "replay", "latest", *words, "-w", small)
        assert said.code == 2
        assert why in said.err


def test_without_the_data_it_is_said_what_lacks(small: Path, tmp_path: Path, tvquant: Callable[..., Any]) -> None:
    home = tmp_path / "ws"
    shutil.copytree(small, home)
    shutil.rmtree(home / "data" / "lakehouse" / "bars")
    said = tvquant("ledger", "replay", "latest", "--all", "-w", home)
    assert said.code == 3
    assert "bars" in said.err


@pytest.mark.requirement("R-LED-10")
def test_a_window_is_told_from_its_data_to_its_return(small: Path, tvquant: Callable[..., Any]) -> None:
    recorded = RecordedRun(RunFolder(run_of(small)))
    _, before, window, *_ = recorded.decisions[STRATEGY]
    lines = {record.n: record for record in records(run_of(small))}
    for cell, adds_up in ((STRATEGY, True), ("market/custom", False)):
        found = tvquant("ledger", "show", "latest", "--window", window, "--cell", cell, "--json", "-w", small).document
        made, row = recorded.decisions[cell][window], recorded.table("windows", cell)
        names = {one["name"]: one for one in found["names"]}
        assert {name: one["weight"] for name, one in names.items() if one["weight"]} == made.decision.weights
        held = recorded.decisions[cell][before].decision.weights
        assert {name: one["before"] for name, one in names.items() if one["before"]} == held
        earned = row.filter(pl.col("window") == window)["return"].item()
        assert found["return"] == earned
        brought = sum(one["brought"] for one in names.values())
        assert found["adds_up"] is adds_up
        if adds_up:
            assert brought == pytest.approx(earned)
        else:  # a baseline without atoms: its rows from the fill on, each of the equity before it
            span = (pl.lit(found[end]).str.to_datetime() for end in ("first", "last"))
            owned = pl.col("time").is_between(*span)
            assert brought == pytest.approx(recorded.table("returns", cell).filter(owned)["return"].sum())
        assert sum(one["costs"] for one in names.values()) > 0.0
        filled = sorted(row["filled_at"].drop_nulls().to_list())
        place = filled.index(row.filter(pl.col("window") == window)["filled_at"].item())
        assert (found["first"], found["last"]) == (str(filled[place]), str(filled[place + 1] - timedelta(days=1)))
        held_in = {"snapshot of the cell": "snapshot", "decision of its path": "decision"}
        shared = ("context", "selection") if adds_up else ("context",)
        held_in |= {f"{kind} of the decision": kind for kind in shared}
        for what, kind in held_in.items():
            line, digest = found["records"][what]
            assert (lines[line].kind, lines[line].digest, lines[line].metrics["window"]) == (kind, digest, window)
            if kind in shared:
                assert lines[line].outputs[kind] == made.made.inputs[kind]
    overdrawn = {one.name: one.brought for one in trace(recorded, min(recorded.decisions[STRATEGY]), STRATEGY).names}
    assert overdrawn["cash"] < 0.0
    assert "" not in overdrawn, "what is of no name bears its kind"
    said = tvquant("ledger", "show", "latest", "--window", window, "-w", small).out
    heads = [line.split()[1] for line in said.splitlines() if line[:2] in {f"{k}." for k in range(1, 7)}]
    assert heads == ["Data", "Pool", "Winners", "Weights", "Fills", "Return"]
    assert tvquant("ledger", "show", "latest", "--window", window, "--last", 3, "-w", small).code == 2
