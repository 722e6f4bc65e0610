"""Attribution to atoms: what each of them brought from one fill to the next, and what it cost, adding up to the return.

1. An atom orders weight x sign x gate of its asset; weights become quantities at the decision mark, and go through
   splits until the fill. What opposite atoms of one asset order cancels in the book and not here.
2. From its fill to the next one a unit of an asset earns the change of its price and its dividends; where the book's
   position was closed before, it earns to the price of that. An atom brings its quantity times this.
3. What the book held else than was ordered (orders not filled, cut to lots, left in bands) is `execution`, by name.
4. Costs of a fill are shared by what each atom traded of the name; those of a close-out by what each held; borrow fees
   and funding among the atoms on the side that the book is on. Interest and yield are of cash, so of no
   name.
5. All is money first, so that windows of many fills add up; then it is divided by the equity at the window's fill.
6. Of a span that ends in the row of ruin, what atoms and costs do not explain is `execution` of no name: the loss
   beyond the equity, which nobody pays.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tvquant.core.books import EventKind, Execution, SimResult
from tvquant.core.panel import Floats, Panel, frozen
from tvquant.simulation.accruals import CLOSED, OF_CASH, Accruals
from tvquant.simulation.preflight import delay
from tvquant.tournament.path_holdings import PathHoldings, first_fills, restored
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.trades import ROUNDING, Trades

if TYPE_CHECKING:
    from tvquant.simulation.account import PriceRows

ATOM, EXECUTION, CASH = "atom", "execution", "cash"
"""Parts of a book's return."""
CARRIED = frozenset({"borrow", "funding"})
"""Costs of holding a name; all others of a name are of trading it."""

ALL = slice(None)

type Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ordered:
    """What A atoms ordered at F fills.

    Parameters
    ----------
    labels : (atom, symbol, logic, direction) of each atom.
    name : A column numbers of their assets.
    quantity : F x A units at the fill.
    traded : F x A units by which that differs from the fill before.
    """

    labels: tuple[tuple[str, str, str, str], ...]
    name: Integers
    quantity: Floats
    traded: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spans:
    """A book between its fills: F of them, N names.

    Parameters
    ----------
    decision : number of the rebalance that each fill restores.
    decided, filled : rows of the panel.
    sized : F equities that weights were turned into quantities on.
    level : F + 1 equities at the fills before their costs, and at the end.
    units, marks : T x N units that one unit of the first row has become by splits, and prices.
    held, earned : units held after the fill, and what one of them earned until the next fill (F x N).
    kept, late : units held before a fill at the open of a name that waits for the close, and what one of them earned
        until then (F x N; 0 where none waits).
    ruined : numbers of those that end in the row of ruin: the last, and the one before where a fill was in that row.
    """

    decision: Integers
    decided: Integers
    filled: Integers
    sized: Floats
    level: Floats
    units: Floats
    marks: Floats
    held: Floats
    earned: Floats
    kept: Floats
    late: Floats
    ruined: tuple[int, ...]


def attribution(paid: Accruals, rebalances: Sequence[Rebalance], made: Trades) -> Mapping[str, Any]:
    """Return what atoms brought by window; empty columns where no rebalance has atoms.

    Columns `decision` (number of the rebalance), `part`, `atom`, `symbol`, `logic`, `direction`, `gross`, one per kind
    of cost (positive where paid), `net`: fractions of the equity at the window's first fill; and that equity (`level`),
    by which they are fractions of the starting capital, which add up to the total return.
    """
    panel, result = paid.panel, paid.result
    kinds = paid.kinds
    if not PathHoldings.of(panel, rebalances).winners.any() or not len(result.filled):
        return _columns([], {}, kinds)
    of = spans(paid, rebalances)
    asked = ordered(panel, of, paid.execution, rebalances)
    gross, execution = _brought(of, asked)
    shares = Shares.of(of, asked)
    costs = {kind: _costs(paid, of, shares, made, kind) for kind in kinds if result.costs[kind].any()}
    unexplained = np.zeros((len(of.filled), 1))
    for k in of.ruined:
        execution[k] = 0.0
        known = gross[k].sum() - sum(float(block[k].sum()) for block in costs.values())
        unexplained[k] = of.level[k + 1] - of.level[k] - known
    first = first_fills(of.decision)
    level = of.level[first]
    nothing = np.zeros_like(unexplained)
    blocks = {"gross": np.hstack([gross, execution, unexplained, nothing])}
    for kind, cost in costs.items():  # what is of no name is of cash, or of the row of ruin
        last = (nothing, cost[:, -1:]) if kind in OF_CASH else (cost[:, -1:], nothing)
        blocks[kind] = np.hstack([cost[:, :-1], *last])
    windows = {name: np.add.reduceat(block, first, axis=0) / level[:, None] for name, block in blocks.items()}
    labels = [(ATOM, *one) for one in asked.labels] + [(EXECUTION, "", key, "", "") for key in (*panel.keys, "")]
    labels.append((CASH, "", "", "", ""))
    return _columns(labels, windows | {"level": level, "decision": of.decision[first]}, kinds)


