"""Runs of the engine: a book in stretches of rows, each on an engine of its own that begins with what the last left.

1. The first row of a stretch has been played, or has nothing to play but a decision: flat bars at its marks prime the
   engine, so that what is ordered there is filled before the next row begins (R-SIM-13).
2. What the book holds is entered at these marks, for no fee; the balance is the book's equity.
3. Rows follow: quotes at the opens of a row that is filled at them, then flat bars at the closes. A bar of the clock
   behind them plays one phase each (`play.py`); a name without a bar keeps its last price.

An engine's time for an order grows with the orders before it: that is why there are stretches.
"""

import warnings
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from tvquant.core.calendars import calendar
from tvquant.core.errors import ModelError
from tvquant.core.panel import Panel
from tvquant.simulation.account import ROUNDING
from tvquant.simulation.simulators.nautilus.play import Play
from tvquant.simulation.simulators.nautilus.rules import STEPS, Rules
from tvquant.simulation.simulators.nautilus.strategy import ENTER, PLENTY, Venue

ROWS = 250
"""Rows of a stretch: an order takes longer the more there were before it, and a stretch enters all holdings anew."""
SIZE_DIGITS = round(np.log10(STEPS))
"""Decimals of a quantity without lots."""
PRICE_DIGITS = 14
"""Decimals of a contract's price, where the library has so many."""
LEVERAGE = 1000
"""Of the margin account: the engine refuses no order of a book; what a book may hold is limited where it is decided."""
PHASE = 1000
"""Nanoseconds between two phases, and between the last one and the next row."""


class Stretch:
    """Data of one engine: instruments, and what happens when, in nanoseconds."""

    def __init__(self, version: Any, keys: tuple[str, ...], rules: Rules) -> None:
        self.version, self.keys, self.rate, self.capital = version, keys, Decimal(repr(rules.fee)), rules.capital
        self.api = api = version.library()
        self.api.digits = min(PRICE_DIGITS, api.digits)
        api.price = lambda value: api.Price(value, api.digits)
        self.venue = api.Venue("HOUSE")
        self.currency = api.Currency("UNIT", api.digits, 0, "UNIT", api.CurrencyType.FIAT)
        self.instruments = [self._instrument(f"N{j}", digits) for j, digits in enumerate(size_digits(rules, len(keys)))]
        self.clock = self._instrument("CLOCK", 0)
        self.bars = [self._bars(one) for one in (*self.instruments, self.clock)]
        self.plenty = [api.Quantity(PLENTY, one.size_precision) for one in (*self.instruments, self.clock)]
        self.data: list[Any] = []
        self.script: list[tuple[str, int]] = []

    def _instrument(self, name: str, digits: int) -> Any:
        api = self.api
        return api.CryptoPerpetual(
            instrument_id=api.InstrumentId(api.Symbol(name), self.venue),
            raw_symbol=api.Symbol(name),
            base_currency=api.Currency(name, 8, 0, name, api.CurrencyType.CRYPTO),
            quote_currency=self.currency,
            settlement_currency=self.currency,
            is_inverse=False,
            price_precision=api.digits,
            size_precision=digits,
            price_increment=api.price(10.0**-api.digits),
            size_increment=api.Quantity(10.0**-digits, digits),
            margin_init=Decimal(0),
            margin_maint=Decimal(0),
            ts_event=0,
            ts_init=0,
            **self.version.instrument_fee(self.rate),
        )

    def _bars(self, instrument: Any) -> Any:
        api = self.api
        daily = api.BarSpecification(1, api.BarAggregation.DAY, api.PriceType.LAST)
        return api.BarType(instrument.id, daily, api.AggregationSource.EXTERNAL)

    def add_bar(self, j: int, price: float, at: int) -> None:
        """Add a bar that opens and closes at one price."""
        flat = self.api.price(price)
        self.data.append(self.api.Bar(self.bars[j], flat, flat, flat, flat, self.plenty[j], at, at))

    def add_quote(self, j: int, price: float, at: int) -> None:
        """Add a quote without a spread."""
        flat = self.api.price(price)
        self.data.append(self.api.QuoteTick(self.instruments[j].id, flat, flat, self.plenty[j], self.plenty[j], at, at))

    def add_phases(self, phases: tuple[str, ...], row: int, at: int) -> None:
        """Add bars of the clock, one behind the other."""
        for k, phase in enumerate(phases, 1):
            self.script.append((phase, row))
            self.add_bar(-1, 1.0, at + k * PHASE)

    def run(self, play: Play, held: Sequence[int], worth: float) -> Sequence[int]:
        """Run an engine over the data and dispose of it; return the steps (N) that the book holds behind it."""
        api, engine, strategy = self.api, self.version.engine(), self.version.strategy()
        venue = Venue(
            api, self.venue, self.currency, self.keys, self.instruments, self.bars[-1], self.script, self.capital
        )
        strategy.equip(venue, play, held)
        with warnings.catch_warnings():  # the library asks pandas for a time in a way that pandas gives up
            warnings.filterwarnings("ignore", message="Timestamp.utcnow")
            try:
                engine.add_venue(
                    venue=self.venue,
                    oms_type=api.OmsType.NETTING,
                    account_type=api.AccountType.MARGIN,
                    base_currency=self.currency,
                    starting_balances=[api.Money(worth * self.capital, self.currency)],
                    default_leverage=Decimal(LEVERAGE),
                    fee_model=self.version.fee_model(self.rate),
                    use_message_queue=False,
                )
                for instrument in (*self.instruments, self.clock):
                    engine.add_instrument(instrument)
                engine.add_data(self.data)
                engine.add_strategy(strategy)
                engine.run()
            finally:
                engine.dispose()
        if strategy.failure is not None:
            raise strategy.failure
        strategy.check_all_filled()
        if strategy.tick != len(self.script):
            raise ModelError(f"nautilus played {strategy.tick} of {len(self.script)} phases")
        behind: list[int] = strategy.steps
        return behind


