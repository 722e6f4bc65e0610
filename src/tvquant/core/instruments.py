"""Instruments: what can be held, under which name, and what was known of it when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

type Instant = np.datetime64
"""A moment in UTC, `datetime64[us]`."""


class Kind(StrEnum):
    """What an instrument is; one may be several (a spot pair of a stablecoin); `tradfi` follows a share or a metal."""

    SPOT = "spot"
    SWAP = "swap"
    STOCK = "stock"
    ETF = "etf"
    INDEX = "index"
    STABLECOIN = "stablecoin"
    FIAT = "fiat"
    LEVERAGED_TOKEN = "leveraged_token"
    TRADFI = "tradfi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One dated statement about an instrument: `field` has had `value` since `known_at`, as far as anyone knew then."""

    field: str
    value: float | Instant
    known_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A physical instrument.

    Parameters
    ----------
    symbol : `EXCHANGE:TICKER`, with `.P` behind a perpetual swap.
    generation : 1, or one more each time the ticker was given to something else.
    kinds, currency, calendar : structure that the symbol itself promises; `kinds_at` says what is known better.
    base : economic identity, common to all quotes and scaled contracts of one coin; empty where the symbol is its own.
    facts : dated fields (`listed_at`, `delisted_at`, `tick`, `lot`, `min_notional`, `tradfi`, `unpegged_at`), in order
        of `known_at`.
    """

    symbol: str
    generation: int = 1
    kinds: frozenset[Kind]
    currency: str
    calendar: str
    base: str = ""
    facts: tuple[Fact, ...] = ()

    @property
    def key(self) -> str:
        """`physical_symbol`: the symbol, with `#2`, `#3` ... from the second generation on."""
        return self.symbol if self.generation == 1 else f"{self.symbol}#{self.generation}"

    @property
    def venue(self) -> tuple[str, str]:
        """Exchange and market (`spot`, `swap`, or nothing where an exchange has one): what is never merged."""
        return _venue(self.symbol, self.kinds)

    @property
    def doubted(self) -> bool:
        """Whether any fact says something else of its kinds than its symbol does."""
        promised = Kind.TRADFI in self.kinds
        return any(
            fact.field == "unpegged_at" or (fact.field == "tradfi" and bool(fact.value) != promised)
            for fact in self.facts
        )

    @property
    def identity(self) -> tuple[str, ...]:
        """What it is a price of, and its venue: alike for all quotes and scaled contracts of a coin on one venue."""
        return (self.base or self.key, *self.venue)

    def kinds_at(self, t: Instant) -> frozenset[Kind]:
        """Return its kinds as known at `t`: no stablecoin once the peg is lost, `tradfi` by the latest fact."""
        if not self.doubted:
            return self.kinds
        known = self.view(t)
        kinds = self.kinds - {Kind.STABLECOIN} if known.unpegged_at is not None else self.kinds
        if known.tradfi is None:
            return kinds
        return kinds | {Kind.TRADFI} if known.tradfi else kinds - {Kind.TRADFI}

    def until(self, t: Instant) -> Self:
        """Return the instrument without facts that became known after `t`."""
        if all(fact.known_at <= t for fact in self.facts):
            return self
        return replace(self, facts=tuple(fact for fact in self.facts if fact.known_at <= t))

    def view(self, t: Instant) -> "InstrumentView":
        """Return the dated fields as they were known at `t`."""
        known = {fact.field: fact.value for fact in self.facts if fact.known_at <= t}
        return InstrumentView(key=self.key, **known)  # type: ignore[arg-type]  # by the names of its fields


def by_kinds(instruments: Sequence[Instrument], holds: Callable[[frozenset[Kind]], bool]) -> NDArray[np.bool_]:
    """Return of which of N instruments something holds by their kinds; asked once for all that are alike."""
    kinds = [one.kinds for one in instruments]
    found = {one: holds(one) for one in set(kinds)}
    if len(found) < 2:
        return np.full(len(kinds), any(found.values()))
    return np.array([found[one] for one in kinds])


def swaps_among(instruments: Sequence[Instrument]) -> NDArray[np.bool_]:
    """Return which of N instruments are swaps."""
    return by_kinds(instruments, lambda kinds: Kind.SWAP in kinds)


def symbol_of(key: str) -> str:
    """Return the symbol of an instrument's key, whatever its generation."""
    return key.partition("#")[0]


@cache
def _venue(symbol: str, kinds: frozenset[Kind]) -> tuple[str, str]:
    market = next((kind.value for kind in (Kind.SPOT, Kind.SWAP) if kind in kinds), "")
    return symbol.partition(":")[0], market


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentView:
    """The dated fields of one instrument at one moment; None is "not known then", `tradfi` 1 is yes and 0 no."""

    key: str
    listed_at: Instant | None = None
    delisted_at: Instant | None = None
    tick: float | None = None
    lot: float | None = None
    min_notional: float | None = None
    tradfi: float | None = None
    unpegged_at: Instant | None = None
