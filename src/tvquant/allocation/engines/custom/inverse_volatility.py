"""Inverse volatility: every name by the inverse of its volatility, whatever moves together.

It is risk parity where all correlations are alike. Source: Maillard, Roncalli & Teiletche (2010), The properties of
equally weighted risk contribution portfolios, Journal of Portfolio Management 36, section 3.
"""

import numpy as np

from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.core.allocations import Attempt
from tvquant.core.problems import Covariance


def solve(covariance: Covariance) -> EngineAnswer:
    """Return weights by inverse volatility, of sum 1, before caps."""
    inverse = 1.0 / np.sqrt(np.diag(covariance.matrix))
    return EngineAnswer(weights=inverse / inverse.sum(), attempts=(Attempt(what="closed_form", outcome="solved"),))
