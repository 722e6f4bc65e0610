"""Stage 3: scores from features."""

from collections.abc import Callable
from dataclasses import dataclass

from tvquant.selection.contract import SelectionContext
from tvquant.selection.scorer import AlphaScorer, Component, Scored, Scorer
from tvquant.selection.weights import DominantSignal, ScoreWeights, dominated, weighted

type Scoring = Callable[[SelectionContext], Scorer]
"""From a context to what scores it."""


def as_the_profile_weighs(context: SelectionContext) -> Scorer:
    """Return the scorer of v4, by the weights that the profile names."""
    return _dominated(context, weighted(context.parameters.options(ScoreWeights)))


def always(scorer: Scorer) -> Scoring:
    """Return this scorer for every context."""
    return lambda _: scorer


def unless_dominated(components: tuple[Component, ...]) -> Scoring:
    """Return the product of these components, but for the signal that the profile lets dominate."""
    return lambda context: _dominated(context, components)


def _dominated(context: SelectionContext, components: tuple[Component, ...]) -> AlphaScorer:
    signal = context.parameters.options(DominantSignal).dominant_signal
    return AlphaScorer(components=dominated(components, signal))


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
        features, scorer = context.atom_features, self.scoring(context)
        if features is None:
            raise ValueError("atom features are not there yet: run feature_engineering first")
        key = "scored", scorer, context.train, context.parameters.thresholds
        scored: Scored = context.once(key, lambda: scorer.score(features))
        return context.passed(
            self.name,
            scores=scored.scores,
            probabilities=scored.probabilities,
            parts=scored.parts,
            absent=scored.absent,
            missing=scored.missing,
        )
