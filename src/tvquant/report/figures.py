"""Plotly specifications as plain values. On a page plotly (seconds to import) draws in the browser only."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tvquant.report.blocks import Figure

EXACT = 22
"""Powers of ten up to this one are exact in a float."""
if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

type Interactive = PlotlyFigure
"""A figure as plotly has it; its type is looked up only where someone asks for it."""

DIGITS = 6
"""Significant digits of plotted numbers; the page says so."""

HEADLINE = "#2f7de1"
COLOURS = (
    "#e07b39", "#3aa17e", "#a56cc1", "#d1495b", "#8a9a5b", "#c99a2e", "#4ba3c3", "#b5728a", "#6f7fc8", "#7d6b5d",
    "#59a14f", "#d37295", "#9c755f",
)  # fmt: skip
GREY = "#9aa3ad"

LONG = "#3aa17e"
SHORT = "#d1495b"
GROSS = HEADLINE
NET = "#a56cc1"
COSTS = "#e07b39"
FUNDING = "#4ba3c3"
OTHER = "#7d6b5d"
CASH = GREY
FORCED = "#c99a2e"
BOUND = "#a56cc1"
GATED = "#4ba3c3"
"""One colour for each of these throughout the report."""

DIVERGING = (
    (0.0, "rgba(209,73,91,1)"), (0.5, "rgba(209,73,91,0)"), (0.5, "rgba(47,125,225,0)"), (1.0, "rgba(47,125,225,1)"),
)  # fmt: skip
"""Red below zero, blue above; zero is clear, so that it is the page's own colour by day and by night."""
APART = ((0.0, "rgba(47,125,225,0)"), (1.0, "rgba(47,125,225,1)"))
"""Clear to blue, of what is never below zero."""


def plotted(values: Iterable[float | None]) -> list[float | None]:
    """Return numbers for a figure at `DIGITS` significant digits; what is not finite is a hole."""
    given = np.array([np.nan if v is None else v for v in values] if not isinstance(values, np.ndarray) else values)
    there = np.isfinite(given)
    size = np.abs(np.where(there & (given != 0.0), given, 1.0))
    # Whole numbers over, or times, a power of ten are the nearest floats to the decimals, which print short.
    left = np.clip(DIGITS - 1 - np.floor(np.log10(size)).astype(np.int64), -EXACT, EXACT)
    up, down = 10.0 ** np.maximum(left, 0), 10.0 ** np.maximum(-left, 0)
    rounded = np.rint(np.where(there, given, 0.0) / down * up) / up * down
    shown: list[float | None] = rounded.tolist()
    for hole in np.flatnonzero(~there).tolist():
        shown[hole] = None
    return shown


def days(column: pl.Series) -> list[str]:
    """Return dates for an axis."""
    return column.dt.strftime("%Y-%m-%d").to_list()


def colours(names: Sequence[str], first: str | None = None) -> dict[str, str]:
    """Return a colour for every name; `first` has the headline's."""
    others = [name for name in names if name != first]
    found = {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(others)}
    return found if first is None else {first: HEADLINE, **found}


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis with its name."""
    return {"title": {"text": title}, "automargin": True, "zeroline": False, **more}


def figure(key: str, title: str, traces: Sequence[Mapping[str, Any]], *, height: int = 420, **layout: Any) -> Figure:
    """Return a figure in the manner of this report; `layout` must name the axes."""
    base = {
        "margin": {"l": 60, "r": 16, "t": 24, "b": 48},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    }
    return Figure(key=key, title=title, spec={"data": list(traces), "layout": base | layout}, height=height)


def to_plotly(one: Figure) -> Interactive:
    """Return the figure as a `plotly.graph_objects.Figure`, titled and as high as on the page."""
    from plotly.graph_objects import Figure as PlotlyFigure

    return PlotlyFigure(dict(one.spec)).update_layout(title=one.title, height=one.height, template="plotly_white")
