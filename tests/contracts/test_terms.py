"""The contract of every feature term: one number per instrument, of the last row, whatever the future brings."""

import numpy as np
import pytest

from builders.panels import panel_of
from tvquant.features import TERMS, compute
from tvquant.features.terms.contract import Settings, evaluate
from tvquant.lake.storage.tables import MEASURES

START = np.datetime64("2021-01-01", "us")
ROWS, NAMES, MOMENT = 1226, 12, 1185  # the moment's bar is the last of its week, month and quarter: 2024-03-31
DAY = np.timedelta64(1, "D")
SETTINGS = Settings(rating_min_bars=60)
COUNTS = ("votes_ma", "votes_other")
"""Whole numbers that are alike for names of the same age, whatever their prices."""
LEVELS = ("atr_14",)
"""Terms in units of the price."""
EVERY = pytest.mark.parametrize("name", TERMS)
OF_BARS = pytest.mark.parametrize("name", sorted(TERMS.keys() - {"metadata_known"}))


def fields(seed=0):
    """Walks with holes; the first names have every other cell, so that their order is free."""
    draw = np.random.default_rng(seed)
    close = 50.0 * np.exp(draw.normal(0.0, 0.03, (ROWS, NAMES)).cumsum(axis=0))
    high, low = close * (1.0 + 0.04 * draw.random((ROWS, NAMES))), close * (1.0 - 0.04 * draw.random((ROWS, NAMES)))
    volume = draw.random((ROWS, NAMES)) * 1e6
    quote = np.where(draw.random((ROWS, NAMES)) < 0.5, np.nan, volume * close * 1.01)
    out = {"close": close, "high": high, "low": low, "volume": volume, "quote_volume": quote}
    gone = draw.random((ROWS, NAMES)) < 0.05
    gone[[0, MOMENT]] = False
    gone[MOMENT, 3] = True  # no bar at the moment
    gone[MOMENT - 9 :, 4] = True  # dead
    gone[: MOMENT - 14, 10] = True  # too young for any statistic
    gone[: MOMENT + 5, 11] = True  # listed after it
    return {name: np.where(gone, np.nan, block) for name, block in out.items()}


def panel(blocks, rows=ROWS, names=None, delay=0):
    """Names in the given order where their first day leaves it free; odd ones arrive `delay` days late."""
    have = ~np.isnan(blocks["close"][:rows])
    order = [j for j in names or range(NAMES) if have[:, j].any()]
    order.sort(key=lambda j: int(have[:, j].argmax()) + delay * (j % 2))
    times = START + np.arange(rows) * DAY
    cut = {name: np.ascontiguousarray(block[:rows, order]) for name, block in blocks.items()}
    known = (times + DAY)[:, None] + delay * DAY * np.array([j % 2 for j in order])
    return panel_of(cut, names=[f"N{j}" for j in order], times=times, known_at=known)


def at_moment(made):
    return made.until(START + (MOMENT + 1) * DAY)


def values(name, view):
    """The term alone, its measures taken for it."""
    ((found,),) = evaluate([TERMS[name]], view, SETTINGS)
    return found


def test_the_catalogue_is_consistent_and_read_only():
    assert all(term.name == name for name, term in TERMS.items())
    assert all(term.meaning.endswith(".") and "\n" not in term.meaning for term in TERMS.values())
    assert {term.unit for term in TERMS.values()} <= {"USD", "%", "1"}
    assert {field for term in TERMS.values() for field in term.needs} <= {
        "open",
        "high",
        "low",
        "volume",
        "quote_volume",
    }
    with pytest.raises(TypeError):
        TERMS["another"] = None


@pytest.mark.requirement("R-FEA-01")
@OF_BARS
def test_there_is_one_float_per_instrument_and_nan_without_a_bar(name):
    view = at_moment(panel(fields()))
    found = values(name, view)
    assert found.shape == (NAMES - 1,)  # one is not listed yet
    assert found.dtype == np.float64
    assert np.isnan(found[~view.tradable[-1]]).all()
    assert np.isfinite(found[:3]).all()
    assert len(np.unique(found[:3])) > 1 or name in COUNTS


@pytest.mark.requirement("R-FEA-01")
@pytest.mark.requirement("R-UNI-22")
@pytest.mark.parametrize("delay", [0, 1])
@EVERY
def test_another_future_changes_nothing(name, delay):
    """Rows after the moment scrambled, deleted, and cells of its own row that arrive a day later."""
    past = fields()
    known = values(name, at_moment(panel(past, delay=delay)))
    late = np.array([j % 2 for j in range(NAMES)], bool) & bool(delay)
    scrambled = {field: block.copy() for field, block in past.items()}
    for block in scrambled.values():
        block[MOMENT + 1 :] *= np.random.default_rng(1).random((ROWS - MOMENT - 1, 1)) * 9.0
        block[MOMENT, late] *= 7.0
    for other in (panel(scrambled, delay=delay), panel(past, rows=MOMENT + 1, delay=delay)):
        assert values(name, at_moment(other)).tobytes() == known.tobytes()


