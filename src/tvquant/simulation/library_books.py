"""Books that a library plays: what it is given, what it must not be asked, and what its account comes to.

A library keeps its own account, and knows less of one than the house does. So that no difference stays silent:

1. Before it plays, `plan_of` refuses what panel and weights ask for and the library does not do: a dividend or a split
   of what is held, a bar that is missing on a day of its market, funding, gross above 1. What touches no holding is no
   reason to refuse.
2. After it has played, `result_of` compares what is held after every fill with what was ordered (R-SIM-11), and looks
   for what the library would have let pass: a short whose price doubled, equity at nothing.
3. Every refusal is a ModelError that names simulator, capability, symbol and row: the cell fails with that reason, and
   the books of the others are played.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import COST_KINDS, CostModel, Execution, SimResult, WeightPath
from tvquant.core.calendars import calendar
from tvquant.core.errors import ModelError
from tvquant.core.instruments import Instrument
from tvquant.core.panel import Bools, Floats, Panel, Times, frozen
from tvquant.simulation.account import (
    BARE,
    DIVIDEND,
    EARLY_BARE,
    EARLY_RATES,
    LOST_AT,
    RATES,
    ROUNDING,
    SPLIT,
    PriceRows,
)
from tvquant.simulation.borrow_fee import loans_of
from tvquant.simulation.cash_yield import yields_of
from tvquant.simulation.caveats import caveats_of
from tvquant.simulation.checked_orders import checked_orders
from tvquant.simulation.preflight import swaps_of
from tvquant.simulation.simulators.contract import Capability, Simulator, refusals_of

HELD_AS_ORDERED = 1e-9
"""A holding is as ordered where its value is within this share of equity."""
GROSS = 1.0 + 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What a library is given: T rows of a market with N names, K orders to fill.

    Parameters
    ----------
    market : its marks are above zero everywhere in the columns and rows that are held or ordered.
    net : K x N weights, of the equity at the mark of `decided` (K rows), filled at `filled` (K rows).
    prices : K x N at which fills are made; 1 where a name has none and is not traded.
    at_open : fills are at the open of their row, otherwise at its close.
    late : under fills at the open, T x N where a name has not had one so far; of no row where all have by the first
        fill.
    swaps : N that are held without paying for them in cash.
    loans, yields : rates per year, N that shorts pay (0 where they are not borrowed), and T that idle cash earns from
        the row before.
    """

    simulator: str
    times: Times
    instruments: tuple[Instrument, ...]
    market: PriceRows
    net: Floats
    decided: NDArray[np.int64]
    filled: NDArray[np.int64]
    prices: Floats
    at_open: bool
    late: Bools
    swaps: Bools
    loans: Floats
    yields: Floats

    @property
    def first(self) -> int:
        """The first row of the book."""
        return int(self.filled[0])

    @property
    def at_once(self) -> bool:
        """Whether orders are filled at the very mark that they were decided at."""
        return bool(self.filled[0] == self.decided[0])

    @property
    def traded(self) -> NDArray[np.intp]:
        """Columns that have a weight at some time; the first where none has."""
        found = np.flatnonzero((self.net != 0.0).any(axis=0))
        return found if len(found) else np.zeros(1, np.intp)

    def refuse(self, capability: Capability, told: str) -> ModelError:
        """Return the error that says what the simulator does not do."""
        return ModelError(f"simulator {self.simulator} refuses {capability}: {told}")

    def at(self, row: int, column: int) -> str:
        """Return symbol and time of a cell as messages name them."""
        return f"{self.instruments[column].key} at {self.times[row]}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LibraryAccount:
    """What a library answered, in units of the starting capital: R rows from the first fill on, K fills.

    Parameters
    ----------
    equity, cash : R at the close; quantities : R x N after it.
    fill_equity : K before each fill's costs, at its prices.
    fees : K house costs of the fills.
    accrued : kind -> R of what holding cost; assumed : R of it that no data say.
    """

    equity: Floats
    cash: Floats
    quantities: Floats
    fill_equity: Floats
    fees: Floats
    accrued: Mapping[str, Floats]
    assumed: Floats | None = None


