"""What a comparison has to say, as parts with lines and a table each: the same for the terminal and for the page."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tvquant.core.measures import Measures
from tvquant.report.compared_decisions import SAME, DecisionsCompared
from tvquant.report.compared_pools import PoolFigures, SharpeCompared
from tvquant.report.comparison import Change, Comparison, EquityCompared
from tvquant.report.formatting import NOTHING, count, number, percent

MOST = 40
"""Rows of a table; the document has all."""
LONGEST = 120
"""Characters of a value that are shown."""
MEASURES: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("Sharpe", "sharpe", number),
    ("Sharpe, SE", "sharpe_se", number),
    ("CAGR", "cagr", percent),
    ("total return", "total_return", percent),
    ("volatility", "volatility", percent),
    ("max drawdown", "max_drawdown", percent),
    ("mean cash", "mean_cash", percent),
    ("turnover", "mean_turnover", percent),
    ("rows", "n", count),
)
"""Head, field and form of what is shown of a cell."""
POOL = (
    ("candidates", "candidates"),
    ("assets behind them", "assets"),
    ("effective bets among candidates", "pool_bets"),
    ("winners", "winners"),
    ("effective bets among winners", "winner_bets"),
)
"""Head and field of what is shown of a pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part: lines, then a table where there is one; its first `texts` columns are words, the others numbers."""

    key: str
    title: str
    lines: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    texts: int = 1


def parts(found: Comparison) -> tuple[Part, ...]:
    """Return all parts in their order; each says so where nothing differs."""
    return (
        Part(key="runs", title="Runs", head=("", "run", "result", "headline"), texts=4, rows=tuple(
            (name, found.ids[k], _short(found.results[k]), found.headlines[k] or NOTHING) for k, name in enumerate("AB")
        )),
        _parameters(found),
        _data(found),
        _code(found),
        _results(found),
        _equity(found.equity),
        _pools(found.pools, found.sharpe),
        _decisions(found.decisions),
        *([Part(key="unread", title="Not compared", lines=found.unread)] if found.unread else []),
    )  # fmt: skip


def _parameters(found: Comparison) -> Part:
    rows = tuple(
        (one.name, *(text for k in (0, 1) for text in _given(one.values[k], one.layers[k]))) for one in found.parameters
    )
    moved = (f"{found.moved} other keys have the same value, from another layer.",) if found.moved else ()
    head = ("key", "A", "from", "B", "from")
    return Part(key="parameters", title="Parameters", lines=(*_none(rows), *moved), head=head, rows=rows, texts=5)


def _data(found: Comparison) -> Part:
    lines = [f"snapshot A {_short(found.snapshots[0])}, B {_short(found.snapshots[1])}"]
    rows = tuple(
        (one.symbol, *(one.bars[k] or NOTHING for k in (0, 1)), _dates(one.rows)) for one in found.symbols[:MOST]
    )
    if found.snapshots[0] == found.snapshots[1]:
        lines = [f"Nothing differs: snapshot {_short(found.snapshots[0])}."]
    head = ("symbol", "bars of A", "bars of B", "dates that differ")
    lines += _more(len(found.symbols))
    return Part(key="data", title="Data", lines=tuple(lines), head=head, rows=rows, texts=4)


def _dates(rows: tuple[int, str, str] | None) -> str:
    return NOTHING if rows is None else f"{rows[0]:,}, {rows[1]} to {rows[2]}"


def _code(found: Comparison) -> Part:
    digest = Change(name="source files", values=(_short(found.codes[0]), _short(found.codes[1])))
    changes = [digest] if found.codes[0] != found.codes[1] else []
    rows = tuple((one.name, *(value or NOTHING for value in one.values)) for one in (*changes, *found.packages))
    return Part(key="code", title="Code and packages", lines=_none(rows), head=("what", "A", "B"), rows=rows, texts=3)


def _results(found: Comparison) -> Part:
    rows: list[tuple[str, ...]] = []
    alone: tuple[list[str], list[str]] = ([], [])
    same = 0
    for key, (one, other) in found.cells.items():
        if one is None or other is None:
            alone[one is None].append(key)
            continue
        mine = list(_measures(one, other))
        same += not mine
        rows += [(key if not at else "", *row) for at, row in enumerate(mine)]
    lines = [f"{len(found.cells) - sum(map(len, alone))} cells are in both; {same} of them have equal figures."]
    lines += [f"Only in {name}: {', '.join(keys)}." for name, keys in zip("AB", alone, strict=True) if keys]
    head = ("cell", "figure", "A", "B", "B - A")
    return Part(key="results", title="Results", lines=tuple(lines), head=head, rows=tuple(rows), texts=2)


def _measures(first: Measures, second: Measures) -> Iterator[tuple[str, str, str, str]]:
    """Yield the figures that differ, with their difference."""
    for name, field, form in MEASURES:
        one, other = getattr(first, field), getattr(second, field)
        if (one is None) != (other is None) or (one is not None and abs(other - one) > SAME):
            away = NOTHING if one is None or other is None else form(other - one)
            yield name, form(one), form(other), away if away.startswith(("-", NOTHING)) else f"+{away}"


def _equity(found: EquityCompared | None) -> Part:
    if found is None:
        return Part(key="equity", title="Equity of the headlines", lines=("They have no bar in common.",))
    first, second = found.tracks
    alone = f", of {len(first.times):,} of A and {len(second.times):,} of B"
    parted = f"Their returns differ from {found.parted} on." if found.parted else "Their returns are equal on all."
    grown = f"1 became {found.ends[0]:.4f} in A and {found.ends[1]:.4f} in B ({found.ends[1] - found.ends[0]:+.4f})."
    lines = (f"{found.rows:,} bars in common, {found.first} to {found.last}{alone}.", grown, parted)
    return Part(key="equity", title="Equity of the headlines", lines=lines)


def _decisions(found: DecisionsCompared | None) -> Part:
    title = "Decisions of the headlines"
    if found is None:
        return Part(key="decisions", title=title, lines=("They cannot be compared.",))
    lines = [f"{found.shared} on the same dates, {found.differ} of them differ."]
    if any(found.alone):
        lines.append(f"{found.alone[0]} dates are only in A, {found.alone[1]} only in B.")
    at = found.parting
    if at is None:
        return Part(key="decisions", title=title, lines=tuple(lines))
    lines.append(f"The first that differs is of {at.decided_at} (window {at.windows[0]} of A, {at.windows[1]} of B).")
    held = [
        *((name, None, weight) for name, weight in at.entered.items()),
        *((name, weight, None) for name, weight in at.left.items()),
        *((name, one, other) for name, (one, other) in at.moved.items()),
    ]
    rows = tuple(
        (name, percent(one, 2), percent(other, 2), f"{100 * ((other or 0.0) - (one or 0.0)):+.2f} %")
        for name, one, other in held[:MOST]
    )
    lines += _more(len(held))
    return Part(key="decisions", title=title, lines=tuple(lines), head=("holding", "A", "B", "B - A"), rows=rows)


def _pools(found: tuple[PoolFigures | None, PoolFigures | None], sharpe: SharpeCompared) -> Part:
    """Return candidates, winners and bets of both, and what it came to."""
    first, second = found
    rows = tuple(
        (name, *(number(None if one is None else getattr(one, field), 1) for one in found)) for name, field in POOL
    )
    lines = [in_words(sharpe)]
    if first is not None and second is not None:
        counts = (
            f"{first.decisions:,}"
            if first.decisions == second.decisions
            else (f"{first.decisions:,} of A and {second.decisions:,} of B")
        )
        lines.append(f"The table has means over {counts} decisions; atoms of one asset go together wholly.")
    known = any(one is not None for one in found)
    head = ("per decision", "A", "B")
    return Part(key="pools", title="Pools of the headlines", lines=tuple(lines), head=head, rows=rows if known else ())


def in_words(sharpe: SharpeCompared) -> str:
    """Return the difference of two Sharpe ratios with its interval, and whether it is told from chance."""
    found = sharpe.found
    if found is None:
        return f"The Sharpe ratios are not compared: {sharpe.why}."
    told = (
        "which has 0 in it: no gain and no loss is shown"
        if found.low <= 0.0 <= found.high
        else ("so B is better" if found.low > 0.0 else "so A is better")
    )
    return (
        f"Sharpe {number(found.second)} in A and {number(found.first)} in B on {found.rows:,} shared rows: B - A is "
        f"{found.difference:+.2f}, between {found.low:+.2f} and {found.high:+.2f} at {found.confidence:.0%}, {told}."
    )


def _none(rows: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    return () if rows else ("Nothing differs.",)


def _more(total: int) -> list[str]:
    return [f"{MOST} of {total:,} are shown; --json has all."] if total > MOST else []


def _short(digest: str | None) -> str:
    return NOTHING if digest is None else digest[:16]


def _given(value: Any, layer: str | None) -> tuple[str, str]:
    """Return a parameter's value and layer; dashes where the run has no such key."""
    return (NOTHING, NOTHING) if layer is None else (_value(value), layer)


def _value(value: Any) -> str:
    """Return a value as a profile would have it, on one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
