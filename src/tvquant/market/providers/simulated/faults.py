"""What can be broken in an exchange's answers: declared fault by fault, or drawn over a whole market from a seed.

A fault belongs to one symbol. It shows in the first `requests` answers that it would touch, or in all of them (None),
so what heals does so by being asked again, whatever other symbols are asked for in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
import polars as pl

from tvquant.core.errors import ProfileError


class FaultKind(StrEnum):
    """Kinds of faults; those of `DELIVERY` hit the answer as a whole, the others some of its bars."""

    GAP = "gap"
    STALE = "stale"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    DISORDER = "disorder"
    HIGH_LOW = "high_low"
    SPIKE = "spike"
    SCALE = "scale"
    TRUNCATED = "truncated"
    DROPPED = "dropped"
    TIMEOUT = "timeout"
    DRIP = "drip"
    RATE_LIMIT = "rate_limit"
    BAN = "ban"
    SERVER_ERROR = "server_error"
    UNKNOWN = "unknown"


DELIVERY = frozenset(
    {
        FaultKind.TRUNCATED,
        FaultKind.DROPPED,
        FaultKind.TIMEOUT,
        FaultKind.DRIP,
        FaultKind.RATE_LIMIT,
        FaultKind.BAN,
        FaultKind.SERVER_ERROR,
        FaultKind.UNKNOWN,
    }
)
"""Faults of the answer as a whole: one at a time, in the order of their declaration."""
MISSING = frozenset({FaultKind.GAP, FaultKind.STALE})
HARMLESS = frozenset({FaultKind.DUPLICATE, FaultKind.DISORDER, FaultKind.DRIP})
"""Faults that a careful reader undoes by itself, so that they may stay for ever."""
_FACTORS = {FaultKind.CONFLICT: 1.05, FaultKind.SPIKE: 4.0, FaultKind.SCALE: 1000.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    Parameters
    ----------
    symbol : whose answers.
    requests : how many answers show it; None, all.
    start, end : the bars that it touches, start <= open < end; None is unbounded. Not for faults of delivery.
    factor : of a spike's close and high, of a scale change's prices, of the other copy's close in a conflict.
    seconds : how long a rate limit or a ban lasts, and a drip takes.
    """

    kind: FaultKind
    symbol: str
    requests: int | None = 1
    start: datetime | None = None
    end: datetime | None = None
    factor: float = 1.0
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.requests is not None and self.requests < 1:
            raise ProfileError(
                f"fault {self.kind} of {self.symbol} shows in {self.requests} requests; expected 1 or more"
            )
        if self.kind in _FACTORS and self.factor == 1.0:
            object.__setattr__(self, "factor", _FACTORS[self.kind])

    @property
    def irreparable(self) -> bool:
        """It never ends, and no reader can undo it."""
        return self.requests is None and self.kind not in HARMLESS

    def touched(self) -> pl.Expr:
        """Return which bars it touches."""
        after = pl.lit(True) if self.start is None else pl.col("timestamp") >= self.start
        return after if self.end is None else after & (pl.col("timestamp") < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """All that goes wrong on an exchange."""

    faults: tuple[Fault, ...] = ()

    @property
    def irreparable(self) -> frozenset[str]:
        """Symbols that can never be had whole."""
        return frozenset(fault.symbol for fault in self.faults if fault.irreparable)


def spoil(rows: pl.DataFrame, fault: Fault) -> pl.DataFrame:
    """Return bars as an answer that shows the fault has them; delivery is not a matter of bars."""
    hit = fault.touched()
    match fault.kind:
        case FaultKind.GAP | FaultKind.STALE:
            return rows.filter(~hit)
        case FaultKind.DUPLICATE | FaultKind.CONFLICT:
            copies = rows.filter(hit).with_columns(pl.col("close") * fault.factor)
            copies = copies.with_columns(
                pl.max_horizontal("high", "close").alias("high"), pl.min_horizontal("low", "close").alias("low")
            )
            return pl.concat([rows, copies]).sort("timestamp", maintain_order=True)
        case FaultKind.DISORDER:
            return rows.reverse()
        case FaultKind.HIGH_LOW:
            swapped = {"high": pl.col("low"), "low": pl.col("high")}
            return rows.with_columns(
                pl.when(hit).then(other).otherwise(pl.col(name)).alias(name) for name, other in swapped.items()
            )
        case FaultKind.SPIKE:
            return _scaled(rows, hit, ("high", "close"), fault.factor)
        case FaultKind.SCALE:
            return _scaled(rows, hit, ("open", "high", "low", "close"), fault.factor)
        case _:
            return rows


def _scaled(rows: pl.DataFrame, hit: pl.Expr, names: Sequence[str], factor: float) -> pl.DataFrame:
    return rows.with_columns(pl.when(hit).then(pl.col(name) * factor).otherwise(pl.col(name)) for name in names)


def draw(
    symbols: Sequence[str],
    *,
    seed: int,
    now: datetime,
    days: int = 400,
    share: float = 0.5,
    permanent: float = 0.2,
    seconds: float = 0.2,
) -> Faults:
    """Return faults of every kind in turn for a share of the symbols, one each, some days before `now`.

    Of the faults that can be irreparable, the share `permanent` is; an unknown symbol stays unknown. The others show
    in one or two answers. `seconds` is how long limits, bans and drips take.
    """
    rng = np.random.default_rng([seed, 5])
    chosen = sorted(rng.choice(np.array(sorted(symbols)), round(share * len(symbols)), replace=False).tolist())
    kinds = list(FaultKind)
    lasting = frozenset(kinds) - HARMLESS - {FaultKind.RATE_LIMIT, FaultKind.BAN, FaultKind.SPIKE, FaultKind.SCALE}
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    faults = []
    for place, symbol in enumerate(rng.permutation(np.array(chosen)).tolist()):
        kind = kinds[place % len(kinds)]
        stays = kind is FaultKind.UNKNOWN or (kind in lasting and rng.random() < permanent)
        times, back, length = int(rng.integers(1, 3)), int(rng.integers(10, days)), int(rng.integers(3, 8))
        start = today - timedelta(days=length if kind is FaultKind.STALE else back)
        open_ended = kind in (FaultKind.STALE, FaultKind.DISORDER)
        faults.append(
            Fault(
                kind=kind,
                symbol=symbol,
                requests=None if stays else times,
                start=None if kind in DELIVERY or kind is FaultKind.DISORDER else start,
                end=None if kind in DELIVERY or open_ended else start + timedelta(days=length),
                seconds=seconds,
            )
        )
    return Faults(faults=tuple(faults))
