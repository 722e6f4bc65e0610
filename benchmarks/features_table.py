"""Time the feature table: every term of 1000 names, for the last row and for all rows.

No library has this table. The peer is TA-Lib with pandas for the terms that they have: ADX with both sides, RSI, ATR,
Bollinger bands, rates of change and the rolling median of traded value, one call per name (TA-Lib) or per table
(pandas), for all rows; it has no rating, which is the most of ours. Values that both have are held equal while timing.
Exit 1 when the target is missed.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import talib

from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Panel
from tvquant.features import TERMS, compute, history

ROWS, NAMES, MIN_BARS = 500, 1000, 200
TARGET_LAST = 0.3
DAY = np.timedelta64(1, "D")


def best_of(run: Callable[[], object], seconds: float = 2.0) -> float:
    """Shortest time of at least three runs after a warm one."""
    times: list[float] = []
    run()
    while len(times) < 3 or sum(times) < seconds:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def market(rows: int) -> Panel:
    """Random walks with volume, round the clock."""
    rng = np.random.default_rng(0)
    close = 100.0 * np.exp(rng.normal(0.0, 0.03, (rows, NAMES)).cumsum(axis=0))
    spread = rng.random((2, rows, NAMES)) / 50
    times = np.datetime64("2020-01-01", "us") + np.arange(rows) * DAY
    return Panel(
        times=times,
        instruments=tuple(
            Instrument(symbol=f"X:N{j:04d}", kinds=frozenset({Kind.SPOT}), currency="USD", calendar="24x7")
            for j in range(NAMES)
        ),
        fields={
            "open": close,
            "high": close * (1.0 + spread[0]),
            "low": close * (1.0 - spread[1]),
            "close": close,
            "volume": rng.random((rows, NAMES)) * 1e6,
        },
        known_at=np.broadcast_to((times + DAY)[:, None], close.shape),
        tradable=np.ones(close.shape, bool),
        bases=(Basis.RAW,) * NAMES,
        stamps=(frozenset(),) * NAMES,
        calendar="24x7",
    )


def peer(columns: list[list[np.ndarray]], close: pd.DataFrame, value: pd.DataFrame) -> dict[str, np.ndarray]:
    """What TA-Lib and pandas have of the table, T x N each."""
    out: dict[str, list[np.ndarray]] = {name: [] for name in ("adx_14", "rsi_14", "bollinger_b_20")}
    for high, low, price in columns:
        out["adx_14"].append(talib.ADX(high, low, price, 14))
        talib.PLUS_DI(high, low, price, 14), talib.MINUS_DI(high, low, price, 14), talib.ATR(high, low, price, 14)
        out["rsi_14"].append(talib.RSI(price, 14))
        upper, _, lower = talib.BBANDS(price, 20, 2.0, 2.0)
        out["bollinger_b_20"].append((price - lower) / (upper - lower))
    found = {name: np.column_stack(lines) for name, lines in out.items()}
    found["roc_9"] = 100.0 * close.pct_change(9).to_numpy()
    found["adv_median_30"] = value.rolling(30).median().to_numpy()
    for days in (7, 30, 90, 180, 365):
        close.pct_change(days)
    return found


def difference(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> float:
    """Largest difference of a late value (TA-Lib begins its ADX otherwise), to the largest of that term."""
    worst = 0.0
    for name, values in theirs.items():
        late = slice(300, None)
        worst = max(worst, float(np.nanmax(np.abs(ours[name][late] - values[late])) / np.nanmax(np.abs(values[late]))))
    return worst


def main() -> int:
    panel = market(ROWS)
    whole = history(panel, TERMS, rating_min_bars=MIN_BARS)
    high, low, close = (panel.fields[name] for name in ("high", "low", "close"))
    columns = [[np.ascontiguousarray(field[:, j]) for field in (high, low, close)] for j in range(NAMES)]
    frames = pd.DataFrame(close), pd.DataFrame(close * panel.fields["volume"])
    apart = difference(dict(zip(whole.names, whole.values, strict=True)), peer(columns, *frames))
    last = best_of(lambda: compute(panel, TERMS, rating_min_bars=MIN_BARS))
    every = best_of(lambda: history(panel, TERMS, rating_min_bars=MIN_BARS))
    theirs = best_of(lambda: peer(columns, *frames))
    print(f"feature table of {NAMES} names x {ROWS} days, milliseconds, best of several")
    print(f"  last row, {len(TERMS)} terms            {last * 1e3:>7.0f}")
    print(f"  every row, {len(TERMS)} terms           {every * 1e3:>7.0f}")
    print(f"  TA-Lib and pandas, 13 terms   {theirs * 1e3:>7.0f}   (every row, no ratings)")
    print(f"  largest difference of a value from theirs, to the term's largest: {apart:.0e}")
    met = last <= TARGET_LAST and apart < 1e-8
    print(f"target: last row within {TARGET_LAST:g} s, equal values: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
