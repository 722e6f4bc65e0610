"""What a provider of market data is, what its answers look like, and how it says no.

A provider hands over what the outside world delivered, read but not judged: rows may be missing, doubled, out of order
or wrong, and the last bar may be unfinished. Its callers validate. All its failures are `ProviderError`s; `retryable`
says whether asking again may help, `retry_after` how many seconds to wait before.

A member is one file (or folder) with its `ProviderFactory`, one line of the catalogue and one of the tests' members:

| part                              | needed                                       | else                |
|-----------------------------------|----------------------------------------------|---------------------|
| name, capabilities, limits, basis | always                                       |                     |
| bars, offer, close                | always; what is on offer may be None         |                     |
| instruments                       | where it lists (`capabilities.instruments`)  | symbols, or nothing |
| actions                           | where it has them (`capabilities.actions`)   | `Unsupported`       |
| funding                           | where it has it (`capabilities.funding`)     | `Unsupported`       |
| options                           | those it has, each with a default            | an empty `Options`  |
| terms                             | where its user must agree before it is asked | empty               |
| `require_library`, when opened    | it imports one of the extra `live`           | nothing             |
| probe (`market.probing`)          | it speaks to servers                         | nothing to reach    |
| load (`market.probing`)           | its library takes seconds to load            | nothing             |
| findings (`HasFindings`)          | its lists can say what it does not know      | all is understood   |
| a server on loopback, in tests    | it speaks the real protocol                  | a folder of files   |
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.util import find_spec
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import polars as pl
from pydantic import ValidationError

from tvquant.core.clock import Clock
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis
from tvquant.profiles.messages import explained, unknown
from tvquant.profiles.options import Options
from tvquant.symbology.kinds import structure

INTERVALS: Mapping[str, timedelta] = MappingProxyType({"4h": timedelta(hours=4), "1d": timedelta(days=1)})
"""Lengths of the intervals that bars may have. On an exchange calendar a daily bar closes with its session."""

_TIME = pl.Datetime("us", "UTC")
_NUMBERS = ("open", "high", "low", "close", "volume", "quote_volume")

BARS: Mapping[str, pl.DataType] = MappingProxyType(
    {"symbol": pl.String(), "timestamp": _TIME, **dict.fromkeys(_NUMBERS, pl.Float64())}
)
"""Columns of bars: `timestamp` is the open of the bar, `quote_volume` may be null."""

INSTRUMENTS: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "symbol": pl.String(),
        **dict.fromkeys(("tick", "lot", "min_notional", "tradfi"), pl.Float64()),
        **dict.fromkeys(("listed_at", "delisted_at"), _TIME),
    }
)
"""Columns of instruments: one row per listing, so two where a ticker was used again; null is "not known".

