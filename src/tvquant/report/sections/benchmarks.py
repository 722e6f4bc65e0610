"""The headline beside what it must beat, on equal terms: alpha and beta, every step's own part, and every year."""

from collections.abc import Sequence

import numpy as np

from tvquant.ledger.recorded_parts import RecordedCell
from tvquant.report import performance_figures as drawn
from tvquant.report.added import Added, added_by_steps
from tvquant.report.blocks import Block, Table, Text
from tvquant.report.caveats import survivorship
from tvquant.report.formatting import NOTHING, count, number, percent
from tvquant.report.played_run import PlayedRun
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import basis_of, benchmarks, track_of, tracks_of, unlike
from tvquant.statistics import annual_returns, market_model
from tvquant.tournament.friction import BLOCK, CONFIDENCE

METHOD = (
    "Ordinary least squares of the book's returns on the benchmark's, row by row, both net of costs and in excess of "
    "{rate}. Alpha is compounded over a year, (1 + alpha)^A - 1. ± is one standard error, robust to heteroskedasticity "
    "and autocorrelation (Newey and West 1987: Bartlett weights over the lags given, n / (n - 2)); within two of them "
    "an alpha cannot be told from nothing. It is not tested for selection bias: the best of many cells has an alpha by "
    "luck."
)

ADDED = (
    "What each step adds: the mean return per year of equal parts of what it leaves, less that of equal parts of what "
    "it was given. Discovery is what scanners recruit of the base pool, selection the winners of the recruits, "
    "optimisation the headline's weights of the winners. ± is one standard error of the paired difference, rows in "
    f"blocks of {BLOCK}; the interval is at {CONFIDENCE:.0%} (Ledoit and Wolf 2008). One that holds 0 shows nothing; "
    "none is told of the same book, nor where rows, or those in which the two differ, are too few. The parts add up to "
    "the headline less base_universe_ew on the same rows."
)


def draw(run: PlayedRun) -> tuple[Block, ...]:
    """Return alpha and beta to each benchmark of the same basis, annual bars beside them, and what is not compared."""
    cell = run.headline
    mine = track_of(run, cell)
    others = tracks_of(run, benchmarks(run, cell))
    kept = tuple(_not_compared(run, cell, other) for other in unlike(run, cell))
    if not others:
        none = Text(text=f"This run has no baseline that {cell.key} can be compared with.", tone="note")
        return (*survivorship(run), *kept, none, drawn.annual_bars([mine], mine.name), _years([mine]))
    rows = tuple(_row(mine, other, run.periods_per_year) for other in others)
    head = ("benchmark", "alpha per year", "± SE", "beta", "± SE ", "R²", "correlation", "lags", "n, rows")
    return (
        *survivorship(run),
        *kept,
        Table(head=head, rows=rows),
        Text(text=METHOD.format(rate=run.rate), tone="note"),
        *(() if cell.baseline else added(mine, others, run.periods_per_year)),
        drawn.annual_bars([mine, *others], mine.name),
        _years([mine, *others]),
        Text(text="The first and the last year may be partial.", tone="note"),
    )


def _row(mine: drawn.Track, other: drawn.Track, periods_per_year: int) -> tuple[str, ...]:
    _, returns, benchmark = drawn.shared_excess(mine, other)
    found = market_model(returns, benchmark)
    if found is None:
        return (other.name, *[NOTHING] * 7, count(len(returns)))
    alpha, error = found.annual_alpha(periods_per_year) or (None, None)
    r_squared = found.r_squared
    return (
        other.name,
        percent(alpha, 2),
        percent(error, 2),
        number(found.beta),
        number(found.beta_se),
        number(r_squared),
        number(None if r_squared is None else float(np.sign(found.beta) * np.sqrt(max(r_squared, 0.0)))),
        count(found.lags),
        count(found.n),
    )


def added(mine: drawn.Track, others: Sequence[drawn.Track], periods_per_year: int) -> tuple[Block, ...]:
    """Return what discovery, selection and optimisation add to a strategy."""
    rows = tuple(map(_added, added_by_steps(mine, others, periods_per_year)))
    if not rows:
        return ()
    head = ("step", "adds per year", "± SE", "from", "to", "n, rows")
    return Table(head=head, rows=rows), Text(text=ADDED, tone="note")


def _added(one: Added) -> tuple[str, ...]:
    what, found = f"{one.step} ({one.after} less {one.before})", one.found
    known = (NOTHING,) * 3 if found is None else (
        percent(found.standard_error, 2), percent(found.low, 2), percent(found.high, 2)
    )  # fmt: skip
    return (f"{what}{': the same book' if one.same else ''}", percent(one.difference, 2), *known, count(one.rows))


def _years(tracks: list[drawn.Track]) -> Table:
    """Return one row per calendar year that any of the tracks has."""
    found = {one.name: dict(zip(*annual_returns(one.times, one.returns), strict=True)) for one in tracks}
    years = sorted({year for values in found.values() for year in values})
    rows = tuple((str(year), *(percent(values.get(year)) for values in found.values())) for year in years)
    return Table(head=("year", *found), rows=rows)


def _not_compared(run: PlayedRun, cell: RecordedCell, other: RecordedCell) -> Text:
    lacks, has = (other.key, cell.key) if basis_of(other) else (cell.key, other.key)
    return Text(
        text=f"{run.path_of(other)} is not compared here: returns of {lacks} are of prices only, those of {has} have "
        "dividends in them. A difference, an alpha or a beta between them would count dividends as skill.",
        tone="warning",
    )


BENCHMARKS = Section(key="benchmarks", title="Beside the benchmarks", draw=draw)
