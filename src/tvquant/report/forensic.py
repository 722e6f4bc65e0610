"""The forensic page of a run: everything that a tournament decided and that went wrong, by its ledger alone (R-TRN-04).

It reads the ledger, and the manifest that the ledger answers for; tables of results are not opened, so the page can be
drawn of a run whose `results/` and `data/` are gone. The headline is told whole, other cells by their outcomes: the
page of a large grid stays one that a browser opens at once.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import takewhile

from tvquant.core.stages import Stage
from tvquant.ledger.read import LedgerRecord
from tvquant.ledger.recorded_parts import Absent
from tvquant.ledger.timing import timing_of
from tvquant.report import forensic_outliers, forensic_windows
from tvquant.report.blocks import Block, Table, Text
from tvquant.report.forensic_windows import Step, steps_of
from tvquant.report.formatting import number, percent, plain
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.report.templating import rendered

FORENSIC = "forensic.html"
"""Name of the page, in the folder of the report."""


def page_of_forensic(run: RunData) -> str:
    """Return the page as HTML; every word of the run is escaped."""
    made = [(section, _drawn(section, run)) for section in _sections()]
    return rendered("forensic.html", run_id=run.run_id, cell=_headline(run), root="", sections=made, axes=[])


def _sections() -> tuple[Section[RunData], ...]:
    """Return every section of one page; those of windows read the headline's decisions once."""
    known = cache(steps_of)

    def of_windows(draw: Callable[[Sequence[Step]], tuple[Block, ...]]) -> Callable[[RunData], tuple[Block, ...]]:
        return lambda run: draw(known(run))

    return (
        Section(key="summary", title="In short", draw=forensic_outliers.summary),
        Section(key="outliers", title="Outliers and their cause", draw=forensic_outliers.outliers),
        Section(key="cells", title="Every cell", draw=forensic_outliers.every_cell),
        Section(key="portfolios", title="Portfolio of each window", draw=of_windows(forensic_windows.portfolios)),
        Section(key="telemetry", title="Selection at each window", draw=of_windows(forensic_windows.telemetry)),
        Section(key="funnel", title="Funnel and vetoes at each window", draw=of_windows(forensic_windows.funnel)),
        Section(key="recourse", title="Fallbacks and gates", draw=of_windows(forensic_windows.recourse)),
        Section(key="timing", title="Where the time went", draw=_timing),
    )


def _drawn(section: Section[RunData], run: RunData) -> tuple[Block, ...]:
    """Return the blocks of a section, or the statement of what the ledger lacks."""
    try:
        return section.draw(run)
    except Absent as error:
        return (Text(text=f"Not shown: {error}.", tone="missing"),)


def _headline(run: RunData) -> str:
    try:
        return run.headline.key
    except Absent:
        return ""


def _timing(run: RunData) -> tuple[Block, ...]:
    """Return the seconds of each part until the first report was begun: later ones would change the page itself."""

    def before(record: LedgerRecord) -> bool:
        return not (record.stage == Stage.REPORTING and record.kind == "intent")

    found = timing_of(takewhile(before, run.course))
    rows = tuple((plain(name), number(s, 2), percent(s / found.wall if found.wall else None))
                 for name, s in found.parts.items())  # fmt: skip
    text = (
        f"{number(found.wall, 1)} seconds until the report was begun, {percent(found.covered)} of them by name. "
        "`tvquant runs show` has reporting too, `tvquant runs timing` sets runs beside each other."
    )
    return Text(text=text), Table(head=("part", "seconds", "share"), rows=rows)