@OF_BARS
def test_the_last_row_matters(name):
    """The test above can fail: what the moment's own bar says does change the value."""
    past = fields()
    before = values(name, at_moment(panel(past)))
    if name in COUNTS:
        past["close"][MOMENT] = np.nan
    for place, block in enumerate(past.values(), start=1):  # a factor for each field, or their ratios would stay
        block[MOMENT] *= 1000.0 * place
        block[MOMENT - 20 : MOMENT] *= 900.0
    assert (values(name, at_moment(panel(past)))[:3] != before[:3]).any()


@OF_BARS
def test_the_order_of_the_instruments_does_not_matter(name):
    straight = at_moment(panel(fields()))
    turned = at_moment(panel(fields(), names=[5, 2, 0, 9, 7, 1, 4, 3, 8, 6, 10, 11]))
    place = [straight.keys.index(key) for key in turned.keys]
    expected = values(name, straight)[place]
    assert values(name, turned).tobytes() == expected.tobytes()
    alone = at_moment(panel(fields(), names=[7]))
    assert values(name, alone)[0] == expected[turned.keys.index("X:N7")]


class Watched(dict):
    """Fields that tell which of them were asked for."""

    def __init__(self, fields):
        super().__init__(fields)
        self.asked = set()

    def __getitem__(self, name):
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.asked.add(name)
        return super().get(name, default)


@OF_BARS
def test_it_reads_only_prices_and_volumes_of_bars_and_their_splits(name):
    view = at_moment(panel(fields()))
    watched = Watched(view.fields)
    object.__setattr__(view, "fields", watched)
    values(name, view)
    assert watched.asked
    assert watched.asked <= {*MEASURES, "split"}


WITHIN_A_DAY = ("value_traded_last", "volatility_d")
"""Terms of the last bar alone: they see no other day, so blind bars show them the same."""
SPLITS = {0: [(700, 10.0)], 1: [(40, 1.5), (MOMENT, 4.0)], 2: [(MOMENT - 5, 0.125), (MOMENT + 1, 7.0)]}
"""Name -> rows at which new shares come for one; one of them lies after the moment."""


def in_units(blocks, price, volume):
    """The same bars with prices and volumes in other units (a factor for all, or for each cell)."""
    return (
        blocks
        | {name: blocks[name] * price for name in ("close", "high", "low")}
        | {"volume": blocks["volume"] * volume}
    )


@pytest.mark.requirement("R-FEA-12")
@pytest.mark.requirement("R-SEL-17")
@OF_BARS
def test_a_split_changes_nothing(name):
    """Raw bars fall to a tenth on the day of ten shares for one; a level is told in units of its row."""
    split = np.ones((ROWS, NAMES))
    for j, done in SPLITS.items():
        for row, ratio in done:
            split[row, j] = ratio
    shares = split.cumprod(axis=0)
    smooth, raw = fields(), in_units(fields(), 1.0 / shares, shares)
    unit = shares[MOMENT, : NAMES - 1] if name in LEVELS else 1.0
    found = values(name, at_moment(panel(raw | {"split": split}))) * unit
    np.testing.assert_allclose(found, values(name, at_moment(panel(smooth))), rtol=1e-9)
    blind = values(name, at_moment(panel(raw))) * unit
    assert np.allclose(blind[:3], found[:3]) == (name in (*COUNTS, *WITHIN_A_DAY, "adv_median_30"))


@pytest.mark.requirement("R-FEA-12")
@OF_BARS
@pytest.mark.parametrize("power", [-40, 20])
def test_the_unit_of_the_price_changes_no_bit(name, power):
    """A coin that is quoted by the million; no tolerance knows what a price is counted in."""
    unit = 2.0**power
    found = values(name, at_moment(panel(in_units(fields(), unit, 1.0 / unit))))
    expected = values(name, at_moment(panel(fields())))
    assert found.tobytes() == (expected * unit if name in LEVELS else expected).tobytes()


@EVERY
def test_the_view_is_left_as_it_was(name):
    view = at_moment(panel(fields()))
    digest = view.digest()
    first, second = (values(name, view) for _ in range(2))
    assert first.tobytes() == second.tobytes()
    assert view.digest() == digest


@OF_BARS
def test_a_term_that_needs_what_is_not_there_is_absent(name):
    bare = {"close": fields()["close"]}
    found = compute(at_moment(panel(bare)), [name], rating_min_bars=60)
    assert (name in found.absent) == bool(TERMS[name].needs)
    assert np.isnan(found.values).all() == bool(TERMS[name].needs)
    for field in TERMS[name].needs:
        with_one = {**bare, field: fields()["volume"]}
        assert not compute(at_moment(panel(with_one)), [name], rating_min_bars=60).absent
