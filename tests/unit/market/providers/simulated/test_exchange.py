from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tvquant.market.providers.contract import Banned, RateLimited, RateLimits, Unavailable, UnknownSymbol
from tvquant.market.providers.simulated.exchange import Exchange, Manner
from tvquant.market.providers.simulated.faults import Fault, FaultKind, Faults

COIN, OTHER, STOCK, TWICE = "BINANCE:S001USDT", "BINANCE:S002USDT", "NASDAQ:T002", "BINANCE:S012USDT"
TERMS = RateLimits(requests_per_second=10.0, burst=3, bars_per_request=100, concurrency=4)
DAY = datetime(2022, 6, 1, tzinfo=UTC)


class Seconds:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def build(world, clock, seconds):
    def make(*faults, terms=TERMS, **more):
        return Exchange(world, clock=clock, faults=Faults(faults=faults), terms=terms, seconds=seconds, **more)

    return make


@pytest.fixture
def ask(seconds):
    """Ask so slowly that no limit binds."""

    def call(exchange, symbol=COIN, interval="1d", *, start=None, end=None):
        seconds.now += 10
        return exchange.bars(symbol, interval, start=start, end=end)

    return call


def gap(**more):
    return Fault(kind=FaultKind.GAP, symbol=COIN, start=DAY, end=DAY + timedelta(days=3), **more)


def test_answers_are_the_newest_bars_of_the_span(build, ask, world, clock):
    exchange = build()
    whole = world.bars(COIN, "1d", now=clock.now())
    assert ask(exchange).rows.equals(whole.tail(100))
    end = DAY + timedelta(hours=1)
    assert ask(exchange, end=end).rows.equals(whole.filter(pl.col("timestamp") < end).tail(100))
    start = DAY - timedelta(days=5)
    assert ask(exchange, start=start, end=DAY).rows["timestamp"].to_list() == [
        start + timedelta(days=i) for i in range(5)
    ]
    assert exchange.truth(COIN).equals(whole[:-1])


def test_a_full_bucket_then_one_request_per_tenth_of_a_second(build, seconds):
    exchange = build()
    for _ in range(3):
        exchange.bars(COIN, "1d", start=None, end=None)
    with pytest.raises(RateLimited) as refused:
        exchange.bars(COIN, "1d", start=None, end=None)
    assert refused.value.retryable
    assert refused.value.retry_after == pytest.approx(0.1)
    for _ in range(50):
        seconds.now += 0.1
        exchange.bars(COIN, "1d", start=None, end=None)
    assert exchange.violations == 1
    assert len(exchange.requests) == 54
    assert exchange.most_within(1.0) == 14  # the burst, the refused one, and ten within a second


def test_what_is_allowed_on_the_way_comes_above_the_burst(build):
    exchange = build(transit=0.2)
    for _ in range(5):
        exchange.bars(COIN, "1d", start=None, end=None)
    with pytest.raises(RateLimited):
        exchange.bars(COIN, "1d", start=None, end=None)
    assert exchange.violations == 1


def test_all_paths_draw_on_one_bucket(build):
    exchange = build()
    exchange.instruments()
    exchange.actions(STOCK)
    exchange.funding(f"{COIN}.P", start=None, end=None)
    with pytest.raises(RateLimited):
        exchange.instruments()
    assert [one.path for one in exchange.requests] == ["instruments", "actions", "funding", "instruments"]


def test_a_gap_heals_when_it_has_been_shown_as_often_as_declared(build, ask, world, clock):
    exchange = build(gap(requests=2))
    whole = world.bars(COIN, "1d", now=clock.now())
    later = {"start": DAY + timedelta(days=10), "end": None}
    for _ in range(3):  # answers that the gap is not in do not count
        assert ask(exchange, **later).rows.equals(whole.filter(pl.col("timestamp") >= later["start"]))
        assert ask(exchange, OTHER).rows["symbol"].unique().to_list() == [OTHER]
    span = {"start": DAY - timedelta(days=5), "end": DAY + timedelta(days=5)}
    assert [len(ask(exchange, **span).rows) for _ in range(4)] == [7, 7, 10, 10]
    assert [one.outcome for one in exchange.requests[-4:]] == ["gap", "gap", "answered", "answered"]


def test_a_permanent_gap_is_always_there_and_the_page_reaches_further_back(build, ask):
    exchange = build(gap(requests=None))
    end = DAY + timedelta(days=5)
    for _ in range(5):
        stamps = ask(exchange, end=end).rows["timestamp"]
        assert len(stamps) == 100
        assert stamps[0] == DAY - timedelta(days=98)
        assert not stamps.is_between(DAY, DAY + timedelta(days=2)).any()


def test_an_answer_that_lies_within_a_gap_is_empty_and_counts(build, ask):
    exchange = build(gap(requests=1))
    span = {"start": DAY, "end": DAY + timedelta(days=2)}
    assert [len(ask(exchange, **span).rows) for _ in range(2)] == [0, 2]


