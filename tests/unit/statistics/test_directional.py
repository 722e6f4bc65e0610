"""Directional movement and true range against a slow referee and by hand; TA-Lib is in tests/parity."""

import math

import numpy as np
import pytest

from tvquant.statistics.directional import average_true_range, directional_movement

pytestmark = pytest.mark.requirement("R-FEA-08")
T, N = 120, 6
NAN = math.nan


def bars(seed=0):
    """Walks: whole, with holes, young, flat for a while, flat throughout, and with ties of high and low moves."""
    draw = np.random.default_rng(seed)
    close = 50.0 + draw.normal(0.0, 1.0, (T, N)).cumsum(axis=0)
    close[:, 5] = np.round(close[:, 5])
    high, low = close + draw.random((T, N)), close - draw.random((T, N))
    high[:, 5], low[:, 5] = close[:, 5] + 1.0, close[:, 5] - 1.0
    for field in (high, low, close):
        field[30:60, 3] = 50.0
        field[:, 4] = 7.0
        field[draw.random(T) < 0.1, 1] = NAN
        field[:80, 2] = NAN
    close[draw.random(T) < 0.1, 1] = NAN
    return high, low, close


def wilder(values):
    """Averages of each place: None until there are 14 values."""
    out = []
    for k, value in enumerate(values):
        if k < 13:
            out.append(None)
        elif k == 13:
            out.append(math.fsum(values[:14]) / 14)
        else:
            out.append((13 * out[-1] + value) / 14)
    return out


def referee(high, low, close):
    """ADX, +DI, -DI, ATR of one name by row, in plain loops over its bars."""
    rows = [t for t in range(T) if not any(math.isnan(field[t]) for field in (high, low, close))]
    h, w, c = ([field[t] for t in rows] for field in (high, low, close))
    reach = [max(h[i] - w[i], abs(h[i] - c[i - 1]), abs(w[i] - c[i - 1])) for i in range(1, len(rows))]
    up, down = [h[i] - h[i - 1] for i in range(1, len(rows))], [w[i - 1] - w[i] for i in range(1, len(rows))]
    plus = wilder([u if u > d and u > 0 else 0.0 for u, d in zip(up, down, strict=True)])
    minus = wilder([d if d > u and d > 0 else 0.0 for u, d in zip(up, down, strict=True)])
    ranges, true = wilder(reach), wilder([h[0] - w[0], *reach]) if rows else []
    out = np.full((4, T), NAN)
    strengths, places = [], []
    for i, t in enumerate(rows):
        if true[i] is not None:
            out[3, t] = true[i]
        if i == 0 or ranges[i - 1] is None or ranges[i - 1] == 0.0:
            continue
        out[1, t], out[2, t] = 100 * plus[i - 1] / ranges[i - 1], 100 * minus[i - 1] / ranges[i - 1]
        both = out[1, t] + out[2, t]
        strengths.append(100 * abs(out[1, t] - out[2, t]) / (both or 1.0))
        places.append(t)
    for t, value in zip(places, wilder(strengths), strict=True):
        out[0, t] = NAN if value is None else value
    return out


@pytest.mark.parametrize("hole", [False, True])
def test_a_tie_of_both_movements_is_none(hole):
    """Each bar reaches as much beyond the one before at its top as at its foot."""
    reach = np.arange(1.0, T + 1.0)[:, None] * np.ones(2)
    high, low, close = 500.0 + reach, 500.0 - reach, np.full((T, 2), 500.0)
    if hole:
        close[40, 1] = NAN
    strength, plus, minus = directional_movement(high, low, close, rows=1)
    assert strength.tolist() == plus.tolist() == minus.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("seed", [0, 1])
def test_every_row_is_that_of_plain_loops(seed):
    high, low, close = bars(seed)
    found = np.array([*directional_movement(high, low, close, rows=T), average_true_range(high, low, close, rows=T)])
    expected = np.stack([referee(*(field[:, j] for field in (high, low, close))) for j in range(N)], axis=2)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-11)
    assert np.isnan(found[:3, :, 4]).all()  # what never moved has no direction
    assert (found[3, 13:, 4] == 0.0).all()


def test_fewer_rows_are_the_last_ones_bit_for_bit_and_the_future_does_not_matter():
    fields = bars()
    whole = directional_movement(*fields, rows=T)
    part = directional_movement(*fields, rows=7)
    early = directional_movement(*(field[:90] for field in fields), rows=3)
    for every, few, cut in zip(whole, part, early, strict=True):
        assert few.tobytes() == every[-7:].tobytes()
        assert cut.tobytes() == every[87:90].tobytes()
    ranges = average_true_range(*fields, rows=T)
    assert average_true_range(*(field[:90] for field in fields), rows=3).tobytes() == ranges[87:90].tobytes()


def test_the_first_bars_have_none():
    high, low, close = (field[:, :1] for field in bars())
    adx, plus, minus = directional_movement(high, low, close, rows=T)
    ranges = average_true_range(high, low, close, rows=T)
    first = [int(np.argmax(~np.isnan(found[:, 0]))) + 1 for found in (adx, plus, minus, ranges)]
    assert first == [28, 15, 15, 14]


def test_a_straight_climb_has_all_its_direction_on_one_side():
    close = np.arange(60.0)[:, None]
    adx, plus, minus = directional_movement(close + 1.0, close - 1.0, close, rows=1)
    assert (adx.item(), plus.item(), minus.item()) == pytest.approx((100.0, 50.0, 0.0))
    assert average_true_range(close + 1.0, close - 1.0, close, rows=1).item() == pytest.approx(2.0)


def test_names_without_holes_have_the_same_bits_beside_one_with_holes():
    """They are averaged side by side, unless one among them has a hole."""
    whole = [0, 2, 3, 4, 5]
    beside, alone = (directional_movement(*fields, rows=T) for fields in (bars(), [x[:, whole] for x in bars()]))
    for ours, theirs in zip(alone, beside, strict=True):
        assert ours.tobytes() == np.ascontiguousarray(theirs[:, whole]).tobytes()
