"""The one Jinja environment of all pages: every value is escaped, and a name that a page lacks is an error."""

import json
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"


def rendered(template: str, **values: Any) -> str:
    """Return a page as HTML; every word of the values is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["script_json"] = script_json
    return environment.get_template(template).render(**values)


def script_json(value: Any) -> str:
    """Return JSON that cannot end the script element it is in, nor open a comment there."""
    from markupsafe import Markup

    text = json.dumps(value, separators=(",", ":"), allow_nan=False, sort_keys=True)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no `<` is left
