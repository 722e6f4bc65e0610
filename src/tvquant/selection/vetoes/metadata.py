"""Hard veto on names whose steps of price and quantity are not known where a provider serves them (R-DAT-24)."""

from tvquant.core.panel import Floats
from tvquant.selection.contract import SelectionContext
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.contract import Judgement, Rule, below


def judged(known: Floats) -> Judgement:
    """Return the judgement of K values: 1 where tick and lot are known, 0 where not.

    Where nobody serves the venue there is none, nor a breach.
    """
    return below(known, 1.0)


def _unknown(context: SelectionContext, _: Relaxation) -> Judgement:
    return judged(context.of_atoms("metadata_known"))


METADATA = Rule(
    name="metadata",
    meaning="A provider serves tick and lot on this venue, but not those of this name.",
    hard=True,
    judge=_unknown,
)
