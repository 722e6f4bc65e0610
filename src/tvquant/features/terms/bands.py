"""Position of a close among those before it: relative strength, and the place in a band around their mean."""

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term

BAND_BARS = 20
BAND_WIDTH = 2.0
"""The provider's length, and its deviations to either side; they are of the population."""


def _relative_strength(view: Panel, _: Settings, rows: int) -> Floats:
    from tvquant.features.oscillators import RSI_LENGTH, relative_strength
    from tvquant.features.tiles import by_blocks

    close = view.fields["close"]
    return by_blocks(close, len(close), rows, lambda bars: relative_strength(bars, RSI_LENGTH, rows))


def _band(view: Panel, _: Settings, rows: int) -> Floats:
    from tvquant.features.moving_averages import lengths_of
    from tvquant.features.rolling import band_position
    from tvquant.features.tiles import by_blocks

    close, width, lengths = view.fields["close"], rows + BAND_BARS - 1, lengths_of(BAND_BARS)
    return by_blocks(close, width, rows, lambda bars: band_position(bars, lengths, BAND_WIDTH, rows))


RSI_14 = Term(
    name="rsi_14",
    meaning="Relative strength index over 14 bars of the name, smoothed as Wilder does, from 0 to 100.",
    unit="1",
    needs=(),
    compute=_relative_strength,
)
BOLLINGER_B_20 = Term(
    name="bollinger_b_20",
    meaning="Place of the close in the band of 2 deviations around the mean of 20 bars: 0 is its foot, 1 its top.",
    unit="1",
    needs=(),
    compute=_band,
)
