"""How healthy each instrument is: one state, by its valid bars, at a moment (R-DAT-09, R-DAT-10).

1. The moment is `now` where a provider feeds the lake, else the close that those have come to which a symbol was
   delivered with: imported history is not stale. Bars that have not closed by then, and bars that were recorded before
   their close, are not there.
2. Age is measured from the close of the last bar, because a daily bar is stamped at its open. Older than 24 hours round
   the clock, or 5 days of sessions, is stale; a holder of a ticker that another took over is past, not stale, and one
   that its provider ended is delisted.
3. One state each, the first that holds: MISSING, CONTRADICTED (its returns would be wrong), STALE, GAPS (what a repair
   may mend), MASKED (bars are there, and none can use them), DROPPED (too short), ACCEPTED, then fine.

The states of a run are its report of health, and a gate reads that report back: what it cannot read does not pass.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np

from tvquant.core.atoms import Atom
from tvquant.core.calendars import Calendar
from tvquant.core.errors import DataError, LedgerError
from tvquant.core.instruments import Instant
from tvquant.lake.quality.audit import GROUP, arrivals, findings, freshness, groups, known_bars
from tvquant.lake.quality.checks import Finding, FindingKind
from tvquant.lake.quality.price_evidence import on_word
from tvquant.lake.reading.bars import Bars, Ints
from tvquant.lake.reading.lake import Lake

FLOOR = 90
"""Valid bars below which an instrument is dropped (R-DAT-02)."""
ROUND_THE_CLOCK = np.timedelta64(24, "h")
HOUR = np.timedelta64(1, "h")
NAMED = 12
"""Instruments that a message names before it counts the rest."""


class HealthState(StrEnum):
    """State of an instrument's valid bars."""

    OK = "ok"
    MARKET_CLOSED = "ok_market_closed"
    """No newer bar can be there: its market has had no session since."""
    GAPS = "gaps"
    """Bars are missing beyond what the calendar tolerates."""
    STALE = "stale"
    """The last bar is too old."""
    MISSING = "missing"
    """There is no valid bar."""
    DROPPED = "dropped"
    """Nothing is wrong, but there are fewer bars than anyone may decide on."""
    DELISTED = "delisted"
    """Its provider ended it, and its bars reach to that end."""
    MASKED = "masked"
    """Stored bars cannot be used: prices not above zero or out of order, versions that differ, days that are none."""
    CONTRADICTED = "contradicted"
    """Prices deny their basis, or actions that would be applied to them."""
    ACCEPTED = "accepted"
    """So they do, and were taken on the user's word: it may be used, stamped, and is not fine."""

    @property
    def fine(self) -> bool:
        """It needs neither repair nor exclusion."""
        return self in (HealthState.OK, HealthState.MARKET_CLOSED, HealthState.DELISTED)

    @classmethod
    def fine_word(cls, word: str) -> bool:
        """Whether a recorded word is a state that is fine; the words of a register of providers are none."""
        return word in cls and cls(word).fine

    @property
    def usable(self) -> bool:
        """A run may have it."""
        return self.fine or self is HealthState.ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetHealth:
    """One instrument.

    Parameters
    ----------
    key, symbol : instrument key, and the physical symbol that its bars are stored under.
    bars, first, last : valid bars, and the stamps of the first and the last.
    gaps, tolerated : bars missing between them, beyond tolerance and within it.
    age_hours : from the last close to the moment of judgement; None where there is no bar.
    findings : of the audit on the symbol in the instrument's time, notes left out.
    """

    key: str
    symbol: str
    state: HealthState
    bars: int
    first: Instant | None
    last: Instant | None
    gaps: int
    tolerated: int
    age_hours: float | None
    findings: int


