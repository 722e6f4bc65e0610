"""Betas of return streams to a market, shrunk towards what the streams have in common.

A beta of few rows is mostly noise, and an optimiser picks the names whose noise suits it. So each is drawn to the mean
of all by the share of its own error in what is seen: b' = b + (mean - b) e2 / (e2 + v), where e2 is the squared
standard error of its regression and v the variance of the betas across streams.
Source: Vasicek (1973), A note on using cross-sectional information in Bayesian estimation of security betas, Journal of
Finance 28, equation 19.
"""

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.statistics.precision import without_variance

LEAST_ROWS = 20
"""Rows under which a regression on one factor says nothing."""


def shrunk_betas(returns: Floats, market: Floats, signs: Floats) -> Floats:
    """Return the beta of N streams (T x N simple returns) to a market (T), each on the side that it is held on.

    Streams of shorts (`signs` -1) are turned back for the shrinking: what names have in common is the beta of the
    name, not that of the side it is held on.

    Raises
    ------
    ModelError : under 20 rows, or a market that does not vary on them.
    """
    rows = len(market)
    if rows < LEAST_ROWS:
        raise ModelError(f"beta: expected {LEAST_ROWS} rows that all names and the benchmark have, found {rows}")
    centred = market - market.mean()
    spread = float(centred @ centred)
    if without_variance(market[:, None])[0]:
        raise ModelError(f"beta: the benchmark does not vary on the {rows} training rows")
    own = returns * signs
    own = own - own.mean(axis=0)
    betas = centred @ own / spread
    errors = ((own - np.outer(centred, betas)) ** 2).sum(axis=0) / ((rows - 2) * spread)
    across = float(betas.var(ddof=1)) if len(betas) > 1 else 0.0
    noise = np.divide(errors, errors + across, out=np.zeros(len(betas)), where=errors + across > 0.0)
    shrunk: Floats = signs * (betas + noise * (betas.mean() - betas))
    return shrunk
