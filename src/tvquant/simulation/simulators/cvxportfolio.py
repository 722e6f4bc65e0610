"""The simulator `cvxportfolio` (GPL-3): its MarketSimulator on our data, with a policy that trades our orders.

1. Its row t trades, and then earns the return to row t + 1. It is given, row by row, the price at which a book can be
   traded there: the open of a row that is filled at the open, otherwise the close. After the last row it is given one
   more, at unmoved prices, so that what is ordered for the last row is traded.
2. It values a book at those prices only. Where fills are at the open, the book is valued again at the close, from the
   units and the cash that the library holds: all books have their marks there.
3. The policy fixes units at the close of the decision and asks for their weight at the fill.
4. Cost of trading is its TransactionCost, linear. Borrow fees and funding are its HoldingCost: of a holding whose side
   is known they are linear in its value, which is what that calls a dividend rate, below zero. What cash costs
   and earns is a cost of our own.
5. Of two costs of one class it keeps one, so that each kind is a class of its own. It stops at a value of nothing.

This file and the engine of that name are the only ones that import the library: its licence binds whoever distributes
it with this file.
Source: Boyd, Busseti, Diamond, Kahn, Koh, Nystrup & Speth (2017), Multi-period trading via convex optimization,
Foundations and Trends in Optimization 3, section 2.
"""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import CostModel, Execution, SimResult, WeightPath
from tvquant.core.panel import Bools, Floats, Panel
from tvquant.simulation.simulators.contract import Capability, Support

if TYPE_CHECKING:
    from tvquant.profiles.options import Options
    from tvquant.simulation.library_books import LibraryAccount, Plan

CASH = "cash"
YEAR = np.timedelta64(365, "D")
BORROW, HERE, AHEAD, ASSUMED_HERE, ASSUMED_AHEAD = "Borrow", "Funding", "FundingAhead", "Assumed", "AssumedAhead"
"""Classes of holding costs: of a row's trade until the next one, some are due in the row itself, the others ahead."""
INTEREST, YIELD = "Interest", "CashYield"
"""Classes of costs of cash, due ahead."""


class Cvxportfolio:
    """MarketSimulator on data of the user."""

    name: ClassVar[str] = "cvxportfolio"
    needs: ClassVar[tuple[str, str] | None] = ("cvxportfolio", "engines")
    capabilities: ClassVar[Mapping[Capability, Support]] = MappingProxyType(
        dict.fromkeys(Capability, Support.REFUSED)
        | dict.fromkeys((Capability.SAME_CLOSE, Capability.COMMISSION, Capability.LEVERAGE), Support.NATIVE)
        | dict.fromkeys(
            (
                Capability.NEXT_OPEN,
                Capability.NEXT_CLOSE,
                Capability.LAG,
                Capability.DAILY,
                Capability.SLIPPAGE,
                Capability.BORROW,
                Capability.CASH_YIELD,
                Capability.FUNDING,
            ),
            Support.EMULATED,
        )
    )
    options: ClassVar[tuple[type["Options"], ...]] = ()

    def simulate(
        self,
        panel: Panel,
        path: WeightPath,
        _: tuple["Options", ...] = (),
        /,
        *,
        costs: CostModel,
        execution: Execution,
    ) -> SimResult:
        """Return the account of the decisions, from their first fill to the last row of the panel.

        Raises
        ------
        ProfileError : a rule out of range or that it has not, or `next_open` on a panel without opens.
        ModelError : weights that cannot be traded; what panel, weights or prices ask for and it has not (see
            `library_books`).
        DataError : an impossible price or corporate action.
        """
        from tvquant.simulation.library_books import plan_of, result_of

        plan = plan_of(self, panel, path, costs, execution)
        return result_of(plan, _played(_desk(plan, costs)), costs, execution)


