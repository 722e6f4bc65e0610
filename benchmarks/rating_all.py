"""Time the whole technical rating of 1000 names x 2000 days, on every day and on the last day, beside TA-Lib.

Three pairs, in one run:
1. all of the rating, 26 indicators with their votes and the three means, against the values of the twenty-two
   indicators that TA-Lib has too, one call per name and indicator, and no vote. It has no VWMA, Hull average, Ichimoku
   and bull and bear power. On the last day TA-Lib is asked for whole series too: its streaming functions begin their
   averages anew and give other values.
2. like with like: only what both have. Ours are the values of the same indicators; a block of names at a time, which is
   how votes take them.
3. pandas-ta, if TVQUANT_PANDAS_TA names the interpreter of an environment that has it (its numba is not ours), on some
   names, scaled to all.

Ours takes as many threads as NUMBA_NUM_THREADS allows, the peers take one. Values are held equal to TA-Lib's while
timing, after the beginnings of its MACD and ADX, which differ. Exit 1 when a target is missed; the first ratio is
printed against the same target and does not decide, for what is compared there is more work for ours.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable

import numba
import numpy as np
import talib

from tvquant.features.moving_averages import exponential, simple
from tvquant.features.oscillator_votes import oscillator_tally
from tvquant.features.oscillators import Recursive, oscillators, recursive, windowed
from tvquant.features.rating_rules import PriceSource
from tvquant.features.ratings import LENGTHS, mean, mean_of_both, moving_average_tally
from tvquant.features.tiles import CHUNK, LANES, Tile, by_tiles
from tvquant.features.votes import MISSING

ROWS, NAMES, SAMPLE, LATE = 2000, 1000, 20, 500
TARGET_SECONDS = 0.5
TARGET_RATIO = 3.0
TARGET_PANDAS_TA = 50.0
PANDAS_TA = """
import sys, time, numpy as np, pandas as pd, pandas_ta as ta
rows, names = int(sys.argv[1]), int(sys.argv[2])
draw = np.random.default_rng(0)
close = pd.DataFrame(100.0 * np.exp(draw.normal(0.0, 0.03, (rows, names)).cumsum(axis=0)))
high, low = close * (1.0 + draw.random((rows, names)) / 50), close * (1.0 - draw.random((rows, names)) / 50)
volume = pd.DataFrame(draw.random((rows, names)) * 1e6)
def rate(h, l, c, v):
    for n in (10, 20, 30, 50, 100, 200):
        ta.sma(c, n, talib=False), ta.ema(c, n, talib=False)
    ta.hma(c, 9), ta.vwma(c, v, 20), ta.ichimoku(h, l, c), ta.rsi(c, 14, talib=False), ta.stoch(h, l, c, talib=False)
    ta.cci(h, l, c, 20, talib=False), ta.adx(h, l, c, 14, talib=False), ta.ao(h, l), ta.mom(c, 10, talib=False)
    ta.macd(c, talib=False), ta.stochrsi(c, talib=False), ta.willr(h, l, c, 14, talib=False), ta.eri(h, l, c, 13)
    ta.uo(h, l, c, talib=False)
best = 1e9
for _ in range(3):
    start = time.perf_counter()
    for j in range(names):
        rate(high[j], low[j], close[j], volume[j])
    best = min(best, time.perf_counter() - start)
print(best / names)
"""
"""The values of the twenty-six in its own code, not TA-Lib's; seconds for one name."""


def best_of(run: Callable[[], object], seconds: float = 2.0) -> float:
    """Shortest time of at least three runs after a warm one."""
    times: list[float] = []
    run()
    while len(times) < 3 or sum(times) < seconds:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def market() -> tuple[np.ndarray, ...]:
    """High, low, close and volume of random walks."""
    rng = np.random.default_rng(0)
    close = 100.0 * np.exp(rng.normal(0.0, 0.03, (ROWS, NAMES)).cumsum(axis=0))
    high, low = close * (1.0 + rng.random((ROWS, NAMES)) / 50), close * (1.0 - rng.random((ROWS, NAMES)) / 50)
    return high, low, close, rng.random((ROWS, NAMES)) * 1e6


def rating(bars: tuple[np.ndarray, ...], rows: int) -> list[np.ndarray]:
    """The three ratings of the last rows."""
    averages = moving_average_tally(*bars, rows=rows)
    others = oscillator_tally(*bars[:3], rows=rows)
    return [mean(averages), mean(others), mean_of_both(averages, others)]


def peer(high: np.ndarray, low: np.ndarray, close: np.ndarray) -> dict[str, np.ndarray]:
    """TA-Lib's values of one name by the names of ours."""
    middle = (high + low) / 2.0
    macd, signal, _ = talib.MACD(close, 12, 26, 9)
    k, d = talib.STOCH(high, low, close, 14, 3, 0, 3, 0)
    talib.STOCHRSI(close, 14, 14, 3, 0)  # its K is not smoothed: timed, not compared
    return {f"{kind}{n}": getattr(talib, kind)(close, n) for kind in ("SMA", "EMA") for n in LENGTHS} | {
        "rsi": talib.RSI(close, 14),
        "k": k,
        "d": d,
        "cci": talib.CCI(close, close, close, 20),
        "adx": talib.ADX(high, low, close, 14),
        "plus": talib.PLUS_DI(high, low, close, 14),
        "minus": talib.MINUS_DI(high, low, close, 14),
        "awesome": talib.SMA(middle, 5) - talib.SMA(middle, 34),
        "momentum": talib.MOM(close, 10),
        "macd": macd,
        "signal": signal,
        "williams": talib.WILLR(high, low, close, 14),
        "ultimate": talib.ULTOSC(high, low, close, 7, 14, 28),
    }


