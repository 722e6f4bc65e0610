"""Time the moving-average rating of 1000 names x 500 days, on the last day and on every day, beside TA-Lib.

Ours is the whole rating: fifteen indicators, their votes and the mean. TA-Lib's figure is its SMA and EMA alone, one
call per name and length (its streaming functions for the last day), which is twelve of the fifteen and no vote. The
votes of these twelve are held equal while timing. Exit 1 when a target is missed.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import talib
from talib import stream

from tvquant.features.ratings import LENGTHS, mean_vote, moving_average_votes
from tvquant.features.votes import MISSING

ROWS, NAMES = 500, 1000
TARGET_SECONDS = 2.0
TARGET_RATIO = 2.0


def best_of(run: Callable[[], object], seconds: float = 1.0) -> float:
    """Shortest time of at least three runs after a warm one."""
    times: list[float] = []
    run()
    while len(times) < 3 or sum(times) < seconds:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def market() -> dict[str, np.ndarray]:
    """Random walks with highs, lows and volumes."""
    rng = np.random.default_rng(0)
    close = 100.0 * np.exp(rng.normal(0.0, 0.03, (ROWS, NAMES)).cumsum(axis=0))
    high, low = close * (1.0 + rng.random((ROWS, NAMES)) / 50), close * (1.0 - rng.random((ROWS, NAMES)) / 50)
    return {"high": high, "low": low, "close": close, "volume": rng.random((ROWS, NAMES)) * 1e6}


def main() -> int:
    bars = market()
    columns = [np.ascontiguousarray(bars["close"][:, j]) for j in range(NAMES)]

    def theirs() -> list[list[np.ndarray]]:
        return [[average(close, n) for average in (talib.SMA, talib.EMA) for n in LENGTHS] for close in columns]

    def theirs_last() -> list[list[float]]:
        return [[average(close, n) for average in (stream.SMA, stream.EMA) for n in LENGTHS] for close in columns]

    votes = moving_average_votes(**bars, rows=ROWS)
    averages = np.array(theirs()).transpose(2, 0, 1)
    expected = np.where(np.isnan(averages), MISSING, np.sign(bars["close"][..., None] - averages))
    differ = int((votes[..., :12].reshape(expected.shape) != expected).sum())
    ratios = []
    print(f"rating of {NAMES} names x {ROWS} days, milliseconds, best of several")
    print("              tvquant, whole rating   TA-Lib, SMA and EMA   ratio")
    for day, rows, peer in (("last day", 1, theirs_last), ("every day", ROWS, theirs)):
        ours = best_of(lambda rows=rows: mean_vote(moving_average_votes(**bars, rows=rows)))
        other = best_of(peer)
        ratios.append(other / ours)
        print(f"  {day:<10}  {ours * 1e3:>21.1f}   {other * 1e3:>19.1f}   {ratios[-1]:>4.1f}x")
    print(f"  votes that differ from TA-Lib's: {differ} of {expected.size}")
    met = ours <= TARGET_SECONDS and ratios[0] >= TARGET_RATIO and not differ
    print(
        f"target: every day within {TARGET_SECONDS:g} s, last day at least {TARGET_RATIO:g}x, equal votes: "
        f"{'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