@dataclass(slots=True, kw_only=True, eq=False)
class Desk:
    """What is traded and what holding costs, on the R rows of the book and the M columns that are ever weighed.

    Parameters
    ----------
    used : the M columns.
    prices, marks : R x M at which a row is traded, and its closes.
    coefficients : class of holding cost -> R x M per value after the row's trade, signed: what a short receives is
        below zero of its value, which is below zero too.
    rates : class of cost -> R, the rate until the next row on cash that is owed, or is idle, after the close.
    closes : what the policy has noted of each close it has passed: equity, and by class of cost the cash it is due on.
    """

    plan: "Plan"
    used: NDArray[np.intp]
    prices: Floats
    marks: Floats
    coefficients: dict[str, Floats]
    rates: dict[str, Floats]
    swaps: Bools
    fee: float
    closes: list[tuple[float, dict[str, float]]] = field(default_factory=list)

    def target(self, row: int, value: float, held: Floats) -> Floats:
        """Return M values after the trade of a row, of the values before it and the worth of all."""
        plan = self.plan
        k = int(np.searchsorted(plan.filled, row + plan.first))
        if k == len(plan.filled) or plan.filled[k] != row + plan.first:
            return held
        decided = int(plan.decided[k]) - plan.first
        earlier = self.closes[decided][0] if 0 <= decided < row else 1.0
        equity = value if decided == row else earlier
        marks, weights = plan.market.marks[plan.decided[k], self.used], plan.net[k, self.used]
        units = np.where(weights == 0.0, 0.0, weights * equity / np.where(marks > 0.0, marks, 1.0))
        return np.asarray(units * self.prices[row])

    def note(self, row: int, value: float, held: Floats, after: Floats) -> None:
        """Note the close of a row: values before and after its trade, and the worth of all before it."""
        cash = value - float(after.sum()) - self.fee * float(np.abs(after - held).sum())
        for here in (HERE, ASSUMED_HERE):
            if here in self.coefficients:
                cash -= float(self.coefficients[here][row] @ after)
        at_close = after * self.marks[row] / self.prices[row]
        equity = cash + float(at_close.sum())
        owed = max(0.0, -(cash + float(at_close[self.swaps].sum())))
        idle = max(0.0, equity - float(np.maximum(at_close[~self.swaps], 0.0).sum()))
        self.closes.append((equity, {INTEREST: owed, YIELD: idle}))


def _desk(plan: "Plan", costs: CostModel) -> Desk:
    """Return what is traded of a plan."""
    used, first = plan.traded, plan.first
    marks = np.where(plan.market.marks > 0.0, plan.market.marks, 1.0)[first:, used]
    prices = marks.copy()
    prices[plan.filled - first] = plan.prices[:, used]
    days = np.append(np.diff(plan.times[first:]) / YEAR, 0.0)
    return Desk(
        plan=plan,
        used=used,
        prices=prices,
        marks=marks,
        coefficients=_holding(plan, used, costs, prices, marks, days),
        rates={INTEREST: costs.borrow_rate * days, YIELD: -np.append(plan.yields[first + 1 :], 0.0) * days},
        swaps=plan.swaps[used],
        fee=costs.per_notional,
    )


def _holding(
    plan: "Plan", used: NDArray[np.intp], costs: CostModel, prices: Floats, marks: Floats, days: Floats
) -> dict[str, Floats]:
    """Return class of cost -> R x M per value held after a row's trade, where there is any."""
    from tvquant.simulation.account import BARE, EARLY_BARE, EARLY_RATES, RATES

    first, rows = plan.first, np.arange(len(marks))
    side = np.sign(plan.net)[np.searchsorted(plan.filled, rows + first, side="right") - 1][:, used]
    ratio = marks / prices
    found: dict[str, Floats] = {BORROW: np.where(side < 0.0, -plan.loans[used] * days[:, None] * ratio, 0.0)}
    funding, per_hour = plan.market.funding[:, first:][:, :, used], costs.assumed_funding
    if len(funding):
        opened = np.zeros((len(marks), 1), np.bool_)
        opened[plan.filled - first] = plan.at_open

        def ahead(figure: Floats) -> Floats:
            return np.vstack([figure[1:], np.zeros((1, figure.shape[1]))])

        for here, later, whole, early, unit in (
            (HERE, AHEAD, RATES, EARLY_RATES, np.ones_like(side)),
            (ASSUMED_HERE, ASSUMED_AHEAD, BARE, EARLY_BARE, side * per_hour),
        ):
            found[here] = np.where(opened, funding[whole] * unit * ratio, 0.0)
            found[later] = ahead(np.where(opened, 0.0, funding[whole] * marks)) * unit / prices
            if len(funding) > early:
                found[later] = found[later] + ahead(funding[early]) * unit * ratio
    return {name: figure for name, figure in found.items() if figure.any()}


