"""From the mix of the streams to the account, in parts that add up exactly.

All parts are fractions of the starting capital, over the whole span from the first meta decision on. The mix holds the
sleeves' streams, restored at every meta decision at that very close and at no cost; the account holds instruments.

1. `mix`: what the mix earned.
2. `netting`: what orders of several sleeves cost less together than each for itself, at the sizes of the account, and
   what positions cost less to carry together (borrow, overdraft, funding, impact).
3. `costs`: what the mix does not pay: entering, and restoring shares. It is what the mix paid for its sleeves' trades
   less what the account paid for its own and saved by netting; negative where the account paid more. What was closed
   unordered is in both.
4. `caps`: what the account earned beyond one of the same decisions before caps.
5. `timing`: the mix is restored at the close, the account at its fills: what prices do in between, with dividends;
   and of several calendars, what sleeves would have been on the rows of the account less what their streams were.
6. `rest`: what these do not explain: sizes that go by another equity than the mix's, collateral of shorts that is
   posted anew at the account's own fills, interest on cash that no sleeve has, rules that change orders (bands, lots,
   halts), and another simulator than the referee.
7. `account`: what the account earned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tvquant.core.books import CostModel, Execution, SimResult, WeightPath
from tvquant.core.panel import Floats, Panel, units_of
from tvquant.core.sleeves import Sleeve
from tvquant.simulation.preflight import decisions_filled, delay
from tvquant.simulation.quotes import market_of
from tvquant.tournament.sleeves.flattening import Numbers, Tree
from tvquant.tournament.sleeves.join import Joined
from tvquant.tournament.sleeves.netting import NettedBook
from tvquant.tournament.sleeves.replicas import OwnBook, on_all_rows, played, replicas
from tvquant.tournament.sleeves.shares import MetaPath, mix_levels

PARTS = ("mix", "netting", "costs", "caps", "timing", "rest", "account")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What the account earned beside the mix, in parts; see the module."""

    mix: float
    netting: float
    costs: float
    caps: float
    timing: float
    account: float

    @property
    def rest(self) -> float:
        """What the other parts leave."""
        return self.account - self.mix - self.netting - self.costs - self.caps - self.timing

    @property
    def table(self) -> dict[str, list[str] | list[float]]:
        """Columns `part` and `value`, from the mix to the account."""
        return {"part": list(PARTS), "value": [getattr(self, name) for name in PARTS]}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mixed:
    """A meta path, its sleeves and their streams at common dates."""

    sleeves: Sequence[Sleeve]
    joined: Joined
    path: MetaPath


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """A netted book as it was settled: its panel, the rules of its book, and what became of it."""

    book: NettedBook
    panel: Panel
    costs: CostModel
    execution: Execution
    result: SimResult


def gap(mixed: Mixed, kept: Kept) -> Gap:
    """Return the parts between the mix of the streams and a settled account.

    Raises
    ------
    ModelError : the account without caps, or a sleeve by itself, cannot be kept on these rows.
    """
    panel, execution = kept.panel, kept.execution
    tree, rows = kept.book.tree, np.array([one.row for one in kept.book.rebalances], dtype=np.int64)
    free = _path(panel, tree, tree.sign * tree.asked, rows)
    uncapped = played(panel, free, kept.costs, execution)
    capped = uncapped
    if (tree.size != tree.asked).any():
        capped = played(panel, _path(panel, tree, tree.weight, rows), kept.costs, execution)
    ours = on_all_rows(panel, uncapped, np.arange(len(panel.instruments)))
    own = replicas(mixed.sleeves, panel, kept.costs, execution)
    replayed = _Replayed.of(mixed.path, own, panel)
    orders = _orders(kept, uncapped, ours, rows)
    streams = float(mix_levels(mixed.joined, mixed.path)[-1])
    late = replayed.levels[-1] - streams if any(one.calendar != panel.calendar for one in mixed.sleeves) else 0.0
    return Gap(
        mix=streams - 1.0,
        netting=orders.apart - orders.together + float(replayed.paid("carried") - ours.carried.sum()),
        costs=float(replayed.paid("house") - ours.house.sum()) - (orders.apart - orders.together),
        caps=_earned(capped) - _earned(uncapped),
        timing=late + replayed.until_filled(ours, panel, execution),
        account=_earned(kept.result),
    )


def _earned(result: SimResult) -> float:
    return float(result.equity[-1]) - 1.0


