"""Growth of 1 and the falls from its peaks."""

from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.report import performance_figures as drawn
from tvquant.report.blocks import Block, Data, Text
from tvquant.report.caveats import survivorship
from tvquant.report.formatting import count
from tvquant.report.played_run import PlayedRun
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import PRICES_ONLY, returns_frame, rivals, tracks_of

SHOWN = 12
"""Cells in one figure; a figure of hundreds says nothing, and its page is too large to open."""


def draw(run: PlayedRun) -> tuple[Block, ...]:
    """Return equity of the headline, the baselines and the best others on a log axis, drawdowns below."""
    cells, chosen = shown(run), _chosen(run)
    tracks = tracks_of(run, cells)
    left = 0 if run.looked_at else len(run.cells) - len(cells)
    notes = [
        *([f"{count(left)} further cells are left out."] if left else []),
        *(
            [f"Dotted lines are of {PRICES_ONLY}, without dividends: not to be compared with the others."]
            if any(one.basis for one in tracks) and not all(one.basis for one in tracks)
            else []
        ),
    ]
    return (
        *(survivorship(run) if chosen else ()),
        drawn.equity(tracks, chosen),
        *([Text(text=" ".join(notes), tone="note")] if notes else []),
        Data(
            name="returns",
            about="simple returns of every bar, net of costs, one column per cell",
            frame=returns_frame(tracks),
        ),
    )


def shown(run: PlayedRun) -> tuple[RecordedCell, ...]:
    """Return the cells of the figure, in the order of the standings: the headline, baselines, and the best others.

    On the page of another cell it is that one and the baselines.
    """
    chosen = _chosen(run)
    first = [cell for cell in run.cells if cell.baseline and chosen is None]
    if chosen is not None:
        first = [run.headline, *rivals(run, run.headline)]
    others = [] if run.looked_at else [cell for cell in run.cells if cell not in first and cell.why is None]
    kept = [*first, *others[: max(SHOWN - len(first), 0)]]
    return tuple(cell for cell in (*run.cells, *run.beside) if cell in kept)


def _chosen(run: PlayedRun) -> str | None:
    try:
        return run.headline.key
    except Absent:
        return None


EQUITY = Section(key="equity", title="Equity and drawdown", draw=draw)
