"""Every cell of the run in one table."""

from collections.abc import Sequence

from tvquant.core.measures import Measures
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.report.blocks import Block, Table, Text
from tvquant.report.formatting import Shown, count, number, percent, probability
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import beside_in_words, standings_of

HEAD = (
    "cell", "Sharpe", "± SE", "PSR", "CAGR", "volatility", "max drawdown", "Sortino", "CVaR 95 %",
    "mean cash", "turnover", "rows",
)  # fmt: skip

NOTE = (
    "Bold is the headline. PSR is the probability that the true Sharpe ratio is above 0. "
    "CVaR is the mean of the worst 5 % of single-row returns (of those that are not 0 where most are 0); "
    "turnover is one-way, the mean over decisions that were traded; baselines are what a strategy must beat and are no "
    "trials."
)


def draw(run: RunData) -> tuple[Block, ...]:
    """Return strategies by Sharpe ratio, then baselines; the headline is strong, baselines are faint.

    Cells without dividends stand in a table of their own where others have theirs.
    """
    if not run.cells:
        raise Absent("the ledger has no outcome of any cell")
    try:
        chosen = run.headline
    except Absent:
        chosen = None
    found = standings_of(run)
    notes = (NOTE, *beside_in_words(run))
    blocks: tuple[Block, ...] = (_table(found.first, chosen), *(Text(text=one, tone="note") for one in notes))
    if not found.apart:
        return blocks
    return (*blocks, Text(text=found.said, tone="warning"), _table(found.apart, chosen))


def _table(cells: Sequence[RecordedCell], chosen: RecordedCell | None) -> Table:
    rows = tuple(
        (
            _label(cell),
            number(of.sharpe),
            number(of.sharpe_se),
            probability(of.psr),
            percent(of.cagr),
            percent(of.volatility),
            percent(of.max_drawdown),
            number(of.sortino),
            _cvar(of),
            percent(of.mean_cash),
            percent(of.mean_turnover),
            count(of.n),
        )
        for cell in cells
        for of in (cell.measures,)
    )
    return Table(
        head=HEAD,
        rows=rows,
        strong=frozenset(k for k, cell in enumerate(cells) if cell == chosen),
        faint=frozenset(k for k, cell in enumerate(cells) if cell.baseline),
    )


def _cvar(of: Measures) -> str:
    """Return the figure, and of how many returns where most are 0 and it is of the others."""
    fewer = of.n is not None and of.cvar95_n is not None and of.cvar95_n < of.n
    shown = percent(of.cvar95, 2)
    return Shown.of(f"{shown} (of {of.cvar95_n})", of.cvar95) if fewer else shown


def _label(cell: RecordedCell) -> str:
    """Return the cell's key, and what sets it apart."""
    marks = ["baseline"] if cell.baseline else []
    if cell.status != "played":
        marks.append(f"{cell.status}: {cell.why}" if cell.why else cell.status)
    return f"{cell.key} ({', '.join(marks)})" if marks else cell.key


STANDINGS = Section(key="standings", title="Standings", draw=draw, of_run=True)
