"""A book row by row on somebody else's account: what is ordered of it, and what the house's rules add beside it.

The engine fills orders, charges the fee of each, keeps balance and positions. The phases of a row follow the order of
events of `simulation/kernel.py`:

1. `open` (rows that are filled at the open): accrual, dividends; shorts whose collateral is lost at the opening price.
2. `fill_at_open`.
3. `mark`: accrual and dividends where 1 was not played; funding on the mark; collateral; close-outs; the margin call.
4. `fill_at_close`, before which a decision is sized that is filled in this very step; under fills at the open
   `fill_late`, of names that have never had one.
5. `settle`: equity, ruin, the next decision, what is owed; the row is written.

Between two phases the engine carries out what was ordered. What the house closes at a price of its own the engine
closes at its own price, with its fee: the differences are cash beside the account.
"""

from typing import Protocol

import numpy as np

from tvquant.core.books import EventKind
from tvquant.core.panel import Bools, Floats
from tvquant.simulation.account import LOST_AT, ROUNDING
from tvquant.simulation.library_books import Plan
from tvquant.simulation.order_rules import WHOLE
from tvquant.simulation.simulators.nautilus.beside import Beside
from tvquant.simulation.simulators.nautilus.diary import Diary
from tvquant.simulation.simulators.nautilus.rules import Contracts, Rules


class Engine(Protocol):
    """An account at the engine, in fractions of the starting capital and in contracts."""

    held: Floats
    """N contracts; an order changes them when it is filled, before the next phase at the latest."""
    fees: float
    """What fills have cost since the book began, those of `close` left out."""
    refunds: float
    """What fills of `close` have cost since the engine began."""

    def worth(self, prices: Floats) -> float:
        """Return balance and unrealised gains at these prices."""
        ...

    def bring(self, column: int, contracts: float, price: float) -> None:
        """Order what brings a holding to a number of contracts, due at the price in force."""
        ...

    def close(self, column: int, price: float) -> None:
        """Order what closes a holding, due at the price in force, at no cost to the book."""
        ...