def test_stale_answers_end_early_until_they_are_asked_again(build, ask):
    exchange = build(Fault(kind=FaultKind.STALE, symbol=COIN, start=datetime(2022, 9, 11, tzinfo=UTC), requests=2))
    ends = [ask(exchange).rows["timestamp"][-1].day for _ in range(3)]
    assert ends == [10, 10, 15]


def test_duplicates_never_make_an_answer_longer_than_the_terms(build, ask):
    exchange = build(Fault(kind=FaultKind.DUPLICATE, symbol=COIN, start=DAY, requests=None))
    rows = ask(exchange).rows
    assert len(rows) == 100
    assert rows["timestamp"].n_unique() == 50


def test_faults_of_delivery_come_one_at_a_time_and_faults_of_bars_together(build, ask):
    exchange = build(
        Fault(kind=FaultKind.SERVER_ERROR, symbol=COIN, requests=2),
        Fault(kind=FaultKind.TRUNCATED, symbol=COIN),
        gap(),
        Fault(kind=FaultKind.DISORDER, symbol=COIN),
    )
    span = {"start": DAY - timedelta(days=5), "end": DAY + timedelta(days=5)}
    for _ in range(2):
        with pytest.raises(Unavailable):
            ask(exchange, **span)
    answer = ask(exchange, **span)
    assert answer.manner is Manner.CUT
    assert exchange.requests[-1].outcome == "truncated, gap, disorder"
    assert answer.rows["timestamp"].is_sorted(descending=True)
    assert ask(exchange, **span).manner is Manner.WHOLE


@pytest.mark.parametrize(
    ("kind", "manner"),
    [
        (FaultKind.TRUNCATED, Manner.CUT),
        (FaultKind.DROPPED, Manner.DROPPED),
        (FaultKind.TIMEOUT, Manner.SILENT),
        (FaultKind.DRIP, Manner.DRIPPING),
    ],
)
def test_manners_of_delivery(build, ask, kind, manner):
    exchange = build(Fault(kind=kind, symbol=COIN, seconds=3.0))
    first, second = ask(exchange), ask(exchange)
    assert (first.manner, first.seconds) == (manner, 3.0)
    assert (second.manner, second.seconds) == (Manner.WHOLE, 0.0)


def test_a_declared_rate_limit_is_no_violation(build, ask):
    exchange = build(Fault(kind=FaultKind.RATE_LIMIT, symbol=COIN, seconds=2.5))
    with pytest.raises(RateLimited) as refused:
        ask(exchange)
    assert refused.value.retry_after == 2.5
    assert exchange.violations == 0
    assert len(ask(exchange).rows) == 100


def test_a_ban_holds_for_everyone_until_it_is_over(build, ask, seconds, clock):
    exchange = build(Fault(kind=FaultKind.BAN, symbol=COIN, seconds=30.0))
    with pytest.raises(Banned) as banned:
        ask(exchange)
    assert banned.value.until == clock.now() + timedelta(seconds=30)
    for left in (20, 10):
        with pytest.raises(Banned) as banned:
            ask(exchange, OTHER)
        assert banned.value.retry_after == pytest.approx(left)
    assert exchange.knocks == 2
    assert len(ask(exchange, OTHER).rows) == 100
    assert len(ask(exchange).rows) == 100
    assert exchange.violations == 0


def test_unknown_symbols(build, ask, seconds, clock):
    exchange = build(Fault(kind=FaultKind.UNKNOWN, symbol=OTHER, requests=None))
    for symbol, interval in (("BINANCE:NONEUSDT", "1d"), (STOCK, "4h"), (COIN, "1h"), (OTHER, "1d"), (OTHER, "1d")):
        with pytest.raises(UnknownSymbol) as unknown:
            ask(exchange, symbol, interval)
        assert not unknown.value.retryable
    seconds.now += 10
    with pytest.raises(UnknownSymbol):
        exchange.funding("BINANCE:NONEUSDT", start=None, end=None)
    clock.at = datetime(2020, 1, 1, tzinfo=UTC)
    with pytest.raises(UnknownSymbol):  # not listed yet
        ask(exchange)


def test_a_ticker_that_was_used_again_answers_with_both_holders(build, ask):
    terms = RateLimits(requests_per_second=10.0, burst=3, bars_per_request=1000, concurrency=4)
    steps = ask(build(terms=terms), TWICE).rows["timestamp"].diff().drop_nulls()
    assert steps.max() == timedelta(days=31)


def test_funding_is_cut_to_its_span(build, seconds):
    exchange = build()
    rows = exchange.funding(f"{COIN}.P", start=DAY, end=DAY + timedelta(days=1)).rows
    assert rows["timestamp"].dt.hour().to_list() == [0, 8, 16]


def test_how_many_are_asked_at_once(build):
    exchange = build()
    with exchange.being_asked(), exchange.being_asked():
        pass
    with exchange.being_asked():
        pass
    assert exchange.most_open == 2
