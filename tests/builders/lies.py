"""How a server is told to lie, and what it saw: one object between a test and the server of any member.

A server on `builders.loopback` is given the wire by `serve(handler, wire)`; what it encodes it passes through
`wire.lie.rows` (bars as a frame, before they are encoded) and, where a bar becomes a list of values, `wire.lie.row`.
A label of the answer (its symbol) is taken from the rows.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import polars as pl

from builders.loopback import Reply, Request
from tvquant.market.providers.contract import RateLimits

ELSEWHERE = "BINANCE:OTHERUSDT"
AHEAD = timedelta(days=700)
PRICES = ("open", "high", "low", "close")
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Welcome to the hotel's network</body></html>"


def _same[T](told: T) -> T:
    return told


@dataclass(frozen=True)
class Lie:
    """What becomes of bars, of an encoded bar, and of the body of any answer.

    `labelled` : seen only where an answer says whose it is. `harmless` : a careful reader undoes it without a word.
    `gate` : played at each gate, for each protocol meets it in its own way.
    """

    name: str = "honest"
    rows: Callable[[pl.DataFrame], pl.DataFrame] = _same
    row: Callable[[list[Any]], list[Any]] = _same
    body: Callable[[bytes], bytes] = _same
    labelled: bool = False
    harmless: bool = False
    gate: bool = False


HONEST = Lie()


def _scaled(factor: float) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(pl.col(*PRICES) * factor)


def _twice(rows: pl.DataFrame) -> pl.DataFrame:
    other = rows.with_columns(pl.col(*PRICES) * 1.01)
    return pl.concat([rows, other]).sort("timestamp", maintain_order=True)


def _and_tomorrow(rows: pl.DataFrame) -> pl.DataFrame:
    ahead = rows.tail(2).with_columns(pl.col("timestamp") + AHEAD)
    return pl.concat([rows, ahead])


LIES: Mapping[str, Lie] = {
    lie.name: lie
    for lie in (
        Lie("another symbol", rows=lambda rows: rows.with_columns(symbol=pl.lit(ELSEWHERE)), labelled=True, gate=True),
        Lie("bars of the future", rows=lambda rows: rows.with_columns(pl.col("timestamp") + AHEAD), gate=True),
        Lie("bars of the future behind good ones", rows=_and_tomorrow, harmless=True),
        Lie("decreasing time", rows=pl.DataFrame.reverse, harmless=True, gate=True),
        Lie("two versions of one bar", rows=_twice),
        Lie("negative prices", rows=_scaled(-1.0)),
        Lie("no prices", rows=_scaled(0.0)),
        Lie("absurd prices", rows=_scaled(1e30)),
        Lie("short rows", row=lambda row: row[:3], gate=True),
        Lie("a page of a hotel", body=lambda _: PAGE, gate=True),
        Lie("another shape", body=lambda _: b'{"code": 0, "data": {"rows": 7}}'),
        Lie("nothing at all", body=lambda _: b""),
    )
}


@dataclass
class Wire:
    """Between a test and a server: `lie` is told, `first` are replies before all others, `requests` what came.

    `limits` : what the server is said to allow; None, what its member takes it to. `heard` is called with the number
    of each request, before it is answered. `date` stands in the head of each reply; None, in none.
    `url` is where the server is, when it is there.
    """

    lie: Lie = HONEST
    limits: RateLimits | None = None
    first: list[Reply] = field(default_factory=list)
    heard: Callable[[int], None] = lambda _: None
    requests: list[Request] = field(default_factory=list)
    date: datetime | None = None
    url: str = ""
    most_open: int = 0
    _open: int = 0

    @contextmanager
    def being_asked(self) -> Iterator[None]:
        """Count a request as open from its arrival to the end of its answer; `most_open` is the highest count."""
        self._open += 1
        self.most_open = max(self.most_open, self._open)
        try:
            yield
        finally:
            self._open -= 1

    def reply(self, request: Request, handler: Callable[[Request], Reply]) -> Reply:
        """Return what is sent back: one of the first replies, or the handler's with the lie in it."""
        self.requests.append(request)
        self.heard(len(self.requests))
        if self.first:
            return self.first.pop(0)
        told = handler(request)
        dated = {} if self.date is None else {"Date": format_datetime(self.date, usegmt=True)}
        return replace(told, body=self.lie.body(told.bytes), headers=dated | dict(told.headers))
