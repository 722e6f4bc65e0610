"""Growth of 1 and the falls from its peaks."""

from tvquant.ledger.recorded_run import Absent
from tvquant.report import performance_figures as drawn
from tvquant.report.blocks import Block
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import tracks_of


def draw(run: RunData) -> tuple[Block, ...]:
    """Return equity of every cell on a log axis, its drawdown below; the headline is thick."""
    return (drawn.equity(tracks_of(run, run.cells), _chosen(run)),)


def _chosen(run: RunData) -> str | None:
    try:
        return run.headline.key
    except Absent:
        return None


EQUITY = Section(key="equity", title="Equity and drawdown", draw=draw)
