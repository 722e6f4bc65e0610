"""Volume: how it changed."""

import numpy as np

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term


def _change(view: Panel, _: Settings, rows: int) -> Floats:
    from tvquant.features.rolling import on_rows
    from tvquant.features.tiles import aligned

    close = view.fields["close"]
    volume = aligned(view.fields["volume"], close, rows + 1)
    before, now = volume[:, :-1], volume[:, 1:]
    grown = np.divide(now, before, out=np.full(now.shape, np.nan), where=before > 0.0)
    return on_rows(100.0 * (grown - 1.0), close)


VOLUME_CHANGE_24H = Term(
    name="volume_change_24h",
    meaning="Change of the volume from the bar before to the last closed bar, which is a day on daily bars.",
    unit="%",
    needs=("volume",),
    compute=_change,
)
