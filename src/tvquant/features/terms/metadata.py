"""Metadata: whether steps of prices and quantities were told."""

import numpy as np

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term

STEPS = frozenset({"tick", "lot"})


def _known(view: Panel, _: Settings) -> Floats:
    """Facts of a view are those known by then; a venue is served once steps of any of its names were told."""
    told = [{fact.field for fact in one.facts} for one in view.instruments]
    venues = [one.symbol.partition(":")[0] for one in view.instruments]
    served = {venue for venue, fields in zip(venues, told, strict=True) if fields & STEPS}
    return np.array([float(fields >= STEPS) if v in served else np.nan for v, fields in zip(venues, told, strict=True)])


METADATA_KNOWN = Term(
    name="metadata_known",
    meaning="1: tick and lot were told by a provider. 0: not, though it tells them of this venue. None: nobody does.",
    unit="1",
    needs=(),
    compute=_known,
)
