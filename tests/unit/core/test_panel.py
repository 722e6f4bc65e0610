from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from builders.panels import instrument, panel_of
from tvquant.core.instruments import Fact, Instrument
from tvquant.core.panel import BLOCK, Caveat, Floats, Panel, total_returns
from tvquant.core.stamps import NONE, Stamp

nan = np.nan
DAY = np.timedelta64(1, "D").astype("m8[us]")
START = np.datetime64("2020-01-01", "us")


def column(*values: float) -> Floats:
    return np.array(values, float)[:, None]


def panel(close: Floats, *, delays: list[int] | None = None, names: str = "ABCDEFGH", **fields: Any) -> Panel:
    """Daily bars that close after a day; `delays` are the hours after it at which each column is known."""
    late = None if delays is None else np.array(delays) * np.timedelta64(1, "h")
    traded = [instrument(name, kind=None) for name in names[: close.shape[1]]]
    return panel_of({"close": close, **fields}, names=traded, delay=late)


@pytest.mark.parametrize(
    ("close", "dividend", "split", "expected"),
    [
        pytest.param([100, 110, 99], None, None, [nan, 0.10, -0.10], id="prices"),
        pytest.param([100, 98], [0, 3], None, [nan, 0.01], id="dividend"),
        pytest.param([100, 98, 98], [0, 3, nan], None, [nan, 0.01, 0.0], id="NaN is no dividend"),
        pytest.param([100, 51], None, [1, 2], [nan, 0.02], id="split"),
        pytest.param([100, 51, 51], None, [nan, 2, nan], [nan, 0.02, 0.0], id="NaN is no split"),
        pytest.param([10, 99], None, [1, 0.1], [nan, -0.01], id="reverse split"),
        pytest.param([100, 50], [0, 0.5], [1, 2], [nan, 0.01], id="dividend on new units"),
        pytest.param([100, nan, 103], None, None, [nan, nan, 0.03], id="hole"),
        pytest.param([100, nan, 103], [0, 2, 0], None, [nan, nan, 0.05], id="dividend in the hole"),
        pytest.param([100, nan, 52], None, [1, 2, 1], [nan, nan, 0.04], id="split in the hole"),
        pytest.param([100, nan, 52], [0, 2, 0], [1, 1, 2], [nan, nan, 0.06], id="dividend before the split"),
        pytest.param([100, nan, 52, 26], [0, 0, 0, 26], [1, 2, 1, 1], [nan, nan, 0.04, 0.0], id="after the hole"),
        pytest.param([nan, 100, 101], [5, 5, 0], None, [nan, nan, 0.01], id="what was paid before the first bar"),
        pytest.param([100, 101, nan], None, None, [nan, 0.01, nan], id="what has ended"),
        pytest.param([100], None, None, [nan], id="one bar"),
        pytest.param([nan, nan], None, None, [nan, nan], id="no bar"),
    ],
)
def test_total_returns_by_hand(
    close: list[float], dividend: list[float] | None, split: list[float] | None, expected: list[float]
) -> None:
    actions = [None if action is None else column(*action) for action in (dividend, split)]
    assert_allclose(total_returns(column(*close), *actions), column(*expected), rtol=0, atol=1e-15)


prices = st.floats(0.5, 200) | st.just(nan)
bar = st.tuples(prices, st.sampled_from([0.0, 0.0, nan, 0.7]), st.sampled_from([1.0, 1.0, nan, 2.0, 0.1]))
series = st.lists(st.tuples(bar, bar), min_size=1, max_size=25)


@settings(deadline=None)
@given(bars=series)
def test_total_returns_are_those_of_a_holder(bars: list[Any]) -> None:
    """A plain holder: units multiply on a split, cash piles up from dividends, and is set apart at each bar."""
    data = np.array(bars, float)
    found = total_returns(data[:, :, 0], data[:, :, 1], data[:, :, 2])
    for j in range(2):
        worth, units, cash = None, 1.0, 0.0
        for t, (close, dividend, split) in enumerate(data[:, j]):
            if worth is not None:
                units *= 1.0 if np.isnan(split) else split
                cash += 0.0 if np.isnan(dividend) else dividend * units
            if np.isnan(close) or worth is None:
                assert np.isnan(found[t, j])
            else:
                assert found[t, j] == pytest.approx((units * close + cash) / worth - 1.0, rel=1e-9, abs=1e-9)
            if not np.isnan(close):
                worth, units, cash = close, 1.0, 0.0


