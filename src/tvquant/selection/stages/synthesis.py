"""Stage 6: winners in their order, and the flags of a scarce result."""

from dataclasses import dataclass

from tvquant.core.atoms import Atom
from tvquant.selection.contract import SelectionContext


@dataclass(frozen=True, slots=True)
class SynthesisStage:
    """Orders the recruited atoms by score, best first, ties by id, and flags a scarce result (R-SEL-24)."""

    name: str = "synthesis"

    def run(self, context: SelectionContext) -> SelectionContext:
        """Return the context with `winners` and `flags`."""
        ids, scores = context.pool.ids, context.scored()
        won = sorted((-scores[k], symbol, k) for k, symbol in enumerate(ids) if symbol in context.recruited)
        winners = tuple(context.pool.atoms[k] for _, _, k in won)
        flags = context.flags | _flags(winners, context.parameters.min_winners)
        return context.passed(self.name, winners=winners, flags=flags)


def _flags(winners: tuple[Atom, ...], floor: int) -> frozenset[str]:
    """Return `sparse`: fewer atoms than the floor; `few_assets`: atoms enough, but on fewer physical assets."""
    if len(winners) < floor:
        return frozenset({"sparse"})
    assets = {atom.physical_symbol for atom in winners}
    return frozenset({"few_assets"}) if len(assets) < floor else frozenset()