`tradfi` is 1 for a contract on a share, a fund, a metal or a fuel, 0 for one on a coin.
"""

ACTIONS: Mapping[str, pl.DataType] = MappingProxyType(
    {"timestamp": _TIME, "kind": pl.String(), "value": pl.Float64()},
)
"""Columns of corporate actions: `dividend` is cash per unit, `split` new units for one old, on the ex-date."""

FUNDING: Mapping[str, pl.DataType] = MappingProxyType({"timestamp": _TIME, "funding_rate": pl.Float64()})
"""Columns of funding: the fraction of the position's value that longs pay to shorts at that moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a provider serves.

    `live` says that its bars reach up to now; `tells_basis` that it knows what its prices are adjusted for: of others
    whoever opens them declares it. `adjusts` : the kinds whose prices are of its `basis`; those of others are raw, for
    they have nothing that prices are adjusted for. `ends_by_symbol` : when a listing began and ended shows only where
    its symbol is asked about alone.
    """

    intervals: frozenset[str]
    kinds: frozenset[Kind]
    actions: bool
    funding: bool
    instruments: bool
    live: bool
    tells_basis: bool = True
    adjusts: frozenset[Kind] = frozenset(Kind)
    ends_by_symbol: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Offer:
    """All that a provider has: the times of each symbol's bars, ascending; and the rows that it could not read.

    `unread` : symbol (empty where a row has none) -> how many rows, and the first of them in words.
    """

    times: Mapping[str, pl.Series]
    unread: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    def to(self, symbols: Collection[str]) -> "Offer":
        """Return the part that concerns these symbols: unreadable rows of others are left out."""
        return replace(self, unread={name: rows for name, rows in self.unread.items() if not name or name in symbols})


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """What a provider allows: a bucket of `burst` requests that refills at `requests_per_second`.

    `concurrency` binds the calls that are open at once. A call of a provider is one request, so that whoever calls it
    keeps the rate; one whose calls send several says `paced_inside` and keeps it itself. `timeout` : seconds until a
    call without an answer counts as failed.
    """

    requests_per_second: float
    burst: int
    bars_per_request: int
    concurrency: int
    paced_inside: bool = False
    timeout: float = 30.0


class Provider(Protocol):
    """A source of market data. Its methods may be called concurrently, and `close` more than once."""

    @property
    def name(self) -> str:
        """Name in profiles."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it serves."""
        ...

    @property
    def limits(self) -> RateLimits:
        """What it allows."""
        ...

    @property
    def basis(self) -> Basis:
        """What its prices are adjusted for, of the kinds that it adjusts (see `basis_of`)."""
        ...

    async def bars(
        self, symbol: str, interval: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> pl.DataFrame:
        """Return at most `limits.bars_per_request` bars with start <= open < end, the newest of them (`BARS`).

        They are ascending unless the outside world delivered them in disorder. No row says that nothing is there.
        """
        ...

    async def instruments(self, symbol: str | None = None) -> pl.DataFrame:
        """Return everything it serves, listings that have ended included (`INSTRUMENTS`); of one symbol when named.

        No row where the symbol is not served.
        """
        ...

    async def actions(self, symbol: str) -> pl.DataFrame:
        """Return corporate actions so far (`ACTIONS`)."""
        ...

    async def funding(self, symbol: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.DataFrame:
        """Return at most `limits.bars_per_request` payments with start <= time < end, the newest ones (`FUNDING`)."""
        ...

    async def offer(self, interval: str, /) -> Offer | None:
        """Return all that it has of an interval; None where only asking for bars would show it."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class HasFindings(Protocol):
    """A provider that says what in its list of instruments it did not understand."""

    @property
    def findings(self) -> tuple[str, ...]:
        """Findings so far, one sentence each."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFactory[O: Options]:
    """A provider that can be opened: its name, the options it takes, and how it is opened with them.

    `open` raises DataError where the options do not suffice or its library is not installed, and sends nothing.
    `terms` : what its user must agree to before anything is sent; empty where nothing is.
    """

    name: str
    options: type[O]
    open: Callable[[O, Clock], Provider]
    terms: str = ""

    def opened(self, given: Mapping[str, object], clock: Clock) -> Provider:
        """Return the provider opened with the options given, by name, and the defaults of the others.

        Raises
        ------
        ProfileError : an option that this provider does not take, or a value that does not fit.
        DataError : the options do not suffice, or its library is not installed.
        """
        return self.open(self.validated(given), clock)

    def validated(self, given: Mapping[str, object]) -> O:
        """Return the options given, by name, and the defaults of the others; ProfileError as `opened`."""
        for name in given:
            if name not in self.options.model_fields:
                raise ProfileError(f"provider {self.name}: {unknown('option', name, self.options.model_fields)}")
        try:
            return self.options.model_validate(given)
        except ValidationError as error:
            details = error.errors(include_url=False)
            raise ProfileError(f"provider {self.name}: option {details[0]['loc'][0]}: {explained(details)}") from error


def require_library(provider: str, package: str) -> None:
    """Refuse to open a provider whose library is not installed: asked later, each of its assets would meet that.

    Raises
    ------
    DataError : with the extra that brings it.
    """
    if find_spec(package) is None:
        raise DataError(
            f"provider {provider} needs the package {package}, which is not installed: install tvquant[live]"
        )


def basis_of(provider: Provider, symbol: str) -> Basis:
    """Return what a provider's prices of one symbol are adjusted for.

    Raises
    ------
    DataError : the symbol is none.
    """
    return provider.basis if structure(symbol).kinds & provider.capabilities.adjusts else Basis.RAW


def of_symbol(listings: pl.DataFrame, symbol: str | None) -> pl.DataFrame:
    """Return the listings of one symbol; all of them where none is named."""
    return listings if symbol is None else listings.filter(pl.col("symbol") == symbol)


class ProviderError(DataError):
    """A provider did not deliver; `retry_after` is how many seconds it wants to be left alone, if it gave any."""

    def __init__(self, message: str, *, retryable: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message, retryable=retryable)
        self.retry_after = retry_after


class RateLimited(ProviderError):
    """Too many requests (HTTP 429)."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message, retryable=True, retry_after=retry_after)


class Banned(ProviderError):
    """No request of this address is answered until `until` (HTTP 418)."""

    def __init__(self, message: str, *, until: datetime, retry_after: float | None = None) -> None:
        super().__init__(message, retryable=True, retry_after=retry_after)
        self.until = until


class Unavailable(ProviderError):
    """No answer: a failure on the other side (HTTP 5xx), a time-out, a dropped connection."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message, retryable=True, retry_after=retry_after)


class Malformed(ProviderError):
    """An answer that cannot be read, or that was cut off."""

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message, retryable=retryable)


class UnknownSymbol(ProviderError):
    """The provider does not know the symbol, or has no bars of that interval for it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class Unsupported(ProviderError):
    """The provider never serves what was asked; its capabilities say so."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)