class Play:
    """One book while it is played; `alive` until it is ruined."""

    def __init__(self, plan: Plan, contracts: Contracts, rules: Rules, diary: Diary) -> None:
        self.plan, self.market, self.contracts, self.rules, self.diary = plan, plan.market, contracts, rules, diary
        self.beside = Beside(plan, contracts, rules, diary)
        self.alive, self.fees, self.decisions = True, 0.0, 0
        self.limit = np.full(len(plan.instruments), np.inf)
        """Price of a contract at which a short has lost its collateral; infinite where there is none."""
        self.targets: dict[int, Floats] = {}
        """Contracts (N) of each order that waits for its fill; NaN where nothing is ordered."""
        self.deferred = np.full(len(self.limit), np.nan)
        """Contracts (N) that wait for the close of the row."""

    def worth(self, engine: Engine, prices: Floats) -> float:
        """Return equity at these prices."""
        return engine.worth(prices) + engine.refunds + self.beside.cash

    def open(self, t: int, engine: Engine) -> None:
        """Play what comes before a fill at the open."""
        self.beside.begin(t, engine.held)
        self._close_lost(t, engine, self._opening_prices(t))

    def fill_at_open(self, t: int, engine: Engine) -> None:
        """Fill at opening prices; a name without one keeps what it has."""
        prices, late = self._opening_prices(t), self.plan.late
        equity = self.worth(engine, prices)
        if equity <= ROUNDING * self.diary.before(t):
            self._liquidate(t, equity)
            return
        target = self.targets.pop(len(self.diary.fills))
        if len(late):
            self.deferred, target = np.where(late[t], target, np.nan), np.where(late[t], np.nan, target)
        can = self.market.priced[t] & (self.market.opens[t] > 0.0)
        self.diary.fill(equity, *self._fill(t, engine, target, prices, can, equity))

    def fill_late(self, t: int, engine: Engine) -> None:
        """Fill at the mark what was ordered of names that have not had an open so far."""
        equity = self.worth(engine, self.contracts.marks[t])
        if equity > ROUNDING * self.diary.before(t):
            done = self._fill(t, engine, self.deferred, self.contracts.marks[t], self.market.priced[t], equity)
            self.diary.fill_late(*done)

    def mark(self, t: int, engine: Engine) -> None:
        """Play what a row's close brings before any order is filled at it."""
        if t < self.plan.first:
            return
        self.beside.begin(t, engine.held)
        self.beside.fund(t, engine.held)
        gone = self._close_lost(t, engine, self.contracts.marks[t])
        if len(self.market.ends) and self.market.ends[t].any():
            self._close_out(t, engine, gone)
        if self.rules.margin > 0.0:
            self._call_margin(t, engine, gone)

    def fill_at_close(self, t: int, engine: Engine) -> None:
        """Fill at the mark; a name without a bar keeps what it has."""
        marks = self.contracts.marks[t]
        equity = self.worth(engine, marks)
        if self.plan.at_once:
            self._decide(t, engine.held, equity)
        if equity > ROUNDING * self.diary.before(t):
            target = self.targets.pop(len(self.diary.fills))
            self.diary.fill(equity, *self._fill(t, engine, target, marks, self.market.priced[t], equity))

    def settle(self, t: int, engine: Engine) -> None:
        """Take stock of a row after everything in it, and size what is decided at its close."""
        marks, diary, out = self.contracts.marks[t], self.diary, t - self.plan.first
        equity = self.worth(engine, marks)
        self._book_fees(t, engine)
        if equity <= ROUNDING * diary.before(t):
            self._liquidate(t, equity)
            return
        if not self.plan.at_once:
            self._decide(t, engine.held, equity)
        values = engine.held * marks
        owed = self.beside.take_stock(values, equity)
        if out >= 0:
            diary.returns[out] = equity / diary.before(t) - 1.0
            diary.equity[out], diary.cash[out], diary.owed[out] = equity, equity - values.sum(), owed
            diary.quantities[out] = engine.held * self.contracts.units[t]

    def _book_fees(self, t: int, engine: Engine) -> None:
        """Book what fills have cost since the last row as the two parts of the house's cost."""
        paid, self.fees = engine.fees - self.fees, engine.fees
        if paid:
            self.diary.charge(t, "slippage", paid * self.rules.slippage / self.rules.fee)
            self.diary.charge(t, "commission", paid * self.rules.commission / self.rules.fee)

    def _opening_prices(self, t: int) -> Floats:
        """Return prices of the open, the last mark where there is none."""
        opens = self.contracts.opens[t]
        prices: Floats = np.where(self.market.priced[t] & (opens > 0.0), opens, self.contracts.marks[t - 1])
        return prices

    def _close_lost(self, t: int, engine: Engine, prices: Floats) -> Bools:
        """Close shorts that have lost their collateral, at the price where it had just lost it; return which."""
        lost: Bools = (engine.held != 0.0) & (prices >= self.limit)
        for j in np.flatnonzero(lost).tolist():
            held, price = float(engine.held[j]), float(self.limit[j])
            self.beside.cash += held * (price - float(prices[j]))
            self._note(t, j, EventKind.COLLATERAL_LOST, held * price / self.diary.before(t), price)
            self.limit[j] = np.inf
            engine.close(j, float(prices[j]))
        return lost

    def _close_out(self, t: int, engine: Engine, gone: Bools) -> None:
        """Close what cannot be traded any more on the bad side of its last price, and add it to what is `gone`."""
        marks = self.contracts.marks[t]
        equity = self.worth(engine, marks)
        if equity > ROUNDING * self.diary.before(t):
            ended = self.market.ends[t] & ~gone & (engine.held != 0.0)
            sides = np.where(engine.held > 0.0, 1.0 - self.rules.haircut, 1.0 + self.rules.haircut)
            self._force(t, engine, EventKind.CLOSED_OUT, np.minimum(marks * sides, self.limit), ended, equity)
            gone |= ended

    def _call_margin(self, t: int, engine: Engine, gone: Bools) -> None:
        """Close everything at its mark where equity is below the maintenance margin of gross; what was ordered lapses.

        Of `gone` names the engine may still hold what it was told to close.
        """
        marks, before = self.contracts.marks[t], self.diary.before(t)
        equity, left = self.worth(engine, marks), ~gone & (engine.held != 0.0)
        gross = float((np.abs(engine.held) * marks)[left].sum())
        if ROUNDING * before < equity < self.rules.margin * gross:
            self._force(t, engine, EventKind.MARGIN_CALL, marks, left, before)
            self.targets = {k: np.zeros_like(target) for k, target in self.targets.items()}
            self.deferred = np.zeros_like(self.deferred)

    def _force(self, t: int, engine: Engine, kind: EventKind, prices: Floats, which: Bools, equity: float) -> None:
        """Close names at prices of the house and at its cost; values are noted as fractions of `equity`."""
        for j in np.flatnonzero(which).tolist():
            held, price, mark = float(engine.held[j]), float(prices[j]), float(self.contracts.marks[t, j])
            self.diary.charge(t, "slippage", self.rules.slippage * abs(held * price))
            self.diary.charge(t, "commission", self.rules.commission * abs(held * price))
            self.beside.cash += held * (price - mark) - self.rules.fee * abs(held * price)
            self._note(t, j, kind, held * price / equity, price)
            self.limit[j] = np.inf
            engine.close(j, mark)

    def _decide(self, t: int, held: Floats, equity: float) -> None:
        """Fix quantities where a decision is due: weight times equity by mark, cut to lots where there are any."""
        k, plan = self.decisions, self.plan
        if k < len(plan.decided) and plan.decided[k] == t:
            net, marks = plan.net[k], self.contracts.marks[t]
            target = np.divide(net * equity, marks, out=np.zeros_like(net), where=net != 0.0)
            self.targets[k] = self._in_lots(k, target, held, marks) if len(self.rules.lots) else target
            self.decisions += 1

    def _in_lots(self, k: int, target: Floats, held: Floats, marks: Floats) -> Floats:
        """Return targets cut toward zero to lots, NaN where that changes nothing or is below the least value.

        What is held is what orders that wait for their fill will make of it. Exits know no least value.
        """
        for order in self.targets.values():
            held = np.where(np.isnan(order), held, order)
        lots, least = self.rules.lots[k], self.rules.least[k]
        whole = np.divide(np.abs(target), lots, out=np.zeros_like(target), where=lots > 0.0)
        cut = np.where(lots > 0.0, np.copysign(np.floor(whole + WHOLE) * lots, target), target)
        same = np.abs(cut - held) <= 2.0 * self.rules.step  # lots that a split has made uneven are held to a step
        left = (target != 0.0) & (same | ((cut != 0.0) & (np.abs(cut - held) * marks < least)))
        found: Floats = np.where(left, np.nan, cut)
        return found

    def _fill(
        self, t: int, engine: Engine, target: Floats, prices: Floats, can: Bools, equity: float
    ) -> tuple[float, float]:
        """Order what brings every name that can be traded to its quantity; return gross and net value of that."""
        asked = ~np.isnan(target)
        ordered = np.where(asked, (target - engine.held) * prices, 0.0)
        for j in np.flatnonzero(~can & (np.abs(ordered) > ROUNDING * equity)).tolist():
            self._note(t, j, EventKind.UNFILLED, float(ordered[j]) / equity, float(prices[j]))
        done = can & asked
        self.limit[done] = np.where(target < 0.0, LOST_AT * prices, np.inf)[done]
        self.diary.shorted |= done & (target < 0.0)
        for j in np.flatnonzero(done & (target != engine.held)).tolist():
            engine.bring(j, float(target[j]), float(prices[j]))
        return float(np.abs(ordered[done]).sum()), float(ordered[done].sum())

    def _note(self, t: int, column: int, kind: EventKind, value: float, price: float) -> None:
        """Add an event; the price is of a contract."""
        self.diary.note(t, column, kind, value, price / float(self.contracts.units[t, column]))

    def _liquidate(self, t: int, equity: float) -> None:
        """End the book."""
        self.diary.liquidate(t, equity)
        self.alive = False
