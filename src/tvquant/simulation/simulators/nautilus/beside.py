"""Cash beside the engine's account: what it knows nothing of, by the rules of `simulation/kernel.py`.

Borrow fees, interest on borrowed cash, the yield of idle cash, funding and dividends; what the house's own prices make
of a forced close. Amounts are fractions of the starting capital.
"""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.simulation.account import BARE, EARLY_BARE, EARLY_RATES, RATES, YEAR
from tvquant.simulation.library_books import Plan
from tvquant.simulation.simulators.nautilus.diary import Diary
from tvquant.simulation.simulators.nautilus.rules import Contracts, Rules


class Beside:
    """Cash that the engine's account does not hold, and what accrues on."""

    def __init__(self, plan: Plan, contracts: Contracts, rules: Rules, diary: Diary) -> None:
        self.plan, self.market, self.contracts, self.rules, self.diary = plan, plan.market, contracts, rules, diary
        self.cash = 0.0
        self.loan_fees, self.debt, self.idle = 0.0, 0.0, 0.0
        self.begun = plan.first

    def begin(self, t: int, held: Floats) -> None:
        """Accrue since the previous row, take funding until the open and dividends; once in a row."""
        if t <= self.begun:
            return
        self.begun = t
        years = (self.market.stamps[t] - self.market.stamps[t - 1]) / YEAR
        accrued = {
            "borrow": years * self.loan_fees,
            "overdraft": years * self.rules.borrow_rate * self.debt,
            "cash_yield": -years * float(self.plan.yields[t]) * self.idle,
        }
        for kind, amount in accrued.items():
            self.diary.charge(t, kind, amount)
            self.cash -= amount
        if len(self.market.funding) > EARLY_RATES:
            self._fund(t, held * self.contracts.marks[t - 1], EARLY_RATES, EARLY_BARE)
        if len(self.contracts.dividends):
            self.cash += float(self.contracts.dividends[t] @ held)

    def fund(self, t: int, held: Floats) -> None:
        """Take funding from the open to the close, on the mark."""
        if len(self.market.funding):
            self._fund(t, held * self.contracts.marks[t], RATES, BARE)

    def _fund(self, t: int, values: Floats, rates: int, bare: int) -> None:
        """Take funding of values held (N): by the rates that longs paid, and for bare hours, on either side."""
        assumed = self.rules.assumed_funding * float(np.abs(values) @ self.market.funding[bare, t])
        paid = float(values @ self.market.funding[rates, t]) + assumed
        self.diary.charge(t, "funding", paid)
        self.diary.assumed[t - self.diary.first] += assumed
        self.cash -= paid

    def take_stock(self, values: Floats, equity: float) -> float:
        """Set what accrues from here on by the values held (N); return the cash owed."""
        of_cash_market = np.where(self.plan.swaps, 0.0, values)
        self.loan_fees = -float(np.minimum(values, 0.0) @ self.plan.loans)
        self.debt = max(0.0, float(of_cash_market.sum()) - equity)
        self.idle = max(0.0, equity - float(np.maximum(of_cash_market, 0.0).sum()))
        return self.debt
