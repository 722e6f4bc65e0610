from dataclasses import replace

import polars as pl
import pytest
from table_provider import BTC, NOW, Spoil, TableProvider, day, made_bars, replaced, run, walk, without

from tvquant.core.instants import instant
from tvquant.market.coverage import Grid
from tvquant.market.fetching import NO_ROWS, Fetched, Fetcher
from tvquant.market.limiter import Limiter
from tvquant.market.providers.contract import Malformed, RateLimits, Unavailable, UnknownSymbol
from tvquant.market.retry import Backoff

GRID = Grid.of(BTC, "1d", NOW)
ROWS = made_bars(BTC, walk(300), last=day())
VALUES = NO_ROWS.columns


def told(*spoil: Spoil | BaseException, page: int = 2000, rows: pl.DataFrame = ROWS) -> TableProvider:
    limits = RateLimits(requests_per_second=100, burst=10, bars_per_request=page, concurrency=4)
    return TableProvider({BTC: rows}, {BTC: list(spoil)}, limits=limits)


def fetched(
    provider: TableProvider, *spans: tuple[int, int], stored: pl.DataFrame = NO_ROWS
) -> tuple[Fetched, list[tuple[int, int]]]:
    """What was fetched of spans of days ago, and which spans were asked for."""
    fetcher = Fetcher(provider, Limiter(provider.limits), Backoff(), seed="1")
    found = run(fetcher.fetch(BTC, GRID, [(instant(day(a)), instant(day(b))) for a, b in spans], stored))
    asked = [((day() - start).days, (day() - end).days + 1) for _, _, start, end in provider.asked if start and end]
    assert fetcher.requests == len(asked)
    return found, asked


def test_one_page_is_one_request() -> None:
    found, asked = fetched(told(), (299, 0))
    assert asked == [(299, 0)]
    assert found.rows.equals(ROWS.select(VALUES))
    assert (found.genesis, found.rejected, found.notes) == (None, {}, ())


def test_pages_go_back_to_the_depth() -> None:
    found, asked = fetched(told(page=100), (249, 0))
    assert asked == [(249, 0), (249, 100), (249, 200)]
    assert found.rows.equals(ROWS.select(VALUES).tail(250))


def test_the_newest_span_is_asked_for_first() -> None:
    _, asked = fetched(told(), (299, 200), (9, 0), (50, 40))
    assert asked == [(9, 0), (50, 40), (299, 200)]


@pytest.mark.requirement("R-DAT-13")
def test_genesis_is_where_two_requests_bring_nothing_older() -> None:
    found, asked = fetched(told(), (1999, 0))
    assert asked == [(1999, 0), (1999, 300), (1999, 300)]
    assert found.genesis == instant(day(299))


def test_an_empty_answer_that_heals_is_no_genesis() -> None:
    """The answers to the first two requests lack the oldest hundred bars."""
    young = without(*range(200, 300))
    found, asked = fetched(told(young, young), (299, 0))
    assert asked == [(299, 0), (299, 200), (299, 200)]
    assert found.genesis is None
    assert len(found.rows) == 300


def test_nothing_at_all_is_no_genesis() -> None:
    found, asked = fetched(told(rows=ROWS.clear()), (99, 0))
    assert (len(asked), found.genesis, len(found.rows)) == (1, None, 0)


def test_failures_and_bad_answers_are_asked_again() -> None:
    twice = lambda rows: pl.concat([rows, replaced(rows, 3, volume=99.0)])  # noqa: E731
    found, asked = fetched(told(Unavailable("503"), twice, lambda rows: rows.drop("close")), (299, 0))
    assert len(asked) == 4
    assert found.rows.equals(ROWS.select(VALUES))


def test_what_never_heals_is_raised() -> None:
    for failure in (UnknownSymbol("who?"), Malformed("cut", retryable=False)):
        with pytest.raises(type(failure)):
            fetched(told(failure), (299, 0))


def spike(rows: pl.DataFrame) -> pl.DataFrame:
    close = float(ROWS["close"][-11])
    return replaced(rows, 10, close=4 * close, high=4 * close)


def test_an_unlikely_bar_that_heals_is_taken_as_it_is_then() -> None:
    for wrong in (1, 2):
        found, asked = fetched(told(*[spike] * wrong), (299, 0))
        assert len(asked) == 3 if wrong == 2 else len(asked) == 2
        assert found.rows.equals(ROWS.select(VALUES))
        assert found.notes == ()


def test_an_unlikely_bar_told_thrice_alike_is_believed_and_named() -> None:
    found, asked = fetched(told(*[spike] * 9), (299, 0))
    assert len(asked) == 3
    assert found.rows.equals(spike(ROWS).select(VALUES))
    (note,) = found.notes
    assert note == f"1 unlikely bars told thrice alike, the first of {day(10):%Y-%m-%d}"


def test_unlikely_bars_that_change_with_each_answer_are_held_back() -> None:
    def times(factor: float) -> Spoil:
        return lambda rows: replaced(rows, 10, close=1000 * factor, high=1000 * factor)

    found, _ = fetched(told(times(4), times(5), times(6)), (299, 0))
    assert found.rows.equals(ROWS.select(VALUES).filter(pl.col("timestamp") != day(10)))
    assert found.rejected == {"unlikely": 1}
    assert "held back" in found.notes[0]


def test_a_page_scaled_as_a_whole_is_found_at_its_edge() -> None:
    prices = pl.col("open", "high", "low", "close")
    found, asked = fetched(told(lambda rows: rows.with_columns(prices * 1000), page=150), (299, 0))
    assert found.rows.equals(ROWS.select(VALUES))
    assert sorted(set(asked)) == [(299, 0), (299, 150)]


def test_stored_bars_guard_against_a_scaled_answer() -> None:
    prices = pl.col("open", "high", "low", "close")
    found, asked = fetched(told(lambda rows: rows.with_columns(prices * 1000)), (9, 0), stored=ROWS.select(VALUES))
    assert len(asked) == 2
    assert found.rows.equals(ROWS.select(VALUES).tail(10))


def test_rejected_rows_are_counted_over_all_pages() -> None:
    found, _ = fetched(told(lambda rows: replaced(rows, 3, low=-1.0), page=150), (299, 0))
    assert found.rejected == {"not positive": 1}
    assert len(found.rows) == 299
    assert replace(found, rows=NO_ROWS).genesis is None
