"""The simulated exchange: answers requests out of its world, keeps its rate limit, and shows its faults.

Every request is written down, whatever became of it, so that a test can prove what a client did: `violations` counts
requests above the declared rate, `knocks` those during a ban.
"""

import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import polars as pl

from tvquant.core.clock import Clock
from tvquant.core.instruments import Kind
from tvquant.market.providers.contract import Banned, Capabilities, RateLimited, RateLimits, Unavailable, UnknownSymbol
from tvquant.market.providers.simulated.faults import DELIVERY, MISSING, Fault, FaultKind, Faults, spoil
from tvquant.market.providers.simulated.world import World

TERMS = RateLimits(requests_per_second=50.0, burst=50, bars_per_request=1000, concurrency=8)

CAPABILITIES = Capabilities(
    intervals=frozenset({"4h", "1d"}),
    kinds=frozenset({Kind.SPOT, Kind.SWAP, Kind.STOCK}),
    actions=True,
    funding=True,
    instruments=True,
    live=True,
)


class Manner(StrEnum):
    """How an answer is delivered: whole, slowly, cut off, not at all, or with the connection closed on it."""

    WHOLE = "whole"
    DRIPPING = "dripping"
    CUT = "cut"
    SILENT = "silent"
    DROPPED = "dropped"