def health(
    lake: Lake,
    symbols: Iterable[str] | None = None,
    *,
    as_of: Instant | None = None,
    now: Instant | None = None,
    minimum: int = FLOOR,
    lookback: int | None = None,
    delisted: Mapping[str, Instant] = MappingProxyType({}),
) -> tuple[AssetHealth, ...]:
    """Return one state per instrument, in order of symbol and generation; a symbol the lake does not have is MISSING.

    A masked bar counts as missing. What lies before the first valid bar, or between two holders of a ticker, does not.

    Parameters
    ----------
    as_of : only bars that had closed by then are known.
    now : the present, where a provider feeds the lake; without it the last close of what was delivered together.
    minimum : valid bars below which an instrument is dropped.
    lookback : gaps and masked bars count within so many bars of the last one; all when None.
    delisted : symbol -> when its provider ended it; what lies behind the moment is not known.

    Raises
    ------
    DataError : the lake is empty.
    """
    held = set(lake.symbols())
    wanted = held if symbols is None else set(symbols)
    out = [_missing(name) for name in wanted - held]
    if wanted & held:
        known = min((moment for moment in (as_of, now) if moment is not None), default=None)
        arrived = arrivals(lake, wanted & held, known, delisted)
        present = arrived.closes if now is None or known is None else dict.fromkeys(wanted & held, known)
        moment = Moment(present=present, delisted=delisted, minimum=minimum, lookback=lookback)
        parts = (known_bars(lake, group, known) for group in groups(wanted & held))
        out += (one for bars in parts for one in _states(bars, findings(lake, bars, arrived, known), moment))
    return tuple(sorted(out, key=lambda h: h.symbol))


def health_of(
    lake: Lake,
    bars: Bars,
    *,
    as_of: Instant | None,
    minimum: int,
    lookback: int | None,
    delisted: Mapping[str, Instant],
) -> tuple[AssetHealth, ...]:
    """Return one state per instrument of bars that were read already, as `health` does without `now`."""
    bars = bars if as_of is None else bars.until(as_of)
    arrived = arrivals(lake, [symbol.name for symbol in bars.symbols], as_of, delisted)
    moment = Moment(present=arrived.closes, delisted=delisted, minimum=minimum, lookback=lookback)
    out = (one for part in bars.parts(GROUP) for one in _states(part, findings(lake, part, arrived, as_of), moment))
    return tuple(sorted(out, key=lambda h: h.symbol))


def of_atoms(atoms: Iterable[Atom], states: Iterable[AssetHealth]) -> dict[str, AssetHealth]:
    """Atom id -> health of the asset behind it, by the atom's own `physical_symbol`: no id is taken apart (R-DAT-14).

    Raises
    ------
    DataError : an atom's asset is not among the states.
    """
    by_key = {state.key: state for state in states}
    found: dict[str, AssetHealth] = {}
    for atom in atoms:
        if atom.physical_symbol not in by_key:
            raise DataError(f"atom {atom.symbol}: the health report lacks its asset {atom.physical_symbol}; audit anew")
        found[atom.symbol] = by_key[atom.physical_symbol]
    return found


def to_report(states: Iterable[AssetHealth]) -> list[dict[str, Any]]:
    """Return the states as JSON can hold them."""
    dated = ("first", "last")
    return [asdict(one) | {name: _text(getattr(one, name)) for name in dated} for one in states]


def from_report(document: object) -> tuple[AssetHealth, ...]:
    """Return the states of a report.

    Raises
    ------
    DataError : the document is no such report, in whole or in one entry.
    """
    if not isinstance(document, list):
        raise DataError(f"health report: expected a list of assets, found {type(document).__name__}; audit anew")
    return tuple(_asset(number, entry) for number, entry in enumerate(document))


def gate(states: Sequence[AssetHealth]) -> None:
    """Pass when every asset is fine.

    Raises
    ------
    LedgerError : one is not, named with its state; or there is none at all.
    """
    odd = [state for state in states if not state.state.fine]
    if odd or not states:
        raise LedgerError(f"health gate: {len(states) - len(odd)} of {len(states)} assets are fine{naming(odd)}")


def naming(states: Sequence[AssetHealth]) -> str:
    """Return `; not: KEY (state), ...`, or nothing; the first dozen, the rest counted."""
    named = [f"{one.key} ({one.state.value})" for one in states[:NAMED]]
    rest = [f"and {len(states) - NAMED} more"] if len(states) > NAMED else []
    return f"; not: {', '.join(named + rest)}" if named else ""


def _text(moment: Instant | None) -> str | None:
    return None if moment is None else str(moment)


def _asset(number: int, entry: object) -> AssetHealth:
    names = {field.name for field in fields(AssetHealth)}
    if not isinstance(entry, Mapping) or set(entry) != names:
        found = ", ".join(sorted(entry)) if isinstance(entry, Mapping) else type(entry).__name__
        raise DataError(
            f"health report, asset {number}: expected {', '.join(sorted(names))}; found {found}; audit anew"
        )
    try:
        dates = {name: entry[name] and np.datetime64(entry[name], "us") for name in ("first", "last")}
        return AssetHealth(**{**entry, **dates, "state": HealthState(entry["state"])})
    except (ValueError, TypeError) as error:
        raise DataError(f"health report, asset {number}: {error}; audit anew") from error