def plan_of(simulator: Simulator, panel: Panel, path: WeightPath, costs: CostModel, execution: Execution) -> Plan:
    """Return what a library is given to play.

    Raises
    ------
    ProfileError : a rule out of range or refused by the simulator, or `next_open` on a panel without opens.
    ModelError : weights that cannot be traded, or what panel and weights ask for and the simulator refuses.
    DataError : an impossible price or corporate action.
    """
    asked = checked_orders(simulator, panel, path, costs, execution)
    filled, market, names = asked.filled, asked.market, len(asked.instruments)
    rows = np.arange(len(panel.times))
    prices = (market.opens if execution.at_open else market.marks)[filled]
    loans, yields = loans_of(costs, asked.instruments), yields_of(costs, panel, int(filled[0]))
    plan = Plan(
        simulator=simulator.name,
        times=panel.times,
        instruments=asked.instruments,
        market=market,
        net=asked.path.net,
        decided=asked.path.decided,
        filled=filled,
        prices=frozen(np.where(prices > 0.0, prices, 1.0)),
        at_open=execution.at_open,
        late=frozen(rows[:, None] < market.opened if len(market.opened) else np.empty((0, names), np.bool_)),
        swaps=swaps_of(panel, asked.columns),
        loans=frozen(loans.unit * loans.shares),
        yields=yields if len(yields) else frozen(np.zeros(len(panel.times))),
    )
    refused = refusals_of(simulator)
    for capability, cells, told in _asked(plan, costs):
        if capability in refused and cells.any():
            row, column = (int(i) for i in np.argwhere(cells)[0])
            raise plan.refuse(capability, f"{plan.at(row, column)} {told}; leave this book to custom")
    return plan


