"""How each risk profile came to its books: solved or not, how concentrated, how steady, how risky."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tvquant.core.allocations import Recourse
from tvquant.core.calendars import CRYPTO, calendar
from tvquant.core.panel import Floats
from tvquant.ledger.recorded_parts import Absent
from tvquant.report.blocks import Block, Data, Figure, Table, Text
from tvquant.report.books import BAND, BANDS, LEAST_WINDOWS, Books, books_of, depths, same_books, thirds
from tvquant.report.figures import COSTS, GREY, HEADLINE, axis, days, figure, plotted
from tvquant.report.formatting import NOTHING, count, number, percent
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.tournament.book_figures import PROJECTION
from tvquant.tournament.convergence import Why

RECOURSES = {
    Recourse.SECOND_SOLVER: "second solver", Recourse.RAISED_RIDGE: "raised ridge", Recourse.PROJECTION: "projected",
    Recourse.SUBSTITUTE: "substitute",
}  # fmt: skip


def draw(run: RunData) -> tuple[Block, ...]:
    """Return solver health, volatility against its reference, drift by entropy, equal books, losses by dispersion."""
    found = books_of(run)
    if not found:
        raise Absent("no strategy of the run has ended")
    chosen = next((one for one in found if one.key == run.headline.key), found[0])
    a = run.periods_per_year
    return (
        _held(chosen),
        _risk(chosen, a),
        _solved(found),
        *_projected(found, a),
        Text(
            text="Effective names: (sum of weights without signs)² / sum of their squares; 1 is a single name. Drift: "
            "half of what weights of atoms and cash moved from one decision to the next; condition and shrinkage are "
            "of the covariance that was optimised on.",
            tone="note",
        ),
        *_volatility(run, found, a),
        *_drift(found),
        *_same(run, found),
        *_dispersed(run, found),
        Data(name="books", about=f"every decision of {chosen.key}: how its book was found", frame=chosen.windows),
    )


def _held(one: Books) -> Figure:
    x, drift = days(one.windows["decided_at"]), one.figure("drift")
    traces: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "name": "effective names", "x": x, "y": plotted(1.0 / one.figure("hhi")),
         "line": {"shape": "hv", "width": 1.8, "color": HEADLINE}},
        {"type": "bar", "name": "drift, % of equity", "x": x, "y": plotted(100 * drift), "yaxis": "y2",
         "marker": {"color": GREY}, "opacity": 0.6},
    ]  # fmt: skip
    return figure("concentration", f"Effective names and drift at each decision of {one.key}", traces, height=320,
                  xaxis=axis("decision date", type="date"), yaxis=axis("names", rangemode="tozero", overlaying="y2"),
                  yaxis2=axis("drift, % of equity", side="right", range=[0, 100], showgrid=False))  # fmt: skip


def _risk(one: Books, a: int) -> Figure:
    x, year = days(one.windows["decided_at"]), 100 * math.sqrt(a)
    lines = (("expected of the book", "expected_volatility", HEADLINE, "solid"),
             ("expected of equal weights of its winners", "expected_even_volatility", COSTS, "dot"))  # fmt: skip
    traces = [
        {"type": "scatter", "mode": "lines", "name": label, "x": x, "y": plotted(year * one.figure(name)),
         "line": {"shape": "hv", "width": 1.6, "color": colour, "dash": dash}}
        for label, name, colour, dash in lines
    ]  # fmt: skip
    return figure("expected", f"Volatility that the covariance expects, {one.key}", traces, height=300,
                  showlegend=True, xaxis=axis("decision date", type="date"),
                  yaxis=axis("% a year", rangemode="tozero"))  # fmt: skip


def _solved(found: Sequence[Books]) -> Table:
    """Return how often each strategy was solved, and how its books were; of recourses those that any took."""
    taken = [" ".join(one.windows["recourse"]).split() for one in found]
    known = {name: label for name, label in RECOURSES.items() if any(name in mine for mine in taken)}
    rows = []
    for one, recourse in zip(found, taken, strict=True):
        status = one.windows["status"].to_list()
        rows.append((
            one.key, count(len(status)), *(count(status.count(name)) for name in ("solved", "fell_back", "failed")),
            *(count(recourse.count(name)) for name in known),
            number(_effective(one), 1), percent(one.mean("drift")), percent(one.mean("cash")),
            percent(one.mean("shrinkage")), number(one.mean("condition"), 0),
        ))  # fmt: skip
    head = ("decisions and means", "decisions", "solved", "fell back", "failed", *known.values(),
            "effective names", "drift", "cash", "shrinkage", "condition")  # fmt: skip
    return Table(head=head, rows=tuple(rows))


def _projected(found: Sequence[Books], a: int) -> tuple[Block, ...]:
    """Return what limits made of methods that know none; nothing where none of them was moved."""
    rows = []
    for one in found:
        moved, before, after = (one.figure(f"projection_{name}") for name in PROJECTION)
        known = np.isfinite(moved)
        if known.any():
            levels = (math.sqrt(a) * float(each[known].mean()) for each in (before, after))
            rows.append((one.key, count(int(known.sum())), percent(_mean(moved)), *map(percent, levels)))
    if not rows:
        return ()
    head = ("projected onto the limits", "decisions", "moved", "volatility before", "volatility after")
    note = (
        "Means over the decisions at which limits moved the method's own weights: share of the invested capital that "
        "moved, and the volatility a year that the covariance expects of both books if they were invested in full."
    )
    return Table(head=head, rows=tuple(rows)), Text(text=note, tone="note")


def _effective(one: Books) -> float:
    hhi = one.figure("hhi")
    known = hhi[np.isfinite(hhi)]
    return float((1.0 / known).mean()) if len(known) else math.nan


def _volatility(run: RunData, found: Sequence[Books], a: int) -> tuple[Block, ...]:
    """Return expected and realised volatility beside a reference, with a verdict."""
    coins = a == calendar(CRYPTO).periods_per_year
    measured = {cell.key: cell.measures.volatility for cell in run.outcomes}
    rows = []
    for one in found:
        expected, even = (one.mean(f"expected_{name}") * math.sqrt(a) for name in ("volatility", "even_volatility"))
        reference = BANDS.get(one.profile, math.nan) if coins else even
        off = expected / reference - 1.0
        verdict = NOTHING if math.isnan(off) else "within" if abs(off) <= BAND else "above" if off > 0 else "below"
        rows.append((
            one.key, verdict, percent(expected), percent(measured[one.key]), percent(reference), percent(off, 0),
            percent(even),
        ))  # fmt: skip
    head = ("volatility a year", "verdict", "expected", "realised", "reference", "off reference", "equal weights")
    of = "the figure that books of coins by this risk profile are known for" if coins else (
        "what equal weights of the same winners would have"
    )  # fmt: skip
    note = (
        f"Expected is the mean over decisions, with the cash that was held; the reference is {of}. Within: "
        f"at most {BAND:.0%} off that. It is a diagnostic: what a book should be is its risk profile's business."
    ).replace("%", " %")
    return Table(head=head, rows=tuple(rows), texts=2), Text(text=note, tone="note")


def _drift(found: Sequence[Books]) -> tuple[Block, ...]:
    """Return drift by thirds of the pool's entropy (R-RSK-19)."""
    rows = []
    for one in found:
        parts = thirds(one.figure("entropy"))
        if parts is not None:
            means = [percent(_mean(one.figure("drift")[mine])) for mine in parts.values()]
            rows.append((one.key, *means, " / ".join(str(int(mine.sum())) for mine in parts.values())))
    if not rows:
        text = f"Drift by entropy: fewer than {LEAST_WINDOWS} decisions know the mean entropy of their pool."
        return (Text(text=text, tone="note"),)
    head = ("drift where the entropy of the pool was", "low", "middle", "high", "decisions")
    note = "Entropy of the pool: the mean over its names of the entropy of ordinal patterns; high is hard to foretell."
    return Table(head=head, rows=tuple(rows)), Text(text=note, tone="note")


