"""From the mix of streams to the account, in parts that add up."""

from collections.abc import Mapping

from tvquant.report.blocks import Block, Figure, Table, Text
from tvquant.report.figures import HEADLINE, LONG, SHORT, axis, figure, plotted
from tvquant.report.formatting import percent
from tvquant.report.meta.run import MetaRun
from tvquant.report.sections.contract import Section

MIX, ACCOUNT = "mix", "account"
MEANING: Mapping[str, str] = {
    MIX: "the streams at the shares that were decided, restoring them free of charge",
    "netting": "what orders of several sleeves cost less together than each for itself",
    "costs": "what the mix does not pay: entering, and restoring shares",
    "caps": "what the account earned beyond one without limits on the union of instruments",
    "timing": "the mix is restored at the close and paid dividends since, the account at its fills",
    "rest": "what these do not explain: sizes by another equity, interest on cash, lots and halts",
    ACCOUNT: "the netted instruments, as held",
}
"""Part -> what it is, in the order in which they are shown."""


def draw(run: MetaRun) -> tuple[Block, ...]:
    """Return the waterfall, and its parts with their meaning."""
    cell = run.headline.key
    found = dict(run.table("gap", cell).select("part", "value").iter_rows())
    parts = {name: found[name] for name in (*MEANING, *found) if name in found and name != ACCOUNT}
    rows = tuple((name, MEANING.get(name, ""), percent(value, 3)) for name, value in {**parts, **found}.items())
    return (
        _waterfall(cell, parts, found[ACCOUNT]),
        Table(head=("part", "what it is", "total return"), rows=rows, texts=2),
        Text(
            text="Growth from the first meta decision to the last row, as a fraction of the capital at its start. The "
            "parts add up. What the mix earns is on paper: its sleeves cannot be bought. The account is what can be "
            "held.",
            tone="note",
        ),
    )


def _waterfall(cell: str, parts: Mapping[str, float], account: float) -> Figure:
    names = [*parts, ACCOUNT]
    trace = {
        "type": "waterfall", "x": names, "measure": ["absolute", *["relative"] * (len(parts) - 1), "total"],
        "y": plotted([100 * value for value in (*parts.values(), account)]),
        "text": [str(percent(value, 2)) for value in (*parts.values(), account)], "textposition": "outside",
        "increasing": {"marker": {"color": LONG}}, "decreasing": {"marker": {"color": SHORT}},
        "totals": {"marker": {"color": HEADLINE}}, "connector": {"line": {"width": 1}}, "cliponaxis": False,
    }  # fmt: skip
    return figure("gap", f"From the mix of streams to the account, {cell}", [trace], height=380, hovermode="closest",
                  showlegend=False, xaxis=axis("part", type="category"), yaxis=axis("total return, %"))  # fmt: skip


GAP = Section(key="gap", title="From the mix of streams to the account", draw=draw)
