"""What slippage, delays, fill prices and size would make of the headline: the same weights, played again."""

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from tvquant.core.panel import Floats
from tvquant.report.blocks import Block, Data, Facts, Figure, Table, Text
from tvquant.report.figures import COSTS, GREY, HEADLINE, OTHER, axis, colours, figure, plotted
from tvquant.report.formatting import NOTHING, Shown, count, number, percent
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import benchmarks
from tvquant.statistics.block_bootstrap import LEAST_BLOCKS
from tvquant.tournament.friction import (
    AS_IS,
    BLOCK,
    CONFIDENCE,
    CONVENTION,
    LADDER,
    LAG,
    NAV,
    SLIPPAGE,
    STRESS,
    STRESSED,
    TIMING,
    break_even,
    capacity,
)

HALF = 0.5
CONVENTIONS = {
    "next_open": "at the next open", "next_close": "at the next close", "same_close": "at the very close (optimistic)",
}  # fmt: skip
HOW = (
    "The headline's own weights, played again by the house simulator under other terms; nothing is decided anew. "
    "CAGR, turnover and costs are per year, turnover one-way, all as fractions of equity; quantities are fixed on an "
    "equity that costs have changed, so that books drift a little apart."
)
TIMED = (
    "Mean difference: of the arithmetic mean returns per year on the rows of both, with one standard error and its "
    "interval at {level} by a studentised bootstrap of blocks of {block} paired rows (Ledoit and Wolf 2008). An "
    "interval that holds 0 says that the delay cannot be told from nothing; it is not evidence that it costs nothing."
)
CURVE = (
    "Every fill of value v also costs k sigma sqrt(v / ADV) v, with k = {k:g} and each name's volatility and mean "
    "traded value of the 20 bars to the decision (square-root law: Almgren and others 2005, Bouchaud and others). The "
    "law is an average over large orders, good to a factor of two or so; a whole order is taken for one bar's. Equity "
    "grows with the book, so that sizes are those at the start."
)
CUT = (
    " No fill is more than {share} of a name's traded value (execution.participation): beyond some size a book holds "
    "less than was ordered, and the curve shows what it holds, not what was decided."
)


def draw(run: RunData) -> tuple[Block, ...]:
    """Return the audit in a few figures, then slippage, timing and size, each as table and plot."""
    cell, table = run.headline, run.table("friction")
    mine = table.filter(pl.col("cell") == cell.key).drop("cell")
    rivals = {run.path_of(one): book for one in benchmarks(run, cell)
              if len(book := table.filter(pl.col("cell") == one.key))}  # fmt: skip
    best = max(rivals, key=lambda name: _growth(rivals[name]), default=None)
    left = break_even(*_ladder(mine)), None if best is None else _edge_lost(mine, rivals[best])
    return (
        _facts(mine, left, best),
        Text(text=HOW, tone="note"),
        _five_and_ten(mine),
        _costs(mine),
        _slippage_figure(cell.key, mine, rivals),
        Text(text=_lost(left, best)),
        _timing(mine),
        _timing_figure(mine),
        Text(text=TIMED.format(level=percent(CONFIDENCE, 0), block=BLOCK), tone="note"),
        *_sizes(mine, run.profile.execution.participation),
        Data(name="friction", about="every book of the friction audit", frame=table),
    )


def _facts(mine: pl.DataFrame, left: tuple[float | None, float | None], best: str | None) -> Facts:
    """Return the few figures that matter most."""
    kept = _measure(mine)
    plain, later = _one(mine, AS_IS), _later(mine)
    stressed = _one(mine, STRESS)
    pairs = [
        (f"{kept[1]} as it is", percent(plain[kept[0]])),
        (f"{kept[1]} at {' + '.join(f'{bps:g}' for bps in STRESSED)} bps", percent(stressed[kept[0]])),
        (f"{kept[1]} one bar later", percent(later[kept[0]])),
        ("break-even slippage", _bps(left[0])),
    ]
    if best is not None:
        pairs.append((f"no edge over {best} from", _bps(left[1], "0 bps")))
    return Facts(pairs=tuple(pairs), cards=True)


