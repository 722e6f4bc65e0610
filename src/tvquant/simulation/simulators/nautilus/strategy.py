"""The strategy: holdings are brought to net physical weights, and nothing else happens."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.simulation.account import ROUNDING
from tvquant.simulation.simulators.nautilus.play import Play
from tvquant.simulation.simulators.nautilus.rules import STEPS

CAPITAL = 1e6
"""What a book of 1 begins with at the engine, unless it has lots."""
ENTER = "enter"
"""The phase in which what the book already holds is bought and sold, for no fee."""
PLENTY = 1e13
"""Contracts on offer: no order is filled in part."""
SAME_PRICE = 1e-9
"""A fill is at the price that it was ordered at within this share of it."""


class Sent(NamedTuple):
    """An order that is not filled yet: its column and steps, the price it is due at, and whether it bears no fee."""

    column: int
    steps: int
    price: float
    free: bool


class Venue(NamedTuple):
    """What the strategy meets at the engine: N instruments, their keys, the bars that it listens to.

    `script` says of each bar of the clock which phase is played of which row, `capital` what a book of 1 begins with.
    """

    api: Any
    name: Any
    currency: Any
    keys: Sequence[str]
    instruments: Sequence[Any]
    clock: Any
    script: Sequence[tuple[str, int]]
    capital: float


def check_net_weights(keys: Iterable[str], physical: Iterable[str]) -> None:
    """Refuse weights of anything but instruments: they are flattened before they come here (R-SIM-12)."""
    unknown = sorted(set(keys).difference(physical))
    if unknown:
        raise ModelError(
            f"nautilus executes net weights of instruments and nothing else, found {', '.join(unknown[:3])}"
            f"{' ...' if len(unknown) > 3 else ''}: flatten atoms to net physical weights first"
        )


class NautilusRebalanceStrategy:
    """Bring holdings to net physical weights; what is due when is the `Play`'s.

    It is mixed into the strategy of the version in use, and is the `Engine` of the play: amounts are fractions of the
    starting capital.
    """

    order_factory: Any
    cache: Any
    portfolio: Any
    submit_order: Callable[[Any], None]
    subscribe_bars: Callable[[Any], None]
    """What the strategy of the library has."""

    def equip(self, venue: Venue, play: Play, entry: Sequence[int]) -> None:
        """Take a venue and a book; `entry` is what the book holds already, N numbers of steps."""
        self.venue, self.play, self.entry = venue, play, entry
        self.steps = [0] * len(entry)
        """What is held in steps, the smallest change of a quantity."""
        self.held, self.fees, self.refunds = np.zeros(len(entry)), play.fees, 0.0
        self.places = {instrument.id: j for j, instrument in enumerate(venue.instruments)}
        self.sent: dict[Any, Sent] = {}
        self.tick = 0
        self.failure: Exception | None = None

    def on_start(self) -> None:
        """Listen to the clock alone: its bar says that all prices of a moment are in."""
        self.subscribe_bars(self.venue.clock)

    def on_bar(self, _: Any) -> None:
        """Play the phase that is due."""
        phase, row = self.venue.script[self.tick]
        self.tick += 1
        if self.failure is not None or not self.play.alive:
            return
        try:
            self.check_all_filled()
            if phase == ENTER:
                for j, steps in enumerate(self.entry):
                    self._order(j, steps, float(self.play.contracts.marks[row, j]), free=True)
            else:
                getattr(self.play, phase)(row, self)
        except Exception as error:
            self.failure = error  # version 2 keeps to itself what a callback raises
            raise

    def on_order_filled(self, event: Any) -> None:
        """Take what was filled at the price it was ordered at into the holdings, and its fee; nothing else."""
        sent = self.sent[event.client_order_id]
        size = int(event.last_qty.as_decimal() * STEPS)
        filled = size if event.order_side == self.venue.api.OrderSide.BUY else -size
        if filled != sent.steps or abs(event.last_px.as_double() / sent.price - 1.0) > SAME_PRICE:
            return  # it stays among what was sent, and `check_all_filled` refuses it
        del self.sent[event.client_order_id]
        self.steps[sent.column] += filled
        self.held[sent.column] = self.steps[sent.column] / (STEPS * self.venue.capital)
        fee = event.commission.as_double() / self.venue.capital
        if sent.free:
            self.refunds += fee
        else:
            self.fees += fee

    def check_all_filled(self) -> None:
        """Refuse to go on with an order that was not filled in whole, at the price that it was ordered at."""
        for sent in self.sent.values():
            raise ModelError(
                f"{self.venue.keys[sent.column]}: nautilus has not filled an order of {sent.steps / STEPS:g} contracts "
                f"at {sent.price:g} as it was sent; leave this book to custom"
            )

    def worth(self, prices: Floats) -> float:
        """Return balance and unrealised gains at these prices (N)."""
        account, price_of = self.portfolio.account(self.venue.name), self.venue.api.price
        total: float = account.balance_total(self.venue.currency).as_double()
        for position in self.cache.positions_open():
            price = price_of(float(prices[self.places[position.instrument_id]]))
            total += position.unrealized_pnl(price).as_double()
        return total / self.venue.capital

    def bring(self, column: int, contracts: float, price: float) -> None:
        """Order what brings a holding to a number of contracts, cut toward zero to whole steps."""
        wanted = contracts * self.venue.capital * STEPS
        whole = round(wanted)
        steps = whole if abs(whole - wanted) <= ROUNDING * abs(wanted) else int(wanted)
        self._order(column, steps - self.steps[column], price, free=False)

    def close(self, column: int, price: float) -> None:
        """Order what closes a holding; its fee is given back."""
        self._order(column, -self.steps[column], price, free=True)

    def _order(self, j: int, steps: int, price: float, *, free: bool) -> None:
        if steps == 0:
            return
        api = self.venue.api
        if abs(steps) > PLENTY * STEPS:
            raise ModelError(
                f"{self.venue.keys[j]}: at {price:g} of its first price an order is beyond the numbers of nautilus; "
                "leave this book to custom"
            )
        side = api.OrderSide.BUY if steps > 0 else api.OrderSide.SELL
        traded = self.venue.instruments[j]
        exact = Decimal(abs(steps)) / STEPS  # a float has too few digits for a large one
        quantity = api.Quantity.from_str(f"{exact:.{traded.size_precision}f}")
        order = self.order_factory.market(traded.id, side, quantity)
        self.sent[order.client_order_id] = Sent(j, steps, price, free)
        self.submit_order(order)
