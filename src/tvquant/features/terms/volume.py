"""Volume: how it changed."""

import numpy as np

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term


def _change(view: Panel, _: Settings) -> Floats:
    from tvquant.features.moving_averages import aligned

    before, now = aligned(view.fields["volume"], view.fields["close"], 2).T
    grown = np.divide(now, before, out=np.full(len(now), np.nan), where=view.tradable[-1] & (before > 0.0))
    return np.asarray(100.0 * (grown - 1.0))


VOLUME_CHANGE_24H = Term(
    name="volume_change_24h",
    meaning="Change of the volume from the bar before to the last closed bar, which is a day on daily bars.",
    unit="%",
    needs=("volume",),
    compute=_change,
)
