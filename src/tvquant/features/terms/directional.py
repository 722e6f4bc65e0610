"""Directional movement: how strong a trend is, and which side leads; recursive, from a name's first known bar."""

import numpy as np

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term


def _movement(view: Panel, _: Settings, rows: int) -> Floats:
    """Return ADX, +DI and -DI of the last rows, 3 x rows x N: one pass over the bars for all three."""
    from tvquant.features.tiles import Tile, by_tiles
    from tvquant.statistics.directional import directional_movement

    high, low, close = view.fields.get("high"), view.fields.get("low"), view.fields["close"]
    if high is None or low is None:
        return np.full((3, rows, len(view.instruments)), np.nan)

    def movement(tile: Tile) -> Floats:
        blocks = zip(*(tile.stacked(field, len(close)) for field in (high, low, close)), strict=True)
        return np.array([directional_movement(*bars, rows=rows) for bars in blocks])

    return by_tiles(close, rows, 3, np.float64(np.nan), movement)


def _term(line: int, name: str, meaning: str) -> Term:
    return Term(
        name=name,
        meaning=meaning,
        unit="1",
        needs=("high", "low"),
        measures=(_movement,),
        compute=lambda _view, _settings, _rows, movement: movement[line],
    )


ADX_14 = _term(0, "adx_14", "Average directional index over 14 bars, from 0 (no trend) to 100.")
PLUS_DI_14 = _term(1, "plus_di_14", "Share of rising movement in the true range over 14 bars, from 0 to 100.")
MINUS_DI_14 = _term(2, "minus_di_14", "Share of falling movement in the true range over 14 bars, from 0 to 100.")
