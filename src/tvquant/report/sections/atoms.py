"""Whether atoms were held on their side, what their gates left out, and what holding made of their streams."""

import numpy as np
import polars as pl

from tvquant.core.books import Rebalancing
from tvquant.core.panel import Floats
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.report import performance_figures as drawn
from tvquant.report.blocks import Block, Figure, Table, Text
from tvquant.report.figures import HEADLINE, OTHER, axis, days, figure, plotted
from tvquant.report.formatting import NOTHING, count, number, percent
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import benchmarks, tracks_of
from tvquant.statistics import market_model
from tvquant.tournament.candidates import GATE_CLOSED, GATE_UNKNOWN

COUNTS = ("contributions", "shorts", "inverted", "contradicted", "confirmed")
HEAD = (
    "cell", "contributions", "of shorts", "lost", "other side", "confirmed", "purity", "before netting", "gross", "net",
    "beta",
)  # fmt: skip
RECORDED = {*COUNTS, "synthetic", "gross_return", "synthetic_gap"}


def draw(run: RunData) -> tuple[Block, ...]:
    """Return purity, net, gross and beta of every strategy; gates by logic; streams beside the book, by window."""
    chosen = run.headline.key
    windows = run.table("windows")
    if missing := sorted(RECORDED.difference(windows.columns)):
        raise Absent(f"the table of windows has no {', '.join(missing)}: it was recorded by an earlier version")
    cells = [cell for cell in run.cells if not cell.baseline and cell.why is None]
    books = {cell.key: windows.filter(pl.col("cell") == cell.key) for cell in cells}
    return (
        _verdict(books),
        Table(
            head=HEAD,
            rows=tuple(_row(run, cell, books[cell.key]) for cell in cells),
            strong=frozenset(k for k, cell in enumerate(cells) if cell.key == chosen),
        ),
        Text(
            text="A contribution is an atom's weight x direction x gate at one decision, judged by itself and not by "
            "what is left of its asset net. Lost: flattening did not keep it. Other side: its asset brought money "
            "where the price went against it, or the reverse, on some row until the next decision. Confirmed: on every "
            "row that can tell, money and price agree. The rest cannot be told: not filled, closed early, or a price "
            "that stood still. Before netting, gross and net are means over "
            "decisions, as fractions of equity; beta is to the first baseline compared with.",
            tone="note",
        ),
        *_gates(run, chosen),
        *_gap(run, chosen, windows.filter(pl.col("cell") == chosen)),
    )


def _verdict(books: dict[str, pl.DataFrame]) -> Text:
    """Return in a sentence whether every contribution kept its direction."""
    sums = {name: sum(int(book[name].sum()) for book in books.values()) for name in COUNTS}
    if not sums["contributions"]:
        return Text(text="No strategy held an atom at any decision, so there is no direction to judge.")
    impure = sums["inverted"] + sums["contradicted"]
    all_ = f"{count(sums['contributions'])} contributions of all strategies, {count(sums['shorts'])} of them of shorts"
    if not impure:
        return Text(
            text=f"Directional purity is 100 %: all {all_}, were held on their side. Price moves confirm "
            f"{count(sums['confirmed'])} of them and contradict none."
        )
    share = percent(1.0 - impure / sums["contributions"], 2)
    return Text(
        text=f"Directional purity is {share}, and must be 100 %: of {all_}, {count(sums['inverted'])} lost their sign "
        f"in flattening and {count(sums['contradicted'])} brought money on the other side. Results of these cells are "
        "not those of what was decided.",
        tone="warning",
    )


def _row(run: RunData, cell: RecordedCell, book: pl.DataFrame) -> tuple[str, ...]:
    sums = {name: int(book[name].sum()) for name in COUNTS}
    pure = 1.0 - (sums["inverted"] + sums["contradicted"]) / sums["contributions"] if sums["contributions"] else None
    gross, net, cash = (_mean(book[name].to_numpy()) for name in ("gross", "net", "cash"))
    return (
        cell.key,
        *(count(sums[name]) for name in COUNTS),
        percent(pure),
        percent(None if cash is None else 1.0 - cash),
        percent(gross),
        percent(net),
        _beta(run, cell),
    )


