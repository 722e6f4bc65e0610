"""Sleeves by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tvquant.core.atoms import Direction
from tvquant.core.calendars import CRYPTO, calendar
from tvquant.core.sleeves import HeldAtom, Sleeve, SleeveDecision, Solves
from tvquant.core.stamps import NONE

BEGINNING = np.datetime64("2024-01-01", "us")
"""A Monday."""


def sleeve(
    name: str,
    levels: Sequence[float],
    *,
    sides: Mapping[str, float] | None = None,
    decided: Sequence[int] = (0,),
    market: str = CRYPTO,
    first: np.datetime64 = BEGINNING,
    **changed: Any,
) -> Sleeve:
    """Return a sleeve with these levels on the bars of a market from `first` on.

    `sides` are the signed sizes of the instruments that it holds from each of the rows `decided` on.
    """
    times = calendar(market).bars(first, first + np.timedelta64(4 * len(levels) + 10, "D"))[: len(levels)]
    held = {"BINANCE:BTCUSDT": 1.0} if sides is None else sides
    atoms = tuple(
        HeldAtom(f"{key}_trend_{side}", key, side, abs(size))
        for key, size in held.items()
        for side in (Direction.LONG if size >= 0.0 else Direction.SHORT,)
    )
    fields: dict[str, Any] = {
        "name": name,
        "profile": name,
        "run": f"20240101-000000-{name}",
        "result": name.encode().hex().ljust(64, "0")[:64],
        "cell": "v4/custom/hrp/custom",
        "calendar": market,
        "times": times,
        "levels": np.array(levels, dtype=np.float64),
        "decisions": tuple(SleeveDecision(at=times[row], atoms=atoms) for row in decided),
        "solves": Solves(solved=len(decided), asked=len(decided)),
        "conventions": {"execution.convention": "next_open"},
        "stamps": NONE,
    }
    return Sleeve(**(fields | changed))