def test_total_returns_of_a_panel_come_from_its_actions_or_are_given() -> None:
    close = column(100, 98)
    assert_allclose(panel(close, dividend=column(0, 3)).fields["total_return"], column(nan, 0.01), atol=1e-15)
    assert_array_equal(panel(close, total_return=column(nan, 0.5)).fields["total_return"], column(nan, 0.5))


def test_until_is_a_slice_without_a_copy() -> None:
    whole = panel(np.arange(1.0, 13.0).reshape(6, 2))
    seen = whole.until(START + 4 * DAY)
    assert_array_equal(seen.times, whole.times[:4])
    assert_array_equal(seen.fields["close"], whole.fields["close"][:4])
    for name in ("times", "known_at", "tradable"):
        assert np.shares_memory(getattr(seen, name), getattr(whole, name))
    assert all(np.shares_memory(seen.fields[name], whole.fields[name]) for name in ("close", "total_return"))


def test_a_bar_is_known_at_its_close_and_not_before() -> None:
    whole = panel(column(1, 2, 3))
    assert len(whole.until(START + 2 * DAY).times) == 2
    assert len(whole.until(START + 2 * DAY - np.timedelta64(1, "us")).times) == 1
    assert len(whole.until(START).times) == 0
    assert whole.until(START).keys == ()


def test_a_row_that_is_known_in_part() -> None:
    """The second column comes six hours late: at the close its last cell is not there."""
    whole = panel(np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]), delays=[0, 6])
    seen = whole.until(START + 2 * DAY)
    assert_array_equal(seen.fields["close"], [[1.0, 10.0], [2.0, nan]])
    assert_array_equal(seen.fields["total_return"], [[nan, nan], [1.0, nan]])
    assert_array_equal(seen.tradable, [[True, True], [True, False]])
    later = whole.until(START + 2 * DAY + np.timedelta64(6, "h"))
    assert_array_equal(later.fields["close"], [[1.0, 10.0], [2.0, 20.0]])
    assert_array_equal(whole.fields["close"][1], [2.0, 20.0])  # the whole panel is as it was


def test_what_is_listed_later_is_not_there() -> None:
    whole = panel(np.array([[1.0, nan, nan], [2.0, nan, nan], [3.0, 5.0, nan], [4.0, 6.0, 7.0]]))
    assert [whole.until(START + n * DAY).keys for n in range(5)] == [
        (),
        ("X:A",),
        ("X:A",),
        ("X:A", "X:B"),
        ("X:A", "X:B", "X:C"),
    ]


def test_a_later_listing_adds_no_rows_to_an_earlier_look() -> None:
    """The first column is known 30 hours after its close, the one listed on the fourth day at once."""
    close = np.array([[1.0, nan], [2.0, nan], [3.0, nan], [4.0, 7.0]])
    whole, alone = panel(close, delays=[30, 0]), panel(close[:, :1], delays=[30])
    for hour in range(24 * 4):
        t = START + hour * np.timedelta64(1, "h")
        assert_array_equal(whole.until(t).fields["close"], alone.until(t).fields["close"])
    last = whole.until(START + 4 * DAY)
    assert_array_equal(last.fields["close"], [[1.0, nan], [2.0, nan], [nan, nan], [nan, 7.0]])


def test_a_look_at_a_look_is_a_look() -> None:
    whole = panel(np.arange(1.0, 13.0).reshape(6, 2), delays=[0, 6])
    t = START + 3 * DAY
    assert whole.until(t + DAY).until(t).digest() == whole.until(t).digest()


def test_later_facts_are_not_there() -> None:
    gone = Fact(field="delisted_at", value=START + 9 * DAY, known_at=START + 3 * DAY)
    whole = panel(column(1, 2, 3))
    asset = Instrument(symbol="X:A", kinds=frozenset(), currency="USD", calendar="24x7", facts=(gone,))
    whole = Panel(**{**public(whole), "instruments": (asset,)})
    assert whole.until(START + 2 * DAY).instruments[0].facts == ()
    assert whole.until(START + 3 * DAY).instruments[0].facts == (gone,)


