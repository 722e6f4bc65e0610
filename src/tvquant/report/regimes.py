"""Regimes of a run: what a book did in each, and whether the score foretold how rough the market became."""

import math

import numpy as np
import polars as pl

from tvquant.core.panel import Floats
from tvquant.core.regimes import Regime
from tvquant.statistics import drawdown_series, wealth
from tvquant.statistics.rank_correlation import RankCorrelation, rank_correlation

AHEAD = 20
"""Rows behind a decision whose volatility the score is held against."""

BY_LABEL = {
    "regime": pl.String, "windows": pl.Int64, "share": pl.Float64, "mean_return": pl.Float64,
    "volatility": pl.Float64, "worst_drawdown": pl.Float64, "mean_cash": pl.Float64,
}  # fmt: skip


def by_label(windows: pl.DataFrame, returns: pl.DataFrame, *, label: str, periods_per_year: int) -> pl.DataFrame:
    """Return what a book did in windows of each label, calmest first; labels that no window has are left out.

    `label` is the column of `windows` that says it. Volatility is that of all rows of these windows, per year; the
    drawdown is the worst that began and ended within one of them.
    """
    filled = windows.filter(pl.col("filled_at").is_not_null() & pl.col(label).is_not_null())
    starts, rows = filled["filled_at"].to_numpy(), returns["return"].to_numpy()
    owner = np.searchsorted(starts, returns["time"].to_numpy(), side="right") - 1
    labels = filled[label].to_numpy()
    found = []
    for regime in Regime:
        mine = np.flatnonzero(labels == regime.value)
        if not len(mine):
            continue
        held = rows[np.isin(owner, mine)]
        found.append((
            regime.value, len(mine), len(mine) / len(filled),
            _compounded([rows[owner == k] for k in mine]),
            float(held.std(ddof=1)) * math.sqrt(periods_per_year) if len(held) > 1 else None,
            min((float(drawdown_series(rows[owner == k]).min()) for k in mine if (owner == k).any()), default=None),
            filled["cash"].to_numpy()[mine].mean(),
        ))  # fmt: skip
    return pl.DataFrame(found, schema=BY_LABEL, orient="row")


def _compounded(books: list[Floats]) -> float:
    """Return the mean return of windows, each compounded over its rows."""
    return float(np.mean([wealth(one)[-1] - 1.0 for one in books if len(one)]))


def confusion(windows: pl.DataFrame) -> list[tuple[str, list[int]]]:
    """Return label at the decision -> windows by the label that they turned out to have, in the order of `Regime`."""
    pairs = list(zip(windows["regime"].to_list(), windows["realised_regime"].to_list(), strict=True))
    return [(known.value, [pairs.count((known.value, came.value)) for came in Regime]) for known in Regime]


def foretelling(windows: pl.DataFrame, market: pl.DataFrame) -> tuple[pl.DataFrame, RankCorrelation | None]:
    """Return each decision's score beside the volatility of the next 20 rows of the market, and their correlation.

    `market` is the book of `base_universe_ew`. Decisions with fewer rows behind them, and those within 20 rows of one
    that counts, are left out, so that no return counts twice. Volatility is per row.
    """
    times, rows = market["time"].to_numpy(), market["return"].to_numpy()
    last, found = -AHEAD, []
    known = windows.filter(pl.col("regime_score").is_finite() & pl.col("regime").is_not_null())
    for decided, score in known.select("decided_at", "regime_score").iter_rows():
        first = int(np.searchsorted(times, np.datetime64(decided), side="right"))
        if first - last >= AHEAD and first + AHEAD <= len(rows):
            found.append((decided, score, float(rows[first : first + AHEAD].std(ddof=1))))
            last = first
    frame = pl.DataFrame(
        found, schema={"decided_at": windows.schema["decided_at"], "score": pl.Float64, "volatility": pl.Float64},
        orient="row",
    )  # fmt: skip
    return frame, rank_correlation(frame["score"].to_numpy(), frame["volatility"].to_numpy())
