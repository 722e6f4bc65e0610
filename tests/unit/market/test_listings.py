from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from table_provider import BTC, ETH, TableProvider, day, run

from tvquant.lake import Lake
from tvquant.market.limiter import Limiter
from tvquant.market.listings import Listings, delistings
from tvquant.market.providers.contract import INSTRUMENTS, Unavailable
from tvquant.market.registry import RegistryManager
from tvquant.market.retry import Backoff


class Listed(TableProvider):
    """Counts how often it is asked for its instruments, and may fail."""

    calls = 0
    failing = False

    async def instruments(self, symbol: str | None = None) -> pl.DataFrame:
        self.calls += 1
        if self.failing:
            raise Unavailable("503")
        rows = [
            {"symbol": BTC, "listed_at": day(900), "delisted_at": day(600)},
            {"symbol": BTC, "listed_at": day(300), "delisted_at": None},
            {"symbol": ETH, "listed_at": day(900), "delisted_at": day(600)},
        ]
        return pl.DataFrame(rows, schema=dict(INSTRUMENTS))


def listings(provider: TableProvider) -> Listings:
    return Listings(provider, Limiter(provider.limits), Backoff(attempts=2), seed=1)


async def ends(found: Listings, *symbols: str) -> list[datetime | None]:
    return [await found.ended(symbol) for symbol in symbols]


def test_the_last_listing_of_a_ticker_counts_and_the_table_is_fetched_once() -> None:
    provider = Listed({})
    assert run(ends(listings(provider), BTC, ETH, "BINANCE:NEWUSDT")) == [None, day(600), None]
    assert provider.calls == 1


def stamped(*back: float) -> pl.DataFrame:
    return pl.DataFrame({"timestamp": [day() - timedelta(days=one) for one in back]})


def test_rows_between_the_end_of_a_listing_and_the_next_one_belong_to_none() -> None:
    rows = stamped(950, 900, 600, 599.9999, 599, 301, 300, 0)
    found = listings(Listed({}))

    async def living() -> list[pl.DataFrame]:
        return [await found.living(symbol, rows) for symbol in (BTC, ETH, "BINANCE:NEWUSDT")]

    twice, dead, unknown = run(living())
    assert twice.equals(stamped(950, 900, 600, 599.9999, 300, 0))
    assert dead.equals(stamped(950, 900, 600, 599.9999))
    assert unknown.equals(rows)
    failing = Listed({})
    failing.failing = True
    assert run(listings(failing).living(ETH, rows)).equals(rows)


def test_a_provider_that_fails_is_asked_once_and_has_ended_nothing() -> None:
    provider = Listed({})
    provider.failing = True
    found = listings(provider)
    assert run(ends(found, ETH, ETH)) == [None, None]
    assert provider.calls == 2  # attempts of one request


def test_what_was_known_stands_where_it_is_listed_no_more_or_not_told() -> None:
    async def all_of(found: Listings) -> list[datetime | None]:
        return [await found.ended(name, gone=day(1), untold=day(2)) for name in (BTC, ETH, "BINANCE:NEWUSDT")]

    failing, without = Listed({}), Listed({})
    failing.failing = True
    without.capabilities = replace(without.capabilities, instruments=False)
    assert run(all_of(listings(Listed({})))) == [None, day(600), day(1)]
    assert run(all_of(listings(failing))) == [day(2)] * 3
    assert failing.calls == 2
    assert run(all_of(listings(without))) == [day(2)] * 3


def test_a_provider_without_a_list_is_not_asked() -> None:
    provider = Listed({})
    provider.capabilities = replace(provider.capabilities, instruments=False)
    assert run(ends(listings(provider), ETH)) == [None]
    assert provider.calls == 0


def test_whoever_needs_the_table_hears_of_its_failure() -> None:
    provider = Listed({})
    provider.failing = True
    with pytest.raises(Unavailable):
        run(listings(provider).table())


def test_what_providers_ended_is_read_from_the_register(lake: Lake, registry: RegistryManager) -> None:
    lake.folder.mkdir(parents=True)
    assert delistings(lake) == {}
    registry.update(BTC, "1d", delisted=day(3))
    registry.update(ETH, "4h", delisted=day(3))
    registry.update("NASDAQ:AAA", "1d", bars=3)
    assert delistings(lake) == {BTC: np.datetime64("2024-05-28", "us")}
