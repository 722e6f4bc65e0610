"""A chart session: one symbol resolved, one series of its bars, which older ones are asked for round by round."""

import secrets
from datetime import datetime, timedelta
from itertools import groupby
from json import dumps
from typing import Any

from tvquant.core.clock import Clock
from tvquant.market.providers.contract import Malformed
from tvquant.market.providers.tradingview.answers import (
    ERRORS,
    ChartBar,
    bars_of,
    check_symbol,
    delay_of,
    refusal,
)
from tvquant.market.providers.tradingview.connection import ChartConnection
from tvquant.symbology.kinds import SHARES, structure

RESOLUTIONS = {"4h": "240", "1d": "1D"}
"""What the server calls the intervals."""
SYMBOL, SERIES, TURN = "sds_sym_1", "sds_1", "s1"
MOST_BARS = 200_000
"""Bars of a series that are held; whoever sends more is not believed."""


class Chart:
    """One chart of one symbol on an open connection.

    `oldest` is the first bar told so far; `told` has bars by their stamp, each with its versions, the last update of a
    bar in place of those before; `delay` is how late the prices are.
    """

    def __init__(self, connection: ChartConnection, symbol: str, interval: str, *, clock: Clock) -> None:
        self.symbol = symbol
        self.interval = interval
        self.oldest: datetime | None = None
        self.told: dict[datetime, list[ChartBar]] = {}
        self.delay = timedelta()
        self.described: dict[str, Any] | None = None
        self._connection = connection
        self._name = f"cs_{secrets.token_hex(6)}"
        self._clock = clock

    async def resolve(self) -> dict[str, Any]:
        """Ask what the symbol is, and return what is told of it.

        Raises
        ------
        ProviderError : it is not known, or the server answers for another one.
        """
        asked = {"symbol": self.symbol, "adjustment": "splits"}
        if structure(self.symbol).kinds & SHARES:
            asked["session"] = "regular"
        await self._connection.send("chart_create_session", self._name, "")
        await self._connection.send("resolve_symbol", self._name, SYMBOL, "=" + dumps(asked, separators=(",", ":")))
        while self.described is None:
            await self._take()
        return self.described

    async def begin(self, count: int) -> None:
        """Resolve the symbol and ask for its newest bars.

        Raises
        ------
        ProviderError : as `resolve`, or the series is refused.
        """
        await self.resolve()
        resolution = RESOLUTIONS[self.interval]
        await self._connection.send("create_series", self._name, SERIES, TURN, SYMBOL, resolution, count, "")
        await self._completed()

    async def more(self, count: int) -> bool:
        """Ask for older bars; False where a completed round brought none, for the history is exhausted."""
        before = self.oldest
        await self._connection.send("request_more_data", self._name, SERIES, count)
        await self._completed()
        return self.oldest is not None and (before is None or self.oldest < before)

    async def end(self) -> None:
        """Let the server forget the chart."""
        await self._connection.send("chart_delete_session", self._name)

    def forget(self, since: datetime) -> None:
        """Drop the bars from a moment on."""
        self.told = {stamp: bars for stamp, bars in self.told.items() if stamp < since}

    async def _completed(self) -> None:
        while await self._take() != "series_completed":
            pass

    async def _take(self) -> str:
        """Take one message in, and return its method; those of other sessions say nothing here."""
        message = await self._connection.next()
        mine = message.params[:1] == [self._name]
        if message.method in ERRORS and (mine or message.method == "protocol_error"):
            raise refusal(self.symbol, message)
        if not mine:
            return ""
        if message.method == "symbol_resolved":
            described = message.params[2] if len(message.params) > 2 else None
            check_symbol(self.symbol, described)
            self.described = described
        elif message.method in ("timescale_update", "du"):
            self._add(message.params[1] if len(message.params) > 1 else None)
        elif message.method == "series_completed":
            self.delay = delay_of(message.params[2] if len(message.params) > 2 else None)
        return message.method

    def _add(self, update: Any) -> None:
        bars = bars_of(self.symbol, update, SERIES, now=self._clock.now(), daily=self.interval == "1d")
        for stamp, versions in groupby(bars, key=lambda bar: bar.stamp):
            self.told[stamp] = list(versions)
            self.oldest = stamp if self.oldest is None else min(self.oldest, stamp)
        if len(self.told) > MOST_BARS:
            raise Malformed(f"{self.symbol}: TradingView sent more than {MOST_BARS:,} bars", retryable=False)
