"""How a meta-portfolio decides, as values."""

from collections.abc import Mapping
from dataclasses import dataclass

from tvquant.core.calendar_steps import CalendarStep
from tvquant.core.problems import Limits
from tvquant.profiles.options import Options
from tvquant.statistics.covariance import Estimates

META, MIX = "meta", "mix"
"""First parts of the keys of paths: of sleeves that are weighed, and of fixed mixes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Weights of sleeves that somebody fixed, restored at every meta decision: what allocation must beat."""

    name: str
    weights: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaSpec:
    """Sleeves weighed by a risk profile of an engine, walk-forward on the common rows.

    Parameters
    ----------
    bounds : least and most of one sleeve, as fractions of equity.
    train : common rows that covariance and means are estimated on.
    step : common rows between decisions, or the close that decides.
    """

    engine: str
    risk_profile: str
    fallbacks: tuple[str, ...]
    bounds: tuple[float, float]
    train: int
    step: int | CalendarStep
    estimates: Estimates
    options: tuple[Options, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnionRules:
    """What the netted book keeps over all instruments of all sleeves: limits on gross, clusters found anew.

    `distance`, `linkage`, `most` and `lookbacks` are those of the selection's clusters.
    """

    limits: Limits
    distance: float
    linkage: str
    most: int
    lookbacks: tuple[int, ...]


type Shares = Mapping[str, float]
"""Sleeve -> share of equity; what is missing to 1 is cash."""