def _five_and_ten(mine: pl.DataFrame) -> Table:
    """Return slippage of 5 against 10 bps: turnover and what it makes of the return (R-SIM-06)."""
    five, ten = (mine.filter((pl.col("group") == SLIPPAGE) & (pl.col("value") == bps)).row(0, named=True)
                 for bps in ("5", "10"))  # fmt: skip
    rows: list[tuple[str, str, str, str]] = []
    for name, what in (
        ("total_return", "total return"), ("cagr", "CAGR"), ("cost", "all costs per year"),
        ("turnover", "turnover per year, one-way"), ("traded", "traded value per year, two-way"),
    ):  # fmt: skip
        apart = None if five[name] is None or ten[name] is None else ten[name] - five[name]
        rows.append((what, percent(five[name], 2), percent(ten[name], 2), percent(apart, 2)))
    told = percent(None if five["traded"] is None else -5e-4 * five["traded"], 2)
    rows.append(("of it 5 bps x traded value", NOTHING, NOTHING, told))
    return Table(head=("the same weights", "slippage 5 bps", "slippage 10 bps", "difference"), rows=tuple(rows))


def _costs(mine: pl.DataFrame) -> Table:
    """Return one row per level of costs."""
    head = ("book", "slippage, bps", "commission, bps", "CAGR", "beside as it is", "Sharpe", "± SE", "max drawdown",
            "turnover per year", "costs per year", "n, rows")  # fmt: skip
    names = {AS_IS: "as it is", SLIPPAGE: "slippage", STRESS: "stress"}
    found = mine.filter(pl.col("group").is_in(list(names)))
    rows = tuple(
        (
            names[one["group"]] + _ended(one),
            "measured" if one["slippage_bps"] is None else number(one["slippage_bps"], 1),
            "by tier" if one["commission_bps"] is None else number(one["commission_bps"], 1),
            percent(one["cagr"], 2),
            percent(one["difference"], 2),
            number(one["sharpe"]),
            number(one["sharpe_se"]),
            percent(one["max_drawdown"]),
            percent(one["turnover"]),
            percent(one["cost"], 2),
            count(one["rows"]),
        )
        for one in found.iter_rows(named=True)
    )
    return Table(head=head, rows=rows, strong=frozenset({0}))


def _slippage_figure(key: str, mine: pl.DataFrame, rivals: Mapping[str, pl.DataFrame]) -> Figure:
    """Return growth by slippage, of the headline and of what it must beat."""
    name, label = _measure(mine)
    colour = colours([key, *rivals], key)
    traces = [
        {
            "type": "scatter", "mode": "lines+markers", "name": who,
            "x": (found := book.filter(pl.col("group") == SLIPPAGE))["slippage_bps"].to_list(),
            "y": plotted(None if v is None else 100 * v for v in found[name]),
            "line": {"color": colour[who], "width": 2.6 if who == key else 1.4,
                     "dash": "solid" if who == key else "dot"},
        }
        for who, book in {**rivals, key: mine}.items()
    ]  # fmt: skip
    return figure(
        "friction_slippage", f"{label} by slippage, all paying the same", traces, height=360,
        xaxis=axis("slippage, bps of each fill"), yaxis=axis(f"{label}, %", zeroline=True),
    )  # fmt: skip


def _timing(mine: pl.DataFrame) -> Table:
    """Return decision lags beside each other, then conventions."""
    head = ("the same orders", "CAGR", "beside as it is", "mean difference", "± SE", f"{CONFIDENCE:.0%} interval",
            "Sharpe", "max drawdown", "n, rows")  # fmt: skip
    found = mine.filter(pl.col("group").is_in([AS_IS, *TIMING]))
    rows = tuple(
        (
            _named(one) + _ended(one),
            percent(one["cagr"], 2),
            percent(one["difference"], 2),
            percent(one["mean_difference"], 2),
            percent(one["mean_difference_se"], 2),
            _interval(one),
            number(one["sharpe"]),
            percent(one["max_drawdown"]),
            count(one["rows"]),
        )
        for one in found.iter_rows(named=True)
    )
    return Table(head=head, rows=rows, strong=frozenset({0}))