def _missing(name: str) -> AssetHealth:
    return AssetHealth(
        key=name, symbol=name, state=HealthState.MISSING, bars=0, first=None, last=None, gaps=0, tolerated=0,
        age_hours=None, findings=0,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What states are judged by: `present` and `delisted` per symbol, and the bars that count (see `health`)."""

    present: Mapping[str, Instant]
    delisted: Mapping[str, Instant]
    minimum: int
    lookback: int | None


def _states(bars: Bars, found: Sequence[Finding], moment: Moment) -> Iterator[AssetHealth]:
    found = [one for one in found if not one.kind.note]
    at = np.flatnonzero(bars.valid)
    who = bars.symbol[at]
    for number in sorted(set(range(len(bars.symbols))) - set(who.tolist())):
        yield _missing(bars.symbols[number].name)
    new = (np.diff(who, prepend=-1) != 0) | (np.diff(bars.generation[at], prepend=0) != 0)
    newest = at[np.searchsorted(who, np.arange(len(bars.symbols)), side="right") - 1] if len(at) else at
    for rows in np.split(at, np.flatnonzero(new)[1:]) if len(at) else ():
        number = int(bars.symbol[rows[0]])
        yield _holder(bars, rows, rows[-1] != newest[number], found, moment)


def _holder(bars: Bars, rows: Ints, past: bool, found: Sequence[Finding], moment: Moment) -> AssetHealth:
    """Return health of one holder of a ticker by its valid bars; `past` when another took the ticker over."""
    symbol, generation = bars.symbols[bars.symbol[rows[0]]], bars.generation[rows[0]]
    market = bars.calendars[symbol.structure.calendar]
    slot, close = bars.slot[rows], bars.closes[rows[-1]]
    missing = np.diff(slot) - 1
    beyond = missing > market.gap_tolerance
    recent = 0 if moment.lookback is None else int(np.searchsorted(slot, slot[-1] - moment.lookback, side="right"))
    gaps = int(missing[beyond & (np.arange(1, len(rows)) >= recent)].sum())
    first, last = bars.stamp[rows[0]], bars.stamp[rows[-1]]
    mine = [one for one in found if one.symbol == symbol.name and first <= one.last and one.first <= last]
    state, now = HealthState.CONTRADICTED, moment.present.get(symbol.name, close)
    denied, word = any(one.kind.denies for one in mine), on_word(symbol)
    if word or not denied:
        ended = moment.delisted.get(symbol.name)
        over = past or (ended is not None and ended <= now and ended - close <= freshness(market.name))
        state = _state(market, len(rows), gaps, close, close if over else now, moment.minimum)
        drifts = any(one.kind is FindingKind.CALENDAR_DRIFT for one in mine)
        if state.fine or state is HealthState.DROPPED:
            state = HealthState.MASKED if drifts or _masked(bars, rows, recent) else state
        if state.fine:
            state = HealthState.ACCEPTED if denied else HealthState.DELISTED if over and not past else state
    return AssetHealth(
        key=symbol.name if generation == 1 else f"{symbol.name}#{generation}",
        symbol=symbol.name,
        state=state,
        bars=len(rows),
        first=first,
        last=last,
        gaps=gaps,
        tolerated=int(missing[~beyond].sum()),
        age_hours=float((now - close) / HOUR),
        findings=len(mine),
    )


def _masked(bars: Bars, rows: Ints, first: int) -> bool:
    """Return whether stored bars of this holder that cannot be used, from bar `first` of its valid `rows` on.

    Where that is its first one, those ahead of it count as well; bars between two holders count for the earlier.
    """
    stored = np.arange(*bars.rows_of(int(bars.symbol[rows[0]])).indices(len(bars.symbol)))
    stored = stored[(bars.generation[stored] == bars.generation[rows[0]]) & ((first == 0) | (stored >= rows[first]))]
    odd = bars.conflict | bars.disorder | bars.non_positive | ((bars.slot < 0) & ~bars.unfinished)
    return bool(odd[stored].any())


def _state(market: Calendar, bars: int, gaps: int, close: Instant, present: Instant, minimum: int) -> HealthState:
    age = present - close
    if age > freshness(market.name):
        return HealthState.STALE
    if gaps:
        return HealthState.GAPS
    if bars < minimum:
        return HealthState.DROPPED
    if age > ROUND_THE_CLOCK and market.closes is not None:
        waited = (market.closes > close) & (market.closes <= present)
        return HealthState.OK if waited.any() else HealthState.MARKET_CLOSED
    return HealthState.OK
