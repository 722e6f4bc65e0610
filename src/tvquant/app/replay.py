"""Replay of a finished run: its decisions and its books computed again from what it pinned, against what it recorded.

1. A decision is made anew by `decide`, on the pinned data until then, with the positions of the recorded decision
   before it. Its parts are compared in the order in which each follows from the one before (`Part`).
2. The cell is settled again over its whole path, with the decisions that were made anew in their places: fills and
   returns of their windows are compared with the rows of the result tables, and the whole with the digest of the cell.
3. Each part is compared by value, and exactly: on one machine equal input gives equal bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

import polars as pl

from tvquant.app.progress import Watcher
from tvquant.app.remaking import Remade, Reopened, rebalance_of, remade, reopened
from tvquant.app.run_context import engine_of
from tvquant.app.workspace import Workspace
from tvquant.core.decisions import Decision
from tvquant.core.digests import digest_json
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.instruments import Instant
from tvquant.core.stages import Stage
from tvquant.ledger import RunFolder, encode
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles.messages import unknown
from tvquant.tournament.cell_results import result_of
from tvquant.tournament.cells import Cell
from tvquant.tournament.leakcheck import ABSENT, Difference, Payload, first_difference
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.views import look
from tvquant.tournament.walk_forward import BacktestEngine, grids


class Part(StrEnum):
    """What is compared, in the order in which each follows from those before it."""

    VIEW = "view"
    SELECTION = "selection"
    TRAINING = "training"
    WEIGHTS = "weights"
    RECORD = "record"
    FILLS = "fills"
    RETURNS = "returns"
    CELL = "cell"


VIEW = ("as_of", "footing", "regime", "excluded")
"""What of a decision's payload is of its view; also what it was computed from, where nothing was trained."""
SELECTION = ("failure", "selection", "funnel", "stamps")
WEIGHTS = ("survival", "allocation", "atoms", "gates", "netting", "weights")
TABLES = {
    Part.FILLS: ("weights", "atoms", "vetoes", "trades", "events"),
    Part.RETURNS: ("windows", "returns", "names", "attribution"),
}
"""Result tables: what was ordered and filled, and what came of it."""
NOTHING = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One part of one decision: digest as recorded and as computed again, and the first value that differs."""

    part: Part
    recorded: str
    again: str
    difference: Difference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One decision of one cell, computed again."""

    cell: str
    window: int
    as_of: Instant
    parts: tuple[Compared, ...]

    @property
    def differs(self) -> Compared | None:
        """The first part that differs; None where all are equal."""
        return next((one for one in self.parts if one.difference is not None), None)


def replay(
    workspace: Workspace, folder: RunFolder, *, window: int | None, cell: str | None, watcher: Watcher
) -> tuple[Replayed, ...]:
    """Compute one window of a finished run again, or every one (None); of one cell, or of every one (None).

    Raises
    ------
    LedgerError : the run is not finished, or its ledger does not verify.
    ProfileError : a window or a cell that there is not; other code or packages than the run's.
    DataError : the lake no longer holds what the run pinned.
    """
    from threadpoolctl import threadpool_limits

    case = reopened(RecordedRun(folder), workspace.lake())
    asked = _asked(case, cell)
    watcher.stage(Stage.VALIDATION, "replay")
    panel = case.plan.panel
    with threadpool_limits(1):
        walked = grids(panel, [one.path for one in case.cells])
        engine = engine_of(case.plan, panel, walked)
        due = {one.key: {window.id: window.start - 1 for window in walked[one.path.schedule]} for one in asked}
        windows = _windows(case, window, due)
        made: dict[int, Remade] = {}
        for done, number in enumerate(windows, 1):
            if any(number in case.decided[one.key] for one in asked):
                made[number] = remade(case, panel, number, asked)
            watcher.steps(done, len(windows))
        found: dict[tuple[int, str], list[Compared]] = {}
        for number in windows:
            found |= {(number, key): parts for key, parts in _lacking(case, number, due)}
            if number in made:
                found |= {(number, key): parts for key, parts in _decisions(case, made[number])}
        for done, settled in enumerate(asked, 1):
            for number, parts in _book(case, engine, settled, made):
                found[number, settled.key] += parts
            watcher.books(done, len(asked))
        moments = {number: look(panel, row).as_of for rows in due.values() for number, row in rows.items()}
        moments |= {number: one.at for number, one in made.items()}
    return tuple(
        Replayed(cell=key, window=number, as_of=moments[number], parts=tuple(parts))
        for (number, key), parts in found.items()
    )


def _asked(case: Reopened, cell: str | None) -> tuple[Cell, ...]:
    if cell is None:
        return case.cells
    found = tuple(one for one in case.cells if one.key == cell)
    if not found:
        raise ProfileError(f"--cell: {unknown('cell', cell, [one.key for one in case.cells])}")
    return found


def _windows(case: Reopened, window: int | None, due: Mapping[str, Mapping[int, int]]) -> tuple[int, ...]:
    """Return the windows to compute: those at which a cell decided, and those at which it should have."""
    there = sorted({number for key in due for number in (*case.decided[key], *due[key])})
    if window is None:
        return tuple(there)
    if window not in there:
        raise ProfileError(f"--window: unknown window {window} (known: {', '.join(map(str, there))})")
    return (window,)


