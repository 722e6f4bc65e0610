"""What becomes of an order before it is filled: bands, partial steps, lots and participation; compiled parts.

At the decision mark, of each name in this order:

1. What is held is the holding, or what an order that waits for its fill will make of it.
2. A name that is not to be held any more is closed: no rule holds an exit back.
3. Within the band, measured as weight from what is held to the target on the same side of zero, nothing is ordered.
4. A partial step goes its share of the way from what is held to the target, through zero where they differ in side.
5. The new holding is cut toward zero to whole lots.
6. An order below the least notional at the mark is left out, and so is one that changes nothing. Where the new holding
   is zero it is an exit, and is not left out.

At the fill the quantity is cut to what participation admits at the fill's price, toward what is held and to whole lots;
the rest lapses. What is then below the least notional lapses too, unless it is part of an exit.
"""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.simulation.account import (
    DEFERRED,
    FILLED,
    HELD,
    LEAST,
    LOT,
    MOST,
    PARTLY_FILLED,
    PRICE,
    ROUNDING,
    Account,
    Book,
    Orders,
    PriceRows,
    Terms,
)  # fmt: skip
from tvquant.simulation.book_events import note
from tvquant.simulation.compiling import inlined, part

NO_ORDER = np.nan
"""Stands in the place of a quantity where a name is left as it is."""
WHOLE = 1e-9
"""A quantity that is less than this part of a lot below a whole number of lots is that number: the rest is rounding."""


@inlined
def order(orders: Orders, account: Account, decision: int, equity: float) -> None:
    """Turn weights into quantities at the decision mark."""
    net, price, targets = orders.net[decision], account.names[PRICE], account.targets[decision]
    for j in range(len(price)):
        quantity = net[j] * equity / price[j]
        targets[j] = quantity if net[j] != 0.0 else 0.0


@part
def by_the_rules(
    bounds: Floats, band: float, partial: float, account: Account, fill: int, decision: int, equity: float
) -> None:
    """Put into the targets of a decision (N) what is ordered by the rules; orders from `fill` on wait for theirs."""
    targets, price, limited = account.targets, account.names[PRICE], bounds.shape[0] > 0
    for j in range(len(price)):
        target, held = targets[decision, j], account.names[HELD, j]
        for k in range(fill, decision):
            if not np.isnan(targets[k, j]):
                held = targets[k, j]
        if target != 0.0:
            if target * held > 0.0 and abs(target - held) * price[j] <= band * equity:
                target = held
            target = held + partial * (target - held) if partial < 1.0 else target
            if limited and target != held:
                target = whole_lots(target, bounds[LOT, decision, j])
            short_of = limited and target != 0.0 and abs(target - held) * price[j] < bounds[LEAST, decision, j]
            targets[decision, j] = NO_ORDER if target == held or short_of else target


@part
def limit_orders(
    market: PriceRows, orders: Orders, terms: Terms, book: Book, account: Account, t: int, late: bool, equity: float
) -> None:
    """Put aside what a fill does not take up, and cut orders to what participation admits; the rest lapses.

    A fill at the open leaves names without an open until this row to its `late` part, which takes up those alone.
    """
    k, names, by_close = book.tally[FILLED] - late, account.names, late or not terms.at_open
    target, held, price = account.targets[k], names[HELD], names[PRICE]
    for j in range(len(target)):
        waits = terms.at_open and market.opened.shape[0] > 0 and t < market.opened[j]
        if late:
            target[j] = names[DEFERRED, j] if waits else NO_ORDER
        elif waits:
            names[DEFERRED, j], target[j] = target[j], NO_ORDER
        if orders.bounds.shape[0] == 0 or not (market.priced[t, j] and (by_close or market.opens[t, j] > 0.0)):
            continue
        if abs(target[j] - held[j]) * price[j] > max(orders.bounds[MOST, k, j], ROUNDING * equity):
            left = admitted(orders.bounds[:, k, j], held[j], target[j], price[j])
            note(book, t, j, PARTLY_FILLED, (target[j] - left) * price[j] / equity, price[j])
            target[j] = NO_ORDER if left == held[j] else left


@part
def admitted(bounds: Floats, held: float, target: float, price: float) -> float:
    """Return the holding that a fill may make of what is held, where it may not be the target, by its bounds (3)."""
    moved, lot = bounds[MOST] / price if target > held else -bounds[MOST] / price, bounds[LOT]
    left = held + moved
    if lot > 0.0:
        steps = left / lot
        left = lot * (np.floor(steps + WHOLE) if moved > 0.0 else np.ceil(steps - WHOLE))
        if (left - held) * moved <= 0.0:
            return held
    return held if target != 0.0 and abs(left - held) * price < bounds[LEAST] else left


@part
def whole_lots(quantity: float, lot: float) -> float:
    """Return a quantity cut toward zero to a multiple of the lot; the quantity itself where there is none."""
    if lot == 0.0:
        return quantity
    lots: float = np.floor(abs(quantity) / lot + WHOLE) * lot
    return lots if quantity > 0.0 else -lots
