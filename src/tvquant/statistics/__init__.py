"""Estimators that every quant room shares: covariance and performance metrics. Arrays in, values out."""

from tvquant.statistics.alignment import common_returns
from tvquant.statistics.covariance import estimate, ledoit_wolf
from tvquant.statistics.metrics import (
    Performance,
    drawdown_series,
    monthly_returns,
    performance,
    rolling,
    wealth,
)

__all__ = [
    "Performance",
    "common_returns",
    "drawdown_series",
    "estimate",
    "ledoit_wolf",
    "monthly_returns",
    "performance",
    "rolling",
    "wealth",
]
