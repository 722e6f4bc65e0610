"""Books: the weights that were decided, the rules they are traded by, and what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats, Times
from tvquant.core.stamps import Stamps

COST_KINDS = ("slippage", "commission", "borrow", "overdraft", "funding", "cash_yield", "impact")
"""Keys of `SimResult.costs`, in the order they are told."""


class Convention(StrEnum):
    """When an order that was decided at a close is filled: at the next open, the next close, or that very close."""

    NEXT_OPEN = "next_open"
    NEXT_CLOSE = "next_close"
    SAME_CLOSE = "same_close"


class Rebalancing(StrEnum):
    """When decided weights are restored: at each decision, drifting in between, or at every row."""

    WINDOW = "window"
    DAILY = "daily"


class Spread(StrEnum):
    """What a fill loses to the market: `slippage_bps` of its value, or half of a spread measured from recent bars."""

    FLAT = "flat"
    CORWIN_SCHULTZ = "corwin_schultz"
    ABDI_RANALDO = "abdi_ranaldo"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTier:
    """Commission of an account that has traded at least `traded` of base currency in the last 30 days."""

    traded: float
    maker_bps: float
    taker_bps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModel:
    """What trading and holding cost.

    House cost of a fill = (slippage + commission) x |quantity x reference price|, charged to cash; the reference price
    is the fill row's open or close and is the fill price. `borrow_rate` is a fraction per year of 365 days on the
    value of spot and stock shorts, and on borrowed cash: what longs take beyond shorts and equity, swaps left out of
    both (their notional is not cash). `assumed_funding_bps` is what either side of a swap pays of its value for eight
    hours that no payment covers.

    Parameters
    ----------
    borrow_rates : (symbol, rate) of shorts that cost another rate than `borrow_rate`.
    cash_yield : fraction per year that cash earns, on equity less the longs of the cash market where that is above 0;
        one figure, or one per row of the panel (T), known when the row began.
    spread : what stands for slippage; a measured one replaces `slippage_bps`.
    tiers : by value traded in 30 days, from 0 up; they replace `commission_bps`. Their values need `Execution.nav`.
    maker_share : share of traded value that rests in the book and pays the maker's fee of its tier.
    impact : k of the square-root law: a fill of value v also costs k x sigma x sqrt(v / ADV) x v, with the daily
        volatility and traded value of 20 bars to the decision; 0 is none. Needs `Execution.nav`.
    """

    slippage_bps: float = 5.0
    commission_bps: float = 1.0
    borrow_rate: float = 0.02
    assumed_funding_bps: float = 1.0
    borrow_rates: tuple[tuple[str, float], ...] = ()
    cash_yield: float | Floats = field(default=0.0, compare=False)
    spread: Spread = Spread.FLAT
    tiers: tuple[FeeTier, ...] = ()
    maker_share: float = 0.0
    impact: float = 0.0

    @property
    def is_flat(self) -> bool:
        """Whether every fill costs `slippage_bps` and `commission_bps`, whatever the name, the time and the value."""
        return self.spread is Spread.FLAT and not self.tiers and self.impact == 0.0

    @property
    def assumed_funding(self) -> float:
        """What either side of a swap pays of its value for an hour that no payment covers."""
        return self.assumed_funding_bps * 1e-4 / 8.0

    @property
    def per_notional(self) -> float:
        """Cost of one unit of traded notional, as a fraction; of flat costs."""
        return (self.slippage_bps + self.commission_bps) * 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How decided weights become holdings.

    `lag` is extra rows between decision and fill. An asset without a bar is marked at its last price; after
    `halt_limit` such rows it is closed at that price, `delisting_haircut` to the bad side of its direction.

    Parameters
    ----------
    rebalancing : `window` trades at decisions and lets weights drift between them, `daily` restores them at every row.
    band : a name whose weight at the decision mark is within this distance of its target is not traded; entries, exits
        and flips ignore it.
    partial : share of the way from what is held to the target that one rebalance goes; 1 goes all of it.
    lots : quantities are cut to lots and orders below the minimum notional are left out, exits of these excepted.
    nav : equity in base currency at the start: what lots, fee tiers, impact and participation are measured against.
    buffer : share of every weight that is kept in cash, in every simulator.
    maintenance_margin : where equity at a mark is below this share of gross, everything is closed; 0: no such rule.
    participation : most that a fill may be of a name's mean traded value of 20 bars to the decision; None: no limit.
    """

    convention: Convention = Convention.NEXT_OPEN
    lag: int = 0
    halt_limit: int = 5
    delisting_haircut: float = 0.30
    rebalancing: Rebalancing = Rebalancing.WINDOW
    band: float = 0.0
    partial: float = 1.0
    lots: bool = False
    nav: float | None = None
    buffer: float = 0.0
    maintenance_margin: float = 0.0
    participation: float | None = None

    @property
    def at_open(self) -> bool:
        """Whether orders are filled at the open of their row, otherwise at its close."""
        return self.convention is Convention.NEXT_OPEN


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightPath:
    """K decisions over N instruments.

    Parameters
    ----------
    keys : N instrument keys.
    decided : K row numbers of the panel: the decision's mark is the close of that row.
    net : K x N signed target weights; what is missing to 1 is cash.
    """

    keys: tuple[str, ...]
    decided: NDArray[np.int64]
    net: Floats


