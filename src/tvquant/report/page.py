"""A page of figures and one table, for what is no run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tvquant.report.blocks import Figure
from tvquant.report.files import write
from tvquant.report.render import PLOTLY, plotly
from tvquant.report.templating import rendered


@dataclass(frozen=True, slots=True)
class Heading:
    """Anchor and title of a section of the page."""

    key: str
    title: str


def write_page(path: Path, html: str, *, within: Path) -> None:
    """Write a page below `within`, and the script that draws it beside it.

    Raises
    ------
    DataError : no plotly, the disk refuses, or a link leads out of `within`.
    """
    write(path.parent / PLOTLY, plotly(), within=within)
    write(path, html.encode(), within=within)


def page_of(
    *,
    title: str,
    summary: str,
    figures: Sequence[Figure],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    nothing: str,
) -> str:
    """Return the page as HTML, every word escaped; `nothing` is shown where there are no rows."""
    return rendered("page.html", title=title, summary=summary, figures=figures, head=head, rows=rows, nothing=nothing)
