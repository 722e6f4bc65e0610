"""The reader of a run: decisions come back whole from snapshot and selection, and what is not there is named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tvquant.core.allocations import AllocationOutcome, Attempt, Constraint, Status
from tvquant.core.atoms import Atom, Direction
from tvquant.core.books import CostModel, Execution
from tvquant.core.decisions import Correlation, CurrentDecision, Decision, Footing, Netting
from tvquant.core.digests import canonical_json, digest_json
from tvquant.core.errors import LedgerError
from tvquant.core.records import RUN, Entry
from tvquant.core.selection import SelectionFunnel, SelectionResponse
from tvquant.core.stamps import Stamp
from tvquant.ledger import Integrity, Ledger, RunFolder, outputs_of, verify
from tvquant.ledger.lines import AUDIT
from tvquant.ledger.recorded_parts import Absent
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.result_store import ResultStore
from tvquant.tournament.cells import Book, Cell
from tvquant.tournament.cells import Path as DecisionPath
from tvquant.tournament.decision_entries import Shared, recorded, snapshot_entry
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.specs import MarketSpec
from tvquant.tournament.windows import Schedule

DAY = np.datetime64("2024-05-01", "us")
WON, HELD = (
    Atom(physical_symbol=f"X:{name}", logic="hold", direction=side, scan="s")
    for name, side in (("A", Direction.LONG), ("B", Direction.SHORT))
)
FOOTING = Footing(asked=DAY, bar=DAY, quorum=True, alive=3, present=2, missing=("X:C",))
FUNNEL = SelectionFunnel(
    universe=3, discovery=3, refined=2, selected=2, atoms_discovery=3, atoms_refined=2, atoms_selected=2,
    vetoed={"kurtosis": 1},
)  # fmt: skip
RESPONSE = SelectionResponse(
    decided_at=DAY, model="v4", version="4", winners=(WON, HELD), scores={WON.symbol: 2.0, HELD.symbol: 1.0},
    components={WON.symbol: {"momentum": 0.5}}, vetoes={}, clusters={WON.symbol: 1, HELD.symbol: 2}, stage=1,
    recruited={WON.symbol: "ranked", HELD.symbol: "cluster_floor"}, thresholds={}, flags=frozenset({"sparse"}),
)  # fmt: skip
STRATEGY = Decision(
    as_of=DAY, funnel=FUNNEL, excluded={"X:C": "history"}, weights={"X:B": -0.25}, inputs="1n", response=RESPONSE,
    allocation=AllocationOutcome(
        cash=0.75, engine="custom", risk_profile="hrp", status=Status.SOLVED,
        attempts=(Attempt(what="hrp", outcome="solved"),), forced_cash=0.5,
        constraints=(Constraint(name="gross", limit=1.0, value=0.25),),
    ),
    clusters={WON.symbol: 2, HELD.symbol: 1}, atoms={HELD.symbol: 0.25}, footing=FOOTING,
    netting=Netting(moved=0.0, gross={}, constraints=()), stamps=frozenset({Stamp.RESEARCH_ONLY}),
)  # fmt: skip
BASELINE = Decision(
    as_of=DAY, funnel=FUNNEL, excluded={}, weights={"X:A": 1.0}, inputs="0n", footing=FOOTING, stamps=frozenset()
)
FAILED = replace(BASELINE, weights={}, failure="no answer")
BOOK = Book(key="custom", simulator="custom", costs=CostModel(), execution=Execution())
PATH = DecisionPath(
    key="v4/custom/hrp", spec=MarketSpec(symbols=(), quorum=0.8), selection="v4", baseline=False,
    schedule=Schedule(train=60, test=20, step=20, span=None),
)  # fmt: skip
CELL = Cell(path=PATH, book=BOOK)
MARKET = Cell(path=replace(PATH, key="market", baseline=True), book=BOOK)
CURRENT = CurrentDecision(
    decision=STRATEGY,
    held={WON.symbol: 0.1},
    correlation=Correlation(atoms=(WON.symbol, HELD.symbol), matrix=np.array([[1.0, 1 / 3], [1 / 3, 1.0]])),
)


def ended(stage: int, status: str = "played", **said: object) -> Entry:
    return Entry(chain=RUN, stage=stage, kind="outcome", metrics={"status": status}, **said)


def record(ledger: Ledger, cell: Cell, window: int, decision: Decision) -> None:
    made, entries = recorded(cell.path, window, window + 60, decision, Shared())
    for entry in (*entries, snapshot_entry(cell, made, decision)):
        ledger.record(entry)


@pytest.fixture
def run(tmp_path: Path, begun: Ledger) -> RecordedRun:
    """A run of two windows up to validation, with one table and a manifest that its ledger answers for."""
    store = ResultStore(tmp_path / "results")
    store.put("weights", CELL.key, {"symbol": ["X:B"]})
    store.compact()
    (tmp_path / "manifest.json").write_text("{}")
    begun.record(ended(1, outputs=outputs_of(tmp_path, ["manifest.json"])))
    begun.record(
        Entry(chain=RUN, stage=10, kind="plan", outputs={"plan": "p", "snapshot": "s"}, data={"snapshot": "{}"})
    )
    begun.record(ended(14, "failed", data={"why": "the disk"}))
    begun.record(ended(14, data=CURRENT.payload()))
    for window, decision in ((0, FAILED), (1, STRATEGY)):
        record(begun, CELL, window, decision)
        record(begun, MARKET, window, BASELINE)
    metrics = {"status": "played", "sharpe": 1.5, "n": 9, "baseline": False, "cost_borrow": 0.1, "best": float("nan")}
    begun.record(Entry(chain=CELL.key, stage=15, kind="outcome", metrics=metrics, data={"stamps": ["no_volume"]}))
    begun.record(
        Entry(
            chain=MARKET.key,
            stage=15,
            kind="outcome",
            metrics={"status": "failed", "baseline": True},
            data={"why": "bust"},
        )
    )
    begun.record(ended(15, outputs={"result": "r", **outputs_of(tmp_path, ["results/weights.parquet"])},
                       data={"leaves": {CELL.key: "l"}}))  # fmt: skip
    return RecordedRun(RunFolder(tmp_path))


def test_every_decision_is_put_together_as_it_was_made(run: RecordedRun) -> None:
    """Whole: with the selection that another record holds, and so that it digests to what was recorded."""
    assert list(run.decisions) == [CELL.key, MARKET.key]
    mine = list(run.decisions[CELL.key].values())
    assert list(run.decisions[MARKET.key]) == [0, 1]
    assert [(one.window, one.row) for one in mine] == [(0, 60), (1, 61)]
    for one, made in zip(mine, (FAILED, STRATEGY), strict=True):
        assert canonical_json(one.decision.payload()) == canonical_json(made.payload())
        assert digest_json({**one.decision.payload(), "selection": one.selection}) == one.record.outputs["decision"]
    assert (mine[0].selection, mine[1].selection) == (None, digest_json(RESPONSE.payload()))
    assert Rebalance.of(1, 61, mine[1].decision, mine[1].selection).digest == mine[1].record.outputs["decision"]
    assert {chain: list(found) for chain, found in run.selections.items()} == {"selection/v4": [1]}
    assert {(chain, window) for chain, window, _ in run.shared} == {
        ("selection/v4", 1), *((f"{kind}/{name}", window) for window in (0, 1) for kind, name in
                               (("context", "v4"), ("decision", "v4/custom/hrp"), ("decision", "market"))),
    }  # fmt: skip


def test_stages_plan_and_result_are_those_that_were_recorded(run: RecordedRun) -> None:
    assert (run.run_id, run.profile_name, run.code) == ("r1", "demo", "c0de")
    assert run.plan is not None
    assert (run.plan.digest, run.plan.snapshot_digest, run.plan.snapshot) == ("p", "s", "{}")
    assert set(run.stages) == {1, 14, 15}
    assert (run.result, run.sealed, run.leaves) == ("r", None, {CELL.key: "l"})
    assert set(run.files) == {"manifest.json", "results/weights.parquet"}
    again = run.current
    assert (again.decision.payload(), again.held) == (STRATEGY.payload(), CURRENT.held)
    assert again.correlation is not None
    assert again.correlation.matrix.tolist() == [[1.0, 0.333333], [0.333333, 1.0]]


def test_cells_have_their_measures_or_why_they_failed(run: RecordedRun) -> None:
    played, failed = run.outcomes
    assert (played.key, played.baseline, played.status, played.why) == (CELL.key, False, "played", None)
    assert (played.stamps, played.measures.sharpe, played.measures.n) == ((Stamp.NO_VOLUME,), 1.5, 9)
    assert (played.measures.costs, played.measures.best, played.metrics["best"]) == ({"borrow": 0.1}, None, None)
    assert (failed.baseline, failed.status, failed.why, failed.measures.sharpe) == (True, "failed", "bust", None)


def test_the_seal_is_read_and_the_whole_verified(run: RecordedRun, begun: Ledger, tmp_path: Path) -> None:
    begun.seal({CELL.key: "l"})
    again = RecordedRun(run.folder)
    assert again.sealed is not None
    assert [one.why.partition(" of ")[0] for one in again.verification.altered] == ["is the ledger"], (
        "under another name"
    )


def test_a_table_is_that_of_the_ledger_and_a_cell_without_rows_is_absent(run: RecordedRun) -> None:
    ResultStore(run.folder.results).put("weights", MARKET.key, {"symbol": ["forged"]})
    assert run.table("weights")["symbol"].to_list() == ["X:B"]
    assert run.table("weights", CELL.key)["symbol"].to_list() == ["X:B"]
    with pytest.raises(Absent, match=r"weights\.parquet has no row of cell market/custom"):
        run.table("weights", MARKET.key)
    with pytest.raises(Absent, match=r"^results/returns\.parquet is not in the run folder$"):
        run.table("returns")


def test_what_was_never_recorded_is_absent(begun: Ledger, tmp_path: Path) -> None:
    run = RecordedRun(RunFolder(tmp_path))
    assert (run.plan, run.result, run.sealed, run.outcomes, dict(run.decisions)) == (None, None, None, (), {})
    with pytest.raises(Absent, match=r"no outcome of stage 14 \(optimisation\)"):
        _ = run.current
    with pytest.raises(Absent, match=r"no outcome of stage 15 \(validation\)"):
        _ = run.leaves
    with pytest.raises(Absent, match=r"^manifest\.json is not in the run folder$"):
        _ = run.resolved


def test_a_decision_of_another_version_is_said_to_be_one(begun: Ledger, tmp_path: Path) -> None:
    made, entries = recorded(MARKET.path, 0, 60, BASELINE, Shared())
    for entry in entries:
        data = {name: value for name, value in entry.data.items() if name != "footing"}
        begun.record(replace(entry, data=data))
    begun.record(snapshot_entry(MARKET, made, BASELINE))
    with pytest.raises(Absent, match="a decision was recorded by another version: 'footing'"):
        _ = RecordedRun(RunFolder(tmp_path)).decisions


def test_a_snapshot_without_the_decision_of_its_path_is_of_another_version(begun: Ledger, tmp_path: Path) -> None:
    """So were those that had the whole decision in every cell."""
    begun.record(snapshot_entry(MARKET, Rebalance.of(0, 60, BASELINE, None), BASELINE))
    with pytest.raises(Absent, match="a decision was recorded by another version: 'decision/market'"):
        _ = RecordedRun(RunFolder(tmp_path)).decisions


@pytest.mark.requirement("R-LED-05")
@pytest.mark.parametrize("swapped", ["between paths", "between windows", "row"])
def test_a_snapshot_holds_the_decision_of_its_own_path_and_window(begun: Ledger, tmp_path: Path, swapped: str) -> None:
    """Records that hash, in an order that hashes, but of another decision: read, they are not believed."""
    mine, yours = (recorded(cell.path, 0, 60, made, Shared()) for cell, made in ((CELL, STRATEGY), (MARKET, BASELINE)))
    later = recorded(CELL.path, 1, 61, FAILED, Shared())
    theirs = {"between paths": yours, "between windows": later, "row": mine}[swapped][1][-1]
    own = mine[1][-1]
    changed = replace(theirs, chain=own.chain, metrics={**own.metrics, "row": 59 if swapped == "row" else 60})
    for entry in (*mine[1][:-1], *yours[1][:-1], *later[1][:-1], changed, snapshot_entry(CELL, mine[0], STRATEGY)):
        begun.record(entry)
    with pytest.raises(LedgerError, match=r"line 7: the snapshot of v4/custom/hrp/custom in window 0 holds another"):
        _ = RecordedRun(RunFolder(tmp_path)).decisions


def test_cells_of_a_path_have_one_decision(begun: Ledger, tmp_path: Path) -> None:
    """Put together once, however many books keep it."""
    made, entries = recorded(CELL.path, 0, 60, STRATEGY, Shared())
    other = replace(CELL, book=replace(BOOK, key="other"))
    for entry in (*entries, *(snapshot_entry(cell, made, STRATEGY) for cell in (CELL, other))):
        begun.record(entry)
    first, second = (found[0] for found in RecordedRun(RunFolder(tmp_path)).decisions.values())
    assert first.decision is second.decision
    assert (first.record.chain, second.record.chain) == (CELL.key, other.key)


@pytest.mark.requirement("R-LED-05")
@pytest.mark.parametrize("lost", ["selection", "context"])
def test_a_decision_whose_selection_or_context_is_of_nobody_is_not_believed(
    begun: Ledger, tmp_path: Path, lost: str
) -> None:
    made, entries = recorded(CELL.path, 0, 60, STRATEGY, Shared())
    for entry in (*entries, snapshot_entry(CELL, made, STRATEGY)):
        begun.record(replace(entry, outputs={lost: "0" * 64}) if entry.kind == lost else entry)
    with pytest.raises(LedgerError, match=r"line 4: the decision of decision/v4/custom/hrp names a context or a sel"):
        _ = RecordedRun(RunFolder(tmp_path)).decisions


@pytest.mark.requirement("R-LED-01")
@pytest.mark.parametrize("kind", ["selection", "context", "decision", "snapshot"])
def test_no_byte_of_a_decision_can_be_changed_and_no_record_lost_or_moved(
    begun: Ledger, tmp_path: Path, kind: str
) -> None:
    """Each change is named by the line at which it shows, and nothing behind it is read."""
    for cell, decision in ((CELL, STRATEGY), (MARKET, BASELINE)):
        record(begun, cell, 0, decision)
    begun.seal({})
    path = tmp_path / AUDIT
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if f'"kind":"{kind}"'.encode() in line)
    flipped = [bytearray(lines[at]) for _ in range(0, len(lines[at]), 23)]
    for k, line in enumerate(flipped):
        line[23 * k] ^= 1
    changes = {f"byte {23 * k}": [*lines[:at], bytes(line), *lines[at + 1 :]] for k, line in enumerate(flipped)}
    changes["dropped"] = lines[:at] + lines[at + 1 :]
    changes["moved"] = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
    changes["doubled"] = [*lines[: at + 1], *lines[at:]]
    for name, changed in changes.items():
        path.write_bytes(b"".join(changed))
        bad = verify(tmp_path).first_bad
        assert bad is not None, name
        assert bad.line == at + (2 if name == "doubled" else 1), name
        with pytest.raises(LedgerError):
            _ = RecordedRun(RunFolder(tmp_path)).decisions
    path.write_bytes(whole)
    assert verify(tmp_path).status is Integrity.OK


def test_a_finished_run_is_verified_and_its_ends_read_in_one_pass(
    run: RecordedRun, begun: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun.seal({CELL.key: "l"})
    folder = run.folder.path.rename(run.folder.path.with_name("r1"))
    again, apart = (RecordedRun(RunFolder(folder)) for _ in range(2))
    assert again.verification.finished
    expected = (apart.outcomes, apart.files, apart.sealed, apart.leaves, apart.timing)
    monkeypatch.setattr("tvquant.ledger.recorded_run.records", None)
    assert (again.outcomes, again.files, again.sealed, again.leaves, again.timing) == expected
    with pytest.raises(TypeError):
        _ = RecordedRun(RunFolder(folder)).outcomes
