"""From a run's data to the bytes of its files: a page for each cell, the script that draws their figures, INDEX.md."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import polars as pl

from tvquant.core.errors import DataError
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.report.blocks import Block, Data, Figure, Text
from tvquant.report.forensic import FORENSIC, page_of_forensic
from tvquant.report.formatting import count
from tvquant.report.markdown import index_of_run
from tvquant.report.played_run import PlayedRun
from tvquant.report.run import RunData
from tvquant.report.sections.catalogue import SECTIONS
from tvquant.report.sections.contract import Section
from tvquant.report.templating import rendered
from tvquant.report.tracks import rivals

PLOTLY = "plotly.min.js"
FOLDER = "report"
PAGE, SCRIPT, INDEX = f"{FOLDER}/index.html", f"{FOLDER}/{PLOTLY}", "INDEX.md"
FORENSIC_PAGE = f"{FOLDER}/{FORENSIC}"
"""Files of a report in its run folder."""
PAGES = 24
"""Cells that have a page."""
MOST_ROWS = 100_000
"""Rows of a table that a page carries, some 6 MB."""
LONG = 40
"""Points from which on an axis is worth sharing."""

type Blocks = tuple[Block, ...]


def files_of(run: RunData) -> dict[str, bytes]:
    """Return path -> content of every file of a report: pages, the script that draws them, `INDEX.md`."""
    made = {name: html.encode() for name, html in pages_of(run)}
    return made | {FORENSIC_PAGE: page_of_forensic(run).encode(), SCRIPT: plotly(), INDEX: index_of_run(run).encode()}


def pages_of(run: RunData) -> Iterator[tuple[str, str]]:
    """Give path and HTML of every page of a run: that of the headline, then those of the other cells of the switch."""
    yield PAGE, page_of(run)
    offered, _ = switch(run)
    for cell in offered[1:]:
        yield file_of(run, cell), page_of(run, cell)


def page_of(run: RunData, cell: RecordedCell | None = None) -> str:
    """Return the page of a cell, or of the headline with what is of the whole run; all words of the run are escaped."""
    return page_with(run, SECTIONS, "index.html", cell)


def page_with[Run: PlayedRun](
    run: Run, sections: Sequence[Section[Run]], template: str, cell: RecordedCell | None = None
) -> str:
    """Return the page of a cell by these sections, or of the headline with those that are of the whole run."""
    made = [
        (section, drawn(section, run if cell is None else run.of_cell(cell)))
        for section in sections
        if cell is None or not section.of_run
    ]
    axes, shown = pooled([(section, blocks) for section, blocks in made if blocks])
    offered, left = switch(run)
    return rendered(
        template,
        run_id=run.run_id,
        cell=None if cell is None else cell.key,
        root="" if cell is None else "../",
        choices=[_choice(run, one, one == (cell or run.headline)) for one in offered],
        left=[one.key for one in left],
        sections=shown,
        axes=axes,
    )


def switch(run: PlayedRun) -> tuple[tuple[RecordedCell, ...], tuple[RecordedCell, ...]]:
    """Return the cells that have a page, the headline first, and those that played but have none.

    There are pages for the headline, its baselines and the best others, `PAGES` in all, so that a run of hundreds of
    cells stays a folder that can be moved. Nothing is offered where the headline is not known.
    """
    try:
        chosen = run.headline
    except Absent:
        return (), ()
    played = [cell for cell in run.cells if cell.why is None and cell != chosen]
    its = {one.key for one in rivals(run, chosen)}
    order = sorted(played, key=lambda cell: cell.key not in its)
    kept = order[: PAGES - 1]
    return (chosen, *(cell for cell in played if cell in kept)), tuple(cell for cell in played if cell not in kept)


def _choice(run: PlayedRun, cell: RecordedCell, here: bool) -> tuple[str, str, bool]:
    return cell.key, file_of(run, cell).removeprefix(f"{FOLDER}/"), here


def file_of(run: PlayedRun, cell: RecordedCell) -> str:
    """Return where the page of a cell is in the run's folder."""
    if cell == run.headline:
        return PAGE
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", cell.key)[:80]
    return f"{FOLDER}/cells/{name}-{sha256(cell.key.encode()).hexdigest()[:8]}.html"


def pooled[Head](sections: Sequence[tuple[Head, Blocks]]) -> tuple[list[list[Any]], list[tuple[Head, Blocks]]]:
    """Return axes that figures share, and the sections with the place of an axis where a trace had the axis itself.

    A page of many figures over the same bars holds their dates once.
    """
    axes: dict[tuple[Any, ...], int] = {}

    def shared(trace: Mapping[str, Any]) -> dict[str, Any]:
        x = trace.get("x")
        if not isinstance(x, list) or len(x) < LONG:
            return dict(trace)
        return {**trace, "x": axes.setdefault(tuple(x), len(axes))}

    def of(block: Block) -> Block:
        if not isinstance(block, Figure):
            return block
        return replace(block, spec={**block.spec, "data": [shared(trace) for trace in block.spec["data"]]})

    made = [(section, tuple(of(block) for block in blocks)) for section, blocks in sections]
    return [list(axis) for axis in axes], made


def drawn[Run: PlayedRun](section: Section[Run], run: Run) -> tuple[Block, ...]:
    """Return the section's blocks, or the statement of what it lacks."""
    try:
        return tuple(_carried(block) for block in section.draw(run))
    except Absent as error:
        return (Text(text=f"Not shown: {error}.", tone="missing"),)
    except pl.exceptions.ColumnNotFoundError:
        return (
            Text(text="Not shown: a result table was written by another version and lacks a column.", tone="missing"),
        )


def _carried(block: Block) -> Block:
    """Return the block, or where its rows are when they are too many for a page."""
    if not isinstance(block, Data) or len(block.frame) <= MOST_ROWS:
        return block
    return Text(
        text=f"{block.name}: its {count(len(block.frame))} rows are too many for a page, which carries "
        f"{count(MOST_ROWS)}; they are in the folder `results` of the run.",
        tone="note",
    )


def plotly() -> bytes:
    """Return the drawing library as the installed plotly carries it; the package is not imported."""
    try:
        return Path(str(distribution("plotly").locate_file(f"plotly/package_data/{PLOTLY}"))).read_bytes()
    except (PackageNotFoundError, OSError) as error:
        raise DataError(
            f"the installed plotly has no {PLOTLY}, which draws the report; install plotly again"
        ) from error
