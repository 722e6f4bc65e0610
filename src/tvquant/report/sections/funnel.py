"""How many names there were, and how many were left."""

from tvquant.report.blocks import Block, Text
from tvquant.report.figures import axis, colours, days, figure
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.report.wording import day

STEPS = {
    "universe": "universe",
    "discovery": "discovery (have a bar)",
    "refined": "refined (eligible)",
    "names": "held",
}


def draw(run: RunData) -> tuple[Block, ...]:
    """Counts at each decision of the headline, and the windows that had no candidate."""
    cell = run.headline()["cell"]
    windows = run.table("windows", cell)
    x, colour = days(windows["decided_at"]), colours(list(STEPS))
    traces = [
        {"type": "scatter", "mode": "lines", "name": label, "x": x, "y": windows[name].to_list(),
         "line": {"shape": "hv", "width": 2, "color": colour[name]}}
        for name, label in STEPS.items()
    ]  # fmt: skip
    bad = windows.filter(windows["status"].is_in(["no_candidate", "failed", "fell_back"]))
    listed = ", ".join(
        f"{day(row['decided_at'])} ({row['status'].replace('_', ' ')})" for row in bad.iter_rows(named=True)
    )
    said = (
        Text(text=f"{len(bad)} of {len(windows)} decisions were not solved as asked: {listed}.", tone="warning")
        if listed
        else Text(text=f"All {len(windows)} decisions had candidates and were solved as asked.")
    )
    return (
        figure("funnel", f"Names at each decision of {cell}", traces, height=360,
               xaxis=axis("decision date", type="date"), yaxis=axis("instruments, count", rangemode="tozero")),
        said,
    )  # fmt: skip


FUNNEL = Section(key="funnel", title="Universe over time", draw=draw)
