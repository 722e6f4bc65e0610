"""A page of figures and one table, for what is no run."""

from collections.abc import Sequence
from pathlib import Path

from tvquant.report.blocks import Figure
from tvquant.report.files import write
from tvquant.report.render import PLOTLY, TEMPLATES, plotly, script_json


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
    """The page as HTML, every word escaped; `nothing` is said where there are no rows."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["script_json"] = script_json
    return environment.get_template("page.html").render(
        title=title, summary=summary, figures=figures, head=head, rows=rows, nothing=nothing
    )