def public(p: Panel) -> dict[str, Any]:
    names = ("times", "instruments", "fields", "known_at", "tradable", "bases", "stamps", "calendar")
    return {name: getattr(p, name) for name in names}


def test_arrays_are_read_only_and_the_caller_keeps_theirs() -> None:
    close = column(1, 2, 3)
    whole = panel(close)
    for p in (whole, whole.until(START + 2 * DAY)):
        for array in (p.times, p.known_at, p.tradable, *p.fields.values()):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = array[0]
    late = panel(np.array([[1.0, 10.0], [2.0, 20.0]]), delays=[0, 6]).until(START + 2 * DAY)
    assert not late.fields["close"].flags.writeable
    assert not late.tradable.flags.writeable
    assert close.flags.writeable


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"times": np.empty(0, "M8[us]")}, "needs rows and instruments"),
        ({"instruments": ()}, "needs rows and instruments"),
        ({"fields": {"close": np.ones((3, 1))}}, r"'close' has shape \(3, 1\), expected \(3, 2\)"),
        ({"fields": {"close": np.ones((3, 2)), "volume": np.ones((2, 2))}}, "'volume' has shape"),
        ({"tradable": np.ones((3, 3), bool)}, "'tradable' has shape"),
        ({"times": START + np.array([0, 1, 1]) * DAY}, "times must increase"),
        ({"times": START + np.array([0, 2, 1]) * DAY}, "times must increase"),
        ({"known_at": START + np.array([[1, 1], [2, 3], [3, 3]]) * DAY}, "known_at must increase"),
        ({"known_at": np.broadcast_to(START + DAY, (3, 2))}, "known_at must increase"),
        ({"known_at": np.full((3, 2), np.datetime64("NaT", "us"))}, "known_at must increase"),
        ({"tradable": np.array([[False, True], [True, True], [True, True]])}, "order of their first known bar"),
    ],
)
def test_panels_that_are_none(changes: dict[str, Any], match: str) -> None:
    whole = panel(np.ones((3, 2)))
    with pytest.raises(ValueError, match=match):
        Panel(**{**public(whole), **changes})


def test_columns_and_stamps_by_key() -> None:
    whole = panel(np.ones((2, 3)))
    quiet = Caveat(stamp=Stamp.NO_VOLUME, since=START + DAY)
    price = Caveat(stamp=Stamp.PRICE_RETURN, since=START + DAY)
    whole = Panel(**{**public(whole), "stamps": (frozenset(), frozenset({quiet}), frozenset({price}))})
    assert whole.columns(("X:C", "X:A")).tolist() == [2, 0]
    assert whole.stamps_of(("X:A", "X:C")) == {Stamp.PRICE_RETURN}
    assert whole.stamps_of(("X:B", "X:C")) == {Stamp.NO_VOLUME, Stamp.PRICE_RETURN}
    assert whole.stamps_of(()) == NONE
    with pytest.raises(KeyError, match="X:Z"):
        whole.columns(("X:A", "X:Z"))


@pytest.mark.requirement("R-SIM-03")
def test_stamps_are_those_that_held_then() -> None:
    ends, ended = START + 3 * DAY, Caveat(stamp=Stamp.NO_VOLUME, since=START + DAY, until=START + 3 * DAY)
    begins = Caveat(stamp=Stamp.PRICE_RETURN, since=START + 4 * DAY)
    whole = Panel(**{**public(panel(column(1, 2, 3, 4))), "stamps": (frozenset({ended, begins}),)})
    seen = [whole.until(START + day * DAY) for day in range(1, 5)]
    assert [p.stamps_of(("X:A",)) for p in seen] == [
        {Stamp.NO_VOLUME}, {Stamp.NO_VOLUME}, NONE, {Stamp.PRICE_RETURN}
    ]  # fmt: skip
    assert [one.until for one in seen[1].stamps[0]] == [None]  # nobody knew then that it would end
    assert seen[2].stamps == (frozenset({ended}),)
    assert whole.until(ends - np.timedelta64(1, "us")).stamps == seen[1].stamps
    assert seen[3].stamps == whole.stamps
    assert seen[3].until(START + 2 * DAY).stamps == seen[1].stamps


