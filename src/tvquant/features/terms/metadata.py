"""Whether the tick and lot of an instrument were known, by the dated facts of providers."""

import numpy as np

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term

RULES = ("tick", "lot")
NEVER = np.datetime64("9999-12-31", "us")


def _known(view: Panel, _: Settings, rows: int) -> Floats:
    """Return rows x N: 1 where both are known, 0 where the venue gives them for others only, NaN where for none."""
    known_at = np.full((len(RULES), len(view.instruments)), NEVER)
    for j, one in enumerate(view.instruments):
        for fact in one.facts:
            if fact.field in RULES:
                place = RULES.index(fact.field), j
                known_at[place] = min(known_at[place], fact.known_at)
    out = np.full((rows, len(view.instruments)), np.nan)
    if (known_at == NEVER).all():
        return out
    seen = np.where(view.tradable[-rows:], view.known_at[-rows:], NEVER).min(axis=1)
    moment = np.minimum(seen, view.known_at[-rows:].max(axis=1))
    listed = view.known_at[view.tradable.argmax(axis=0), np.arange(known_at.shape[1])]
    some = np.maximum(known_at.min(axis=0), listed)
    venues = [one.venue for one in view.instruments]
    for venue in dict.fromkeys(venues):
        mine = np.array([each == venue for each in venues], dtype=bool)
        served = moment >= some[mine].min()
        both = moment[:, None] >= known_at[:, mine].max(axis=0)
        out[:, mine] = np.where(served[:, None], both.astype(np.float64), np.nan)
    return np.where(view.tradable[-rows:], out, np.nan)


METADATA_KNOWN = Term(
    name="metadata_known",
    meaning="Tick and lot are known: 1; unknown although the venue gives them for others: 0.",
    unit="1",
    needs=(),
    compute=_known,
)
