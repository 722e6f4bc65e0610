"""Ticks, lots and smallest orders: taken from a provider's list of instruments, and how many assets have them."""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from tvquant.core.clock import Clock
from tvquant.core.errors import DataError, DiskError
from tvquant.lake import Lake
from tvquant.lake.reading.facts import known_facts
from tvquant.lake.writing.facts import FIELDS, store_facts
from tvquant.market.listings import Listings
from tvquant.market.providers.contract import HasFindings

NEEDED = ("tick", "lot")
ENOUGH = 0.95
"""Share of assets that should have their steps (R-DAT-24)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is known of the steps of some assets.

    Parameters
    ----------
    served : the provider gives them.
    total : assets asked about; `missing` : those whose tick or lot the lake does not have.
    stored : facts that were new.
    error : why the provider did not deliver, where it did not.
    findings : what in its list it did not understand.
    """

    served: bool
    total: int
    missing: tuple[str, ...] = ()
    stored: int = 0
    error: str | None = None
    findings: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Part of the assets that have tick and lot."""
        return 1.0 - len(self.missing) / self.total if self.total else 1.0

    @property
    def enough(self) -> bool:
        """Nothing is amiss: no provider gives steps here, or nearly all assets have them."""
        return not self.served or self.share >= ENOUGH


async def store_metadata(listings: Listings, lake: Lake, symbols: Collection[str], *, clock: Clock) -> Metadata:
    """Store the steps that the provider's listings give, known from now on; of listings the newest counts.

    A provider of none of the assets is not asked. One that does not deliver, or gives what is no fact, changes nothing;
    `error` says why.
    """
    names, provider = sorted(set(symbols)), listings.provider
    served, stored, error = provider.capabilities.instruments, 0, None
    if served and names:
        try:
            rows = (await listings.table()).filter(pl.col("symbol").is_in(names)).sort("listed_at", nulls_last=False)
            newest = rows.unique("symbol", keep="last", maintain_order=True).select("symbol", *FIELDS)
            said = [name for name in FIELDS if newest[name].is_not_null().any()]
            served = newest.is_empty() or bool(said)
            stored = store_facts(lake, newest, source=provider.name, recorded_at=clock.now())
        except DiskError:
            raise
        except DataError as failure:
            error = str(failure)
    known = known_facts(lake.root, names, at=clock.now()).filter(pl.col("field").is_in(NEEDED))
    whole = set(known.group_by("symbol").len().filter(pl.col("len") == len(NEEDED))["symbol"])
    missing = tuple(name for name in names if name not in whole)
    findings = provider.findings if isinstance(provider, HasFindings) else ()
    return Metadata(served=served, total=len(names), missing=missing, stored=stored, error=error, findings=findings)
