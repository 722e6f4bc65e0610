"""Time the replay of one scanner on 500 dates, beside the same 500 dates screened one by one.

The market is random, of the size of Binance's spot market in dollars. The first, warming replay compiles kernels and is
not counted. Both ways must recruit the same names. Exit 1 when the target is missed.
"""

import sys
import time

import numpy as np

from tvquant.app.scanning import Ratings, replay, scan_at
from tvquant.core.calendars import CRYPTO, calendar
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Panel
from tvquant.core.stamps import NONE
from tvquant.features.rating_rules import LIBRARY_V3
from tvquant.profiles.scanners import load_scanner

NAMES, ROWS, DATES = 400, 1000, 500
SAMPLE = 20
TARGET_SECONDS = 2.0
SCANNER = "binance_spot_rating_all_long"


def market() -> Panel:
    rng = np.random.default_rng(0)
    times = np.arange(ROWS).astype("datetime64[D]").astype("datetime64[us]")
    close = 100.0 * np.exp(rng.normal(0.0, 0.04, (ROWS, NAMES)).cumsum(axis=0))
    spread = np.exp(np.abs(rng.normal(0.0, 0.02, (2, ROWS, NAMES))))
    fields = {
        "open": close, "high": close * spread[0], "low": close / spread[1], "close": close,
        "volume": rng.lognormal(12.5, 1.0, (ROWS, NAMES)),
    }  # fmt: skip
    return Panel(
        times=times,
        instruments=tuple(
            Instrument(symbol=f"BINANCE:C{k}USDT", kinds=frozenset({Kind.SPOT}), currency="USD", calendar=CRYPTO)
            for k in range(NAMES)
        ),
        fields=fields,
        known_at=np.broadcast_to(calendar(CRYPTO).close_of(times)[:, None], close.shape),
        tradable=np.ones(close.shape, dtype=bool),
        bases=(Basis.RAW,) * NAMES,
        stamps=(NONE,) * NAMES,
        calendar=CRYPTO,
    )


def main() -> int:
    """Print both ways and whether the target is met."""
    panel, scanners = market(), [load_scanner(SCANNER)]
    ratings = Ratings(rules=LIBRARY_V3, min_bars=200)
    rows = np.arange(ROWS - DATES, ROWS)
    list(replay(panel, scanners, rows[:1], ratings))
    start = time.perf_counter()
    found = list(replay(panel, scanners, rows, ratings))
    took = time.perf_counter() - start
    start = time.perf_counter()
    for k in range(0, DATES, DATES // SAMPLE):
        alone = scan_at(panel, scanners, panel.times[rows[k]].astype("datetime64[D]").item(), ratings)
        if [atom.symbol for atom in alone.found.atoms] != [atom.symbol for atom in found[k].found.atoms]:
            print(f"the replay of {alone.bar} differs from its scan")
            return 1
    single = (time.perf_counter() - start) * DATES / SAMPLE
    atoms = sum(len(one.found.atoms) for one in found) / DATES
    met = took <= TARGET_SECONDS
    print(f"{NAMES} names x {ROWS} bars, {DATES} dates of {SCANNER}, {atoms:.0f} atoms on average")
    print(f"replay in one pass  {took:6.2f} s   target {TARGET_SECONDS:g} s: {'met' if met else 'MISSED'}")
    print(f"date by date        {single:6.2f} s   {single / took:.1f}x (from {SAMPLE} of them)")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
