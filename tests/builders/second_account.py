"""A second simulator: an account in plain Python, which trades at closes, and its wrong twins."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from tvquant.core.books import COST_KINDS, Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Panel
from tvquant.core.stamps import NONE
from tvquant.simulation.preflight import check_supported, fill_rows, ordered
from tvquant.simulation.simulators.contract import Capability, Support

PLAYED = (
    Capability.NEXT_CLOSE, Capability.SAME_CLOSE, Capability.LAG, Capability.DAILY, Capability.SLIPPAGE,
    Capability.COMMISSION, Capability.FUNDING, Capability.ACTIONS,
)  # fmt: skip


@dataclass(frozen=True)
class SecondAccount:
    """Quantities and cash row by row: no interest, no funding, no collateral, every bar there.

    What is changed of the path, the costs or the lag before it plays makes a wrong twin of it.
    """

    name: str = "second"
    path: Callable[[WeightPath], WeightPath] = lambda path: path
    costs: Callable[[CostModel], CostModel] = lambda costs: costs
    late: int = 0
    needs: tuple[str, str] | None = None
    options: tuple[Any, ...] = ()
    capabilities: MappingProxyType[Capability, Support] = field(
        default_factory=lambda: MappingProxyType(
            {one: Support.NATIVE if one in PLAYED else Support.REFUSED for one in Capability}
        )
    )

    def simulate(
        self, panel: Panel, path: WeightPath, _: tuple[Any, ...], /, *, costs: CostModel, execution: Execution
    ) -> SimResult:
        """Return the account of the decisions."""
        check_supported(self, costs, execution)
        close = panel.fields["close"]
        if np.isnan(close).any():
            raise ProfileError("second refuses halts: a bar is missing")
        path, costs = self.path(ordered(path, execution, len(panel.times))), self.costs(costs)
        execution = replace(execution, lag=execution.lag + self.late)
        filled = fill_rows(path.decided, execution, len(panel.times))
        at_once = execution.convention is Convention.SAME_CLOSE and execution.lag == 0
        cash, held, targets, rows, fills = 1.0, np.zeros(len(path.keys)), {}, [], []
        for t in range(int(path.decided[0]), len(panel.times)):
            mark, paid = close[t], 0.0
            decided = np.flatnonzero(path.decided == t)
            if at_once and len(decided):
                targets[t] = path.net[decided[0]] * (cash + held @ mark) / mark
            if (at := np.flatnonzero(filled == t)).size:
                equity, target = cash + held @ mark, targets[int(path.decided[at[0]])]
                moved = (target - held) * mark
                traded, paid = np.abs(moved).sum(), costs.per_notional * np.abs(moved).sum()
                cash, held = cash - moved.sum() - paid, target
                fills.append((equity, traded / equity, 0.5 * (traded + abs(moved.sum())) / equity))
            if not at_once and len(decided):
                targets[t] = path.net[decided[0]] * (cash + held @ mark) / mark
            rows.append((cash + held @ mark, cash, held, paid))
        rows = rows[int(filled[0] - path.decided[0]) :]
        equity, money, quantities, paid_by_row = (np.array(column) for column in zip(*rows, strict=True))
        level, traded, turnover = (np.array(column) for column in zip(*fills, strict=True))
        nothing, share = (
            np.zeros(len(equity)),
            costs.slippage_bps / max(costs.slippage_bps + costs.commission_bps, 1e-9),
        )
        return SimResult(
            simulator=self.name, times=panel.times[filled[0] :],
            returns=equity / np.concatenate([[1.0], equity[:-1]]) - 1.0, equity=equity, cash=money,
            quantities=quantities, marks=close[filled[0] :],
            costs={"slippage": share * paid_by_row, "commission": (1.0 - share) * paid_by_row}
            | dict.fromkeys(COST_KINDS[2:], nothing),
            assumed_funding=nothing, filled=filled, fill_equity=level, traded=traded, turnover=turnover,
            events=(), stamps=NONE,
        )  # fmt: skip


def halved(costs: CostModel) -> CostModel:
    """Return half of slippage and commission."""
    return replace(costs, slippage_bps=costs.slippage_bps / 2.0, commission_bps=costs.commission_bps / 2.0)


def scaled(path: WeightPath) -> WeightPath:
    """Return 95 % of every weight."""
    return replace(path, net=0.95 * path.net)


def longs(path: WeightPath) -> WeightPath:
    """Return the path without its shorts."""
    return replace(path, net=path.net.clip(min=0.0))


FAULTS = {
    "a fill one row late": SecondAccount(late=1),
    "costs halved": SecondAccount(costs=halved),
    "95 % of the capital": SecondAccount(path=scaled),
    "a short left out": SecondAccount(path=longs),
}
"""Twins that keep another account than they say."""