def _timing_figure(mine: pl.DataFrame) -> Figure | Text:
    """Return mean differences with their intervals, one line each; why there are none where that is so."""
    found = mine.filter(pl.col("group").is_in(TIMING) & pl.col("mean_difference").is_not_null())
    if not len(found):
        return Text(text=f"No interval is told: {_untold(_one(mine, AS_IS)['rows'])}.")
    lines = list(found.iter_rows(named=True))[::-1]
    trace = {
        "type": "scatter", "mode": "markers", "name": "mean difference", "y": [_named(one) for one in lines],
        "x": plotted(100 * one["mean_difference"] for one in lines),
        "marker": {"color": HEADLINE, "size": 10},
        "error_x": {
            "type": "data", "symmetric": False, "color": GREY, "thickness": 2,
            "array": plotted(100 * (one["high"] - one["mean_difference"]) for one in lines),
            "arrayminus": plotted(100 * (one["mean_difference"] - one["low"]) for one in lines),
        },
    }  # fmt: skip
    nothing = {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1,
               "line": {"color": OTHER, "width": 1, "dash": "dot"}}  # fmt: skip
    return figure(
        "friction_timing", f"What other fills make of the mean return, with {CONFIDENCE:.0%} intervals", [trace],
        height=120 + 42 * max(len(lines), 1), showlegend=False, hovermode="closest", shapes=[nothing],
        xaxis=axis("mean return beside the book as it is, % per year"),
        yaxis=axis("", type="category") | {"title": {"text": "the same orders", "standoff": 18}},
    )  # fmt: skip


def _untold(rows: int) -> str:
    if rows // BLOCK < LEAST_BLOCKS:
        return f"{rows} rows are fewer than {LEAST_BLOCKS} blocks of {BLOCK}"
    return "no book of other timing was played that differs from the one as it is on enough rows"


def _sizes(mine: pl.DataFrame, participation: float | None) -> tuple[Block, ...]:
    """Return the capacity curve, or why there is none."""
    found = mine.filter(pl.col("group") == NAV)
    why = found["why"].drop_nulls().unique().to_list()
    played = found.filter(pl.col("why").is_null())
    if not len(played):
        return (Text(text=f"Capacity is not known: {'; '.join(sorted(why))}.", tone="missing"),)
    name, label = _measure(mine)
    curve = {
        "type": "scatter", "mode": "lines+markers", "name": label, "x": played["nav"].to_list(),
        "y": plotted(None if v is None else 100 * v for v in played[name]), "line": {"color": HEADLINE, "width": 2.6},
    }  # fmt: skip
    without = {
        "type": "scatter", "mode": "lines", "name": "without impact", "x": [played["nav"].min(), played["nav"].max()],
        "y": plotted([None if (v := _one(mine, AS_IS)[name]) is None else 100 * v] * 2),
        "line": {"color": COSTS, "width": 1.4, "dash": "dot"},
    }  # fmt: skip
    drawn = figure(
        "friction_capacity", f"Capacity: {label} by equity at the start", [without, curve], height=360,
        xaxis=axis("equity at the start, base currency", type="log", tickformat="~s"),
        yaxis=axis(f"{label}, %", zeroline=True),
    )  # fmt: skip
    cut = "" if participation is None else CUT.format(share=percent(participation))
    return (drawn, Text(text=f"{_capacity(played)} {CURVE.format(k=played['impact'].item(0))}{cut}", tone="note"))


def _capacity(played: pl.DataFrame) -> str:
    """Return where half of the growth is left, and where none, in words."""
    sizes, left = played["nav"].to_numpy(), played["log_growth"].to_numpy()
    half, none = (capacity(sizes, left, share) for share in (HALF, 0.0))
    if half is None:
        return "There is no growth that size could take."
    most = _size(sizes[-1])
    parts = [
        f"half of the growth of {_size(sizes[0])} is left at {_size(half)}" if math.isfinite(half)
        else f"more than half of the growth of {_size(sizes[0])} is left at {most}",
        f"none at {_size(none)}" if none is not None and math.isfinite(none) else f"some is still left at {most}",
    ]  # fmt: skip
    return f"Of equity at the start, {', '.join(parts)} (straight lines between the sizes played)."


