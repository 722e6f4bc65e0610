"""How steady the selections of the headline were: winners, bets, stage, and what stayed from one to the next."""

import polars as pl

from tvquant.report.blocks import Block, Data, Figure, Table, Text
from tvquant.report.figures import COSTS, GREY, HEADLINE, LONG, axis, days, figure, plotted
from tvquant.report.formatting import NOTHING, count, number, percent
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.report.sections.why import BASELINE
from tvquant.report.steadiness import selection_frame

COUNTED = (
    ("winners", "winners, atoms", HEADLINE, "solid"),
    ("assets", "distinct assets", LONG, "dash"),
    ("effective_bets", "effective bets", COSTS, "solid"),
    ("stage", "stage reached", GREY, "dot"),
)
LIKE = (
    ("jaccard", "winners in common (Jaccard)", HEADLINE, "solid"),
    ("adjusted_rand", "clusters alike (adjusted Rand)", COSTS, "dash"),
)
DECIMALS = {"effective_bets": 1, "winners": 1, "assets": 1, "stage": 1}


def draw(run: RunData) -> tuple[Block, ...]:
    """Return counts and agreement of each decision, a table of both, and the table `selection` to take away."""
    cell, cap = run.headline, run.profile.allocation.limits.cluster
    if cell.baseline:
        return (Text(text=BASELINE),)
    frame = selection_frame(run.steadiness(cell), run.table("windows", cell.key), cap)
    short_of = frame.filter(pl.col("cluster_room") < 1.0)
    return (
        _lines("steady", f"Winners, bets and stage at each decision of {cell.key}", frame, COUNTED, "count"),
        _lines("alike", "What two decisions in a row have in common", frame, LIKE, "index, 1 is the same"),
        Table(head=("of the selection", "mean", "lowest", "highest", "last"), rows=tuple(_rows(frame))),
        Text(
            text="Effective bets: (sum of eigenvalues)² / sum of their squares, of the correlations of the winners' "
            "assets; as many as there are assets where nothing goes together, 1 where everything does. Jaccard: "
            "winners of both decisions over winners of either; adjusted Rand: 1 where clusters are the same, 0 on "
            "average by chance; both among atoms that are in both pools.",
            tone="note",
        ),
        Text(
            text=f"A cluster holds {percent(cap)} at most. At {count(len(short_of))} of {count(len(frame))} decisions "
            f"there were too few allocation clusters to hold everything, which forces cash: see `cluster_room` and "
            "`forced_cash` of each in the table.",
            tone="note",
        ),
        Data(name="selection", about="every selection: winners, bets, stage, agreement with the last", frame=frame),
    )


def _lines(
    key: str, title: str, frame: pl.DataFrame, columns: tuple[tuple[str, str, str, str], ...], unit: str
) -> Figure:
    x = days(frame["decided_at"])
    traces = [
        {"type": "scatter", "mode": "lines", "name": label, "x": x, "y": plotted(frame[name]),
         "line": {"shape": "hv", "width": 1.6, "color": colour, "dash": dash}}
        for name, label, colour, dash in columns
    ]  # fmt: skip
    return figure(key, title, traces, height=300, showlegend=True, xaxis=axis("decision date", type="date"),
                  yaxis=axis(unit, rangemode="tozero"))  # fmt: skip


def _rows(frame: pl.DataFrame) -> list[tuple[str, ...]]:
    rows = []
    for name, label, *_ in (*COUNTED, *LIKE):
        values, digits = frame[name].drop_nulls().cast(pl.Float64), DECIMALS.get(name, 2)
        known = [values.mean(), values.min(), values.max(), values[-1]] if len(values) else []
        cells = tuple(number(float(v), digits) for v in known if isinstance(v, int | float))
        rows.append((label, *(cells or (NOTHING,) * 4)))
    return rows


STEADINESS = Section(key="steadiness", title="Selection from window to window", draw=draw)