def _columns(labels: Sequence[tuple[str, ...]], windows: Mapping[str, Any], kinds: Sequence[str]) -> dict[str, Any]:
    """Return one row per window and label that has anything."""
    heads = ("part", "atom", "symbol", "logic", "direction")
    if not labels:
        nothing = pl.Series([], dtype=pl.String)
        return {"decision": np.empty(0, np.int64), **dict.fromkeys(heads, nothing),
                **{name: np.empty(0) for name in ("gross", *kinds, "net", "level")}}  # fmt: skip
    amounts = [name for name in ("gross", *kinds) if name in windows]
    there = np.any([windows[name] != 0.0 for name in amounts], axis=0)
    window, label = np.nonzero(there)
    at: list[int] = label.tolist()
    found = {name: windows[name][window, label] for name in amounts}
    return {
        "decision": windows["decision"][window],
        **{
            head: pl.Series([words[k] for k in at], dtype=pl.String)
            for head, words in zip(heads, zip(*labels, strict=True), strict=True)
        },
        **{kind: np.zeros(len(window)) for kind in kinds},
        **found,
        "net": found["gross"] - np.sum([found[kind] for kind in amounts[1:]], axis=0),
        "level": windows["level"][window],
    }


def spans(paid: Accruals, rebalances: Sequence[Rebalance]) -> Spans:
    """Return the book between its fills."""
    panel, result, execution = paid.panel, paid.result, paid.execution
    filled, first = result.filled, len(panel.times) - len(result.times)
    market, units, dividends = _history(panel, execution.halt_limit)
    split = _field(panel, "split", 1.0, filled)
    price = market.marks[filled]
    if paid.execution.at_open:
        opens = panel.fields["open"][filled]
        there = market.priced[filled] & (opens > 0.0)
        price = np.where(there, opens, market.marks[filled - 1] / split)
    end = np.append(filled[1:], len(panel.times) - 1)
    at_end = np.vstack([price[1:], market.marks[-1:]])
    rows = filled - first
    waits = paid.late()[rows]
    starts = np.where(waits, market.marks[filled], price)
    until = starts.copy()
    for interval, row, name, closed in _closings(paid):
        if row == filled[interval] and waits[interval, name]:
            until[interval, name] = closed
            continue
        worth = units[row, name] * closed + dividends[row, name] - dividends[end[interval], name]
        at_end[interval, name] = worth / units[end[interval], name]
    earned = (units[end] * at_end + dividends[end] - dividends[filled]) / units[filled] - starts
    kept = np.where((rows > 0)[:, None], result.quantities[rows - 1] * split, 0.0)
    held = result.quantities[rows]
    if paid.execution.at_open:
        held = np.where(waits, held, paid.held_at_close[rows])
    return Spans(
        decision=restored(rebalances, filled, execution),
        decided=filled - delay(execution),
        filled=filled,
        sized=_sized(result, filled - delay(execution), first),
        level=np.append(result.fill_equity, result.equity[-1]),
        units=units,
        marks=market.marks,
        held=held,
        earned=earned,
        kept=np.where(waits, kept, 0.0),
        late=until - price,
        ruined=_ruined(paid, end),
    )


