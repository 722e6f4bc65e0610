"""Books of netted accounts: a cell of a meta-portfolio is settled, measured and told of like any other.

What it holds was decided of its sleeves; so its path decides by no view, and its windows are the dates of the netted
book. Rows on which an account of several calendars is only kept are no periods.
"""

from dataclasses import dataclass

from tvquant.core.panel import Floats
from tvquant.core.rates import RiskFree
from tvquant.tournament.cell_results import CellResult, result_of
from tvquant.tournament.cells import Book, Cell, Path
from tvquant.tournament.sleeves.account import AccountPanel
from tvquant.tournament.sleeves.netting import NettedBook
from tvquant.tournament.sleeves.specs import MIX
from tvquant.tournament.specs import NettedSpec
from tvquant.tournament.walk_forward import BacktestEngine, Settled
from tvquant.tournament.windows import Schedule

DATES = Schedule(train=1, test=None, step=1, span=None)
"""Stands for the dates of a netted book, which no step counts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rates:
    """What books of an account are measured against, and what their idle cash earns: None is a figure of the costs."""

    risk_free: RiskFree
    cash_yield: Floats | None


def cell_of(path: str, book: Book) -> Cell:
    """Return the cell of a netted path, by its key, that a book settles; one of a fixed mix is a baseline."""
    baseline = path.startswith(f"{MIX}/")
    return Cell(path=Path(key=path, spec=NettedSpec(), schedule=DATES, selection="", baseline=baseline), book=book)


def settled(account: AccountPanel, held: NettedBook, book: Book, rates: Rates) -> tuple[Settled, CellResult]:
    """Return the book that a simulator keeps of what is held, and what is kept of the finished cell.

    Raises
    ------
    ModelError : the book cannot be kept or measured.
    """
    panel = account.panel
    grids = {DATES: held.windows(len(panel.times))}
    engine = BacktestEngine(panel, grids, rates.risk_free, rates.cash_yield, measured=account.measured)
    found = engine.settle(cell_of(held.key, book), held.rebalances)
    return found, result_of(engine, found)
