"""Bytes and verification of the ledger of a certification: 126 cells x 40 windows, 15 winners of a pool of 100.

Three selections by seven risk profiles are decided on random walks, row by row, and recorded for three engines and two
simulators: the engines' decisions are those of one, whose optimiser is no part of this, and of books there are none.
Beside it is what a log without sharing writes, from the same decisions in the same run: per cell and window one
JSON line that holds all of its decision, the selection included. The peer of the verification is what no reader of
such a log can avoid: to hash its bytes and to parse its lines. Every decision is read back and held equal to the one
that was made. Exit 1 when a target is missed.
"""

import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from run_at_scale import market
from tvquant.app.clock import SystemClock
from tvquant.app.vocabulary import vocabulary
from tvquant.core.digests import canonical_json
from tvquant.ledger import Integrity, Ledger, RunFolder, genesis_entry, verify
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles import Profile, load, resolve
from tvquant.tournament.cells import Cell, books, paths, schedule
from tvquant.tournament.cells import Path as DecisionPath
from tvquant.tournament.decision_entries import Shared, named, recorded, snapshot_entry
from tvquant.tournament.walk_forward import BacktestEngine, grids

WINDOWS, NAMES, ROWS = 40, 100, 1030
RISK_PROFILES = ("hrp", "risk_parity", "min_variance", "max_sharpe", "equal_weight", "barbell", "herc")
ENGINES, BOOKS = ("custom", "second", "third"), ("custom", "other")
TARGET_BYTES, TARGET_SECONDS = 50e6, 2.0


def profile() -> Profile:
    """Three selections of 15 winners by seven risk profiles."""
    arguments = {
        "profiles": ("allocation.profiles", list(RISK_PROFILES)),
        "primary": ("risk.primary", "hrp"),
        "market": ("benchmark.market", []),
        "span": ("data.span", "all"),
        "max": ("selection.max_winners", 15),
        "min": ("selection.min_winners", 15),
        "selections": ("grid.selections", {"v3.2": {"model": "v3.2"}, "v3.4": {"model": "v3.4"}}),
    }
    return resolve(load("crypto_spot"), vocabulary(), arguments=arguments).profile


def cells_of(path: DecisionPath, made: Profile) -> Iterator[list[Cell]]:
    """Yield the cells of a path as each engine would have them."""
    from dataclasses import replace

    selection, _, risk = path.key.split("/")
    for engine in ENGINES:
        mine = replace(path, key=f"{selection}/{engine}/{risk}")
        yield [Cell(path=mine, book=replace(books(made)[0], key=book)) for book in BOOKS]


def begun(folder: Path) -> Ledger:
    """Return a ledger with its first record."""
    ledger = Ledger.create(folder, run_id=folder.name, clock=SystemClock())
    names = dict.fromkeys(("profile", "code", "manifest", "environment", "selection", "rebalance"), "bench")
    ledger.record(genesis_entry(run_id=folder.name, train=120, test=20, step=20, lookback=500, **names))
    return ledger


def main() -> int:
    """Print sizes and times of both, then whether the targets are met."""
    made, panel = profile(), market(NAMES, ROWS)
    played = [path for path in paths(made, [schedule(made)]) if not path.baseline]
    assert len(played) * len(ENGINES) * len(BOOKS) == 126
    every = grids(panel, played)
    engine = BacktestEngine(panel, {when: windows[-WINDOWS:] for when, windows in every.items()})
    expected: dict[tuple[str, int], bytes] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder, plain = Path(temporary) / "run", Path(temporary) / "plain.jsonl"
        folder.mkdir()
        ledger, spent, snapshots, winners = begun(folder), 0.0, 0, []
        with plain.open("wb") as log:
            row, shared, told = -1, Shared(), set()
            for one in engine.play(played):
                if one.rebalance.row != row:
                    row, shared, told = one.rebalance.row, Shared(), set()
                payload = one.decision.payload()
                winners.append(len(payload["selection"]["winners"]))
                for cells in cells_of(one.path, made):
                    began = time.process_time()
                    rebalance, entries = recorded(cells[0].path, one.rebalance.window, row, one.decision, shared)
                    for entry in entries:
                        if named(entry) not in told:
                            told.add(named(entry))
                            ledger.record(entry)
                    for cell in cells:
                        ledger.record(snapshot_entry(cell, rebalance, one.decision))
                    spent += time.process_time() - began
                    for cell in cells:
                        snapshots += 1
                        expected[cell.key, rebalance.window] = hashlib.sha256(canonical_json(payload)).digest()
                        log.write(canonical_json({"cell": cell.key, "window": rebalance.window, **payload}) + b"\n")
        ledger.seal({})
        status, seconds = timed(lambda: verify(folder).status)
        found, reading = timed(lambda: RecordedRun(RunFolder(folder)).decisions)
        _, parsing = timed(lambda: [hashlib.sha256(line) and json.loads(line) for line in plain.open("rb")])
        again = {
            (cell, window): hashlib.sha256(canonical_json(one.decision.payload())).digest()
            for cell, decided in found.items()
            for window, one in decided.items()
        }
        size, other = (folder / "audit.jsonl").stat().st_size, plain.stat().st_size
        kinds = sizes(folder / "audit.jsonl")
    print(f"{snapshots} snapshots of 126 cells x {WINDOWS} windows, {max(winners)} winners of {NAMES} at most")
    for kind, (count, total) in kinds.items():
        print(f"  {kind:<10} {count:>6} records {total / count:>8.0f} bytes each {total / 1e6:>7.2f} MB")
    print(f"ledger {size / 1e6:.1f} MB, {size / snapshots:.0f} bytes per cell and window; without sharing "
          f"{other / 1e6:.1f} MB: {other / size:.1f} times as much")  # fmt: skip
    print(f"verified in {seconds:.2f} s, all decisions read in {reading:.2f} s; the plain log hashed and parsed in "
          f"{parsing:.2f} s, recorded in {1e3 * spent / snapshots:.3f} ms per cell and window")  # fmt: skip
    same = again == expected and status is Integrity.OK and snapshots == 126 * WINDOWS
    met = same and size < TARGET_BYTES and seconds < TARGET_SECONDS
    print(f"targets {TARGET_BYTES / 1e6:.0f} MB, {TARGET_SECONDS:g} s, every decision read back equal: "
          f"{'met' if met else 'MISSED'}")  # fmt: skip
    return 0 if met else 1


def timed(run):
    """Return what it returns, and its CPU seconds."""
    began = time.process_time()
    found = run()
    return found, time.process_time() - began


def sizes(audit: Path) -> dict[str, tuple[int, int]]:
    """Return kind -> number of records and their bytes."""
    found: dict[str, tuple[int, int]] = {}
    with audit.open("rb") as lines:
        for line in lines:
            kind = json.loads(line)["kind"]
            count, total = found.get(kind, (0, 0))
            found[kind] = count + 1, total + len(line)
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))


if __name__ == "__main__":
    sys.exit(main())