@lru_cache(maxsize=1)  # every cell asks for it
def _history(panel: Panel, halt_limit: int) -> tuple["PriceRows", Floats, Floats]:
    """Return the market of a panel, the units that one has become and the dividends that one has brought (T x N)."""
    from tvquant.simulation import quotes

    units = np.cumprod(_field(panel, "split", 1.0), axis=0)
    dividends = np.cumsum(units * _field(panel, "dividend", 0.0), axis=0)
    market = quotes.market_of(panel, None, halt_limit=halt_limit, open_fills=None)
    return market, frozen(units), frozen(dividends)


def ordered(panel: Panel, of: Spans, execution: Execution, rebalances: Sequence[Rebalance]) -> Ordered:
    """Return what atoms ordered at each fill."""
    atoms = PathHoldings.of(panel, rebalances).atoms
    name = atoms.name
    price = of.marks[of.decided][:, name]
    through = (of.units[of.filled] / of.units[of.decided])[:, name]
    money = atoms.size[of.decision] * (1.0 - execution.buffer) * of.sized[:, None]
    quantity = np.divide(money * through, price, out=np.zeros_like(money), where=price > 0.0)
    traded = quantity.copy()
    traded[1:] -= quantity[:-1] * (of.units[of.filled[1:]] / of.units[of.filled[:-1]])[:, name]
    return Ordered(labels=atoms.labels, name=name, quantity=quantity, traded=traded)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shares:
    """Which part of a name's cost is of which atom (F x A each; over the atoms of a name they are 1, or all 0).

    Parameters
    ----------
    name, asset : A column numbers of the names; A x N, 1 where the atom is of the name.
    traded, held, carried : by what atoms traded, by what they held, and by what those on the book's side held.
    """

    name: Integers
    asset: Floats
    traded: Floats
    held: Floats
    carried: Floats

    @classmethod
    def of(cls, of: Spans, asked: Ordered) -> Self:
        """Return the shares of all fills."""
        asset = _asset(of, asked)
        side = asked.quantity * np.sign(of.held)[:, asked.name]
        found = [_normal(size, asset, asked.name) for size in
                 (np.abs(asked.traded), np.abs(asked.quantity), np.maximum(side, 0.0))]  # fmt: skip
        return cls(name=asked.name, asset=asset, traded=found[0], held=found[1], carried=found[2])

    def share(self, cost: Floats, by: Floats) -> Floats:
        """Return a cost by name (F x N) as F x (A + N): by atom, and by name where no atom shares it."""
        atoms = cost[:, self.name] * by
        left = np.where((by @ self.asset) > 0.0, 0.0, cost)
        return np.hstack([atoms, left])


def _asset(of: Spans, asked: Ordered) -> Floats:
    asset = np.zeros((len(asked.labels), of.held.shape[1]))
    asset[np.arange(len(asset)), asked.name] = 1.0
    return asset


def _normal(size: Floats, asset: Floats, name: Integers) -> Floats:
    """Return sizes (F x A) over their sums by name; 0 where a name has none."""
    whole = (size @ asset)[:, name]
    return np.divide(size, whole, out=np.zeros_like(size), where=whole > 0.0)


def _brought(of: Spans, asked: Ordered) -> tuple[Floats, Floats]:
    """Return money that atoms brought (F x A), and what was held beside their orders (F x N)."""
    asset, before = _asset(of, asked), asked.quantity - asked.traded
    brought = asked.quantity * of.earned[:, asked.name] + before * of.late[:, asked.name]
    waiting = np.where(of.late != 0.0, of.kept - before @ asset, 0.0)
    beside = of.held - asked.quantity @ asset
    nothing = ROUNDING * of.level[:-1, None]
    for left in (beside, waiting):
        left[np.abs(left) * of.marks[of.filled] <= nothing] = 0.0
    return brought, beside * of.earned + waiting * of.late