@pytest.mark.parametrize("bad", [0.0, -0.0, -1.0, np.inf, -np.inf, nan, -5e-324])
def test_a_panel_is_whole_where_every_close_is_a_price(bad: float) -> None:
    closes = np.array([[5e-324, 1.0], [np.finfo(float).max, 3.0]])
    bars = np.ones_like(closes, bool)
    assert panel_of({"close": closes}, tradable=bars).whole
    assert not panel_of({"close": np.where(closes == 1.0, bad, closes)}, tradable=bars).whole
    holed = panel_of({"close": closes}, tradable=closes != 3.0)
    assert not holed.whole
    assert holed.until(holed.known_at[0, 0]).whole


def test_the_digest_is_of_the_content() -> None:
    close = np.array([[1.0, nan], [2.0, 5.0], [3.0, 6.0]])
    whole = panel(close)
    assert whole.digest() == panel(close.copy()).digest()
    others = [panel(close + 1), panel(close, names="AC"), panel(close, volume=close), panel(close[:2])]
    assert len({p.digest() for p in (whole, *others)}) == 5
    tail = panel(np.array([[9.0, nan], [2.0, 5.0], [3.0, 6.0]]), total_return=whole.fields["total_return"])
    assert tail.digest() != whole.digest()
    assert tail.digest(start=1) == whole.digest(start=1)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Floats, Floats, list[int], int]:
    """Closes and dividends with listings and holes, delays, and the hour to look at."""
    rows, columns = draw(st.integers(2, 12)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    close = rng.uniform(1, 9, (rows, columns))
    close[rng.random((rows, columns)) < 0.2] = nan
    delays = np.array(draw(st.lists(st.integers(0, 60), min_size=columns, max_size=columns)))
    first = rng.integers(0, rows, columns)
    order = np.argsort(24 * first + delays, kind="stable")  # by first known bar: a later listing may be the faster one
    first, delays = first[order], delays[order]
    close[np.arange(rows)[:, None] < first] = nan
    close[first, np.arange(columns)] = 1.0
    dividend = np.where(rng.random((rows, columns)) < 0.2, 0.1, 0.0)
    return close, dividend, delays.tolist(), draw(st.integers(0, 24 * (rows + 3)))


@settings(max_examples=200, deadline=None)
@given(history=histories(), seed=st.integers(0, 2**32), delete=st.booleans())
def test_the_future_never_matters(history: tuple[Floats, Floats, list[int], int], seed: int, delete: bool) -> None:
    """What was known at t is the same when everything that became known later is other, or was never delivered."""
    close, dividend, delays, hour = history
    whole = panel(close, delays=delays, dividend=dividend)
    t = START + hour * np.timedelta64(1, "h")
    seen = whole.until(t)
    rng = np.random.default_rng(seed)
    later = whole.known_at > t
    close = np.where(later & ~np.isnan(close), rng.uniform(1, 9, close.shape), close)
    dividend = np.where(later, rng.uniform(0, 5, close.shape), dividend)
    if delete:
        known = whole.tradable & ~later
        columns = int(known.any(axis=0).sum())
        rows = int((~later[:, :columns]).any(axis=1).sum())
        if not rows or not columns:
            assert seen.keys == () or len(seen.times) == 0
            return
        close, dividend = close[:rows, :columns], dividend[:rows, :columns]
        delays = delays[:columns]
    other = panel(close, delays=delays, dividend=dividend).until(t)
    assert other.keys == seen.keys
    assert_array_equal(other.tradable, seen.tradable)
    assert other.digest() == seen.digest()


def test_returns_of_many_names_are_those_of_each_alone() -> None:
    draw = np.random.default_rng(1)
    shape = (6, 2 * BLOCK + 3)
    close = np.where(draw.random(shape) < 0.2, np.nan, draw.uniform(1.0, 2.0, shape))
    dividend = np.where(draw.random(shape) < 0.2, 0.1, 0.0)
    split = np.where(draw.random(shape) < 0.1, 2.0, 1.0)
    alone = [total_returns(*(one[:, [j]] for one in (close, dividend, split))) for j in range(shape[1])]
    np.testing.assert_array_equal(total_returns(close, dividend, split), np.hstack(alone))
