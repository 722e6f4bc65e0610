"""Scanners on the live screener: the rows it serves, screened and consolidated as those of the lake are.

1. The user has agreed to the screener's terms, or nothing is sent.
2. Each scanner is compiled, and checked against the columns that the screener lists for its market.
3. Each is asked for all its rows; then rows become instruments with features, screened by the scanner itself
   (`market.screeners.live_rows`).
4. The recruits of all scanners are consolidated and audited by the code that replays use. A name that one scanner was
   not served is to that one `not served`: what its figures are there is not known.

The bar of a live scan is still forming, mostly: its figures change until it closes.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tvquant.app import consents
from tvquant.app.scanning import MAX_ATOMS, Scanned
from tvquant.app.workspace import Workspace
from tvquant.core.calendars import NEW_YORK, calendar
from tvquant.core.clock import Clock
from tvquant.core.errors import ProfileError
from tvquant.core.features import FeatureSet
from tvquant.core.instants import instant
from tvquant.core.instruments import Instant, Instrument, Kind
from tvquant.core.panel import frozen
from tvquant.market.providers.contract import RateLimits
from tvquant.market.providers.tradingview.member import TRADINGVIEW
from tvquant.market.screeners.client import LIMITS, URL, Served, TradingViewScreener
from tvquant.market.screeners.live_rows import LiveRows, judged
from tvquant.market.screeners.tradingview import US_MARKET, Query, compiled
from tvquant.profiles.scanners import RATINGS, Scanner
from tvquant.universe import Auditor, Consolidated, ScannerAudit, ScreeningOutcome, consolidate, recruits, traded_values
from tvquant.universe.discovery import require
from tvquant.universe.discovery_audit import NEUTRAL, at_band
from tvquant.universe.screening import PASSED

OPENS = time(9, 30)
"""When a session of New York begins, in its own time."""
FORMING = "live: figures are of a bar that may not have closed, and change until it has"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """What one scanner brought: all rows of its query, and what they are.

    `others`, `beside` : the same of names that were asked for whatever the filters, and not served before; `bands` :
    how many rows there are with ratings beyond a band, where that is not the scanner's own.
    """

    scanner: Scanner
    served: Served
    rows: LiveRows
    others: Served
    beside: LiveRows
    bands: Mapping[float, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiveScan:
    """A live scan: `scanned` is as a replay has it, `asked` is what each scanner brought."""

    scanned: Scanned
    asked: tuple[Asked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screener:
    """Where and how gently the screener is asked; `clock` says when."""

    clock: Clock
    url: str = URL
    limits: RateLimits = LIMITS


def scan_live(
    home: Workspace,
    scanners: Sequence[Scanner],
    screener: Screener,
    *,
    extra: Sequence[str] = (),
    beside: Sequence[str] = (),
) -> LiveScan:
    """Return the scan of the live screener, now.

    Parameters
    ----------
    extra : columns that are asked for as well; `beside` : symbols whose rows are wanted whatever the filters.

    Raises
    ------
    ProfileError : the terms are not agreed to, the scanners are of two markets, or one asks for what the screener does
        not serve.
    ProviderError : the screener did not deliver.
    """
    consents.require(home, TRADINGVIEW.name, TRADINGVIEW.terms)
    day = screener.clock.now().date()
    queries = [compiled(scanner, day=day, extra=extra) for scanner in scanners]
    if len({query.market for query in queries}) > 1:
        raise ProfileError("a live scan is of one market: scan coins and shares apart")
    return _consolidated(asyncio.run(_ask(screener, scanners, queries, beside)), screener.clock.now())


async def _ask(
    screener: Screener, scanners: Sequence[Scanner], queries: Sequence[Query], beside: Sequence[str]
) -> list[Asked]:
    client = TradingViewScreener(clock=screener.clock, url=screener.url, limits=screener.limits)
    try:
        fields = await client.fields(queries[0].market)  # all are of one
        listed = [query.listed(fields) for query in queries]  # refused before any scanner is asked
        return [
            await _rows(client, screener.clock, scanner, query, fields, beside)
            for scanner, query in zip(scanners, listed, strict=True)
        ]
    finally:
        await client.close()


async def _rows(
    client: TradingViewScreener,
    clock: Clock,
    scanner: Scanner,
    query: Query,
    fields: frozenset[str],
    beside: Sequence[str],
) -> Asked:
    edges: dict[Kind, float] = {}
    for kind, rank in query.ranks.items():
        edge = await client.beyond(query.market, rank)
        if edge is not None:
            edges[kind] = edge
    served = await client.rows(query)
    more = [symbol for symbol in beside if symbol not in served.rows]
    others = await client.rows(query.of(more)) if more else replace(served, rows={})
    bands: dict[float, int] = {}
    for band, moved in _bands(scanner):
        bands[band] = await _count(client, moved, fields, edges, clock.now().date())
    known_at = instant(clock.now())
    day = _day(query.market, clock.now())
    return Asked(
        scanner=scanner,
        served=served,
        rows=judged(scanner, served, edges, day=day, known_at=known_at),
        others=others,
        bands=bands,
        beside=judged(scanner, others, edges, day=day, known_at=known_at),
    )


async def _count(
    client: TradingViewScreener, scanner: Scanner, fields: frozenset[str], edges: Mapping[Kind, float], day: date
) -> int:
    """Return how many rows a scanner has; where a ceiling binds, each kind is counted within its own."""
    apart = [((kind,), edges.get(kind)) for kind in scanner.kinds]
    total = 0
    for kinds, edge in apart if edges else [(scanner.kinds, None)]:
        query = compiled(scanner.model_copy(update={"kinds": kinds}), day=day).listed(fields)
        total += await client.count(query.within(edge))
    return total


def _bands(scanner: Scanner) -> Iterator[tuple[float, Scanner]]:
    """Yield the bands that an audit counts at and the scanner does not ask for, with the scanner that asks for them."""
    if any(name.startswith(RATINGS) for name in scanner.fields):
        for band in (NEUTRAL, 0.0):
            moved = at_band(scanner, band)
            if moved != scanner:
                yield band, moved


def _day(market: str, now: datetime) -> Instant:
    """Return the stamp of the bar that is forming; of the last session of shares, where none is open."""
    if market != US_MARKET:
        return np.datetime64(now.date(), "us")
    there = now.astimezone(ZoneInfo("America/New_York"))
    last = there.date() if there.time() >= OPENS else there.date() - timedelta(days=1)
    sessions = calendar(NEW_YORK).bars(np.datetime64(last - timedelta(days=14)), np.datetime64(last))
    return np.datetime64(sessions[-1], "us")


def _consolidated(asked: Sequence[Asked], now: datetime) -> LiveScan:
    """Return what the rows of all scanners come to."""
    instruments: dict[str, Instrument] = {}
    for one in asked:
        require([one.scanner], one.rows.features)
        for each in one.rows.instruments:
            instruments.setdefault(each.key, each)
    candidates = list(instruments.values())
    features = _united([one.rows.features for one in asked], tuple(instruments))
    scanners = [one.scanner for one in asked]
    answers = tuple(_over(one, tuple(instruments)) for one in asked)
    quotes = next((scanner.quotes for scanner in scanners if scanner.quotes), ())
    made = recruits(scanners, candidates, answers)
    found = consolidate(made, traded_values(candidates, features), quotes=quotes, most=MAX_ATOMS)
    notes = [FORMING]
    for one in asked:
        notes += [*one.served.query.notes, *one.served.warnings, *one.rows.notes]
    bar = _day(asked[0].served.query.market, now)
    scanned = Scanned(
        scanners=tuple(scanners),
        bar=bar,
        known_at=features.known_at,
        keys=tuple(instruments),
        alive=len(instruments),
        answers=answers,
        found=found,
        audits=tuple(_audited(one, found, bar) for one in asked),
        features=features,
        missing={},
        notes=tuple(dict.fromkeys(notes)),
    )
    return LiveScan(scanned=scanned, asked=tuple(asked))


def _audited(one: Asked, found: Consolidated, day: Instant) -> ScannerAudit:
    """Return the audit of one scanner; of the bands that the screener counted at with its counts."""
    mine = one.rows
    auditor = Auditor([one.scanner], mine.instruments)
    (audit,) = auditor.audit(np.arange(len(mine.instruments)), [mine.outcome], found, mine.features, day)
    at = {band: one.bands.get(band, audit.found) for band in (NEUTRAL, 0.0)}
    return replace(audit, at_neutral_band=at[NEUTRAL], at_zero=at[0.0])


def _united(sets: Sequence[FeatureSet], keys: tuple[str, ...]) -> FeatureSet:
    """Return one set over all names, each figure as it was served first."""
    names = tuple(dict.fromkeys(name for one in sets for name in one.names))
    places = {key: j for j, key in enumerate(keys)}
    values = np.full((len(names), len(keys)), np.nan)
    for one in sets:
        at = [places[key] for key in one.keys]
        for name, line in zip(one.names, one.values, strict=True):
            row = values[names.index(name)]
            row[at] = np.where(np.isnan(row[at]), line, row[at])
    return FeatureSet(
        names=names,
        keys=keys,
        values=frozen(values),
        known_at=max(one.known_at for one in sets),
        absent={
            name: sets[0].absent.get(name, "the screener lists no such column")
            for name in names
            if all(name in one.absent or name not in one.names for one in sets)
        },
    )


def _over(one: Asked, keys: tuple[str, ...]) -> ScreeningOutcome:
    """Return a scanner's outcome over the names of all scanners; those it was not served have a first step of their
    own."""
    mine = {each.key: k for k, each in enumerate(one.rows.instruments)}
    outcome = one.rows.outcome
    stopped = np.zeros(len(keys), dtype=np.int64)
    unknown = np.zeros(len(keys), dtype=bool)
    for j, key in enumerate(keys):
        if key in mine:
            step = int(outcome.stopped[mine[key]])
            stopped[j] = PASSED if step == PASSED else step + 1
            unknown[j] = outcome.unknown[mine[key]]
    return ScreeningOutcome(
        steps=(f"{one.scanner.name}: not served", *outcome.steps),
        stopped=stopped,
        unknown=unknown,
        pool_steps=outcome.pool_steps + 1,
    )
