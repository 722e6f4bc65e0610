"""The page of a comparison: why two runs differ, both equities in one figure, then every part as a table."""

from dataclasses import replace
from pathlib import Path

from tvquant.report import performance_figures as drawn
from tvquant.report.blocks import Block, Table, Text
from tvquant.report.comparison import Comparison
from tvquant.report.comparison_parts import Part, parts
from tvquant.report.page import Heading, write_page
from tvquant.report.render import pooled
from tvquant.report.templating import rendered

FOLDER = "comparisons"
"""Where pages are, beside the folder of all runs."""


def write_comparison(found: Comparison, runs: Path) -> Path:
    """Write the page beside the folder of all runs; return where it is.

    Raises
    ------
    DataError : no plotly, the disk refuses, or a link leads out of the workspace's summaries.
    """
    path = runs.parent / FOLDER / f"{'+'.join(found.ids)}.html"
    write_page(path, page_of(found), within=runs.parent)
    return path


def page_of(found: Comparison) -> str:
    """Return the page as HTML; every word from the runs is escaped."""
    made: list[tuple[Heading, tuple[Block, ...]]] = [(Heading("why", "Why they differ"), (_why(found),))]
    made += [(Heading(part.key, part.title), _blocks(part, found)) for part in parts(found)]
    axes, sections = pooled(made)
    return rendered("comparison.html", run_id=" ".join(found.ids), ids=found.ids, root="", sections=sections, axes=axes)


def _why(found: Comparison) -> Text:
    return Text(text=found.why, tone="plain" if found.equal or found.causes else "warning")


def _blocks(part: Part, found: Comparison) -> tuple[Block, ...]:
    """Return the lines, the figure where the part is on equity, and the table."""
    blocks: list[Block] = [Text(text=line) for line in part.lines]
    if part.key == "equity" and found.equity is not None:
        named = [replace(one, name=name) for one, name in zip(found.equity.tracks, "AB", strict=True)]
        blocks.append(drawn.equity(named, "A"))
    if part.rows:
        blocks.append(Table(head=part.head, rows=part.rows, texts=part.texts))
    return tuple(blocks)