def _path(panel: Panel, tree: Tree, signed: Floats, rows: Numbers) -> WeightPath:
    """Return the net weights of contributions (E) at the account's decisions."""
    names = len(panel.instruments)
    net = np.bincount(tree.cell(names), signed, len(rows) * names).reshape(len(rows), names)
    return WeightPath(keys=panel.keys, decided=rows, net=net)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Replayed:
    """The mix of replicas on the T rows of the account.

    Parameters
    ----------
    rows : D of the meta decisions.
    units : D x K, how many of each sleeve's starting capitals are held from each on.
    levels : T of the mix, 1 at the first decision and before it.
    """

    own: tuple[OwnBook, ...]
    rows: Numbers
    units: Floats
    levels: Floats

    @classmethod
    def of(cls, path: MetaPath, own: tuple[OwnBook, ...], panel: Panel) -> "_Replayed":
        """Return the mix of replicas, restored at every meta decision."""
        rows = np.searchsorted(panel.times, path.times).astype(np.int64)
        worth = np.column_stack([one.level for one in own])
        levels, units = np.ones(len(worth)), np.zeros((len(rows), len(own)))
        for k, (row, end) in enumerate(pairwise([*rows.tolist(), len(worth) - 1])):
            given, before = path.weights[k], worth[row]
            units[k] = levels[row] * np.where(before > 0.0, given / np.where(before > 0.0, before, 1.0), 0.0)
            levels[row : end + 1] = levels[row] * (1.0 - given.sum()) + worth[row : end + 1] @ units[k]
        return cls(own=own, rows=rows, units=units, levels=levels)

    def paid(self, kind: str) -> float:
        """Return what the mix paid of a kind of costs since the first meta decision."""
        amounts = np.column_stack([getattr(one, kind) for one in self.own])
        ends = [*self.rows[1:].tolist(), len(amounts) - 1]
        spans = zip(self.rows.tolist(), ends, self.units, strict=True)
        return float(sum((amounts[row + 1 : end + 1] @ units).sum() for row, end, units in spans))

    def until_filled(self, ours: OwnBook, panel: Panel, execution: Execution) -> float:
        """Return what prices did between meta decisions and their fills, to what was not yet held as the mix holds it.

        That is the account's holdings at the decision less those of the mix, times the way to the fill.
        """
        wait, total = delay(execution), 0.0
        prices = _Prices.of(panel, execution)
        for row, units in zip(self.rows.tolist(), self.units, strict=True):
            if row + wait < len(panel.times):
                mixed = sum(u * one.quantities[row] for u, one in zip(units, self.own, strict=True))
                total += float((ours.quantities[row] - mixed) @ prices.way(row, row + wait))
        return total


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Prices:
    """What names are worth: T x N marks, prices of fills, what one unit has become and been paid; where a bar is."""

    marks: Floats
    fills: Floats
    units: Floats
    paid: Floats
    there: np.ndarray

    @classmethod
    def of(cls, panel: Panel, execution: Execution) -> "_Prices":
        """Return the prices of a panel by the convention."""
        marks = market_of(panel, None, halt_limit=execution.halt_limit, open_fills=None).marks
        fills = marks
        if execution.at_open:
            opens = panel.fields["open"]
            fills = np.where(opens > 0.0, opens, marks)
        split = panel.fields.get("split")
        units = np.ones_like(marks) if split is None else units_of(split)
        dividend = panel.fields.get("dividend")
        paid = np.zeros_like(marks) if dividend is None else np.cumsum(np.nan_to_num(dividend) * units, axis=0)
        return cls(marks=marks, fills=fills, units=units, paid=paid, there=panel.tradable)

    def way(self, decided: int, filled: int) -> Floats:
        """Return what a unit of each name at a decision earns until the fill (N)."""
        worth = self.fills[filled] * self.units[filled] + self.paid[filled] - self.paid[decided]
        return np.where(self.marks[decided] > 0.0, worth / self.units[decided] - self.marks[decided], 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Orders:
    """House cost of the account's orders, were each sleeve to place its own, and placed together."""

    apart: float
    together: float


def _orders(kept: Kept, result: SimResult, ours: OwnBook, rows: Numbers) -> _Orders:
    """Return what the orders of an account without caps cost, by what each sleeve wants to hold at each fill."""
    panel, execution, tree = kept.panel, kept.execution, kept.book.tree
    prices, sleeves, names = _Prices.of(panel, execution), len(kept.book.sleeves), len(panel.instruments)
    ends, wait = tree.ends(len(rows)), delay(execution)
    held, since = np.zeros((sleeves, names)), int(result.filled[0])
    apart = together = 0.0
    for fill, (row, k) in enumerate(
        zip(result.filled.tolist(), decisions_filled(rows, result.filled, execution).tolist(), strict=True)
    ):
        own, mark = slice(ends[k], ends[k + 1]), row - wait
        equity = float(result.fill_equity[fill]) if wait == 0 else float(ours.level[mark])
        wanted = np.zeros((sleeves, names))
        np.add.at(wanted, (tree.sleeve[own], tree.column[own]), (tree.sign * tree.asked)[own])
        units = prices.units[row] / np.where(prices.marks[mark] > 0.0, prices.marks[mark] * prices.units[mark], 1.0)
        wanted *= (1.0 - execution.buffer) * equity * units
        held = held * (prices.units[row] / prices.units[since])
        wanted = np.where(prices.there[row], wanted, held)
        rate = _rate(kept.costs, result, fill) * prices.fills[row]
        apart += float((np.abs(wanted - held) * rate).sum())
        together += float((np.abs((wanted - held).sum(axis=0)) * rate).sum())
        held, since = wanted, row
    return _Orders(apart=apart, together=together)


def _rate(costs: CostModel, result: SimResult, fill: int) -> float | Floats:
    """Return slippage and commission of a fill per value, of each name where they differ."""
    if result.rates is None:
        return costs.per_notional
    found: Floats = result.rates.slippage[fill] + result.rates.commission[fill]
    return found
