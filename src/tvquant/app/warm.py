"""Compile the kernels once into the cache: `python -m tvquant.app.warm`."""

import numpy as np

from tvquant.app.vocabulary import vocabulary
from tvquant.core.calendars import CRYPTO, calendar
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Panel
from tvquant.core.stamps import NONE
from tvquant.features import TERMS, compute, history
from tvquant.profiles import load, resolve
from tvquant.tournament.cells import books, crossed, paths
from tvquant.tournament.walk_forward import BacktestEngine
from tvquant.tournament.windows import Schedule

ROWS, NAMES = 240, 6
LISTED = 100
"""The row at which the last name is listed; it has a hole later."""


def main() -> None:
    """Play the last windows of a small random market through every risk profile, and take every feature.

    Kernels are compiled for whole panels and for views of some columns, which lie otherwise in memory.
    """
    profile = resolve(
        load("crypto_spot"),
        vocabulary(),
        arguments={
            "warm": ("allocation.profiles", sorted(vocabulary().risk_profiles)),
            "market": ("benchmark.market", []),
            "weights": ("allocation.fixed.weights", {"A:0": 0.2}),
        },
    ).profile
    panel = _market()
    history(panel, TERMS, rating_min_bars=1)
    compute(panel.until(panel.known_at[LISTED - 1, 0]), TERMS, rating_min_bars=1)
    schedule = Schedule(train=200, test=20, step=20, span=None)
    played = crossed(paths(profile, [schedule]), books(profile))
    engine = BacktestEngine(panel, {schedule: schedule.windows(panel.times, panel.calendar)})
    made = list(engine.play([cell.path for cell in played]))
    for cell in played:
        engine.settle(cell, [one.rebalance for one in made if one.path is cell.path])


def _market() -> Panel:
    """Return random walks of a few spot pairs with volume."""
    times = np.arange(ROWS).astype("datetime64[D]").astype("datetime64[us]")
    close = 100.0 * np.exp(np.random.default_rng(0).normal(0.0, 0.02, (ROWS, NAMES)).cumsum(axis=0))
    close[:LISTED, -1] = close[LISTED + 20 : LISTED + 30, -1] = np.nan
    return Panel(
        times=times,
        instruments=tuple(
            Instrument(symbol=f"A:{k}", kinds=frozenset({Kind.SPOT}), currency="USD", calendar=CRYPTO)
            for k in range(NAMES)
        ),
        fields=dict.fromkeys(("open", "high", "low", "close", "volume"), close),
        known_at=np.broadcast_to(calendar(CRYPTO).known_at(times)[:, None], close.shape),
        tradable=~np.isnan(close),
        bases=(Basis.RAW,) * NAMES,
        stamps=(NONE,) * NAMES,
        calendar=CRYPTO,
    )


if __name__ == "__main__":
    main()
