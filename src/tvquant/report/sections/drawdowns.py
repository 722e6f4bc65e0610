"""The worst falls of the headline: when they began, how deep they went, when they were over."""

from tvquant.report.blocks import Block, Table, Text
from tvquant.report.caveats import survivorship
from tvquant.report.formatting import count, percent
from tvquant.report.performance_figures import Track
from tvquant.report.played_run import PlayedRun
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import track_of
from tvquant.statistics import Drawdown, drawdowns

SHOWN = 10
START = "start"


def draw(run: PlayedRun) -> tuple[Block, ...]:
    """Return the ten deepest drawdowns of the headline."""
    mine = track_of(run, run.headline)
    found, days = drawdowns(mine.returns), mine.days
    if not found:
        return (Text(text=f"{mine.name} never fell below a peak on its {count(len(days))} rows."),)
    head = ("#", "depth", "peak", "trough", "recovery", "rows down", "rows up", "rows", "days")
    rows = tuple((count(k + 1), *_row(one, mine, days)) for k, one in enumerate(found[:SHOWN]))
    under = sum(one.rows - (one.recovery is not None) for one in found)
    return (
        *survivorship(run),
        Table(head=head, rows=rows, texts=0),
        Text(
            text=f"The {len(rows)} deepest of {count(len(found))} drawdowns by closing equity, net of costs; "
            f"{mine.name} was below an earlier peak on {count(under)} of {count(len(days))} rows "
            f"({percent(under / len(days), 0)}). A "
            "peak is the last close before the fall (the start counts as one), a recovery the first close back at it; "
            "rows are from the peak to the recovery, days those of the calendar. The next one may be deeper.",
            tone="note",
        ),
    )


def _row(one: Drawdown, mine: Track, days: list[str]) -> tuple[str, ...]:
    """Return a line; what is still under water says so and counts to the last row."""
    end = len(days) - 1 if one.recovery is None else one.recovery
    begin = mine.times[max(one.peak, 0)]
    lasted = int((mine.times[end] - begin).astype("timedelta64[D]").astype(int))
    up = None if one.recovery is None else one.recovery - one.trough
    return (
        percent(one.depth, 2),
        START if one.peak < 0 else days[one.peak],
        days[one.trough],
        "still under water" if one.recovery is None else days[one.recovery],
        count(one.trough - one.peak),
        count(up),
        count(one.rows),
        count(lasted),
    )


DRAWDOWNS = Section(key="drawdowns", title="Worst drawdowns", draw=draw)
