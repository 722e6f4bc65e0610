"""Terms against TA-Lib: equal where the definitions are, and after the warm-up where only the seeds differ.

TA-Lib's DI and ADX leave the first move out of their first sums, and its ATR begins on the second bar. What a seed
puts into an average of 14 has fallen below 1e-9 of it after 300 bars.
"""

import numpy as np
import pytest

from builders.panels import panel_of
from tvquant.statistics.directional import average_true_range, directional_movement

pytestmark = [pytest.mark.xdist_group("talib"), pytest.mark.requirement("R-FEA-08")]
T, WARM = 900, 350


@pytest.fixture(params=[1e-5, 1.0, 40_000.0])
def bars(request):
    draw = np.random.default_rng(11)
    close = request.param * np.exp(draw.normal(0.0, 0.03, T).cumsum())
    return close * (1.0 + 0.03 * draw.random(T)), close * (1.0 - 0.03 * draw.random(T)), close


def test_adx_and_both_sides_equal_talib_after_the_warm_up(bars):
    import talib

    found = directional_movement(*(field[:, None] for field in bars), rows=T)
    for mine, theirs in zip(found, (talib.ADX, talib.PLUS_DI, talib.MINUS_DI), strict=True):
        expected = theirs(*bars, timeperiod=14)
        np.testing.assert_allclose(mine[WARM:, 0], expected[WARM:], rtol=1e-9)


def test_the_average_true_range_equals_talib_after_the_warm_up(bars):
    import talib

    found = average_true_range(*(field[:, None] for field in bars), rows=T)[:, 0]
    expected = talib.ATR(*bars, timeperiod=14)
    np.testing.assert_allclose(found[WARM:], expected[WARM:], rtol=1e-9)
    assert not np.allclose(found[15:60], expected[15:60], rtol=1e-9)  # the warm-up is needed


def test_the_rate_of_change_equals_talib(bars):
    import talib

    from tvquant.features import compute

    view = panel_of({"close": bars[2][:, None]})
    expected = talib.ROC(bars[2], timeperiod=9)
    for row in (10, 400, T):
        found = compute(view.until(view.known_at[row - 1, 0]), ["roc_9"], rating_min_bars=1).values.item()
        assert found == pytest.approx(expected[row - 1], rel=1e-9)