def size_digits(rules: Rules, names: int) -> list[int]:
    """Return decimals (N) that quantities need: as many as all lots of a name have, else `SIZE_DIGITS`."""
    if not len(rules.lots):
        return [SIZE_DIGITS] * names
    lots = rules.lots * rules.capital
    found = np.full(names, SIZE_DIGITS)
    for digits in reversed(range(SIZE_DIGITS)):
        steps = lots * 10.0**digits
        found[(np.abs(steps - np.round(steps)) <= ROUNDING * steps).all(axis=0) & (lots > 0.0).all(axis=0)] = digits
    return [int(digits) for digits in found]


def play_book(version: Any, panel: Panel, play: Play) -> None:
    """Play a book from its first decision to the last row of the panel, or to its ruin."""
    rows, plan = len(panel.times), play.plan
    primed, worth = int(plan.decided[0]), 1.0
    held: Sequence[int] = [0] * len(play.diary.keys)
    first = ("fill_at_close", "settle") if plan.at_once else ("settle",)
    while True:
        stretch = Stretch(version, play.diary.keys, play.rules)
        until = min(primed + 1 + ROWS, rows)
        _put_rows(stretch, panel, play, primed, until, first)
        held = stretch.run(play, held, worth)
        if until == rows or not play.alive:
            return
        primed, first = until - 1, (ENTER,)
        worth, play.beside.cash = play.diary.before(until), 0.0


def _put_rows(stretch: Stretch, panel: Panel, play: Play, primed: int, until: int, first: tuple[str, ...]) -> None:
    """Put the bars that prime the engine, then rows to before `until`."""
    plan, market, contracts, filled = play.plan, play.market, play.contracts, set(play.plan.filled.tolist())
    opens = panel.times.astype("datetime64[ns]").astype(np.int64)
    closes = calendar(panel.calendar).close_of(panel.times).astype("datetime64[ns]").astype(np.int64) - 10 * PHASE
    for j in np.flatnonzero(contracts.marks[primed] > 0.0).tolist():
        stretch.add_bar(j, float(contracts.marks[primed, j]), int(closes[primed]))
    stretch.add_phases(first, primed, int(closes[primed]))
    for t in range(primed + 1, until):
        if plan.at_open and t in filled:
            for j in np.flatnonzero(market.priced[t] & (contracts.opens[t] > 0.0)).tolist():
                stretch.add_quote(j, float(contracts.opens[t, j]), int(opens[t]))
            stretch.add_phases(("open", "fill_at_open"), t, int(opens[t]))
        for j in np.flatnonzero(market.priced[t]).tolist():
            stretch.add_bar(j, float(contracts.marks[t, j]), int(closes[t]))
        fills: tuple[str, ...] = ()
        if t in filled and not plan.at_open:
            fills = ("fill_at_close",)
        elif t in filled and len(plan.late) and plan.late[t].any():
            fills = ("fill_late",)
        stretch.add_phases(("mark", *fills, "settle"), t, int(closes[t]))
