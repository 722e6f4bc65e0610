"""What a section is: a title and a function from the run's data to blocks."""

from collections.abc import Callable
from dataclasses import dataclass

from tvquant.report.blocks import Block
from tvquant.report.played_run import PlayedRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Section[Run: PlayedRun]:
    """One part of the page.

    Parameters
    ----------
    key : its anchor, unique.
    draw : its blocks; it raises `run.Absent` where the run folder lacks what it needs.
    of_run : it is of the run, whatever cell is looked at, and stands on the page of the headline only.
    """

    key: str
    title: str
    draw: Callable[[Run], tuple[Block, ...]]
    of_run: bool = False
