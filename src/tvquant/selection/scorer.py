"""Scores of a whole pool at once, from components: a feature's column, its mapping and its weight.

`AlphaScorer` multiplies probabilities, `AdditiveScorer` adds them. In both:

1. A feature that no atom has leaves the score and is in `absent`.
2. An atom that alone lacks one has what the mapping gives for it (0.5; nothing where it is a penalty) and is in
   `missing`.
3. A score is higher for a better atom whatever its direction, because features are taken on synthetic longs (R-SEL-13).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from tvquant.core.features import FeatureSet
from tvquant.core.panel import Floats, frozen
from tvquant.selection.mapping import Mapper

FLOOR = 1e-9
"""A probability is not taken to be lower where its logarithm is, so that no score is infinite."""


ALIKE = 1e-12
"""A spread of scores below this share of their parts is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of a score: `mapping(column)`, and its weight; the exponent in a product, the factor in a sum."""

    feature: str
    column: str
    mapping: Mapper
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """Scores (K), probability and part of every feature that is in them (K each), and what is absent or missing.

    The parts of an atom sum to its score.
    """

    scores: Floats
    probabilities: Mapping[str, Floats]
    parts: Mapping[str, Floats]
    absent: Mapping[str, str]
    missing: Mapping[str, tuple[str, ...]]


def shares(parts: Mapping[str, Floats], ids: Sequence[str]) -> dict[str, float]:
    """Return feature -> share of the variance of scores, cov(part, score) / var(score); they sum to 1 (R-SEL-10).

    A share below 0 is of a feature that goes against the score. None where scores are all alike. Sums are taken in the
    order of `ids` (K), so that the order of the pool changes no bit.
    """
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.intp)
    ordered = {name: part[order] for name, part in parts.items()}
    columns = {name: part - part.mean() for name, part in ordered.items()}
    score = np.sum(list(columns.values()), axis=0)
    total = float(np.square(score).sum())
    if not columns or total <= (ALIKE * sum(np.abs(parts[name]).max() for name in parts)) ** 2:
        return {}
    return {name: float((column * score).sum() / total) for name, column in columns.items()}


class Scorer(Protocol):
    """A way to score a pool."""

    @property
    def components(self) -> tuple[Component, ...]:
        """What the score is made of, with the weights."""
        ...

    def score(self, features: FeatureSet) -> Scored:
        """Score every atom of `features` (F x K); its keys are atom ids."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AlphaScorer:
    """ln score = sum over features of weight x ln p(feature), p from the feature's own mapping over the pool."""

    components: tuple[Component, ...]

    def score(self, features: FeatureSet) -> Scored:
        """Return the logarithm of the weighted product (Log-MPS)."""
        found = _mapped(self.components, features)
        probabilities = {name: frozen(np.maximum(p, FLOOR)) for name, p in found.probabilities.items()}
        logarithms = {name: np.log(p) for name, p in probabilities.items()}
        return _summed(self.components, logarithms, replace(found, probabilities=probabilities), len(features.keys))


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditiveScorer:
    """score = sum over features of weight x p(feature); a weight below 0 is a penalty's."""

    components: tuple[Component, ...]

    def score(self, features: FeatureSet) -> Scored:
        """Return the weighted sum."""
        found = _mapped(self.components, features)
        return _summed(self.components, found.probabilities, found, len(features.keys))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Mapped:
    """The probability of every feature that some atom has (K each), and what is absent or missing."""

    probabilities: Mapping[str, Floats]
    absent: Mapping[str, str]
    missing: Mapping[str, tuple[str, ...]]


def _summed(components: tuple[Component, ...], terms: Mapping[str, Floats], found: _Mapped, atoms: int) -> Scored:
    """Return sums over features of weight x term."""
    parts = {one.feature: frozen(one.weight * terms[one.feature]) for one in components if one.feature in terms}
    scores = np.zeros(atoms)
    for part in parts.values():
        scores += part
    return Scored(
        scores=scores, probabilities=found.probabilities, parts=parts, absent=found.absent, missing=found.missing
    )


def _mapped(components: tuple[Component, ...], features: FeatureSet) -> _Mapped:
    places = {name: row for row, name in enumerate(features.names)}
    probabilities: dict[str, Floats] = {}
    absent: dict[str, str] = {}
    missing: dict[str, tuple[str, ...]] = {}
    for component in components:
        name = component.feature
        if component.column not in places:
            absent[name] = "not computed by this version"
            continue
        column = features.values[places[component.column]]
        lacking = ~(column < np.inf)
        if lacking.all():
            absent[name] = features.absent.get(component.column, "no atom of the pool has it")
            continue
        if lacking.any():
            missing[name] = tuple(features.keys[k] for k in np.flatnonzero(lacking))
        probabilities[name] = frozen(component.mapping(column))
    return _Mapped(probabilities=probabilities, absent=absent, missing=missing)
