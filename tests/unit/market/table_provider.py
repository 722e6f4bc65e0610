"""Virtual time, and a provider that answers from tables."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis
from tvquant.market.providers.contract import (
    BARS,
    INSTRUMENTS,
    INTERVALS,
    Capabilities,
    Offer,
    RateLimits,
    UnknownSymbol,
    of_symbol,
)

NOW = datetime(2024, 6, 1, 9, 30, tzinfo=UTC)
BTC, ETH = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT"


class _Selector(selectors.DefaultSelector):
    """Waits for nothing: who would sleep moves the time on."""

    ahead = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout:
            self.ahead += timeout
        return super().select(0 if timeout is not None else None)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which sleeping takes no time."""

    def __init__(self) -> None:
        self._moved = _Selector()
        super().__init__(self._moved)

    def time(self) -> float:
        return self._moved.ahead


def run[T](work: Awaitable[T]) -> T:
    """The result of a coroutine, in virtual time."""

    async def main() -> T:
        return await work

    return asyncio.run(main(), loop_factory=VirtualLoop)


def made_bars(symbol: str, closes: list[float], *, last: datetime, interval: str = "1d") -> pl.DataFrame:
    """Consecutive bars that end with the bar of `last`, each opening at the close before."""
    step = INTERVALS[interval]
    stamps = [last - step * (len(closes) - 1 - i) for i in range(len(closes))]
    opens = [closes[0], *closes[:-1]]
    return pl.DataFrame(
        {
            "symbol": [symbol] * len(closes),
            "timestamp": stamps,
            "open": opens,
            "high": [max(pair) for pair in zip(opens, closes, strict=True)],
            "low": [min(pair) for pair in zip(opens, closes, strict=True)],
            "close": closes,
            "volume": [10.0] * len(closes),
            "quote_volume": [None] * len(closes),
        },
        schema=dict(BARS),
    )


def walk(count: int, *, seed: int = 1) -> list[float]:
    """Calm closes."""
    steps = np.random.default_rng(seed).normal(0, 0.01, count)
    return [float(x) for x in 100 * np.exp(np.cumsum(steps))]


type Spoil = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass
class TableProvider:
    """Answers from tables; `spoil[symbol]` are what is done to its next answers, an exception is raised instead.

    `actions_of` and `payments_of` are actions and funding by symbol; `refusal` is raised instead of either.
    """

    tables: dict[str, pl.DataFrame]
    spoil: dict[str, list[Spoil | BaseException]] = field(default_factory=dict)
    limits: RateLimits = field(
        default_factory=lambda: RateLimits(requests_per_second=100, burst=10, bars_per_request=2000, concurrency=4)
    )
    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            intervals=frozenset(INTERVALS),
            kinds=frozenset(Kind),
            actions=False,
            funding=False,
            instruments=True,
            live=True,
        )
    )
    listings: Mapping[str, datetime] = field(default_factory=dict)
    actions_of: dict[str, pl.DataFrame] = field(default_factory=dict)
    payments_of: dict[str, pl.DataFrame] = field(default_factory=dict)
    refusal: BaseException | None = None
    offered: Offer | None = None
    name: str = "tables"
    basis: Basis = Basis.RAW
    asked: list[tuple[str, str, datetime | None, datetime | None]] = field(default_factory=list)
    open: int = 0
    most_open: int = 0

    async def bars(
        self, symbol: str, interval: str, *, start: datetime | None = None, end: datetime | None = None
    ) -> pl.DataFrame:
        self.asked.append((symbol, interval, start, end))
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        await asyncio.sleep(0.01)
        self.open -= 1
        if symbol not in self.tables:
            raise UnknownSymbol(f"{symbol} is unknown")
        todo = self.spoil.get(symbol, [])
        what = todo.pop(0) if todo else None
        if isinstance(what, BaseException):
            raise what
        rows = self.tables[symbol]
        rows = rows if start is None else rows.filter(pl.col("timestamp") >= start)
        rows = rows if end is None else rows.filter(pl.col("timestamp") < end)
        rows = rows.tail(self.limits.bars_per_request)
        return what(rows) if what else rows

    async def instruments(self, symbol: str | None = None) -> pl.DataFrame:
        rows = [{"symbol": name, "delisted_at": self.listings.get(name)} for name in self.tables]
        return of_symbol(pl.DataFrame(rows, schema=dict(INSTRUMENTS)), symbol)

    async def actions(self, symbol: str) -> pl.DataFrame:
        if self.refusal:
            raise self.refusal
        return self.actions_of[symbol]

    async def funding(self, symbol: str, *, start: datetime | None = None, end: datetime | None = None) -> pl.DataFrame:
        self.asked.append((symbol, "funding", start, end))
        if self.refusal:
            raise self.refusal
        rows = self.payments_of[symbol]
        rows = rows if start is None else rows.filter(pl.col("timestamp") >= start)
        rows = rows if end is None else rows.filter(pl.col("timestamp") < end)
        return rows.tail(self.limits.bars_per_request)

    async def offer(self, _interval: str, /) -> Offer | None:
        return self.offered

    async def close(self) -> None: ...

    def counted(self, symbol: str) -> int:
        """How often a symbol's bars were asked for."""
        return sum(one[0] == symbol for one in self.asked)


def day(back: int = 0) -> datetime:
    """The open of the last closed daily bar, or of one so many before."""
    return datetime(2024, 5, 31, tzinfo=UTC) - timedelta(days=back)


def without(*back: int) -> Spoil:
    """An answer without the bars of so many days ago."""
    gone = [day(one) for one in back]
    return lambda rows: rows.filter(~pl.col("timestamp").is_in(gone))


def replaced(rows: pl.DataFrame, back: int, **values: float) -> pl.DataFrame:
    """The rows with other values in the bar of so many days ago."""
    here = pl.col("timestamp") == day(back)
    return rows.with_columns(pl.when(here).then(pl.lit(v)).otherwise(pl.col(n)).alias(n) for n, v in values.items())
