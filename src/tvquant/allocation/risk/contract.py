"""What a risk profile is."""

from dataclasses import dataclass
from enum import StrEnum

from tvquant.profiles.options import Options


class Objective(StrEnum):
    """What is optimised."""

    EQUAL_WEIGHT = "equal_weight"
    EQUAL_NAMES = "equal_names"
    DECLARED = "declared"
    MIN_VARIANCE = "min_variance"
    MAX_RATIO = "max_ratio"
    EQUAL_RISK = "equal_risk"
    HIERARCHICAL = "hierarchical"
    INVERSE_VOLATILITY = "inverse_volatility"
    MAX_DIVERSIFICATION = "max_diversification"
    MIN_CVAR = "min_cvar"
    HIERARCHICAL_RISK = "hierarchical_risk"
    NESTED = "nested"


GIVEN = frozenset({Objective.EQUAL_WEIGHT, Objective.EQUAL_NAMES, Objective.DECLARED})
"""Objectives whose weights are given and cut at the limits: nothing is weighed against anything."""


class Capping(StrEnum):
    """How weights come to keep the limits: as constraints of the method itself, or by a projection of its weights."""

    INSIDE = "inside"
    PROJECTED = "projected"


class Estimate(StrEnum):
    """What a method reads of the streams."""

    COVARIANCE = "covariance"
    MEANS = "means"
    RETURNS = "returns"


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskProfile:
    """An aim of allocation.

    Parameters
    ----------
    name : in profiles.
    meaning : one sentence.
    objective : what an engine must be able to solve.
    capping : how the limits are kept.
    least_l2 : least coefficient of its L2 term, where there is one.
    needs : estimates that the weights depend on, and on no others.
    options : what engines read for it from the profile's section `allocation`.
    not_of_sleeves : why it cannot weigh sleeves, which are streams without candidates; empty where it can.
    """

    name: str
    meaning: str
    objective: Objective
    capping: Capping
    least_l2: float = 0.0
    needs: frozenset[Estimate] = frozenset({Estimate.COVARIANCE})
    options: tuple[type[Options], ...] = ()
    not_of_sleeves: str = ""
