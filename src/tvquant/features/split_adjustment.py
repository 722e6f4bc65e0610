"""Split adjustment: bars with prices continuous through splits, so that no term of them sees a split.

1. From a split's row on a price is of a new share: all bars are turned back to the share that a name began with. Prices
   are multiplied by what one such share has become by their row, volumes are divided by it; quote volume is money.
2. That depends on splits up to the row only, so no later one changes an earlier bar: a row of one pass over all bars is
   that of the view cut there, bit for bit. What is a ratio of bars is the same for any share they are counted in.
3. A level in units of the price is given in those of its own row: it is divided by `units` again.
"""

from dataclasses import replace

import numpy as np

from tvquant.core.panel import Floats, Panel, frozen, units_of

PRICES = ("open", "high", "low", "close")
BARS = (*PRICES, "volume", "quote_volume")
"""What terms read."""


def units(view: Panel) -> Floats | None:
    """Return the T x N shares that one share of the first row has become; None where nothing was ever split."""
    split = view.fields.get("split")
    if split is None:
        return None
    known = units_of(split)
    return known if (known != 1.0).any() else None


def through_splits(view: Panel) -> Panel:
    """Return the view with prices and volumes in shares of its first row; the view itself if nothing was split."""
    grown = units(view)
    if grown is None:
        return view
    columns = np.flatnonzero((grown != 1.0).any(axis=0))
    factor, fields = grown[:, columns], dict(view.fields)
    for name in {*PRICES, "volume"} & fields.keys():
        turned = fields[name].copy()
        turned[:, columns] = turned[:, columns] / factor if name == "volume" else turned[:, columns] * factor
        fields[name] = frozen(turned)
    return replace(view, fields=fields)


def in_rows(view: Panel) -> Panel:
    """Return the view with its bars in C order: one memory layout, hence one compilation of each kernel.

    A view of some columns is copied; where bars lie so already it is the very view.
    """
    turned = {name: view.fields[name] for name in BARS if name in view.fields}
    turned = {name: frozen(np.ascontiguousarray(f)) for name, f in turned.items() if not f.flags.c_contiguous}
    return replace(view, fields=dict(view.fields) | turned) if turned else view