def _lost(left: tuple[float | None, float | None], best: str | None) -> str:
    """Return in words where slippage has taken everything, and the edge."""
    text = _said(left[0], "the growth", "The book does not grow, even without slippage.")
    text = text or "It is not known at which slippage nothing is left of the growth."
    if best is None or left[1] is None:
        return text
    none = f"It has no edge over {best}, the best baseline, even where neither pays slippage."
    return f"{text} {_said(left[1], f'an edge over {best}, the best baseline, where both pay the same', none)}"


def _said(at: float | None, what: str, none: str) -> str:
    """Return where nothing is left, in words; `none` where nothing ever was."""
    if at is None:
        return ""
    if at == -math.inf:
        return none
    if at == math.inf:
        return f"At the highest slippage of the ladder something is left of {what}."
    return f"Slippage of {at:.1f} bps leaves nothing of {what}."


def _edge_lost(mine: pl.DataFrame, rival: pl.DataFrame) -> float | None:
    """Return the slippage at which the headline grows no faster than a baseline that pays the same."""
    slippage, own = _ladder(mine)
    _, other = _ladder(rival)
    return break_even(slippage, own - other)


def _ladder(book: pl.DataFrame) -> tuple[Floats, Floats]:
    """Return slippage and log growth of the rungs; NaN for one that was ruined."""
    found = book.filter(pl.col("group") == SLIPPAGE)
    return found["slippage_bps"].to_numpy(), found["log_growth"].to_numpy()


def _growth(book: pl.DataFrame) -> float:
    """Return the log growth of a book as it is; one that was ruined has less than any other."""
    found = _one(book, AS_IS)["log_growth"]
    return -math.inf if found is None else float(found)


def _measure(mine: pl.DataFrame) -> tuple[str, str]:
    """Return column and name of the return that is shown: what is too short for a CAGR has none."""
    return ("total_return", "total return") if _one(mine, AS_IS)["cagr"] is None else ("cagr", "CAGR")


def _one(mine: pl.DataFrame, group: str) -> dict[str, Any]:
    return mine.filter(pl.col("group") == group).row(0, named=True)


def _later(mine: pl.DataFrame) -> dict[str, Any]:
    """Return the book that is filled one bar later than the one as it is."""
    lag = _one(mine, AS_IS)["lag"] + 1
    return mine.filter((pl.col("group") == LAG) & (pl.col("lag") == lag)).row(0, named=True)


def _named(one: Mapping[str, Any]) -> str:
    if one["group"] == CONVENTION:
        return CONVENTIONS[one["value"]]
    return "as it is" if one["group"] == AS_IS else f"lag of {one['value']} bar{'' if one['value'] == '1' else 's'}"


def _ended(one: Mapping[str, Any]) -> str:
    if one["why"]:
        return f" (not played: {one['why']})"
    return " (liquidated)" if one["status"] == "liquidated" else ""


def _interval(one: Mapping[str, Any]) -> str:
    if one["low"] is None:
        return NOTHING
    return f"[{100 * one['low']:.2f}, {100 * one['high']:.2f}] %"


def _bps(at: float | None, nothing: str = "none") -> str:
    if at is None:
        return NOTHING
    if math.isfinite(at):
        return Shown.of(f"{at:.1f} bps", at)
    return Shown.of(nothing if at < 0.0 else f"> {LADDER[-1]:g} bps", None)


def _size(nav: float) -> str:
    for unit, name in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if nav >= unit:
            return f"{nav / unit:.3g} {name}"
    return f"{nav:.3g}"


FRICTION = Section(key="friction", title="Friction: costs, delays and size", draw=draw, of_run=True)
