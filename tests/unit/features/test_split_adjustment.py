"""Bars through splits, by hand; that no term sees a split is in the contract of terms."""

import numpy as np
import pytest

from tvquant.features.split_adjustment import in_rows, through_splits, units

pytestmark = [pytest.mark.requirement("R-FEA-12"), pytest.mark.requirement("R-SEL-17")]
NAN = np.nan


@pytest.fixture
def raw(market):
    """A is split ten for one on the third day; B four for one on a day without a bar, and then two are made one."""
    close = {"A": [100.0, 110.0, 11.0, 12.0], "B": [8.0, NAN, 2.0, 4.0], "C": [5.0, 6.0, 7.0, 8.0]}
    volume = {"A": [1.0, 1.0, 10.0, 10.0], "B": [3.0, NAN, 12.0, 6.0], "C": [2.0] * 4}
    split = {"A": [1.0, 1.0, 10.0, 1.0], "B": [1.0, 4.0, 1.0, 0.5], "C": [1.0, NAN, 1.0, 1.0]}
    return market(close, high=close, volume=volume, quote_volume=volume, split=split)


def test_prices_and_volumes_are_of_the_shares_a_name_began_with(raw):
    assert units(raw).tolist() == [[1.0, 1.0, 1.0], [1.0, 4.0, 1.0], [10.0, 4.0, 1.0], [10.0, 2.0, 1.0]]
    seen = through_splits(raw)
    expected = np.array([[100.0, 110.0, 110.0, 120.0], [8.0, NAN, 8.0, 8.0], [5.0, 6.0, 7.0, 8.0]]).T
    for field in ("close", "high"):
        np.testing.assert_array_equal(seen.fields[field], expected)
    np.testing.assert_array_equal(seen.fields["volume"].T, [[1.0] * 4, [3.0, NAN, 3.0, 3.0], [2.0] * 4])
    assert seen.fields["quote_volume"] is raw.fields["quote_volume"]
    assert not seen.fields["close"].flags.writeable
    assert raw.fields["close"][2, 0] == 11.0


def test_a_later_split_changes_no_earlier_bar(raw):
    whole = through_splits(raw)
    for row in range(4):
        view = through_splits(raw.until(raw.known_at[row, 0]))
        for field in ("close", "volume"):
            assert view.fields[field].tobytes() == np.ascontiguousarray(whole.fields[field][: row + 1]).tobytes()


def test_where_nothing_was_ever_split_the_view_itself_is_taken(raw, market):
    early = raw.until(raw.known_at[0, 0])
    assert units(early) is None
    assert through_splits(early) is early
    assert units(market({"A": [1.0, 2.0]})) is None


def test_bars_of_some_names_are_laid_out_in_rows(market):
    """A view of the first columns is copied, a view of all is not."""
    whole = market({"A": [1.0, 2.0, 3.0], "B": [NAN, NAN, 5.0]}, volume={"A": [1.0] * 3, "B": [1.0] * 3})
    some = whole.until(whole.known_at[1, 0])
    assert len(some.instruments) == 1
    assert not some.fields["close"].flags.c_contiguous
    for name in ("close", "volume"):
        laid = in_rows(some).fields[name]
        np.testing.assert_array_equal(laid, some.fields[name])
        assert laid.flags.c_contiguous
        assert not laid.flags.writeable
    assert in_rows(whole) is whole
