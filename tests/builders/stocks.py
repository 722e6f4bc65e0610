"""A file of prices as a reader of the pages may have one: US shares and a fund, drawn from a seed, split-adjusted."""

from datetime import date

import numpy as np
import polars as pl

from tvquant.core.calendars import NEW_YORK, calendar

SHARES = ("AAPL", "AMZN", "AVGO", "COST", "CSCO", "GOOGL", "INTC", "META", "MSFT", "NFLX", "NVDA", "PEP", "TXN")
FUND = "AMEX:SPY"
FIRST, LAST = date(2022, 7, 1), date(2024, 6, 28)


def stock_bars(first: date = FIRST, last: date = LAST, *, seed: int = 0) -> pl.DataFrame:
    """Return daily bars of 13 shares of NASDAQ and of AMEX:SPY, with quarterly dividends: one factor and own moves."""
    days = calendar(NEW_YORK, first, last).bars(np.datetime64(first), np.datetime64(last))
    rng = np.random.default_rng(seed)
    names = [FUND, *(f"NASDAQ:{one}" for one in SHARES)]
    market = 0.0004 + 0.009 * rng.standard_normal(len(days))
    own = 0.012 * rng.standard_normal((len(days), len(names)))
    own[:, 0] = 0.0
    moves = market[:, None] * np.r_[1.0, rng.uniform(0.6, 1.5, len(SHARES))] + own
    closes = rng.uniform(40, 400, len(names)) * np.exp(np.cumsum(moves, axis=0))
    opens = closes * np.exp(-moves * rng.uniform(0.2, 0.8, moves.shape))
    reach = 0.004 * np.abs(rng.standard_normal((2, *moves.shape)))
    return pl.concat(
        pl.DataFrame(
            {
                "symbol": name,
                "timestamp": days.astype("datetime64[D]"),
                "open": opens[:, j].round(4),
                "high": (np.maximum(opens, closes) * np.exp(reach[0]))[:, j].round(4),
                "low": (np.minimum(opens, closes) * np.exp(-reach[1]))[:, j].round(4),
                "close": closes[:, j].round(4),
                "volume": np.round(1e9 * np.exp(0.3 * rng.standard_normal(len(days))) / closes[:, j]),
                "dividends": np.where(np.arange(len(days)) % 63 == 40 + j, (closes[:, j] * 0.003).round(2), 0.0),
                "stock_splits": 0.0,
            }
        )
        for j, name in enumerate(names)
    )
