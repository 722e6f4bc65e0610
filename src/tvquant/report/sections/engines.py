"""Engines beside each other: the same risk profile by several libraries is several books, and this far apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from tvquant.core.allocations import Recourse
from tvquant.report.blocks import Block, Data, Figure, Table, Text
from tvquant.report.books import Books, books_of, held_of
from tvquant.report.figures import APART, axis, figure, plotted
from tvquant.report.formatting import NOTHING, count, day, number, percent
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import benchmarks
from tvquant.tournament.implementation_risk import Books as Weights
from tvquant.tournament.implementation_risk import Gap, Spread, gaps, median_distances

ROW = 20
"""Pixels of one row of the heat map."""
LABELS = 250
"""Pixels for its slanted labels, title and margins."""


def draw(run: RunData) -> tuple[Block, ...]:
    """Return distances of books as a heat map and by pair, what engines took and resorted to, and what they earned."""
    every = books_of(run)
    shared = [one for one in every if one.selection == every[0].selection] if every else []
    engines = list(dict.fromkeys(one.engine for one in shared))
    if len(engines) < 2:
        text = "One engine made every book. Name several in allocation.engines, and this says how far apart they are."
        return (Text(text=text, tone="note"),)
    weights = {one.key: _own(run, one) for one in shared}
    by_profile: dict[str, dict[str, Weights]] = {}
    for one in shared:
        by_profile.setdefault(one.profile, {})[one.engine] = weights[one.key]
    found = gaps(by_profile)
    grouped = [one for name in by_profile for one in shared if one.profile == name]
    return (
        _heat_map(grouped, median_distances([weights[one.key] for one in grouped])),
        Text(
            text="Half of the absolute differences of weights, cash among them, the median over decisions: 0 is the "
            "same book, 100 % another one altogether. Boxes hold one risk profile by its engines: what is in a box "
            "is implementation risk, what is outside is what risk profiles differ by.",
            tone="note",
        ),
        *_apart(found, shared),
        _by_engine(run, engines, shared),
        *_earned(run, shared),
        Data(name="engine_distances", about="distance of two engines' books, by decision", frame=_frame(found)),
    )


def _own(run: RunData, one: Books) -> Weights:
    """Return the books that a strategy's engine made for the risk profile that was asked."""
    substituted = one.windows.filter(pl.col("recourse").str.contains(Recourse.SUBSTITUTE.value))["window"].to_list()
    return {window: held.weights for window, held in held_of(run, one).items() if window not in substituted}


def _heat_map(ordered: Sequence[Books], matrix: Any) -> Figure:
    n, labels = len(ordered), [f"{one.profile} · {one.engine}" for one in ordered]
    trace = {
        "type": "heatmap", "z": [plotted(100 * row) for row in matrix], "zmin": 0, "zmax": 100, "xgap": 1, "ygap": 1,
        "colorscale": [list(stop) for stop in APART], "customdata": [[[a, b] for b in labels] for a in labels],
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<br>%{z:.2f} % apart<extra></extra>",
        "colorbar": {"ticksuffix": " %"},
    }  # fmt: skip
    if n <= 24:
        trace |= {"texttemplate": "%{z:.1f}", "textfont": {"size": 9}}
    ticks: dict[str, Any] = {"tickvals": list(range(n)), "ticktext": labels, "showgrid": False}
    return figure("implementation", "Median distance of books, % of equity", [trace], height=LABELS + ROW * max(n, 8),
                  hovermode="closest", shapes=_boxes([one.profile for one in ordered]),
                  xaxis=axis("risk profile · engine", **ticks, range=[-0.5, n - 0.5], tickangle=-60),
                  yaxis=axis("risk profile · engine", **ticks, range=[n - 0.5, -0.5]))  # fmt: skip


def _boxes(profiles: Sequence[str]) -> list[dict[str, Any]]:
    """Return a frame around each run of equal risk profiles on the diagonal."""
    starts = [k for k in range(len(profiles)) if k == 0 or profiles[k] != profiles[k - 1]]
    return [
        {"type": "rect", "x0": a - 0.5, "x1": b - 0.5, "y0": a - 0.5, "y1": b - 0.5, "line": {"width": 2}}
        for a, b in zip(starts, [*starts[1:], len(profiles)], strict=True)
    ]


