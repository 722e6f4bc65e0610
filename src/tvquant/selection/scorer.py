"""AlphaScorer: the Log-MPS score of a whole pool at once."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tvquant.core.features import FeatureSet
from tvquant.core.panel import Floats, frozen
from tvquant.selection.weights import Exponent

FLOOR = 1e-9
"""A probability is not taken to be lower, so that no score is infinite."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """Scores (K), the probability of every feature that is in them (K each), and what is absent or missing."""

    scores: Floats
    probabilities: Mapping[str, Floats]
    absent: Mapping[str, str]
    missing: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlphaScorer:
    """ln score = sum over features of weight x ln p(feature), p from the feature's own mapping over the pool."""

    exponents: tuple[Exponent, ...]

    def score(self, features: FeatureSet) -> Scored:
        """Score every atom of `features` (F x K); its keys are atom ids.

        A feature that no atom has leaves the score and is in `absent`; an atom that alone lacks one has what the
        mapping gives for it (0.5; 1 for a penalty) and is in `missing`. A score is higher for a better atom whatever
        its direction, because features are taken on synthetic longs (R-SEL-13).
        """
        places = {name: row for row, name in enumerate(features.names)}
        scores = np.zeros(len(features.keys))
        probabilities: dict[str, Floats] = {}
        absent: dict[str, str] = {}
        missing: dict[str, tuple[str, ...]] = {}
        for exponent in self.exponents:
            name = exponent.feature
            if exponent.column not in places:
                absent[name] = "not computed by this version"
                continue
            column = features.values[places[exponent.column]]
            lacking = ~(column < np.inf)
            if lacking.all():
                absent[name] = features.absent.get(exponent.column, "no atom of the pool has it")
                continue
            if lacking.any():
                missing[name] = tuple(features.keys[k] for k in np.flatnonzero(lacking))
            probability = np.maximum(exponent.mapping(column), FLOOR)
            scores += exponent.weight * np.log(probability)
            probabilities[name] = frozen(probability)
        return Scored(scores=scores, probabilities=probabilities, absent=absent, missing=missing)
