"""Estimators that every quant room shares. Arrays in, values out; kernels are imported when they are first used.

Covariance and alignment, performance metrics, predictability and tails of a series, what noise gives for them, and
clusters by correlation and how well they agree.
"""

from tvquant.statistics.agreement import adjusted_rand, bets_beyond_noise, effective_bets, jaccard
from tvquant.statistics.alignment import common_returns
from tvquant.statistics.calendar_returns import Month, annual_returns, months, win_rate, without
from tvquant.statistics.clusters import (
    Dendrogram,
    LeafOrder,
    Linkage,
    average_correlation,
    correlation_distance,
    dendrogram,
    merges,
    partition,
)
from tvquant.statistics.covariance import Estimates, estimate, ledoit_wolf
from tvquant.statistics.drawdowns import Drawdown, drawdowns
from tvquant.statistics.estimators.catalogue import ESTIMATORS
from tvquant.statistics.means import MEANS
from tvquant.statistics.metrics import (
    Performance,
    drawdown_series,
    monthly_returns,
    performance,
    rolling,
    wealth,
)
from tvquant.statistics.nulls import SHORTEST, NullStatistic, null_mean_quantile, null_quantile
from tvquant.statistics.predictability import efficiency_ratio, hurst, permutation_entropy, rescaled_range_slope
from tvquant.statistics.regression import MarketModel, market_model, rolling_beta
from tvquant.statistics.stress import stress_windows, survived
from tvquant.statistics.tails import Moments, cvar, moments, tail_gain

__all__ = [
    "ESTIMATORS",
    "MEANS",
    "SHORTEST",
    "Dendrogram",
    "Drawdown",
    "Estimates",
    "LeafOrder",
    "Linkage",
    "MarketModel",
    "Moments",
    "Month",
    "NullStatistic",
    "Performance",
    "adjusted_rand",
    "annual_returns",
    "average_correlation",
    "bets_beyond_noise",
    "common_returns",
    "correlation_distance",
    "cvar",
    "dendrogram",
    "drawdown_series",
    "drawdowns",
    "effective_bets",
    "efficiency_ratio",
    "estimate",
    "hurst",
    "jaccard",
    "ledoit_wolf",
    "market_model",
    "merges",
    "moments",
    "monthly_returns",
    "months",
    "null_mean_quantile",
    "null_quantile",
    "partition",
    "performance",
    "permutation_entropy",
    "rescaled_range_slope",
    "rolling",
    "rolling_beta",
    "stress_windows",
    "survived",
    "tail_gain",
    "wealth",
    "win_rate",
    "without",
]
