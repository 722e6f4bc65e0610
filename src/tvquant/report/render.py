"""From a run's data to its files: the page, the script that draws its figures, INDEX.md."""

from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import polars as pl

from tvquant.core.errors import DataError
from tvquant.ledger.recorded_run import Absent
from tvquant.report.blocks import Block, Text
from tvquant.report.files import write
from tvquant.report.markdown import index_of_run
from tvquant.report.run import RunData, read_run
from tvquant.report.sections.catalogue import SECTIONS
from tvquant.report.sections.contract import Section
from tvquant.report.templating import rendered

PLOTLY = "plotly.min.js"
PAGE, SCRIPT, INDEX = "report/index.html", f"report/{PLOTLY}", "INDEX.md"
"""Files of a report in its run folder."""
REDRAWN = "report/redrawn"
"""Folder of a page that is not the one which the ledger answers for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A report that was written.

    Parameters
    ----------
    page : where it is.
    files : paths of its files in the run folder.
    beside : the ledger answers for another page than this version draws; that one was left as it is.
    """

    page: Path
    files: tuple[str, ...]
    beside: bool


def write_report(run: Path) -> Drawn:
    """Write `report/index.html`, `report/plotly.min.js` and `INDEX.md` of a run.

    The bytes follow from the run folder alone. A section whose artefact is missing says so. A finished run whose ledger
    answers for other bytes (another version draws otherwise) keeps them; the page is written to `report/redrawn` then.

    Raises
    ------
    DataError : no ledger, no plotly, the disk refuses, or a link leads out of the folder of runs.
    LedgerError : the ledger cannot be believed, or a file is not what it says.
    ProfileError : the manifest was changed, or is of another version.
    """
    data = read_run(run)
    made = {PAGE: page_of(data).encode(), SCRIPT: plotly(), INDEX: index_of_run(data).encode()}
    beside = any(sha256(made[name]).hexdigest() != data.files[name] for name in made if name in data.files)
    if beside:
        made = {f"{REDRAWN}/{Path(name).name}": made[name] for name in (PAGE, SCRIPT)}
    for name, content in made.items():
        write(run / name, content, within=run.parent)
    return Drawn(page=run / (f"{REDRAWN}/index.html" if beside else PAGE), files=tuple(made), beside=beside)


def page_of(run: RunData) -> str:
    """Return the page as HTML; every word from the run is escaped."""
    sections = [(section, drawn(section, run)) for section in SECTIONS]
    return rendered("index.html", run_id=run.run_id, sections=sections)


def drawn(section: Section, run: RunData) -> tuple[Block, ...]:
    """Return the section's blocks, or the statement of what it lacks."""
    try:
        return section.draw(run)
    except Absent as error:
        return (Text(text=f"Not shown: {error}.", tone="missing"),)
    except pl.exceptions.ColumnNotFoundError:
        return (
            Text(text="Not shown: a result table was written by another version and lacks a column.", tone="missing"),
        )


def plotly() -> bytes:
    """Return the drawing library as the installed plotly carries it; the package is not imported."""
    try:
        return Path(str(distribution("plotly").locate_file(f"plotly/package_data/{PLOTLY}"))).read_bytes()
    except (PackageNotFoundError, OSError) as error:
        raise DataError(
            f"the installed plotly has no {PLOTLY}, which draws the report; install plotly again"
        ) from error
