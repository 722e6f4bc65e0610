"""One window of one cell, from the data of its decision to the return of its book, out of what the run recorded.

Nothing is computed but sums of recorded figures by name; `replay` computes again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from tvquant.core.decisions import Decision
from tvquant.core.errors import ProfileError
from tvquant.core.records import CONTEXT, SELECTION, in_shadow
from tvquant.ledger import LedgerRecord
from tvquant.ledger.recorded_parts import RecordedDecision
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles.messages import unknown
from tvquant.tournament.cells import headline


@dataclass(frozen=True, slots=True, kw_only=True)
class NameTrace:
    """One name of a window.

    Parameters
    ----------
    before, weight : fraction of equity that the decision before and this one asked for; 0 where they did not hold it.
    traded : of equity at the fills, bought less sold; price of the last fill, None where there was none.
    costs, brought : of it, and what it brought after them; see `WindowTrace.adds_up`.
    """

    name: str
    before: float
    weight: float
    traded: float
    price: float | None
    costs: float
    brought: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowTrace:
    """One window of one cell.

    Parameters
    ----------
    recorded : the decision and its records.
    names : what was held before or is now, the largest weights first.
    row : line of the result table `windows`.
    first, last : first and last row of the book that the window owns; None where it was never filled.
    adds_up : what names brought, and what is of no name (named by its kind: cash), are parts of equity at the fill, and
        their sum is the return of the window. Books without atoms have sums over rows instead, the fill's row whole.
    events : of the book in these rows.
    leaf : digest of the cell's result, or why it failed.
    shared : context and selection -> the record that holds what the decision names; no selection where there was none.
    """

    cell: str
    recorded: RecordedDecision
    names: tuple[NameTrace, ...]
    row: Mapping[str, Any]
    first: Any
    last: Any
    adds_up: bool
    events: tuple[Mapping[str, Any], ...]
    leaf: str
    shared: Mapping[str, LedgerRecord]

    @property
    def decision(self) -> Decision:
        """What was decided."""
        return self.recorded.decision


def trace(run: RecordedRun, window: int, cell: str | None) -> WindowTrace:
    """Return one window of a cell, of the headline where none is named.

    Raises
    ------
    ProfileError : a cell or a window that there is not.
    Absent : a part of the run is not there.
    """
    key = headline(run.resolved.profile) if cell is None else cell
    of = run.shadow if in_shadow(key) else run
    if key not in of.decisions:
        raise ProfileError(f"--cell: {unknown('cell', key, (*run.decisions, *run.shadow.decisions))}")
    made = of.decisions[key]
    if window not in made:
        raise ProfileError(f"--window: unknown window {window} (known: {', '.join(map(str, made))})")
    leaf = next((one.leaf for one in of.outcomes if one.key == key), "")
    if leaf.startswith("failed: ") or not leaf:
        return WindowTrace(
            cell=key, recorded=made[window], names=tuple(_names(of, key, window, made, filled=False)), row={},
            first=None, last=None, adds_up=False, events=(), leaf=leaf, shared=_shared(of, made[window]),
        )  # fmt: skip
    windows = of.table("windows", key)
    times = _owned(of, key, windows, window)
    events = _mine(of, "events", key).filter(pl.col("time").is_in(times.to_list()))
    return WindowTrace(
        cell=key,
        recorded=made[window],
        names=tuple(_names(of, key, window, made, filled=True)),
        row=windows.row(by_predicate=pl.col("window") == window, named=True),
        first=times.min(),
        last=times.max(),
        adds_up=not _parts(of, key, window).is_empty(),
        events=tuple(events.drop("cell").to_dicts()),
        leaf=leaf,
        shared=_shared(of, made[window]),
    )


def _shared(run: RecordedRun, recorded: RecordedDecision) -> dict[str, LedgerRecord]:
    """Return the records of context and selection that a decision names."""
    chosen = (windows.get(recorded.window) for windows in run.selections.values())
    mine = (one for one in chosen if one is not None and one.outputs[SELECTION] == recorded.selection)
    found = {
        CONTEXT: run.contexts.get((recorded.window, recorded.made.inputs[CONTEXT])),
        SELECTION: next(mine, None),
    }
    return {kind: one for kind, one in found.items() if one is not None}


def _mine(run: RecordedRun, table: str, key: str) -> pl.DataFrame:
    """Return the rows of a cell, which may be none."""
    return run.table(table).filter(pl.col("cell") == key)


def _owned(run: RecordedRun, key: str, windows: pl.DataFrame, window: int) -> pl.Series:
    """Return the times of the book's rows from the fill of a window to the next fill."""
    times, filled = run.table("returns", key)["time"], dict(windows.select("window", "filled_at").rows())
    own = filled[window]
    if own is None:
        return times.clear()
    after = min((at for at in filled.values() if at is not None and at > own), default=None)
    return times.filter((times >= own) & (True if after is None else times < after))


def _parts(run: RecordedRun, key: str, window: int) -> pl.DataFrame:
    """Return the parts of a window's return; what is of no name bears its kind."""
    mine = _mine(run, "attribution", key).filter(pl.col("window") == window)
    unnamed = pl.col("symbol").fill_null("") == ""
    return mine.with_columns(symbol=pl.when(unnamed).then("part").otherwise("symbol"))


def _names(
    run: RecordedRun, key: str, window: int, made: Mapping[int, RecordedDecision], *, filled: bool
) -> Iterator[NameTrace]:
    """Yield every name that was held before, is held now, or was traded; the largest weights first."""
    earlier = [one for number, one in made.items() if number < window]
    before, now = earlier[-1].decision.weights if earlier else {}, made[window].decision.weights
    here = pl.col("window") == window
    traded: dict[str, Mapping[str, Any]] = {}
    brought: dict[str, Mapping[str, Any]] = {}
    if filled:
        fills = _mine(run, "trades", key).filter(here).group_by("symbol", maintain_order=True)
        sums = fills.agg(pl.col("share").sum(), pl.col("price").last())
        traded = {row["symbol"]: row for row in sums.to_dicts()}
        parts = _parts(run, key, window)
        if parts.is_empty():
            gross = pl.col("long") + pl.col("short")
            parts = _mine(run, "names", key).filter(here).with_columns(gross=gross, net=gross - pl.col("costs"))
        whole = parts.group_by("symbol", maintain_order=True).agg(pl.col("gross").sum(), pl.col("net").sum())
        brought = {row["symbol"]: row for row in whole.to_dicts()}
    nothing = {"share": 0.0, "price": None, "gross": 0.0, "net": 0.0}
    for name in sorted({*before, *now, *traded, *brought}, key=lambda one: (-abs(now.get(one, 0.0)), one)):
        fill, earned = traded.get(name, nothing), brought.get(name, nothing)
        yield NameTrace(
            name=name,
            before=before.get(name, 0.0),
            weight=now.get(name, 0.0),
            traded=fill["share"],
            price=fill["price"],
            costs=earned["gross"] - earned["net"],
            brought=earned["net"],
        )