def difference(bars: tuple[np.ndarray, ...]) -> float:
    """Largest difference of a late value of some names to TA-Lib's, against the spread of that indicator's values."""
    high, low, close = (np.ascontiguousarray(field[:, :SAMPLE]) for field in bars[:3])
    ours = oscillators(high, low, close, rows=ROWS - 2, cci_source=PriceSource.CLOSE)._asdict()
    blocks = Tile(close, 0, SAMPLE, SAMPLE).stacked(close, ROWS + LENGTHS[-1] - 1)[0]
    for kind, values in (("SMA", simple(blocks, LENGTHS, ROWS)), ("EMA", exponential(blocks, LENGTHS, ROWS))):
        ours |= {f"{kind}{n}": values[m].T for m, n in enumerate(LENGTHS)}
    worst = 0.0
    for j in range(SAMPLE):
        for name, values in peer(*(np.ascontiguousarray(field[:, j]) for field in (high, low, close))).items():
            late = values[LATE:]
            worst = max(worst, float(np.abs(ours[name][j, LATE:] - late).max() / np.abs(late).max()))
    return worst


def values_both_have(bars: tuple[np.ndarray, ...]) -> None:
    """Ours of what TA-Lib has: twelve averages, nine oscillators of the rating and the two sides of the ADX."""
    high, low, close = bars[:3]
    width = ROWS + LENGTHS[-1] - 1

    def work(tile: Tile) -> np.ndarray:
        blocks = [tile.stacked(field, width) for field in (high, low, close)]
        for highs, lows, closes in zip(*blocks, strict=True):
            exponential(closes, LENGTHS, width)
            smooth = recursive(highs, lows, closes)
            for end in range(width, width - ROWS, -CHUNK):
                size = min(CHUNK, end - (width - ROWS))
                simple(closes[:end], LENGTHS, size)
                until = Recursive(*(values[:end] for values in smooth))
                windowed(highs[:end], lows[:end], closes[:end], until, size, False)
        return np.empty((len(blocks[0]), 0, ROWS, LANES), np.int8)

    by_tiles(close, ROWS, 0, MISSING, work)


def pandas_ta(names: int = 20) -> float | None:
    """Seconds of pandas-ta for all names, from some; None where it is not."""
    python = os.environ.get("TVQUANT_PANDAS_TA")
    if not python:
        return None
    found = subprocess.run(
        [python, "-W", "ignore", "-c", PANDAS_TA, str(ROWS), str(names)], capture_output=True, text=True, check=False
    )
    if found.returncode:
        print(f"  pandas-ta did not run: {found.stderr.strip().splitlines()[-1:]}")
        return None
    return float(found.stdout.split()[-1]) * NAMES


def main() -> int:
    bars = market()
    columns = [[np.ascontiguousarray(field[:, j]) for field in bars[:3]] for j in range(NAMES)]
    apart = difference(bars)
    theirs = best_of(lambda: [peer(*fields) for fields in columns])
    alike = best_of(lambda: values_both_have(bars))
    every, last = (best_of(lambda rows=rows: rating(bars, rows)) for rows in (ROWS, 1))
    pandas = pandas_ta()
    threads = vars(numba.config)["NUMBA_NUM_THREADS"]
    print(f"rating of {NAMES} names x {ROWS} days, milliseconds, best of several; {threads} threads of ours")
    print("                                      tvquant      peer     ratio   target")
    rows = [
        ("every day, 26 votes and means, TA-Lib", every, theirs, TARGET_RATIO),
        ("every day, values both have, TA-Lib", alike, theirs, TARGET_RATIO),
        ("last day, 26 votes and means, TA-Lib", last, theirs, TARGET_RATIO),
    ]
    if pandas:
        rows.append(("every day, 26, pandas-ta", every, pandas, TARGET_PANDAS_TA))
    for name, ours, other, target in rows:
        ratio = other / ours
        told = "met" if ratio >= target else "not met"
        print(f"  {name:<38}{ours * 1e3:>5.0f}{other * 1e3:>10.0f}{ratio:>9.1f}x   {target:g}x {told}")
    if not pandas:
        print("  pandas-ta: not installed (TVQUANT_PANDAS_TA names no interpreter that has it)")
    print(f"  largest difference of a value from TA-Lib's, to the indicator's largest: {apart:.0e}")
    met = every <= TARGET_SECONDS and theirs / max(last, alike) >= TARGET_RATIO and apart < 1e-9
    met = met and (not pandas or pandas / every >= TARGET_PANDAS_TA)
    print(
        f"target: every day within {TARGET_SECONDS:g} s, like with like and last day {TARGET_RATIO:g}x TA-Lib, "
        f"every day {TARGET_PANDAS_TA:g}x pandas-ta, equal values: {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