def _asked(plan: Plan, costs: CostModel) -> Iterator[tuple[Capability, Bools, str]]:
    """Yield a capability, the cells (T x N) that ask for it, and what is there."""
    rows, chosen, market = np.arange(len(plan.times)), plan.net != 0.0, plan.market

    def weighed(decisions: NDArray[np.intp]) -> Bools:
        made: Bools = decisions >= 0
        found: Bools = chosen[np.maximum(decisions, 0)] & made[:, None]
        return found

    earlier = np.searchsorted(plan.filled, rows, side="left") - 1
    before, after = weighed(earlier), weighed(np.searchsorted(plan.filled, rows, side="right") - 1)
    gross = np.zeros_like(before)
    gross[plan.filled] = chosen & (np.abs(plan.net).sum(axis=1) > GROSS)[:, None]
    yield Capability.LEVERAGE, gross, "is part of weights that are more than the equity"
    if market.actions.shape[1]:
        pending, latest = np.zeros_like(before), np.searchsorted(plan.decided, rows, side="left") - 1
        for ahead in range(1, int((latest - earlier).max()) + 1):
            pending |= weighed(np.where(earlier + ahead <= latest, earlier + ahead, -1))
        yield Capability.ACTIONS, (market.actions[DIVIDEND] != 0.0) & before, "pays a dividend while it is held"
        split = market.actions[SPLIT] != 1.0
        yield Capability.ACTIONS, split & (before | pending), "is split while it is held or ordered"
    yield (
        Capability.HALTS,
        ~(market.priced | _resting(plan)) & (before | after),
        "has no bar while it is held or traded",
    )
    if plan.at_open:
        missing = np.zeros_like(before)
        missing[plan.filled] = ~(market.opens[plan.filled] > 0.0)
        late = plan.late if len(plan.late) else np.zeros_like(missing)
        asked = missing & (before | after)
        yield Capability.LATE_FILL, asked & late & market.priced, "never had an open: it is filled at the close"
        yield Capability.HALTS, asked & ~late, "has no opening price to be filled at"
    if market.funding.shape[0]:
        told = (RATES, EARLY_RATES)[: len(market.funding) // 2]
        bare = (BARE, EARLY_BARE)[: len(market.funding) // 2] if costs.assumed_funding_bps > 0.0 else ()
        due = (market.funding[[*told, *bare]] != 0.0).any(axis=0)
        yield Capability.FUNDING, due & (before | after), "pays funding while it is held"


def _resting(plan: Plan) -> Bools:
    """Return where a name's own market is closed (T x N), in rows without a fill: there its last price stands.

    Only a panel of several markets has such rows.
    """
    closed = np.zeros((len(plan.times), len(plan.instruments)), np.bool_)
    for name in {one.calendar for one in plan.instruments}:
        mine = np.array([one.calendar == name for one in plan.instruments])
        closed |= np.isnat(calendar(name).close_of(plan.times))[:, None] & mine
    closed[plan.filled] = False
    return closed


def result_of(plan: Plan, account: LibraryAccount, costs: CostModel, execution: Execution) -> SimResult:
    """Return a library's account as the book of a simulator.

    Raises
    ------
    ModelError : it has let pass what the house would not, or holds something else than was ordered.
    """
    _refuse_lost(plan)
    _refuse_ruin(plan, account)
    _refuse_unlike(plan, account)
    first, prices = plan.first, plan.prices
    after = account.quantities[plan.filled - first]
    moved = np.diff(after, axis=0, prepend=np.zeros((1, after.shape[1]))) * prices
    gross, net = np.abs(moved).sum(axis=1), moved.sum(axis=1)
    equity = account.equity
    marks = plan.market.marks[first:]
    fees = np.zeros(len(equity))
    fees[plan.filled - first] = account.fees
    slippage = costs.slippage_bps / max(costs.slippage_bps + costs.commission_bps, np.finfo(float).tiny)
    paid = {"slippage": fees * slippage, "commission": fees - fees * slippage}
    nothing = np.zeros(len(equity))
    assumed = nothing if account.assumed is None else account.assumed
    return SimResult(
        simulator=plan.simulator,
        times=plan.times[first:],
        returns=frozen(equity / np.concatenate([[1.0], equity[:-1]]) - 1.0),
        equity=frozen(equity),
        cash=frozen(account.cash),
        quantities=frozen(account.quantities),
        marks=frozen(np.where(marks > 0.0, marks, np.nan)),
        costs={
            kind: frozen(amounts)
            for kind, amounts in (dict.fromkeys(COST_KINDS, nothing) | paid | dict(account.accrued)).items()
        },
        assumed_funding=frozen(assumed),
        filled=plan.filled,
        fill_equity=frozen(account.fill_equity),
        traded=frozen(gross / account.fill_equity),
        turnover=frozen(0.5 * (gross + np.abs(net)) / account.fill_equity),
        events=(),
        stamps=caveats_of(
            plan.instruments,
            execution,
            owed=_owed(plan, account),
            assumed=assumed,
            shorted=(plan.net < 0.0).any(axis=0),
        ),
    )


def _refuse_lost(plan: Plan) -> None:
    """Refuse a short that is held at twice the price of the fill that ordered it, or above."""
    ends = [*plan.filled[1:].tolist(), len(plan.times) - 1]
    for k, (start, end) in enumerate(zip(plan.filled.tolist(), ends, strict=True)):
        short = np.flatnonzero(plan.net[k] < 0.0)
        last = k == len(plan.filled) - 1
        limit = LOST_AT * plan.prices[k, short]
        rows = np.arange(start if plan.at_open else start + 1, end + (last or not plan.at_open))
        high = plan.market.marks[np.ix_(rows, short)] >= limit
        found = [(int(rows[i]), int(short[j])) for i, j in np.argwhere(high)[:1]]
        if plan.at_open and not last:
            found += [(end, int(short[j])) for j in np.flatnonzero(plan.prices[k + 1, short] >= limit)[:1]]
        if found:
            raise plan.refuse(
                Capability.SHORT_COLLATERAL,
                f"{plan.at(*found[0])} is at twice the price that it was sold short at, which closes it; leave "
                "this book to custom",
            )


def _refuse_ruin(plan: Plan, account: LibraryAccount) -> None:
    """Refuse equity of nothing or less, at a close or at the prices of a fill."""
    equity = np.full(len(plan.times), np.inf)
    equity[plan.first :] = account.equity
    equity[plan.filled] = np.minimum(equity[plan.filled], account.fill_equity)
    lost = np.flatnonzero(equity <= ROUNDING)
    if len(lost):
        raise plan.refuse(
            Capability.RUIN,
            f"equity is {equity[lost[0]]:g} of the capital at {plan.times[lost[0]]}, which ends the book; leave it to "
            "custom",
        )


def _refuse_unlike(plan: Plan, account: LibraryAccount) -> None:
    """Refuse a holding after a fill that is not what was ordered: weight x equity / mark of the decision."""
    at_once = plan.decided == plan.filled
    decided = np.concatenate([[1.0], account.equity])[np.maximum(plan.decided - plan.first + 1, 0)]
    equity = np.where(at_once, account.fill_equity, decided)
    marks = plan.market.marks[plan.decided]
    wanted = np.where(plan.net == 0.0, 0.0, plan.net * equity[:, None] / np.where(marks > 0.0, marks, 1.0))
    held = account.quantities[plan.filled - plan.first]
    unlike = np.abs(held - wanted) * plan.prices > HELD_AS_ORDERED * account.fill_equity[:, None]
    if unlike.any():
        k, j = (int(i) for i in np.argwhere(unlike)[0])
        raise plan.refuse(
            Capability.LEVERAGE,
            f"{plan.at(int(plan.filled[k]), j)} was ordered to {wanted[k, j]:.12g} units per unit of capital and is "
            f"held at {held[k, j]:.12g}: cash did not suffice for prices and costs; set execution.buffer: 0.005 or "
            "more, and more than it is (all simulators then play by it)",
        )


def _owed(plan: Plan, account: LibraryAccount) -> Floats:
    """Return the cash owed at each close (R), of which swaps have taken none."""
    marks = np.where(plan.swaps, plan.market.marks[plan.first :], 0.0)
    owed: Floats = -account.cash - (account.quantities * marks).sum(axis=1)
    return owed
