"""Stage 2: one column of features per atom, from its own synthetic long and from the terms of its instrument."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from tvquant.core.calendars import CRYPTO, calendar
from tvquant.core.features import FeatureSet
from tvquant.core.panel import Floats, frozen
from tvquant.selection.contract import SelectionContext
from tvquant.selection.resilience import antifragility, fragility, survival
from tvquant.statistics import (
    cvar,
    efficiency_ratio,
    hurst,
    moments,
    permutation_entropy,
    rescaled_range_slope,
    tail_gain,
)

RATINGS: Mapping[str, str] = MappingProxyType(
    {"rating_all": "recommend_all", "rating_ma": "recommend_ma", "rating_other": "recommend_other"}
)
PLAIN: Mapping[str, str] = MappingProxyType(
    {
        "liquidity": "adv_median_30",
        "adx": "adx_14",
        "roc": "roc_9",
        "volatility_d": "volatility_d",
        "volume_change": "volume_change_24h",
        "metadata_known": "metadata_known",
    }
)
SIDES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"own_di": ("plus_di_14", "minus_di_14"), "other_di": ("minus_di_14", "plus_di_14")}
)
"""Features of an atom and the terms of its instrument; of two terms the first is that of a long, the second of a
short."""
LAST_TRADED = "value_traded_last"
TRADED_VALUES = frozenset({LAST_TRADED, PLAIN["liquidity"]})
"""Terms of instruments that liquidity is made of."""
TERMS = frozenset(
    {LAST_TRADED, *RATINGS.values(), *PLAIN.values(), *(term for both in SIDES.values() for term in both)}
)
"""Terms of instruments that this stage reads."""

ENTROPY_ORDER, SPECIFIED_ENTROPY_ORDER = 3, 5
"""Windows of 60 to 120 rows are too short for the 120 patterns of order 5 (R-FEA-03)."""
STABILITY_FLOOR = 1e-9
CRYPTO_BASE, OTHER_BASE = 10e6, 500e6
"""Traded value (USD) from which on the specified liquidity is 1 (R-FEA-09)."""


@dataclass(frozen=True, slots=True)
class FeatureEngineeringStage:
    """Kernels over the whole matrix; every feature uses the lookback given, momentum its last `train` rows.

    Features (unit), computed on the synthetic long, so that a short is judged by what its holder earns:

    - `observations`: finite returns. `volatility`: standard deviation (ddof 1) x sqrt(A), per year.
    - `momentum`: mean(r) x A, per year. `stability`: 1 / (volatility + 1e-9) (R-FEA-02).
    - `entropy` (order 3), `efficiency`, `hurst`, and `randomness` = 1 - 2 abs(hurst - 0.5) (R-FEA-03 to 06). Where the
      profile asks for thresholds as specified, the entropy has order 5 and the Hurst exponent no correction;
      `floor_entropy` has order 3 in both (R-SEL-22).
    - `abs_skewness`, `kurtosis` (excess), `cvar`: mean return of the worst 5 %, its standard error, and of how
      many returns (R-FEA-07).
    - `antifragility`, `fragility`: against the pool (R-FEA-10, R-FEA-11).
    - `survival`: of the stream as well, so a short does not survive its asset's doubling (R-FEA-11).

    Of the instrument (R-FEA-08):

    - `liquidity`: ln of the median traded value (USD), so that nothing traded is below all; as specified, the last
      traded value over a base, at most 1: the same for every coin that a floor of 20 million lets in (R-FEA-09).
      `adx`; `own_di` and `other_di`, by direction.
    - `roc`, `volatility_d`, `volume_change`: percent. `metadata_known`: 1 or 0.
    - The three ratings: sign-flipped for a short (R-SEL-13).
    """

    name: str = "feature_engineering"

    def run(self, context: SelectionContext) -> SelectionContext:
        """Return the context with `atom_features`; NaN where an atom lacks a feature."""
        features: FeatureSet = context.once(
            ("atom features", context.train, _specified(context)), lambda: _atom_features(context)
        )
        return context.passed(self.name, atom_features=features)


def _specified(context: SelectionContext) -> bool:
    return context.parameters.thresholds == "as_specified"


def _atom_features(context: SelectionContext) -> FeatureSet:
    specified = _specified(context)
    columns = {
        **context.once("streams", lambda: _of_streams(context)),
        "momentum": moments(context.pool.streams.returns[-context.train :]).mean * context.periods_per_year,
        **context.once(("predictability", specified), lambda: _predictability(context, specified=specified)),
        **_of_instruments(context),
    }
    return FeatureSet(
        names=tuple(columns),
        keys=context.pool.ids,
        values=frozen(np.array(list(columns.values()), dtype=np.float64)),
        known_at=context.decided_at,
        absent=_absent(context),
    )


def _packed(context: SelectionContext) -> Floats:
    """Return the streams (T x K) as kernels read them, once for all of these."""
    from tvquant.statistics.kernels import by_series

    packed: Floats = context.once("packed", lambda: by_series(context.pool.streams.returns).T)
    return packed


def _of_streams(context: SelectionContext) -> dict[str, Floats]:
    returns, packed = context.pool.streams.returns, _packed(context)
    measured = moments(packed)
    volatility = measured.std * np.sqrt(context.periods_per_year)
    worst, doubt, counted = cvar(packed)
    return {
        "observations": measured.n.astype(np.float64),
        "volatility": volatility,
        "stability": 1.0 / (volatility + STABILITY_FLOOR),
        "abs_skewness": np.abs(measured.skewness),
        "kurtosis": measured.excess_kurtosis,
        "cvar": worst,
        "cvar_error": doubt,
        "cvar_returns": counted.astype(np.float64),
        "antifragility": antifragility(measured, tail_gain(packed)[0]),
        "fragility": fragility(measured, worst),
        "survival": survival(returns, context.pool.ids),
    }


def _sign(context: SelectionContext) -> Floats:
    """Return 1 for a long, -1 for a short (K)."""
    return np.array([float(atom.direction.sign) for atom in context.pool.atoms])


def _predictability(context: SelectionContext, *, specified: bool) -> dict[str, Floats]:
    returns = _packed(context)
    exponent = rescaled_range_slope(returns) if specified else hurst(returns)
    entropy = permutation_entropy(returns, order=ENTROPY_ORDER)
    return {
        "entropy": permutation_entropy(returns, order=SPECIFIED_ENTROPY_ORDER) if specified else entropy,
        "floor_entropy": entropy,
        "efficiency": efficiency_ratio(returns),
        "hurst": exponent,
        "randomness": 1.0 - 2.0 * np.abs(exponent - 0.5),
    }


def _of_instruments(context: SelectionContext) -> dict[str, Floats]:
    sign, terms = _sign(context), context.terms()
    found = {feature: terms(term) for feature, term in PLAIN.items()}
    found["liquidity"] = _liquidity(context, found["liquidity"])
    for feature, (of_long, of_short) in SIDES.items():
        found[feature] = np.where(sign > 0.0, terms(of_long), terms(of_short))
    return found | {feature: terms(term) * sign for feature, term in RATINGS.items()}


def _liquidity(context: SelectionContext, median: Floats) -> Floats:
    if _specified(context):
        base = CRYPTO_BASE if context.periods_per_year == calendar(CRYPTO).periods_per_year else OTHER_BASE
        return np.minimum(context.of_instruments(LAST_TRADED) / base, 1.0)
    return np.log(median, out=np.where(median == 0.0, -np.inf, np.nan), where=median > 0.0)


def _absent(context: SelectionContext) -> dict[str, str]:
    """Return feature -> why no atom can have it, for those whose term the data or the feature set lack."""
    first = {feature: terms[0] for feature, terms in SIDES.items()}
    absent = {}
    for feature, term in (*PLAIN.items(), *first.items(), *RATINGS.items()):
        if term not in context.features.names:
            absent[feature] = f"the feature set has no {term}"
        elif term in context.features.absent:
            absent[feature] = context.features.absent[term]
    return absent
