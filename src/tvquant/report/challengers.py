"""Challengers of a run beside its champion, the headline cell: how far they part, and what each did better."""

from dataclasses import dataclass

import polars as pl

from tvquant.core.errors import ModelError
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.report.performance_figures import Track
from tvquant.report.run import RunData
from tvquant.report.tracks import basis_of
from tvquant.statistics import jaccard
from tvquant.statistics.paired_differences import PairedDifference
from tvquant.tournament.promotion import JudgedBook, JudgedChallenger, compared, judged


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Challenger:
    """One challenger beside the champion.

    Parameters
    ----------
    overlap : mean over the windows of the share of their winners that both chose (Jaccard); None without a winner.
    distance : mean over the windows of half the sum of absolute differences of weights: the equity held otherwise.
    found : what it did better; None with the reason `lacking`.
    """

    name: str
    cell: RecordedCell
    overlap: float | None
    distance: float | None
    found: PairedDifference | None
    lacking: str = ""


def challengers(run: RunData) -> tuple[Challenger, ...]:
    """Return the challengers that a run recorded, in the order of its profile."""
    champion, rule = book_of(run, run.headline, "champion"), run.profile.promotion
    cells = _cells(run)
    made = []
    for name, cell in cells.items():
        found, lacking = None, cell.why or ""
        try:
            if not lacking:
                found = compared(
                    champion,
                    book_of(run.shadow, cell, name),
                    rule,
                    looks=len(cells),
                    periods_per_year=run.periods_per_year,
                    seed=run.profile.seed,
                )
        except ModelError as error:
            lacking = str(error)
        made.append(
            Challenger(
                name=name,
                cell=cell,
                overlap=None if cell.why else _overlap(*_both(run, cell, "atoms")),
                distance=None if cell.why else _distance(*_both(run, cell, "weights")),
                found=found,
                lacking=lacking,
            )
        )
    return tuple(made)


def judgements(run: RunData) -> tuple[JudgedChallenger, ...]:
    """Return what the rule of the run's own profile says of its challengers; ValueError where it states none."""
    profile = run.profile
    return judged(
        book_of(run, run.headline, "champion"),
        [book_of(run.shadow, cell, name) for name, cell in _cells(run).items()],
        profile.promotion,
        periods_per_year=run.periods_per_year,
        seed=profile.seed,
    )


def book_of(run: RecordedRun, cell: RecordedCell, name: str) -> JudgedBook:
    """Return the book of a cell as a rule judges it; without rows where it failed."""
    if cell.why is not None:
        none = pl.DataFrame(schema={"time": pl.Datetime("us"), "return": pl.Float64})
        track, windows = Track.of(name, none), list[int]()
    else:
        track = Track.of(name, run.table("returns", cell.key))
        over = pl.col("filled_at").is_not_null() & ~pl.col("partial")
        windows = run.table("windows", cell.key).filter(over)["window"].to_list()
    end = f"could not be kept: {cell.why}" if cell.why else "was liquidated" if cell.status == "liquidated" else ""
    return JudgedBook(
        name=name,
        times=track.times,
        excess=track.risk_free.excess(track.returns),
        windows=frozenset(windows),
        end=end,
    )


def tracks(run: RunData, every: tuple[Challenger, ...]) -> list[Track]:
    """Return the track of the champion, then those of the challengers that have one."""
    own = Track.of(run.headline.key, run.table("returns", run.headline.key), basis=basis_of(run.headline))
    return [
        own,
        *(
            Track.of(one.cell.key, run.shadow.table("returns", one.cell.key), basis=basis_of(one.cell))
            for one in every
            if not one.cell.why
        ),
    ]


def _cells(run: RunData) -> dict[str, RecordedCell]:
    """Return name -> outcome of each challenger that the profile names."""
    ended = {one.key.split("/")[1]: one for one in run.shadow.outcomes}
    for name in run.profile.challengers:
        if name not in ended:
            raise Absent(f"the ledger has no outcome of the challenger {name}")
    return {name: ended[name] for name in run.profile.challengers}


def _both(run: RunData, cell: RecordedCell, table: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of the champion and of a challenger in a table; none where one held nothing."""
    champion = run.table(table).filter(pl.col("cell") == run.headline.key)
    return champion, run.shadow.table(table).filter(pl.col("cell") == cell.key)


def _overlap(champion: pl.DataFrame, challenger: pl.DataFrame) -> float | None:
    """Return the mean Jaccard index of the winners over the windows at which either has some."""
    one, other = (_winners(frame) for frame in (champion, challenger))
    found = [jaccard(one.get(window, set()), other.get(window, set())) for window in sorted({*one, *other})]
    return sum(found) / len(found) if found else None


def _winners(rows: pl.DataFrame) -> dict[int, set[str]]:
    return {int(window): set(mine["atom"]) for (window,), mine in rows.group_by("window")}


def _distance(champion: pl.DataFrame, challenger: pl.DataFrame) -> float | None:
    """Return the mean over windows of half the sum of absolute differences of weights."""
    parts = [champion.select("window", "symbol", "weight"), challenger.select("window", "symbol", -pl.col("weight"))]
    apart = pl.concat(parts).group_by("window", "symbol").agg(pl.col("weight").sum().abs())
    by_window = apart.group_by("window").agg(pl.col("weight").sum() / 2)["weight"]
    return float(by_window.mean()) if len(by_window) else None  # type: ignore[arg-type]  # of floats
