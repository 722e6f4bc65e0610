"""The two settings in which simulators are compared: what all of them can be asked for, and what the run asks for.

The parity setting is strict: weights are restored at every close at that very close, in fractions of units, for the
run's flat slippage and commission (R-SIM-11, R-SIM-14). What a simulator may lack is off in it: lots, bands, partial
steps, measured spreads, tiers, impact, borrow fees, yield and funding; dividends and splits are in the prices. A share
of every weight is kept in cash, in all simulators alike, for some give no credit for costs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from enum import StrEnum

import numpy as np

from tvquant.core.books import Convention, CostModel, Execution, Rebalancing, Spread
from tvquant.core.panel import Floats, Panel
from tvquant.profiles.sections.parity import ParitySection

PRICES = ("open", "high", "low", "close")
ACTIONS = {"dividend": 0.0, "split": 1.0}
"""Fields of corporate actions, and their value where there is none."""
FUNDING = ("funding", "funding_hours", "funding_early", "funding_early_hours")


class Name(StrEnum):
    """Which setting: `parity`, in which limits bind, or the run's `own`."""

    PARITY = "parity"
    OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """What every simulator is asked for.

    Parameters
    ----------
    panel : what there is to trade.
    off : what the run has and this has not, or otherwise, one line each.
    """

    name: Name
    panel: Panel
    costs: CostModel
    execution: Execution
    off: tuple[str, ...] = ()

    @property
    def binds(self) -> bool:
        """Whether the limits bind."""
        return self.name is Name.PARITY

    @property
    def charged(self) -> str:
        """What a fill pays, in a few words: figures, and the names of rules where there are any."""
        costs = self.costs
        if costs.is_flat:
            return f"{costs.slippage_bps:g} + {costs.commission_bps:g} bps"
        slippage = f"{costs.slippage_bps:g} bps" if costs.spread is Spread.FLAT else f"{costs.spread} spread"
        commission = "commission by tier" if costs.tiers else f"{costs.commission_bps:g} bps"
        return " + ".join([slippage, commission, *([f"impact {costs.impact:g}"] if costs.impact else [])])


def own_setting(panel: Panel, costs: CostModel, execution: Execution) -> Setting:
    """Return the setting of the run itself."""
    return Setting(name=Name.OWN, panel=panel, costs=costs, execution=execution)


def parity_setting(panel: Panel, costs: CostModel, execution: Execution, limits: ParitySection) -> Setting:
    """Return the setting that all simulators can be asked for, and what of the run's own is off in it."""
    strict = Execution(
        convention=Convention.SAME_CLOSE,
        rebalancing=Rebalancing.DAILY,
        halt_limit=execution.halt_limit,
        delisting_haircut=execution.delisting_haircut,
        nav=execution.nav,
        buffer=max(execution.buffer, limits.buffer),
    )
    flat = CostModel(
        slippage_bps=costs.slippage_bps, commission_bps=costs.commission_bps, borrow_rate=0.0, assumed_funding_bps=0.0
    )
    market, put = plain_market(panel)
    off = (*_changes("execution", execution, strict), *_changes("costs", costs, flat), *put)
    return Setting(name=Name.PARITY, panel=market, costs=flat, execution=strict, off=off)


def plain_market(panel: Panel) -> tuple[Panel, tuple[str, ...]]:
    """Return a panel without actions and funding, and what was done to it.

    Where there are actions, prices are levels of the total return, from each name's first bar on: dividends are held in
    the name, splits change nothing. Where weights are restored at every close, returns before costs are those of the
    true prices.
    """
    fields_of, put = dict(panel.fields), []
    acted = [
        name
        for name, none in ACTIONS.items()
        if name in fields_of and ((fields_of[name] != none) & ~np.isnan(fields_of[name])).any()
    ]
    if acted:
        factor = _levels(panel) / fields_of["close"]
        fields_of |= {name: fields_of[name] * factor for name in PRICES if name in fields_of}
        put.append("dividends and splits are in the prices")
    if any(name in fields_of for name in FUNDING):
        put.append("funding is not charged")
    kept = {name: field for name, field in fields_of.items() if name not in (*ACTIONS, *FUNDING)}
    return replace(panel, fields=kept, _first_known=None), tuple(put)


def _levels(panel: Panel) -> Floats:
    """Return T x N levels that grow by the total return from the close of each name's first bar; NaN without a bar."""
    close, growth = panel.fields["close"], panel.fields["total_return"]
    there = ~np.isnan(close)
    first = close[np.argmax(there, axis=0), np.arange(close.shape[1])]
    levels: Floats = first * np.cumprod(1.0 + np.nan_to_num(growth), axis=0)
    return np.where(there, levels, np.nan)


def _changes(section: str, own: CostModel | Execution, other: CostModel | Execution) -> Iterator[str]:
    """Yield each rule that is another than the run's."""
    for field in fields(own):
        before, after = getattr(own, field.name), getattr(other, field.name)
        if not np.array_equal(before, after):
            given = "a series" if isinstance(before, np.ndarray) else _shown(before)
            name = (
                "assumed funding, bps in 8 hours," if field.name == "assumed_funding_bps" else f"{section}.{field.name}"
            )
            yield f"{name} is {_shown(after)}, in the run {given}"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return f"{len(value)} entries" if value else "empty"
    return f"{value:g}" if isinstance(value, float) else str(value)