def _costs(paid: Accruals, of: Spans, shares: Shares, made: Trades, kind: str) -> Floats:
    """Return one kind of cost as money (F x (A + N + 1))."""
    if kind in OF_CASH or kind in CARRIED:
        cost = _accrued(paid, of, kind)
        return np.hstack([shares.share(cost[:, :-1], shares.carried), cost[:, -1:]])
    ordered, closed = (np.zeros((len(of.filled), len(paid.panel.keys))) for _ in range(2))
    side: Literal["left", "right"] = "right" if paid.execution.at_open else "left"
    paid_for, by_fill = getattr(made, kind), made.fill >= 0
    ordered[made.fill[by_fill], made.name[by_fill]] = paid_for[by_fill]
    span = np.searchsorted(of.filled, made.row[~by_fill], side=side) - 1
    np.add.at(closed, (span, made.name[~by_fill]), paid_for[~by_fill])
    none = np.zeros((len(of.filled), 1))
    if (end := paid.end) is not None:
        none[-1] = paid.result.costs[kind][end]
    shared = shares.share(ordered, shares.traded) + (0.0 if by_fill.all() else shares.share(closed, shares.held))
    return np.hstack([shared, none])


def _accrued(paid: Accruals, of: Spans, kind: str) -> Floats:
    """Return a cost of holding by span (F x (N + 1)); of no name in the last column.

    What a row owes for the time before it is of the span before a fill in it; so is funding until the open, and where
    fills are at the close all of it.
    """
    rows = np.arange(len(paid.panel.times) - len(paid.result.times), len(paid.panel.times))
    early = ledger = paid.of(kind)
    if kind == "funding":
        early = np.zeros_like(ledger)
        early[:, :-1] = paid.funding[0]
        if (end := paid.end) is not None:
            early[end, -1] = early[end, :-1].sum()
            early[end, :-1] = early[end + 1 :] = 0.0
    before = np.searchsorted(of.filled, rows, side="left") - 1
    after = np.searchsorted(of.filled, rows, side="right") - 1 if paid.execution.at_open else before
    cost = np.zeros((len(of.filled), ledger.shape[1]))
    np.add.at(cost, np.maximum(before, 0), early)  # nothing is owed before the first fill
    np.add.at(cost, np.maximum(after, 0), ledger - early)
    return cost


def _ruined(paid: Accruals, end: Integers) -> tuple[int, ...]:
    """Return numbers of spans that end in the row of ruin, by their end rows; not one that a fill at the open ends."""
    if paid.end is None:
        return ()
    row = len(paid.panel.times) - len(paid.result.times) + paid.end
    found: list[int] = np.flatnonzero(end >= row).tolist()
    return tuple(found[-1:] if paid.execution.at_open else found)


def _closings(paid: Accruals) -> Iterator[tuple[int, int, int, float]]:
    """Yield span, row of the panel, column and price of each position that was closed and nobody ordered it."""
    place, filled = {key: j for j, key in enumerate(paid.panel.keys)}, paid.result.filled
    for event in paid.result.events:
        if event.kind in CLOSED:
            name = place[event.key]
            early = (
                event.kind is EventKind.COLLATERAL_LOST
                and paid.execution.at_open
                and paid.panel.fields["open"][event.row, name] >= event.price
            )
            side: Literal["left", "right"] = "right" if paid.execution.at_open and not early else "left"
            yield int(np.searchsorted(filled, event.row, side=side)) - 1, event.row, name, event.price


def _sized(result: SimResult, decided: Integers, first: int) -> Floats:
    """Return the equity at each decision; 1 before the book began, that of the fill where both are one step."""
    at = decided - first
    before = np.where(at < 0, 1.0, result.equity[np.maximum(at, 0)])
    return np.where(decided == result.filled, result.fill_equity, before)


def _field(panel: Panel, name: str, none: float, rows: Integers | slice = ALL) -> Floats:
    """Return rows of a field of the panel, `none` where there is nothing."""
    if name not in panel.fields:
        return np.full((len(panel.times[rows]), len(panel.keys)), none)
    values = panel.fields[name][rows]
    return np.where(np.isnan(values), none, values)
