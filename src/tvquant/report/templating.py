"""The one Jinja environment of all pages: every value is escaped, and a name that a page lacks is an error."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from tvquant.report.blocks import Table
from tvquant.report.tables import csv_of, csv_of_frame, packed

TEMPLATES = Path(__file__).parent / "templates"


def rendered(template: str, **values: Any) -> str:
    """Return a page as HTML; every word of the values is escaped."""
    return str(_environment().get_template(template).render(**values))


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"script_json": script_json, "packed_table": packed_table, "packed_frame": packed_frame}
    return environment


def packed_table(table: Table) -> str:
    """Return a table's CSV, packed; base64 needs no escaping."""
    return packed(csv_of(table))


def packed_frame(frame: pl.DataFrame) -> str:
    """Return a frame's CSV, packed."""
    return packed(csv_of_frame(frame))


def script_json(value: Any) -> str:
    """Return JSON that cannot end the script element it is in, nor open a comment there."""
    from markupsafe import Markup

    text = json.dumps(value, separators=(",", ":"), allow_nan=False, sort_keys=True)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no `<` is left
