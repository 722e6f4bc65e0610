"""Figures of the report as plotly's own objects, for a notebook. Plotly is imported here alone."""

from typing import TYPE_CHECKING, Any

from tvquant.ledger.recorded_run import Absent
from tvquant.report.blocks import Figure
from tvquant.report.run import RunData
from tvquant.report.sections.catalogue import SECTIONS

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure


def block_of(run: RunData, section: str, key: str) -> Figure:
    """Return a figure of a section of the report, as the page has it.

    Raises
    ------
    Absent : the run has not what it is drawn from, or nothing to draw.
    """
    chosen = next(one for one in SECTIONS if one.key == section)
    found = next((one for one in chosen.draw(run) if isinstance(one, Figure) and one.key == key), None)
    if found is None:
        raise Absent(f"run {run.folder.id} has no figure {key!r}: there is nothing of it to draw")
    return found


def lower_half(whole: Figure, key: str, title: str) -> Figure:
    """Return the lower of two axes as a figure of its own; each name is in the legend."""
    layout = dict(whole.spec["layout"])
    axis = {name: value for name, value in layout.pop("yaxis2").items() if name != "domain"}
    lines = [trace for trace in whole.spec["data"] if trace.get("yaxis") == "y2"]
    traces = [{k: v for k, v in trace.items() if k not in ("yaxis", "showlegend")} for trace in lines]
    across = {name: value for name, value in layout["xaxis"].items() if name != "anchor"}
    return Figure(key=key, title=title, spec={"data": traces, "layout": layout | {"xaxis": across, "yaxis": axis}})


def as_plotly(block: Figure) -> "PlotlyFigure":
    """Return the figure with its title and height."""
    import plotly.graph_objects as go

    margin = {**block.spec["layout"].get("margin", {}), "t": 96}
    layout: dict[str, Any] = {"title": {"text": block.title, "y": 0.97}, "height": block.height, "margin": margin}
    return go.Figure(data=block.spec["data"], layout={**block.spec["layout"], **layout})