MANNERS = {
    FaultKind.DRIP: Manner.DRIPPING,
    FaultKind.TRUNCATED: Manner.CUT,
    FaultKind.TIMEOUT: Manner.SILENT,
    FaultKind.DROPPED: Manner.DROPPED,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExchangeReply:
    """Rows and how they are delivered; dripping takes `seconds`."""

    rows: pl.DataFrame
    manner: Manner = Manner.WHOLE
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as the exchange saw it: its moment on the exchange's own clock, in seconds, and what came of it."""

    at: float
    path: str
    symbol: str
    outcome: str


class Exchange:
    """One exchange, shared by all its clients; safe under threads.

    Parameters
    ----------
    world : what truly trades on it.
    clock : the present, which decides which bars there are.
    faults : what goes wrong.
    terms : the declared limits.
    seconds : the time that rates are counted in; monotonic.
    transit : by how many seconds requests may be delayed on their way: that many seconds' worth of requests may come
        above the burst, because what was sent evenly may arrive together. 0 in process.
    """

    def __init__(
        self,
        world: World,
        *,
        clock: Clock,
        faults: Faults | None = None,
        terms: RateLimits = TERMS,
        seconds: Callable[[], float] = time.monotonic,
        transit: float = 0.0,
    ) -> None:
        self.world = world
        self.clock = clock
        self.faults = faults or Faults()
        self.terms = terms
        self._seconds = seconds
        self._room = terms.burst + transit * terms.requests_per_second
        self._tokens, self._refilled = self._room, seconds()
        self._banned_until = float("-inf")
        self._shown: Counter[int] = Counter()
        self._requests: list[Request] = []
        self._open, self.most_open = 0, 0
        self._lock = threading.Lock()

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every request so far."""
        with self._lock:
            return tuple(self._requests)

    @property
    def violations(self) -> int:
        """Requests above the declared rate."""
        return sum(request.outcome == "above the rate" for request in self.requests)

    @property
    def knocks(self) -> int:
        """Requests during a ban."""
        return sum(request.outcome == "banned" for request in self.requests)

    def most_within(self, seconds: float = 1.0) -> int:
        """Return the greatest number of requests in any span of so many seconds."""
        times = [request.at for request in self.requests]
        return max((bisect_right(times, at + seconds) - place for place, at in enumerate(times)), default=0)

    @contextmanager
    def being_asked(self) -> Iterator[None]:
        """Count a request as open from its arrival to the end of its answer; `most_open` is the highest count."""
        with self._lock:
            self._open += 1
            self.most_open = max(self.most_open, self._open)
        try:
            yield
        finally:
            with self._lock:
                self._open -= 1

    def truth(self, symbol: str, interval: str = "1d") -> pl.DataFrame:
        """Return the bars that a healthy lake holds now."""
        return self.world.truth(symbol, interval, now=self.clock.now())

    def bars(
        self, symbol: str, interval: str, *, start: datetime | None, end: datetime | None, limit: int | None = None
    ) -> ExchangeReply:
        """Return the newest bars with start <= open < end, at most `limit` and never more than the terms allow.

        Raises
        ------
        ProviderError : refused: over the rate, banned, failing, or of an unknown symbol.
        """
        with self._lock:
            self._admit("bars", symbol)
            fault = self._delivery_fault(symbol)
            if fault is not None:
                self._refuse(fault)
            now = self.clock.now()
            if interval not in self.world.intervals(symbol) or not self._listed(symbol, now):
                self._note("unknown symbol")
                raise UnknownSymbol(f"the simulated exchange has no {interval} bars of {symbol!r}")
            whole = _between(self.world.bars(symbol, interval, now=now), start, end)
            rows = self._spoiled(symbol, whole, min(limit or self.terms.bars_per_request, self.terms.bars_per_request))
            manner = Manner.WHOLE if fault is None else MANNERS[fault.kind]
            return ExchangeReply(rows=rows, manner=manner, seconds=0.0 if fault is None else fault.seconds)

    def instruments(self) -> ExchangeReply:
        """Return all listings so far."""
        with self._lock:
            self._admit("instruments", "")
            return ExchangeReply(rows=self.world.instruments(now=self.clock.now()))

    def time(self) -> datetime:
        """Return the present on the exchange."""
        with self._lock:
            self._admit("time", "")
            return self.clock.now()

    def actions(self, symbol: str) -> ExchangeReply:
        """Return corporate actions so far."""
        with self._lock:
            self._admit("actions", symbol)
            return ExchangeReply(rows=self.world.actions(self._known(symbol), now=self.clock.now()))

    def funding(self, symbol: str, *, start: datetime | None, end: datetime | None) -> ExchangeReply:
        """Return the newest funding payments with start <= time < end."""
        with self._lock:
            self._admit("funding", symbol)
            rows = _between(self.world.funding(self._known(symbol), now=self.clock.now()), start, end)
            return ExchangeReply(rows=rows.tail(self.terms.bars_per_request))

    def _known(self, symbol: str) -> str:
        if not self._listed(symbol, self.clock.now()):
            self._note("unknown symbol")
            raise UnknownSymbol(f"the simulated exchange does not know {symbol!r}")
        return symbol

    def _listed(self, symbol: str, now: datetime) -> bool:
        listings = self.world.listings_of(symbol)
        return bool(listings) and self.world.day(listings[0].first) <= now

    def _admit(self, path: str, symbol: str) -> None:
        """Write the request down; refuse it during a ban or without a token."""
        now = self._seconds()
        self._requests.append(Request(at=now, path=path, symbol=symbol, outcome="answered"))
        self._check_ban(now)
        rate = self.terms.requests_per_second
        self._tokens = min(self._room, self._tokens + (now - self._refilled) * rate)
        self._refilled = now
        if self._tokens < 1 - 1e-6:  # clocks count in small floats: a token is not lost to their rounding
            self._note("above the rate")
            wait = (1 - self._tokens) / rate
            raise RateLimited(f"the simulated exchange allows {rate:g} requests per second", retry_after=wait)
        self._tokens -= 1

    def _check_ban(self, now: float) -> None:
        left = self._banned_until - now
        if left > 0:
            self._note("banned")
            until = self.clock.now() + timedelta(seconds=left)
            raise Banned(f"the simulated exchange answers nothing until {until}", until=until, retry_after=left)

    def _delivery_fault(self, symbol: str) -> Fault | None:
        """Return the first fault of delivery that still shows, counted as shown."""
        for number, fault in enumerate(self.faults.faults):
            if fault.symbol == symbol and fault.kind in DELIVERY and self._shows(number, fault):
                self._shown[number] += 1
                self._note(fault.kind)
                return fault
        return None

    def _refuse(self, fault: Fault) -> None:
        match fault.kind:
            case FaultKind.RATE_LIMIT:
                raise RateLimited("the simulated exchange is busy", retry_after=fault.seconds)
            case FaultKind.BAN:
                self._banned_until = self._seconds() + fault.seconds
                until = self.clock.now() + timedelta(seconds=fault.seconds)
                message = f"the simulated exchange answers nothing until {until}"
                raise Banned(message, until=until, retry_after=fault.seconds)
            case FaultKind.SERVER_ERROR:
                raise Unavailable("the simulated exchange failed (503)")
            case FaultKind.UNKNOWN:
                raise UnknownSymbol(f"the simulated exchange does not know {fault.symbol!r}")
            case _:
                return

    def _shows(self, number: int, fault: Fault) -> bool:
        return fault.requests is None or self._shown[number] < fault.requests

    def _spoiled(self, symbol: str, whole: pl.DataFrame, limit: int) -> pl.DataFrame:
        """Return the newest rows with all faults that touch them; each counts as shown when it does."""
        mine = [
            (number, fault)
            for number, fault in enumerate(self.faults.faults)
            if fault.symbol == symbol and fault.kind not in DELIVERY and self._shows(number, fault)
        ]
        left = whole
        for _, fault in mine:
            if fault.kind in MISSING:
                left = spoil(left, fault)
        page = left.tail(limit)
        seen = whole if page.is_empty() else whole.filter(pl.col("timestamp") >= page["timestamp"][0])
        for number, fault in mine:
            if not seen.filter(fault.touched()).is_empty():
                self._shown[number] += 1
                self._note(fault.kind)
                page = page if fault.kind in MISSING else spoil(page, fault)
        return page.tail(limit)

    def _note(self, outcome: str) -> None:
        """Write down what became of the last request; several faults are joined."""
        last = self._requests[-1]
        joined = str(outcome) if last.outcome == "answered" else f"{last.outcome}, {outcome}"
        self._requests[-1] = Request(at=last.at, path=last.path, symbol=last.symbol, outcome=joined)


def _between(rows: pl.DataFrame, start: datetime | None, end: datetime | None) -> pl.DataFrame:
    if start is not None:
        rows = rows.filter(pl.col("timestamp") >= start)
    return rows if end is None else rows.filter(pl.col("timestamp") < end)
