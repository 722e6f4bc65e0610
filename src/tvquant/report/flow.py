"""The funnel as a flow: who went on at each step, and what the others were lost by."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tvquant.report.blocks import Figure
from tvquant.report.figures import GREY, HEADLINE, LONG, figure, plotted
from tvquant.report.formatting import plain
from tvquant.universe.health import REASONS

SHOWN = 6
"""Reasons of a kind that have a branch of their own; the smallest ones share one."""
OTHERS = "other reasons"
KEPT, LOST = "rgba(47,125,225,0.45)", "rgba(154,163,173,0.45)"
"""Blue goes on, grey is lost; the words beside the branches say so too."""
ROW = 34
"""Pixels of a branch."""


def flow_of(cell: str, windows: pl.DataFrame, vetoes: pl.DataFrame, *, same: bool) -> Figure:
    """Return the flow of names, the mean over all decisions: universe, recruited, healthy, not vetoed, winners.

    In atoms. The universe counts instruments: it is there only where each instrument is one atom (`same`).
    """
    links = links_of(windows, vetoes, same=same)
    names = list(dict.fromkeys(name for source, target, _ in links for name in (source, target)))
    through = {name: max(_sum(links, 0, name), _sum(links, 1, name)) for name in names}
    kept, labels = {"universe", *STEPS}, [f"{name} {through[name]:.1f}" for name in names]
    trace: dict[str, Any] = {
        "type": "sankey", "arrangement": "snap", "valueformat": ".1f",
        "node": {
            "label": labels, "pad": 14, "thickness": 12,
            "customdata": [
                f"{through[name]:.1f}" if name in kept else label for name, label in zip(names, labels, strict=True)
            ],
            "color": [LONG if name == STEPS[-1] else HEADLINE if name in kept else GREY for name in names],
            "hovertemplate": "%{label}<extra></extra>",
        },
        "link": {
            "source": [names.index(source) for source, _, _ in links],
            "target": [names.index(target) for _, target, _ in links],
            "value": plotted([value for _, _, value in links]),
            "color": [KEPT if target in kept else LOST for _, target, _ in links],
            "hovertemplate": "%{source.label} → %{target.label}<extra></extra>",
        },
    }  # fmt: skip
    lost = len(names) - len([name for name in names if name in kept])
    return figure("flow", f"From the universe to the winners of {cell}, mean of all decisions", [trace],
                  height=max(300, 160 + ROW * lost), hovermode="closest",
                  margin={"l": 8, "r": 8, "t": 16, "b": 16})  # fmt: skip


STEPS = ("recruited", "healthy", "not vetoed", "winners")
"""Steps behind the universe."""


def links_of(windows: pl.DataFrame, vetoes: pl.DataFrame, *, same: bool) -> list[tuple[str, str, float]]:
    """Return source, target and mean count of each flow that is not nothing; what enters a step leaves it.

    `windows` and `vetoes` are the tables of one cell.
    """
    count = len(windows)

    def mean(column: str) -> float:
        return int(windows[column].sum()) / count

    totals = dict(vetoes.group_by("reason").agg(pl.col("atoms").sum()).sort("reason").iter_rows())
    health = {why: n / count for why, n in totals.items() if why in REASONS}
    vetoed = {why: n / count for why, n in totals.items() if why not in REASONS}
    recruited, refined, won = mean("atoms_discovery"), mean("atoms_refined"), mean("atoms_selected")
    healthy = recruited - sum(health.values())
    links: list[tuple[str, str, float]] = []
    if same:
        links += [("universe", STEPS[0], recruited), ("universe", "not recruited", mean("universe") - recruited)]
    links += [(STEPS[0], STEPS[1], healthy), *((STEPS[0], why, n) for why, n in _largest(health).items())]
    links += [(STEPS[1], STEPS[2], refined), *((STEPS[1], why, n) for why, n in _largest(vetoed).items())]
    links += [(STEPS[2], STEPS[3], won), (STEPS[2], "not among the best of its cluster", refined - won)]
    return [(source, target, value) for source, target, value in links if value > 0.0]


def _sum(links: Sequence[tuple[str, str, float]], end: int, name: str) -> float:
    """Return what leaves (end 0) or enters (1) a node."""
    return sum(link[2] for link in links if link[end] == name)


def _largest(reasons: Mapping[str, float]) -> dict[str, float]:
    """Return the largest reasons in words, the others as one."""
    order = sorted(reasons, key=lambda why: (-reasons[why], why))
    found = {plain(why): reasons[why] for why in order[:SHOWN]}
    rest = sum(reasons[why] for why in order[SHOWN:])
    return found | ({OTHERS: rest} if rest else {})