class EventKind(StrEnum):
    """What happened to a book that no one ordered, or did not happen that someone did.

    `unfilled` (no bar at the fill), `closed_out` (halted or delisted), `collateral_lost` (a short whose price doubled),
    `margin_call` (equity below the maintenance margin), `partly_filled` (participation: the rest lapsed), `liquidated`
    (equity reached zero).
    """

    UNFILLED = "unfilled"
    CLOSED_OUT = "closed_out"
    COLLATERAL_LOST = "collateral_lost"
    MARGIN_CALL = "margin_call"
    PARTLY_FILLED = "partly_filled"
    LIQUIDATED = "liquidated"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookEvent:
    """Something a simulator did that no one ordered, or did not do that someone did."""

    row: int
    key: str
    kind: EventKind
    value: float
    """Signed notional at the price used, as a fraction of equity before the event; where collateral is lost or
    margin called, of the equity one row earlier."""
    price: float
    """That price; 0 where it is of no name."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FillRates:
    """What each of K fills is charged of a traded value v of each of N names, v in starting capitals.

    Parameters
    ----------
    slippage : K x N, of v.
    commission : K, of v.
    impact : K x N, of v^1.5.
    """

    slippage: Floats
    commission: Floats
    impact: Floats

    def charged(self, fill: int, name: int, value: float) -> tuple[float, float, float]:
        """Return slippage, commission and impact of a traded value without its sign."""
        return (
            float(self.slippage[fill, name]) * value,
            float(self.commission[fill]) * value,
            float(self.impact[fill, name]) * value**1.5,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimResult:
    """One book as a simulator saw it, on R rows from the first fill row to the end of the panel.

    Parameters
    ----------
    times : R bar stamps.
    returns : R simple returns of equity, row to row; the first is measured from the starting capital of 1.
    equity, cash : R, at the close; equity is never below zero, cash is it less the value of all that is held.
    quantities : R x N units held after the row's close.
    marks : R x N prices that valued them.
    costs : name -> R, as fractions of starting capital: `slippage`, `commission`, `borrow`, `overdraft`, `funding` (of
        swaps, below zero where it was received), `cash_yield` (below zero: it is income),
        `impact`; `COST_KINDS` names all.
    assumed_funding : R, the part of the funding that is assumed, for hours without data.
    filled : K row numbers (of the panel) of the fills; a fill after the last row is not in it. One per decision, or
        under daily rebalancing one per row: `simulation.preflight.decisions_filled` says of which decision.
    fill_equity : K equity at each fill before its costs, at the fill price: what lies between the first fills k and m
        of two consecutive decisions is `fill_equity[m] / fill_equity[k] - 1`, the last one ends with the last equity.
    traded : K traded notional of each fill as a fraction of that equity (two-way).
    turnover : K one-way turnover: half the absolute change of all weights, cash included.
    events : what nobody ordered.
    stamps : caveats that arose here.
    failure : None, or why the book ended early (`liquidated`).
    rates : what each fill was charged; a close-out, what the last fill before it was. None where the costs are flat.
    """

    simulator: str
    times: Times
    returns: Floats
    equity: Floats
    cash: Floats
    quantities: Floats
    marks: Floats
    costs: Mapping[str, Floats]
    assumed_funding: Floats
    filled: NDArray[np.int64]
    fill_equity: Floats
    traded: Floats
    turnover: Floats
    events: tuple[BookEvent, ...]
    stamps: Stamps
    failure: str | None = None
    rates: FillRates | None = None
