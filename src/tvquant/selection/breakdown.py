"""How atoms were judged, in full: what a response leaves out because every decision would carry it.

The pipeline runs once more on the context of the decision. It is pure, so scores, vetoes and winners are the same; what
is added is the value of each feature, its weight, every rule that an atom broke and not the first alone, and its place
in its cluster.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

import numpy as np

from tvquant.core.selection import Veto
from tvquant.selection.contract import SelectionContext
from tvquant.selection.pipeline import SelectionPipelineAdapter
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.scorer import AlphaScorer, Component
from tvquant.selection.stages.inference import InferenceStage
from tvquant.selection.vetoes.contract import Judgement

UNITS: Mapping[str, str] = MappingProxyType(
    {
        "momentum": "per year",
        "stability": "1 / yearly volatility",
        "liquidity": "ln USD a day",
        "antifragility": "against the pool",
        "fragility": "against the pool",
        "survival": "0 to 1",
        "efficiency": "0 to 1",
        "entropy": "0 to 1",
        "randomness": "1 - 2 |Hurst - 0.5|",
        "adx": "0 to 100",
        "rating_all": "-1 to 1",
        "rating_ma": "-1 to 1",
        "rating_other": "-1 to 1",
        "abs_skewness": "without its sign",
        "kurtosis": "excess",
        "cvar": "mean of the worst 5 %",
    }
)
"""Column of atom features -> its unit, of every column that a score reads."""
SPECIFIED_LIQUIDITY = "share of a base"
"""Unit of the liquidity of thresholds `as_specified`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturePart:
    """One feature of one atom in its score.

    Parameters
    ----------
    column : the atom feature that was mapped.
    value : in `unit`; NaN where the atom lacks it.
    probability, weight, part : of the score; an atom's parts sum to its score.
    """

    feature: str
    column: str
    value: float
    unit: str
    probability: float
    weight: float
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an atom stands among the atoms of its cluster and direction that no veto bars from ranking.

    Parameters
    ----------
    rank : from 1; 0 where it was vetoed.
    of : how many there are.
    places : how many of them may win by rank.
    """

    rank: int
    of: int
    places: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Breakdown:
    """A pool as it was judged at the stage of relaxation that was reached.

    Parameters
    ----------
    done : the context after its last stage.
    formula : what a feature adds to the score: `weight x ln p` or `weight x p`.
    components : of the score, those that no atom has included.
    judgements : rule -> how it judges the K atoms at that stage; `hard` are the names of hard rules.
    places : cluster -> how many of each direction may win by rank.
    """

    done: SelectionContext
    formula: str
    components: tuple[Component, ...]
    judgements: Mapping[str, Judgement]
    hard: frozenset[str]
    places: Mapping[int, int]

    @classmethod
    def of(cls, model: SelectionPipelineAdapter, context: SelectionContext) -> Self:
        """Judge the pool of a context once more, as the model does.

        Raises
        ------
        ModelError : the pool cannot be judged.
        """
        done, policy, inference = model.pipeline.run(context), model.pipeline.policy, model.pipeline.inference
        assert isinstance(inference, InferenceStage)
        judgements, hard = policy.judged(done, Relaxation(done.stage))
        scorer = inference.scoring(done)
        return cls(
            done=done,
            formula="weight x ln p" if isinstance(scorer, AlphaScorer) else "weight x p",
            components=scorer.components,
            judgements=judgements,
            hard=frozenset(hard),
            places=policy.placing(done).of_cluster,
        )

    def features(self, atom: str) -> Iterator[FeaturePart]:
        """Yield every feature in the score of an atom, in the order of the model's formula."""
        k, specified = self._place(atom), self.done.parameters.thresholds == "as_specified"
        for one in self.components:
            if one.feature in self.done.parts:
                own = SPECIFIED_LIQUIDITY if specified and one.column == "liquidity" else UNITS[one.column]
                yield FeaturePart(
                    feature=one.feature,
                    column=one.column,
                    value=float(self.done.of_atoms(one.column)[k]),
                    unit=own,
                    probability=float(self.done.probabilities[one.feature][k]),
                    weight=one.weight,
                    part=float(self.done.parts[one.feature][k]),
                )

    def broken(self, atom: str) -> tuple[Veto, ...]:
        """Return every rule that an atom breaks at the stage that was reached, won or not."""
        k = self._place(atom)
        return tuple(
            Veto(
                rule=name,
                value=float(judgement.values[k]),
                limit=float(judgement.limits[k]),
                hard=name in self.hard,
            )
            for name, judgement in self.judgements.items()
            if judgement.broken[k]
        )

    def standing(self, atom: str) -> Standing:
        """Return the place of an atom in its cluster and direction, best score first, ties by id."""
        k, ids, atoms = self._place(atom), self.done.pool.ids, self.done.pool.atoms
        cluster, scores = self.done.clusters, self.done.scored()
        barred = np.logical_or.reduce([np.zeros(len(ids), np.bool_), *(v.broken for v in self.judgements.values())])
        group = [
            j
            for j in range(len(ids))
            if cluster[j] == cluster[k] and atoms[j].direction is atoms[k].direction and not barred[j]
        ]
        order = sorted(group, key=lambda j: (-scores[j], ids[j]))
        return Standing(rank=order.index(k) + 1 if k in group else 0, of=len(group), places=self.places[cluster[k]])

    def _place(self, atom: str) -> int:
        return self.done.pool.ids.index(atom)
