"""Stage 3: scores from features."""

from collections.abc import Callable
from dataclasses import dataclass

from tvquant.selection.contract import SelectionContext
from tvquant.selection.scorer import AlphaScorer, Scorer
from tvquant.selection.weights import WEIGHTS, ScoreWeights

type Scoring = Callable[[SelectionContext], Scorer]
"""From a context to what scores it."""


def as_the_profile_weighs(context: SelectionContext) -> Scorer:
    """Return the scorer of v4, by the weights that the profile names."""
    return AlphaScorer(components=WEIGHTS[context.parameters.options(ScoreWeights).weights])


def always(scorer: Scorer) -> Scoring:
    """Return this scorer for every context."""
    return lambda _: scorer


@dataclass(frozen=True, slots=True)
class InferenceStage:
    """Scores the pool.

    Parameters
    ----------
    scoring : which scorer a context has.
    """

    name: str = "inference"
    scoring: Scoring = as_the_profile_weighs

    def run(self, context: SelectionContext) -> SelectionContext:
        """Return the context with scores, probabilities, and what is absent or missing."""
        if context.atom_features is None:
            raise ValueError("atom features are not there yet: run feature_engineering first")
        scored = self.scoring(context).score(context.atom_features)
        return context.passed(
            self.name,
            scores=scored.scores,
            probabilities=scored.probabilities,
            parts=scored.parts,
            absent=scored.absent,
            missing=scored.missing,
        )