def _played(desk: Desk) -> "LibraryAccount":
    """Return the account of a desk, as the library has kept it."""
    from tvquant.simulation.library_books import LibraryAccount

    plan, columns = desk.plan, len(desk.used)
    before, traded, paid = _backtest(desk)
    if len(before) < len(desk.marks):
        raise plan.refuse(
            Capability.RUIN,
            f"equity is nothing or less at {plan.times[plan.first + len(before)]}, where it stops; leave this book to "
            "custom",
        )
    after = before + traded
    nothing, fees = np.zeros(len(after)), paid["TransactionCost"]

    def cost(name: str, *, due_ahead: bool = False) -> Floats:
        amounts = paid.get(name, nothing)
        return np.append(0.0, amounts[:-1]) if due_ahead else amounts

    assumed = cost(ASSUMED_HERE) + cost(ASSUMED_AHEAD, due_ahead=True)
    cash = after[:, columns] - fees - cost(HERE) - cost(ASSUMED_HERE)
    at_close = after[:, :columns] * desk.marks / desk.prices
    quantities = np.zeros((len(after), plan.net.shape[1]))
    quantities[:, desk.used] = after[:, :columns] / desk.prices
    fills = plan.filled - plan.first
    return LibraryAccount(
        equity=cash + at_close.sum(axis=1),
        cash=cash,
        quantities=quantities,
        fill_equity=before.sum(axis=1)[fills],
        fees=fees[fills],
        accrued={
            "borrow": cost(BORROW, due_ahead=True),
            "overdraft": cost(INTEREST, due_ahead=True),
            "cash_yield": cost(YIELD, due_ahead=True),
            "funding": cost(HERE) + cost(AHEAD, due_ahead=True) + assumed,
        },
        assumed=assumed,
    )


def _backtest(desk: Desk) -> tuple[Floats, Floats, dict[str, Floats]]:
    """Return what was held before each row's trade, what was traded (R x M + 1, cash last), and cost -> R."""
    import pandas as pd

    times = pd.DatetimeIndex(desk.plan.times[desk.plan.first :])
    times = times.append(times[-1:] + pd.Timedelta(days=1))
    names = [str(j) for j in desk.used]
    moved = np.vstack([desk.prices[1:] / desk.prices[:-1] - 1.0, np.zeros((2, len(names)))])
    returns = pd.DataFrame(moved, times, names)
    returns[CASH] = 0.0
    with _silence():
        from cvxportfolio import MarketSimulator

        simulator = MarketSimulator(market_data=_market_data(returns), costs=_costs(desk, returns))
        result = simulator.backtest(_policy(desk, returns), initial_value=1.0)
    rows = len(result.h) - 1
    paid = {name: amounts.to_numpy()[:rows] for name, amounts in result.costs.items()}
    return result.h.to_numpy()[:rows], result.u.to_numpy()[:rows], paid


def _market_data(returns: Any) -> Any:
    """Return what serves a row's returns, and no earlier one: the library's own copies all of them at every row."""
    from cvxportfolio.data.market_data import MarketData

    class Returns(MarketData):  # type: ignore[misc]  # the library has no types
        """Returns from the trade of a row to that of the next."""

        def trading_calendar(self, *_: Any, **__: Any) -> Any:
            return returns.index

        def universe_at_time(self, _: Any) -> Any:
            return returns.columns

        def serve(self, t: Any) -> Any:
            return None, returns.loc[t], None, None, None

    return Returns()


def _policy(desk: Desk, returns: Any) -> Any:
    """Return the policy that asks for the weights of what is ordered."""
    from cvxportfolio.policies import Policy
    from pandas import Series

    class Ordered(Policy):  # type: ignore[misc]  # the library has no types
        """The weights of what is ordered."""

        def values_in_time(self, t: Any, current_weights: Any, current_portfolio_value: float, **_: Any) -> Any:
            row, held = returns.index.get_loc(t), current_weights.to_numpy()[:-1] * current_portfolio_value
            after = desk.target(row, current_portfolio_value, held)
            desk.note(row, current_portfolio_value, held, after)
            weights = after / current_portfolio_value
            return Series(np.append(weights, 1.0 - weights.sum()), current_weights.index)

    return Ordered()


def _costs(desk: Desk, returns: Any) -> list[Any]:
    """Return the costs of trading, of holding, and of cash, each of a class of its own."""
    from cvxportfolio import HoldingCost, TransactionCost
    from pandas import DataFrame

    class OfCash:
        """What cash costs until the next row."""

        def simulate(self, t: Any, **_: Any) -> float:
            name, row = type(self).__name__, returns.index.get_loc(t)
            return float(desk.rates[name][row] * desk.closes[row][1][name])

    return [
        TransactionCost(a=desk.fee, b=None),
        *(
            type(name, (HoldingCost,), {})(dividends=DataFrame(-figure, returns.index[:-1], returns.columns[:-1]))
            for name, figure in desk.coefficients.items()
        ),
        *(type(name, (OfCash,), {})() for name, rates in desk.rates.items() if rates.any()),
    ]


@contextmanager
def _silence() -> Iterator[None]:
    """Keep warnings and log lines of the library from whoever reads ours; an unlike book is refused."""
    log = logging.getLogger("cvxportfolio")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
