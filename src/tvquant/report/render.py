"""From a run's data to its files: the page, the script that draws its figures, INDEX.md."""

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import polars as pl

from tvquant.core.digests import digest_bytes
from tvquant.core.errors import DataError
from tvquant.report.blocks import Block, Text
from tvquant.report.files import write
from tvquant.report.markdown import index_of_run
from tvquant.report.run import Absent, RunData, read_run
from tvquant.report.sections.catalogue import SECTIONS
from tvquant.report.sections.contract import Section

TEMPLATES = Path(__file__).parent / "templates"
PLOTLY = "plotly.min.js"


def write_report(run: Path) -> dict[str, str]:
    """Write `report/index.html`, `report/plotly.min.js` and `INDEX.md` of a run; digests of page and index by name.

    The bytes follow from the run folder alone. A section whose artefact is missing says so.

    Raises
    ------
    DataError : no ledger, no plotly, or the disk refuses.
    LedgerError : the ledger cannot be believed.
    ProfileError : the manifest was changed, or is of another version.
    """
    data = read_run(run)
    page, index = page_of(data).encode(), index_of_run(data).encode()
    write(run / "report" / PLOTLY, plotly())
    write(run / "report" / "index.html", page)
    write(run / "INDEX.md", index)
    return {"index.html": digest_bytes(page), "INDEX.md": digest_bytes(index)}


def page_of(run: RunData) -> str:
    """The page as HTML; every word from the run is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["script_json"] = script_json
    sections = [(section, drawn(section, run)) for section in SECTIONS]
    return environment.get_template("index.html").render(run_id=run.run_id, sections=sections)


def drawn(section: Section, run: RunData) -> tuple[Block, ...]:
    """The section's blocks, or the statement of what it lacks."""
    try:
        return section.draw(run)
    except Absent as error:
        return (Text(text=f"Not shown: {error}.", tone="missing"),)
    except pl.exceptions.ColumnNotFoundError:
        return (
            Text(text="Not shown: a result table was written by another version and lacks a column.", tone="missing"),
        )


def script_json(value: Any) -> str:
    """JSON that cannot end the script element it stands in, nor open a comment there."""
    from markupsafe import Markup

    text = json.dumps(value, separators=(",", ":"), allow_nan=False, sort_keys=True)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no `<` is left


def plotly() -> bytes:
    """The drawing library as the installed plotly carries it; the package is not imported."""
    try:
        return Path(str(distribution("plotly").locate_file(f"plotly/package_data/{PLOTLY}"))).read_bytes()
    except (PackageNotFoundError, OSError) as error:
        raise DataError(
            f"the installed plotly has no {PLOTLY}, which draws the report; install plotly again"
        ) from error
