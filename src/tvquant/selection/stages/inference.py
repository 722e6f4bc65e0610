"""Stage 3: scores from features."""

from dataclasses import dataclass

from tvquant.selection.contract import SelectionContext
from tvquant.selection.scorer import AlphaScorer
from tvquant.selection.weights import WEIGHTS, ScoreWeights


@dataclass(frozen=True, slots=True)
class InferenceStage:
    """Scores the pool by the weights that the profile names."""

    name: str = "inference"

    def run(self, context: SelectionContext) -> SelectionContext:
        """Return the context with scores, probabilities, and what is absent or missing."""
        if context.atom_features is None:
            raise ValueError("atom features are not there yet: run feature_engineering first")
        exponents = WEIGHTS[context.parameters.options(ScoreWeights).weights]
        scored = AlphaScorer(exponents=exponents).score(context.atom_features)
        return context.passed(
            self.name,
            scores=scored.scores,
            probabilities=scored.probabilities,
            absent=scored.absent,
            missing=scored.missing,
        )