def _same(run: RunData, found: Sequence[Books]) -> tuple[Block, ...]:
    """Return pairs of risk profiles that were the same book, by why; a warning where nothing explains it."""
    same = same_books(run, found)
    if not same:
        return (Text(text="No two risk profiles of an engine were the same book at any decision.", tone="note"),)
    rows = tuple(
        (
            f"{engine}: {pair.first}, {pair.second}",
            count(pair.windows),
            *(count(pair.same.get(why, 0)) for why in (Why.FORCED, Why.FALLBACK, Why.UNEXPLAINED)),
        )
        for engine, pair in same
    )
    table = Table(head=("the same book", "decisions", "forced by limits", "by a fallback", "unexplained"), rows=rows)
    odd = [pair for _, pair in same if pair.same.get(Why.UNEXPLAINED)]
    if not odd:
        return (table,)
    names = "; ".join(dict.fromkeys(f"{pair.first} and {pair.second}" for pair in odd))
    text = f"Convergence anomaly: {names} came to the same weights and neither limits nor a fallback explain it: the "
    return table, Text(text=f"{text}winners are too few or too alike for these aims to differ.", tone="warning")


def _dispersed(run: RunData, found: Sequence[Books]) -> tuple[Block, ...]:
    """Return the losses within windows by thirds of how far names lay apart (R-RSK-23)."""
    rows = []
    for one in found:
        parts = thirds(one.figure("dispersion"))
        if parts is not None:
            lost = depths(run, one)
            cells = (figures for mine in parts.values() for figures in _losses(lost[mine]))
            rows.append((one.key, *cells))
    if not rows:
        text = f"Losses by dispersion: fewer than {LEAST_WINDOWS} windows have one."
        return (Text(text=text, tone="note"),)
    head = ("largest loss within a window", *(f"{part}: {what}" for part in ("low", "middle", "high")
            for what in ("mean", "worst")))  # fmt: skip
    note = (
        "Windows in three thirds by dispersion: the standard deviation of what names of the whole panel earned from "
        "fill to fill. What earns most where names lie far apart may lose most there too."
    )
    return Table(head=head, rows=tuple(rows)), Text(text=note, tone="note")


def _losses(values: Floats) -> tuple[str, str]:
    known = values[np.isfinite(values)]
    return percent(_mean(values)), percent(float(known.max()) if len(known) else None)


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


BOOKS = Section(key="books", title="How the books were made", draw=draw, of_run=True)
