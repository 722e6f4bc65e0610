"""Whether what an order needs is known of an instrument, as providers had told it by then."""

import numpy as np

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term

RULES = ("tick", "lot")
NEVER = np.datetime64("9999-12-31", "us")


def _known(view: Panel, _: Settings, rows: int) -> Floats:
    """1 where both are known, 0 where the venue tells them of others, NaN where it tells none."""
    told = np.full((len(RULES), len(view.instruments)), NEVER)
    for j, one in enumerate(view.instruments):
        for fact in one.facts:
            if fact.field in RULES:
                place = RULES.index(fact.field), j
                told[place] = min(told[place], fact.known_at)
    out = np.full((rows, len(view.instruments)), np.nan)
    if (told == NEVER).all():
        return out
    seen = np.where(view.tradable[-rows:], view.known_at[-rows:], NEVER).min(axis=1)
    moment = np.minimum(seen, view.known_at[-rows:].max(axis=1))
    listed = view.known_at[view.tradable.argmax(axis=0), np.arange(told.shape[1])]
    some = np.maximum(told.min(axis=0), listed)
    venues = [one.venue for one in view.instruments]
    for venue in dict.fromkeys(venues):
        mine = np.array([each == venue for each in venues], dtype=bool)
        served = moment >= some[mine].min()
        known = moment[:, None] >= told[:, mine].max(axis=0)
        out[:, mine] = np.where(served[:, None], known.astype(np.float64), np.nan)
    return np.where(view.tradable[-rows:], out, np.nan)


METADATA_KNOWN = Term(
    name="metadata_known",
    meaning="Tick and lot are known: 1; unknown although the venue tells them of others: 0.",
    unit="1",
    needs=(),
    compute=_known,
    of_bars=False,
)
