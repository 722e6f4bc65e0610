"""Ticks and lots of a sync's assets: stored where a provider tells them."""

from dataclasses import replace

import polars as pl
import pytest
from table_provider import BTC, ETH, NOW, TableProvider, made_bars, run, walk
from table_provider import day as day_of

from builders.clocks import ManualClock
from tvquant.lake import Lake
from tvquant.market.limiter import Limiter
from tvquant.market.listings import Listings
from tvquant.market.metadata import Metadata, store_metadata
from tvquant.market.providers.contract import INSTRUMENTS
from tvquant.market.retry import Backoff


class Telling(TableProvider):
    """Tells a tick of each, and a lot of those that are named."""

    tick: float | None = None
    with_lot: tuple[str, ...] = ()

    async def instruments(self, symbol: str | None = None) -> pl.DataFrame:
        del symbol
        rows = [
            {"symbol": name, "tick": self.tick, "lot": 0.1 if name in self.with_lot else None} for name in self.tables
        ]
        return pl.DataFrame(rows, schema=dict(INSTRUMENTS))


@pytest.mark.requirement("R-DAT-24")
@pytest.mark.parametrize(
    ("tick", "with_lot", "listing", "served", "missing", "stored", "enough"),
    [
        (0.01, (BTC, ETH), True, True, (), 4, True),
        (0.01, (BTC,), True, True, (ETH,), 3, False),
        (None, (), True, False, (BTC, ETH), 0, True),  # it lists, and tells of none
        (0.01, (BTC, ETH), False, False, (BTC, ETH), 0, True),
    ],
)
def test_steps_are_served_where_a_provider_tells_any(
    lake: Lake,
    tick: float | None,
    with_lot: tuple[str, ...],
    listing: bool,
    served: bool,
    missing: tuple[str, ...],
    stored: int,
    enough: bool,
) -> None:
    provider = Telling({name: made_bars(name, walk(9), last=day_of()) for name in (BTC, ETH)})
    provider.tick, provider.with_lot = tick, with_lot
    provider.capabilities = replace(provider.capabilities, instruments=listing)
    known = Listings(provider, Limiter(provider.limits), Backoff(attempts=1), seed=1)
    found: Metadata = run(store_metadata(known, lake, (BTC, ETH), clock=ManualClock(NOW)))
    assert (found.served, found.missing, found.stored, found.enough) == (served, missing, stored, enough)
