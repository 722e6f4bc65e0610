"""Funding walked forward: no payment is lost, whatever their spacing and however short a page is."""

import asyncio
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tvquant.market.providers.binance.answers import EPOCH, STEP, stamp
from tvquant.market.providers.binance.funding import FundingWalk
from tvquant.market.providers.contract import FUNDING, Unavailable

T0 = datetime(2024, 1, 1, tzinfo=UTC)
HOURS = [8] * 7 + [4] * 5 + [1] * 20 + [8] * 3 + [1] * 12
"""Between payments: the contract changes its spacing twice and back."""


def paid(spacing):
    times = [T0]
    for hours in spacing:
        times.append(times[-1] + timedelta(hours=hours, milliseconds=1))
    return pl.DataFrame(
        {"timestamp": times, "funding_rate": [0.001 * n for n in range(len(times))]}, schema=dict(FUNDING)
    )


class Source:
    """Serves the oldest payments of a span, `cap` at most; fails at the requests named."""

    def __init__(self, rows, *, page, cap=None, failing=()):
        self.rows, self.page, self.cap, self.failing = rows, page, cap or page, failing
        self.asked = []

    async def __call__(self, start, end):
        self.asked.append((start, end))
        if len(self.asked) in self.failing:
            raise Unavailable("no answer")
        time = pl.col("timestamp")
        rows = self.rows.filter(time >= EPOCH + start * STEP)
        return (rows if end is None else rows.filter(time < EPOCH + end * STEP)).head(self.cap)

    def walk(self):
        return FundingWalk(self, start=stamp(T0), page=self.page)


@pytest.mark.parametrize("page", [1, 2, 7, 8, 47, 48, 49, 1000])
@pytest.mark.parametrize("cap", [None, 1, 3])
def test_no_payment_is_lost(page, cap):
    rows = paid(HOURS)
    now = rows["timestamp"][-1] + timedelta(hours=1)
    source = Source(rows, page=page, cap=None if cap is None else min(cap, page))
    walk = source.walk()
    assert asyncio.run(walk.before(None, now)).equals(rows)
    asked = len(source.asked)
    for place in (39, 17, 1, 0):
        assert asyncio.run(walk.before(stamp(rows["timestamp"][place]), now)).equals(rows[:place])
    assert len(source.asked) == asked  # all that is known already


def test_one_request_does_for_a_short_history_that_reaches_up_to_now():
    for hours in (1, 4, 8):
        rows = paid([8, 8, hours])
        due = timedelta(hours=hours, milliseconds=1)
        for ago, requests in ((due - timedelta(minutes=1), 1), (due, 2), (timedelta(days=90), 2)):
            source = Source(rows, page=10)
            assert asyncio.run(source.walk().before(None, rows["timestamp"][-1] + ago)).equals(rows)
            assert len(source.asked) == requests


def test_behind_a_full_page_is_asked_whatever_the_spacing_was_so_far():
    rows = paid([8, 8, 8, 1, 1, 1])
    walk = Source(rows, page=4).walk()
    assert asyncio.run(walk.before(None, rows["timestamp"][-1] + timedelta(minutes=30))).equals(rows)


def test_an_end_that_is_given_is_asked_for_and_one_that_comes_later_is_walked_on_to():
    rows = paid(HOURS)
    source = Source(rows, page=5)
    walk, now = source.walk(), rows["timestamp"][-1]
    for place in (12, 30):
        assert asyncio.run(walk.before(stamp(rows["timestamp"][place]), now)).equals(rows[:place])
    assert sorted(set(source.asked)) == source.asked
    assert all(end is not None for _, end in source.asked)


def test_a_walk_that_was_broken_off_goes_on_where_it_stood():
    rows = paid(HOURS)
    source = Source(rows, page=10, failing=(3,))
    walk, now = source.walk(), rows["timestamp"][-1]
    with pytest.raises(Unavailable):
        asyncio.run(walk.before(None, now))
    assert asyncio.run(walk.before(None, now)).equals(rows)
    assert source.asked[2] == source.asked[3]
    assert len(source.asked) == 6


def test_new_payments_are_asked_for_again_and_two_who_ask_at_once_ask_once():
    rows = paid(HOURS)
    source = Source(rows[:20], page=10)
    walk, now = source.walk(), rows["timestamp"][19]

    async def main():
        both = await asyncio.gather(*(walk.before(stamp(now), now) for _ in range(2)))
        assert both[0].equals(both[1])
        told = [start for start, _ in source.asked]
        source.rows = rows
        assert (await walk.before(None, rows["timestamp"][-1])).equals(rows)
        return told

    behind = [stamp(rows["timestamp"][place]) + 1 for place in (9, 18)]
    assert asyncio.run(main()) == [stamp(T0), *behind, behind[1]]  # the second who asks knows all but the last
