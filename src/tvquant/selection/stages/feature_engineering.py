"""Stage 2: one column of features per atom, from its own synthetic long and from the terms of its instrument."""

from dataclasses import dataclass

import numpy as np

from tvquant.core.features import FeatureSet
from tvquant.core.panel import Floats
from tvquant.selection.contract import SelectionContext
from tvquant.statistics import cvar, efficiency_ratio, hurst, moments, permutation_entropy

LIQUIDITY_TERM = "adv_median_30"
RATING_MA_TERM = "recommend_ma"
TERMS = frozenset({LIQUIDITY_TERM, RATING_MA_TERM})
"""Terms of instruments that this stage reads."""

ENTROPY_ORDER = 3
"""Windows of 60 to 120 rows are too short for the 120 patterns of order 5 (R-FEA-03)."""
STABILITY_FLOOR = 1e-9


@dataclass(frozen=True, slots=True)
class FeatureEngineeringStage:
    """Kernels over the whole matrix; every feature uses the lookback given, momentum its last `train` rows.

    Features (unit), computed on the synthetic long, so that a short is judged by what its holder earns:

    - `observations`: finite returns. `volatility`: standard deviation (ddof 1) x sqrt(A), per year.
    - `momentum`: mean(r) x A, per year. `stability`: 1 / (volatility + 1e-9) (R-FEA-02).
    - `entropy` (order 3), `efficiency`, `hurst`, and `randomness` = 1 - 2 abs(hurst - 0.5) (R-FEA-03 to 06).
    - `abs_skewness`, `kurtosis` (excess), `cvar`: mean return of the worst 5 % (R-FEA-07).
    - `liquidity`: ln of the median traded value of the instrument (USD).
    - `rating_ma`: the rating of the instrument, sign-flipped for a short (R-SEL-13).
    """

    name: str = "feature_engineering"

    def run(self, context: SelectionContext) -> SelectionContext:
        """The context with `atom_features`; NaN where an atom lacks a feature."""
        columns = _of_streams(context) | _of_instruments(context)
        features = FeatureSet(
            names=tuple(columns),
            keys=context.pool.ids,
            values=np.array(list(columns.values()), dtype=np.float64),
            known_at=context.decided_at,
            absent=_absent(context),
        )
        return context.passed(self.name, atom_features=features)


def _of_streams(context: SelectionContext) -> dict[str, Floats]:
    returns, periods = context.pool.returns, context.periods_per_year
    measured = moments(returns)
    volatility = measured.std * np.sqrt(periods)
    exponent = hurst(returns)
    return {
        "observations": measured.n.astype(np.float64),
        "momentum": moments(returns[-context.train :]).mean * periods,
        "volatility": volatility,
        "stability": 1.0 / (volatility + STABILITY_FLOOR),
        "entropy": permutation_entropy(returns, order=ENTROPY_ORDER),
        "efficiency": efficiency_ratio(returns),
        "hurst": exponent,
        "randomness": 1.0 - 2.0 * np.abs(exponent - 0.5),
        "abs_skewness": np.abs(measured.skewness),
        "kurtosis": measured.excess_kurtosis,
        "cvar": cvar(returns)[0],
    }


def _of_instruments(context: SelectionContext) -> dict[str, Floats]:
    traded = context.of_instruments(LIQUIDITY_TERM)
    sign = np.array([float(atom.direction.sign) for atom in context.pool.atoms])
    return {
        "liquidity": np.log(traded, out=np.full(len(traded), np.nan), where=traded > 0.0),
        "rating_ma": context.of_instruments(RATING_MA_TERM) * sign,
    }


def _absent(context: SelectionContext) -> dict[str, str]:
    """Feature -> why no atom can have it, for those whose term the data or the feature set lack."""
    absent = {}
    for feature, term in (("liquidity", LIQUIDITY_TERM), ("rating_ma", RATING_MA_TERM)):
        if term not in context.features.names:
            absent[feature] = f"the feature set has no {term}"
        elif term in context.features.absent:
            absent[feature] = context.features.absent[term]
    return absent
