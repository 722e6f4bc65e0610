"""The simulator `vectorbt`: Portfolio.from_orders with target percent (Apache-2.0 with Commons Clause).

1. All names share one cash account (`cash_sharing`) and sales come before purchases (`call_seq="auto"`).
2. Units are fixed at the decision: at a later fill they are sized with the decision's marks (`val_price`).
3. The house cost is one fee on the fill's own price: a fee on a slipped price would be another figure.
4. It has no margin account and fills in part, silently, what cash does not suffice for: holdings after every fill are
   compared with what was ordered.
5. It drops changes of units below 1e-12 as rounding: the account starts with a large power of two, which scales back
   without a loss.

This file is the only one that imports the library.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tvquant.core.books import CostModel, Execution, SimResult, WeightPath
from tvquant.core.panel import Floats, Panel
from tvquant.simulation.simulators.contract import Capability, Support

if TYPE_CHECKING:
    from tvquant.profiles.options import Options

CAPITAL = 2.0**40


class Vectorbt:
    """Target percent of one account on the whole panel at once."""

    name: ClassVar[str] = "vectorbt"
    needs: ClassVar[tuple[str, str] | None] = ("vectorbt", "simulators")
    capabilities: ClassVar[Mapping[Capability, Support]] = MappingProxyType(
        dict.fromkeys(Capability, Support.REFUSED)
        | dict.fromkeys(
            (Capability.NEXT_CLOSE, Capability.SAME_CLOSE, Capability.COMMISSION),
            Support.NATIVE,
        )
        | dict.fromkeys(
            (Capability.NEXT_OPEN, Capability.LAG, Capability.DAILY, Capability.SLIPPAGE),
            Support.EMULATED,
        )
    )

    @property
    def options(self) -> tuple[type["Options"], ...]:
        """The choice of its kernels."""
        from tvquant.simulation.simulators.vectorbt_engine import Engine

        return (Engine,)

    def simulate(
        self,
        panel: Panel,
        path: WeightPath,
        options: tuple["Options", ...],
        /,
        *,
        costs: CostModel,
        execution: Execution,
    ) -> SimResult:
        """Return the account of the decisions, from their first fill to the last row of the panel.

        Raises
        ------
        ProfileError : a rule out of range or that vectorbt has not, `next_open` on a panel without opens, or kernels
            that are not installed.
        ModelError : weights that cannot be traded; what panel, weights or prices ask for and vectorbt has not (see
            `library_books`); an order that is decided before an earlier one is filled.
        DataError : an impossible price or corporate action.
        """
        from tvquant.simulation.library_books import LibraryAccount, plan_of, result_of
        from tvquant.simulation.simulators.vectorbt_engine import Engine

        kernels = Engine.among(options).kernels()
        plan = plan_of(self, panel, path, costs, execution)
        late = np.flatnonzero(plan.filled[:-1] > plan.decided[1:])
        if len(late):
            k = int(late[0])
            raise plan.refuse(
                Capability.LAG,
                f"the decision at {plan.times[plan.decided[k + 1]]} is made before the one at "
                f"{plan.times[plan.decided[k]]} is filled; leave this book to custom",
            )
        rows, names = plan.market.marks.shape
        used, first = plan.traded, plan.first
        marks = np.where(plan.market.marks > 0.0, plan.market.marks, 1.0)[:, used]
        price, value, size = marks.copy(), marks.copy(), np.full(marks.shape, np.nan)
        price[plan.filled], value[plan.filled] = plan.prices[:, used], marks[plan.decided]
        size[plan.filled] = plan.net[:, used]
        cash, held, fees = _played(marks, size, price, value, costs.per_notional, kernels)
        quantities = np.zeros((rows, names))
        quantities[:, used] = held
        earlier = np.maximum(plan.filled - 1, 0)
        before = np.where(plan.filled > 0, cash[earlier], 1.0)
        stood = np.where((plan.filled > 0)[:, None], quantities[earlier], 0.0)
        account = LibraryAccount(
            equity=(cash + (held * marks).sum(axis=1))[first:],
            cash=cash[first:],
            quantities=quantities[first:],
            fill_equity=before + (stood * plan.prices).sum(axis=1),
            fees=fees[plan.filled],
            accrued={},
        )
        return result_of(plan, account, costs, execution)


def _played(
    marks: Floats, size: Floats, price: Floats, value: Floats, fee: float, engine: str
) -> tuple[Floats, Floats, Floats]:
    """Return cash (T), units (T x N) and fees (T) of orders at `price`, sized at `value`, per unit of capital."""
    import vectorbt

    portfolio = vectorbt.Portfolio.from_orders(
        marks, size, price=price, val_price=value, size_type="targetpercent", direction="both", group_by=True,
        cash_sharing=True, call_seq="auto", fees=fee, slippage=0.0, init_cash=CAPITAL, freq="1D", engine=engine,
    )  # fmt: skip
    orders, fees = portfolio.order_records, np.zeros(len(marks))
    np.add.at(fees, orders["idx"], orders["fees"])
    cash = np.asarray(portfolio.cash()).reshape(-1)
    return cash / CAPITAL, np.asarray(portfolio.assets()).reshape(marks.shape) / CAPITAL, fees / CAPITAL