def _lacking(case: Reopened, number: int, due: Mapping[str, Mapping[int, int]]) -> Iterator[tuple[str, list[Compared]]]:
    """Yield each cell that should have decided at a window, and of which nothing is recorded there."""
    for key, rows in due.items():
        if number in rows and number not in case.decided[key]:
            yield key, [_compared(Part.RECORD, {}, {"decision": "due"})]


def _decisions(case: Reopened, made: Remade) -> Iterator[tuple[str, list[Compared]]]:
    """Yield each cell of a window with its decision's parts, and the record of it."""
    recorded, again = case.recorded(made.window), made.entries
    for one in made.cells:
        before = _parts(case.decided[one.key][made.window].decision.payload())
        after = _parts(Decision.of(made.payload(one.key)).payload())
        parts = [_compared(part, before[part], after[part]) for part in before]
        yield one.key, [*parts, _compared(Part.RECORD, recorded[one.key], again[one.key])]


def _parts(payload: Payload) -> dict[Part, Payload]:
    """Return the parts of a decision, each a slice of its payload.

    Where something was trained, the digest of what a decision was computed from covers the returns it was trained on.
    """
    trained, inputs = payload["allocation"] is not None, {"inputs": payload["inputs"]}

    return {
        Part.VIEW: {**_only(payload, VIEW), **({} if trained else inputs)},
        Part.SELECTION: _only(payload, SELECTION),
        Part.TRAINING: inputs | {"clusters": payload["allocation"]["clusters"]} if trained else {},
        Part.WEIGHTS: _only(payload, WEIGHTS),
    }


def _book(
    case: Reopened, engine: BacktestEngine, cell: Cell, made: Mapping[int, Remade]
) -> Iterator[tuple[int, list[Compared]]]:
    """Yield the windows of a cell with fills, returns and the digest of it all, settled again."""
    decided, of = case.decided[cell.key], case.run.shadow if cell.shadow else case.run
    here = {number: one for number, one in made.items() if number in decided}
    rebalances = [_again(here[n], cell) if n in here else rebalance_of(one) for n, one in decided.items()]
    leaves = _leaves(case, cell)
    try:
        result = result_of(engine, engine.settle(cell, rebalances))
    except ModelError as error:
        whole = _compared(Part.CELL, leaves, dict.fromkeys(leaves, f"failed: {error}"))
        yield from ((number, [whole]) for number in here)
        return
    whole = _compared(Part.CELL, leaves, dict.fromkeys(leaves, result.digest))
    if leaves["cell"].startswith("failed: "):
        yield from ((number, [whole]) for number in here)
        return
    tables = {name: pl.DataFrame(dict(result.tables[name])) for name in chain(*TABLES.values())}
    recorded = {name: of.table(name).filter(pl.col("cell") == cell.key).drop("cell") for name in tables}
    for number in here:
        span = _span(tables["windows"], number)
        mine, now = ({name: _rows(one, number, span) for name, one in of.items()} for of in (recorded, tables))
        yield (
            number,
            [
                *(_compared(part, _only(mine, names), _only(now, names)) for part, names in TABLES.items()),
                whole,
            ],
        )


def _leaves(case: Reopened, cell: Cell) -> dict[str, str]:
    """Return what is recorded of a cell's result: at its end, and in the seal, which has no challengers."""
    of, seal = case.run.shadow if cell.shadow else case.run, case.run.seal
    leaf = next(one.leaf for one in of.outcomes if one.key == cell.key)
    if cell.shadow or seal is None:
        return {"cell": leaf}
    return {"cell": leaf, "seal": seal.data["cells"].get(cell.key, ABSENT)}


def _again(made: Remade, cell: Cell) -> Rebalance:
    """Return what book and tables need of a decision that was made anew."""
    decision = Decision.of(made.payload(cell.key))
    chosen = decision.response
    selection = None if chosen is None else digest_json(chosen.payload())
    return Rebalance.of(made.window, made.row, decision, selection)


def _span(windows: pl.DataFrame, number: int) -> tuple[Any, Any]:
    """Return the first time that a window owns, and the first that it no longer does; None where there is none."""
    filled = windows.filter(pl.col("filled_at").is_not_null()).select("window", "filled_at").rows()
    own = next((at for window, at in filled if window == number), None)
    return own, min((at for _, at in filled if own is not None and at > own), default=None)


def _rows(table: pl.DataFrame, number: int, span: tuple[Any, Any]) -> list[dict[str, Any]]:
    """Return the rows of a window: by its id, or by the time that it owns."""
    if "window" in table.columns:
        return table.filter(pl.col("window") == number).to_dicts()
    first, after = span
    if first is None:
        return []
    mine = pl.col("time") >= first if after is None else (pl.col("time") >= first) & (pl.col("time") < after)
    return table.filter(mine).to_dicts()


def _only(values: Payload, names: Sequence[str]) -> Payload:
    return {name: values[name] for name in names if name in values}


def _compared(part: Part, recorded: Payload, again: Payload) -> Compared:
    return Compared(
        part=part, recorded=_digest(recorded), again=_digest(again), difference=first_difference(recorded, again)
    )  # fmt: skip


def _digest(value: Payload) -> str:
    return digest_json(encode(value)) if value else NOTHING
