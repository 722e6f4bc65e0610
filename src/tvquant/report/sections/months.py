"""Calendar returns of the headline."""

import numpy as np

from tvquant.report.blocks import Block, Table, Text
from tvquant.report.formatting import NOTHING, day, percent
from tvquant.report.played_run import PlayedRun
from tvquant.report.sections.contract import Section
from tvquant.statistics import monthly_returns

MONTHS_OF_YEAR = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FULL_COLOUR = 0.10
"""A monthly return of this size, either way, has the full colour."""


def draw(run: PlayedRun) -> tuple[Block, ...]:
    """Return compounded return of every month and year, coloured by size."""
    cell = run.headline.key
    mine = run.table("returns", cell)
    times = mine["time"].to_numpy()
    years, table = monthly_returns(times, mine["return"].to_numpy())
    totals = np.nanprod(1.0 + table, axis=1) - 1.0
    rows, heat = [], []
    for year, months, total in zip(years, table, totals, strict=True):
        shown = [NOTHING if np.isnan(value) else percent(float(value)) for value in months]
        rows.append((str(year), *shown, percent(float(total))))
        colours = [None if np.isnan(v) else float(np.clip(v / FULL_COLOUR, -1, 1)) for v in months]
        heat.append((None, *colours, None))
    return (
        Table(head=("year", *MONTHS_OF_YEAR, "year"), rows=tuple(rows), heat=tuple(heat)),
        Text(
            text=f"Compounded simple returns of {cell}, net of costs, from {day(times[0])} to {day(times[-1])}: the "
            f"first and the last month and year may be partial. Colours are full from {percent(FULL_COLOUR, 0)} on.",
            tone="note",
        ),
    )


MONTHS = Section(key="months", title="Monthly returns", draw=draw)
