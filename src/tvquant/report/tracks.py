"""Which books of a run may stand beside each other: what their returns leave out, and the tracks of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from tvquant.core.stamps import Stamp
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.report.performance_figures import Track
from tvquant.report.played_run import PlayedRun

PRICES_ONLY = "prices only"
WITHOUT = "Of prices only, without dividends: not to be compared with the table above, whose cells have theirs."
WITH_DIVIDENDS = "With dividends: not to be compared with the table above, whose cells are of prices only."


def basis_of(cell: RecordedCell) -> str:
    """Return what is to be said of the returns of a cell: `prices only` where dividends are not in them, or nothing."""
    return PRICES_ONLY if Stamp.PRICE_RETURN in cell.stamps else ""


def alike(one: RecordedCell, other: RecordedCell) -> bool:
    """Return whether both have their dividends, or both lack them: only then are they compared."""
    return basis_of(one) == basis_of(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """Cells in the order of the run: those that may stand in one table with the headline, and those that may not.

    `said` goes above the table of the latter.
    """

    first: tuple[RecordedCell, ...]
    apart: tuple[RecordedCell, ...]
    said: str


def standings_of(run: PlayedRun) -> Standings:
    """Return the cells by basis. One that failed has no figures, and stands with the headline.

    Without a headline the first ones are those with dividends, where there are any.
    """
    try:
        basis = basis_of(run.headline)
    except Absent:
        basis = min((basis_of(one) for one in run.cells), default="")
    first = tuple(one for one in run.cells if one.why is not None or basis_of(one) == basis)
    return Standings(
        first=first,
        apart=tuple(one for one in run.cells if one not in first),
        said=WITH_DIVIDENDS if basis else WITHOUT,
    )


def beside_in_words(run: PlayedRun) -> tuple[str, ...]:
    """Return a line on what stands beside the standings, and that it is no trial; none where nothing does."""
    lucky, costed = (sum(one.variant is variant for one in run.beside) for variant in (True, False))
    sorts = ((lucky, "variant", "of the headline"), (costed, "book", "at other costs"))
    parts = [f"{n} {one if n == 1 else one + 's'} {which}" for n, one, which in sorts if n]
    if not parts:
        return ()
    return (f"Beside these, and no trials: {' and '.join(parts)} of the grid; the report has sections of them.",)


def benchmarks(run: PlayedRun, cell: RecordedCell) -> tuple[RecordedCell, ...]:
    """Return the baselines that a cell is compared with: the others, played, by its own book and on its own basis."""
    return tuple(one for one in _baselines(run, cell) if alike(one, cell))


def unlike(run: PlayedRun, cell: RecordedCell) -> tuple[RecordedCell, ...]:
    """Return the baselines that a cell is not compared with, as one of the two has dividends and the other has not."""
    return tuple(one for one in _baselines(run, cell) if not alike(one, cell))


def tracks_of(run: PlayedRun, cells: Iterable[RecordedCell]) -> list[Track]:
    """Return the tracks of those of the cells that have returns, in their order."""
    every = tuple(cells)
    mine = run.table("returns").filter(pl.col("cell").is_in([one.key for one in every]))
    books = {str(key[0]): book for key, book in mine.partition_by("cell", as_dict=True).items()}
    return [Track.of(one.key, books[one.key], basis=basis_of(one)) for one in every if one.key in books]


def track_of(run: PlayedRun, cell: RecordedCell) -> Track:
    """Return the track of a cell; Absent where it has no returns, as a cell that failed."""
    found = tracks_of(run, [cell])
    if not found:
        raise Absent(f"cell {cell.key} has no returns: {cell.why or 'none are recorded'}")
    return found[0]


def returns_frame(tracks: Sequence[Track]) -> pl.DataFrame:
    """Return `time` and the returns of each track; a bar that a track lacks is null."""
    frames = [pl.DataFrame({"time": one.times, one.name: one.returns}) for one in tracks]
    whole = frames[0]
    for one in frames[1:]:
        whole = whole.join(one, on="time", how="full", coalesce=True)
    return whole.sort("time")


def rivals(run: PlayedRun, cell: RecordedCell) -> tuple[RecordedCell, ...]:
    """Return the other baselines of a cell's windows, kept by the same book: they differ in what was decided alone.

    Of those that each selection has, such as `benchmark`, it is that of the cell's own.
    """
    found: dict[str, str] = {}
    for one in sorted(run.outcomes, key=lambda one: bool(one.entrant)):
        same = (one.schedule, one.book) == (cell.schedule, cell.book)
        if one.baseline and same and one.entrant in ("", cell.entrant):
            found[run.name_of(one)] = one.key
    kept = {*found.values()} - {cell.key}
    return tuple(one for one in (*run.cells, *run.beside) if one.key in kept)


def _baselines(run: PlayedRun, cell: RecordedCell) -> tuple[RecordedCell, ...]:
    return tuple(one for one in rivals(run, cell) if one.why is None)
