"""The account beside what it could have been: the mix of streams, fixed mixes, each sleeve alone."""

from tvquant.ledger.recorded_parts import Absent
from tvquant.report import performance_figures as drawn
from tvquant.report.blocks import Block, Data, Text
from tvquant.report.caveats import survivorship
from tvquant.report.meta.run import MetaRun
from tvquant.report.performance_figures import Track
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import returns_frame, rivals, track_of, tracks_of

SHOWN = 12
"""Lines in one figure."""


def draw(run: MetaRun) -> tuple[Block, ...]:
    """Return growth of 1 of account, mixes and sleeves on a log axis, drawdowns below."""
    mine = track_of(run, run.headline)
    others, sleeves = tracks_of(run, rivals(run, run.headline)), run.streams()
    tracks = [mine, *_mix(run), *others, *sleeves]
    left = len(tracks) - SHOWN
    return (
        *survivorship(run),
        drawn.equity(tracks[:SHOWN], mine.name),
        Text(
            text=f"{mine.name} is the account: instruments net, after caps and at its own costs. The mix of streams "
            "holds the sleeves as they are, at the same shares, and pays nothing for restoring them; the other mixes "
            "are accounts. Streams are net of the costs of their own books, on the dates that all sleeves have."
            + (f" {left} more lines are left out." if left > 0 else ""),
            tone="note",
        ),
        Data(
            name="returns",
            about="simple returns of account, mixes and streams, one column each",
            frame=returns_frame(tracks),
        ),
    )


def _mix(run: MetaRun) -> list[Track]:
    try:
        return [run.mix_of(run.headline)]
    except Absent:
        return []


EQUITY = Section(key="equity", title="Equity and drawdown", draw=draw)
