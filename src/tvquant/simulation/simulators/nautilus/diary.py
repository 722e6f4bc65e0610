"""The diary of a book: what its result is made of, written row by row while it is played."""

import numpy as np

from tvquant.core.books import COST_KINDS, BookEvent, EventKind, SimResult
from tvquant.core.panel import Bools, frozen
from tvquant.core.stamps import Stamps
from tvquant.simulation.library_books import Plan


class Diary:
    """R rows from the first fill on, N names, and the fills that the book has lived to."""

    def __init__(self, plan: Plan) -> None:
        """Begin empty: before its first row the equity is 1."""
        self.plan, self.keys, self.first = plan, tuple(one.key for one in plan.instruments), plan.first
        rows, names = len(plan.times) - plan.first, len(self.keys)
        self.returns, self.equity, self.cash, self.owed, self.assumed = np.zeros((5, rows))
        self.costs = {kind: np.zeros(rows) for kind in COST_KINDS}
        self.quantities = np.zeros((rows, names))
        self.fills: list[tuple[float, float, float]] = []
        """Equity before each fill, the value traded, and what was bought less what was sold."""
        self.late = False
        self.events: list[BookEvent] = []
        self.shorted: Bools = np.zeros(names, np.bool_)

    def before(self, t: int) -> float:
        """Return equity of the previous row, 1 before the first."""
        return float(self.equity[t - 1 - self.first]) if t > self.first else 1.0

    def charge(self, t: int, kind: str, amount: float) -> None:
        """Add to a cost of a row."""
        self.costs[kind][t - self.first] += amount

    def fill(self, equity: float, gross: float, net: float) -> None:
        """Add a fill: equity before it, the value traded, and what was bought less what was sold."""
        self.fills.append((equity, gross, net))

    def fill_late(self, gross: float, net: float) -> None:
        """Add to the last fill what of it was filled at the close."""
        equity, *so_far = self.fills[-1]
        self.fills[-1] = (equity, so_far[0] + gross, so_far[1] + net)
        self.late |= gross > 0.0

    def note(self, t: int, column: int, kind: EventKind, value: float, price: float) -> None:
        """Add an event of a name; value as a fraction of equity, price of a unit."""
        self.events.append(BookEvent(row=t, key=self.keys[column], kind=kind, value=value, price=price))

    def liquidate(self, t: int, equity: float) -> None:
        """End the book: nothing is held or earned from this row on."""
        out, left = t - self.first, equity / self.before(t)
        self.events.append(BookEvent(row=t, key="", kind=EventKind.LIQUIDATED, value=left, price=0.0))
        self.returns[out] = -1.0

    def result(self, stamps: Stamps) -> SimResult:
        """Return the book as a value; a mark before a name's first bar is NaN."""
        plan, marks = self.plan, self.plan.market.marks[self.first :]
        equity, gross, net = np.array(self.fills).reshape(-1, 3).T
        return SimResult(
            simulator=plan.simulator,
            times=plan.times[self.first :],
            returns=frozen(self.returns),
            equity=frozen(self.equity),
            cash=frozen(self.cash),
            quantities=frozen(self.quantities),
            marks=frozen(np.where(marks > 0.0, marks, np.nan)),
            costs={kind: frozen(amounts) for kind, amounts in self.costs.items()},
            assumed_funding=frozen(self.assumed),
            filled=frozen(plan.filled[: len(equity)]),
            fill_equity=frozen(equity),
            traded=frozen(gross / equity),
            turnover=frozen(0.5 * (gross + np.abs(net)) / equity),
            events=tuple(self.events),
            stamps=stamps,
            failure=EventKind.LIQUIDATED.value if self.equity[-1] == 0.0 else None,
        )
