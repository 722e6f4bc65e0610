"""Time the whole technical rating of 1000 names x 2000 days, on every day and on the last day, beside TA-Lib.

Ours is all of it: 26 indicators, their votes, and the means by averages, by oscillators and of both. TA-Lib's figure is
the values of the twenty-two indicators that both have, one call per name and indicator, and no vote: it has no VWMA,
Hull average, Ichimoku and bull and bear power. On the last day TA-Lib is asked for whole series too: its streaming
functions begin their averages anew and give other values. Values are held equal while timing, after the beginnings of
TA-Lib's MACD and ADX, which differ. Exit 1 when a target is missed.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import talib

from tvquant.features.moving_averages import aligned, exponential, simple
from tvquant.features.oscillator_votes import oscillator_votes
from tvquant.features.oscillators import oscillators
from tvquant.features.rating_rules import PriceSource
from tvquant.features.ratings import LENGTHS, mean_of_groups, mean_vote, moving_average_votes

ROWS, NAMES, SAMPLE, LATE = 2000, 1000, 20, 500
TARGET_SECONDS = 0.5
TARGET_RATIO = 3.0
"""Of the last day, which is what a decision or a scan asks for."""


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
    averages = moving_average_votes(*bars, rows=rows)
    others = oscillator_votes(*bars[:3], rows=rows)
    return [mean_vote(averages), mean_vote(others), mean_of_groups(averages, others)]


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
    blocks = aligned(close, close, ROWS + LENGTHS[-1] - 1)
    for kind, values in (("SMA", simple(blocks, LENGTHS, ROWS)), ("EMA", exponential(blocks, LENGTHS, ROWS))):
        ours |= {f"{kind}{n}": values[m] for m, n in enumerate(LENGTHS)}
    worst = 0.0
    for j in range(SAMPLE):
        for name, values in peer(*(np.ascontiguousarray(field[:, j]) for field in (high, low, close))).items():
            late = values[LATE:]
            worst = max(worst, float(np.abs(ours[name][j, LATE:] - late).max() / np.abs(late).max()))
    return worst


def main() -> int:
    bars = market()
    columns = [[np.ascontiguousarray(field[:, j]) for field in bars[:3]] for j in range(NAMES)]
    apart = difference(bars)
    theirs = best_of(lambda: [peer(*fields) for fields in columns])
    every, last = (best_of(lambda rows=rows: rating(bars, rows)) for rows in (ROWS, 1))
    print(f"rating of {NAMES} names x {ROWS} days, milliseconds, best of several")
    print("              tvquant, 26 votes and means   TA-Lib, 22 values   ratio")
    for day, ours in (("every day", every), ("last day", last)):
        print(f"  {day:<10}  {ours * 1e3:>27.0f}   {theirs * 1e3:>17.0f}   {theirs / ours:>4.1f}x")
    print(f"  largest difference of a value from TA-Lib's, to the indicator's largest: {apart:.0e}")
    met = every <= TARGET_SECONDS and theirs / last >= TARGET_RATIO and apart < 1e-9
    print(
        f"target: every day within {TARGET_SECONDS:g} s, last day at least {TARGET_RATIO:g}x, equal values: "
        f"{'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