def _beta(run: RunData, cell: RecordedCell) -> str:
    """Return the beta of a cell to the first baseline that it is compared with."""
    tracks = tracks_of(run, [cell, *benchmarks(run, cell)[:1]])
    if len(tracks) < 2:
        return NOTHING
    _, mine, other = drawn.shared_excess(tracks[0], tracks[1])
    found = market_model(mine, other)
    return NOTHING if found is None else number(found.beta)


def _gates(run: RunData, cell: str) -> tuple[Block, ...]:
    """Return how far the gates of the headline's atoms were open; nothing where none is gated."""
    atoms = run.table("atoms").filter(pl.col("cell") == cell)
    shut = run.table("vetoes").filter((pl.col("cell") == cell) & pl.col("reason").is_in([GATE_CLOSED, GATE_UNKNOWN]))
    if not (atoms["gate"] != 1.0).any() and shut.is_empty():
        return ()
    held = atoms.filter(pl.col("weight") > 0.0)
    closed, unknown = (int(shut.filter(pl.col("reason") == why)["atoms"].sum()) for why in (GATE_CLOSED, GATE_UNKNOWN))
    partly = held.filter(pl.col("gate") < 1.0)
    rows = (
        ("no candidate: gate closed", count(closed), NOTHING),
        ("no candidate: gate not known", count(unknown), NOTHING),
        ("held, gate open", count(len(held) - len(partly)), percent(1.0 if len(held) > len(partly) else None)),
        ("held, gate partly open", count(len(partly)), percent(_mean(partly["gate"].to_numpy()))),
    )
    note = (
        "An atom of a gated logic holds its weight times its gate, as it was at the decision, until the next one. "
        "What a gate leaves out of a weight is cash."
    )
    return (Table(head=("gates over all decisions", "atoms", "mean gate"), rows=rows), Text(text=note, tone="note"))


def _gap(run: RunData, cell: str, book: pl.DataFrame) -> tuple[Block, ...]:
    """Return the decided streams beside the book before costs, by window, and in words what the difference is."""
    there = book.filter(pl.col("synthetic").is_not_nan() & pl.col("gross_return").is_not_nan())
    if there.is_empty():
        return (Text(text=f"{cell} filled no decision with atoms: there is nothing to hold against its streams."),)
    gap = there["synthetic_gap"].to_numpy()
    error = float(gap.std(ddof=1) / np.sqrt(len(gap))) if len(gap) > 1 else None
    restored = run.profile.execution.rebalancing == Rebalancing.DAILY
    why = (
        "Weights are restored at every row, so the difference is of fills: moves between a decision's mark and its "
        "fill, and orders that were not filled."
        if restored
        else "The book restores them at decisions only: between these a long that gains grows, and a short that gains "
        "shrinks. Moves between a decision's mark and its fill are in the difference too."
    )
    rows = (
        ("decided streams", *_spread(there["synthetic"].to_numpy())),
        ("book before costs", *_spread(there["gross_return"].to_numpy())),
        ("book less streams", *_spread(gap)),
    )
    return (
        Text(
            text="What was optimised are streams whose weights are reset on every row: a short earns less the return "
            f"of its asset on a constant weight. {why} Over {count(len(gap))} windows of {cell} the book returned "
            f"{percent(float(gap.mean()), 3)} ± {percent(error, 3)} per window more than its streams (one standard "
            "error; below 0: less)."
        ),
        _windows(cell, there),
        Table(head=("return by window, before costs", "mean", "lowest", "highest"), rows=rows),
    )


def _windows(cell: str, there: pl.DataFrame) -> Figure:
    x = days(there["decided_at"])
    bars = [
        {"type": "bar", "name": name, "x": x, "y": plotted(100 * there[column].to_numpy()), "marker": {"color": colour}}
        for name, column, colour in (("decided streams", "synthetic", OTHER), ("book", "gross_return", HEADLINE))
    ]
    across, up = axis("decision date", type="date"), axis("return before costs, %")
    title = f"Decided streams and the book of {cell}, by window, before costs"
    return figure("synthetic_gap", title, bars, height=300, barmode="group", xaxis=across, yaxis=up)


def _spread(values: Floats) -> tuple[str, ...]:
    return tuple(percent(float(one), 3) for one in (values.mean(), values.min(), values.max()))


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


ATOMS = Section(key="atoms", title="Atoms: direction, gates and drift", draw=draw)