def _apart(found: Sequence[Gap], shared: Sequence[Books]) -> tuple[Block, ...]:
    """Return one row per risk profile and pair of engines."""
    if not found:
        return (Text(text="No risk profile was solved by two engines.", tone="note"),)
    dates = dict(shared[0].windows.select("window", "decided_at").iter_rows())
    rows = tuple(
        (
            f"{gap.risk_profile}: {gap.first}, {gap.second}",
            NOTHING if gap.widest is None else day(dates[gap.widest]),
            *(percent(value, 3) for value in (gap.median, gap.ninth, gap.most)),
            count(len(gap.windows)),
            count(gap.left_out),
        )
        for gap in found
    )
    head = ("books apart by", "widest at", "median", "nine of ten below", "most", "decisions", "left out")
    note = (
        "Left out: one of the two failed there, or another risk profile made its book. Engines that solve the same "
        "program to the end agree to the solver's tolerance; hierarchical methods are not one program, and books of "
        "equal CVaR may differ."
    )
    return Table(head=head, rows=rows, texts=2), Text(text=note, tone="note")


def _by_engine(run: RunData, engines: Sequence[str], shared: Sequence[Books]) -> Table:
    """Return one row per engine: decisions, failures, recourses, cash by sort, what a decision took."""
    rows = []
    for engine in engines:
        mine = [one for one in shared if one.engine == engine]
        frame = pl.concat([one.windows.select("status", "recourse", "cash", "forced_cash") for one in mine])
        recourse = " ".join(frame["recourse"]).split()
        cash, forced = frame["cash"].to_numpy(), frame["forced_cash"].to_numpy()
        paths = [_parts(one.key)[0] for one in mine]
        times = [run.times[path]["median_seconds"] for path in paths if path in run.times]
        rows.append((
            engine, count(len(frame)), count(int((frame["status"] == "failed").sum())),
            *(count(recourse.count(kind)) for kind in Recourse),
            percent(float(cash.mean())), percent(float(forced.mean())),
            number(1e3 * float(np.median(times)), 1) if times else number(None),
        ))  # fmt: skip
    head = ("engine, all its risk profiles", "decisions", "failed", "second solver", "raised ridge", "projected",
            "substitute", "cash", "of it forced by limits", "ms of computation a decision")  # fmt: skip
    return Table(head=head, rows=tuple(rows))


def _parts(cell: str) -> tuple[str, str]:
    """Return the keys of a cell's path and of its book."""
    path, _, book = cell.rpartition("/")
    return path, book


def _earned(run: RunData, shared: Sequence[Books]) -> tuple[Block, ...]:
    """Return Sharpe ratio and total return of each risk profile by its engines, beside the edge over the baselines."""
    cells = {cell.key: cell for cell in run.outcomes}
    first = shared[0].key
    against = [cell for cell in benchmarks(run, cells[first]) if _parts(cell.key)[1] == _parts(first)[1]]
    rows, small = [], []
    for profile in dict.fromkeys(one.profile for one in shared):
        mine = [one for one in shared if one.profile == profile]
        if len(mine) < 2:
            continue
        sharpe, total = (
            Spread(
                risk_profile=profile,
                values={one.engine: _known(getattr(cells[one.key].measures, name)) for one in mine},
                baseline=max((_known(getattr(cell.measures, name)) for cell in against), default=float("nan")),
            )
            for name in ("sharpe", "total_return")
        )
        if sharpe.swallowed:
            small.append(profile)
        rows.append((
            profile, count(len(mine)), number(sharpe.low), number(sharpe.high), number(sharpe.width, 3),
            number(sharpe.edge), percent(total.low), percent(total.high), percent(total.width, 2), percent(total.edge),
        ))  # fmt: skip
    if not rows:
        return ()
    head = ("risk profile", "engines", "Sharpe, least", "most", "spread", "edge", "total return, least", "most ",
            "spread ", "edge ")  # fmt: skip
    table = Table(head=head, rows=tuple(rows))
    note = Text(
        text="Net of costs, in the first simulator. The edge is the first engine's figure less the best baseline's.",
        tone="note",
    )
    if not small:
        return table, note
    text = f"By {', '.join(small)} the engines' Sharpe ratios lie as far apart as its edge is large: which library "
    return table, note, Text(text=f"{text}solved it decides as much as what was solved.", tone="warning")


def _known(value: float | None) -> float:
    return float("nan") if value is None else value


def _frame(found: Sequence[Gap]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (gap.risk_profile, gap.first, gap.second, window, apart)
            for gap in found
            for window, apart in zip(gap.windows, gap.distances.tolist(), strict=True)
        ],
        schema={"risk_profile": pl.String, "first": pl.String, "second": pl.String, "window": pl.Int64,
                "distance": pl.Float64}, orient="row",
    )  # fmt: skip


ENGINES = Section(key="engines", title="The same books by other engines", draw=draw, of_run=True)
