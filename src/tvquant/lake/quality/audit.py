"""What is odd about stored data, bar by bar. A report only: nothing is changed.

Defects of single bars, holes between them and jumps follow from the judged bars (`bars`); what their values give away
is asked in `checks`, and bars of other intervals are compared in `crosscheck`. What needs more than the bars hold, such
as where a row came from, is read from the tables here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from types import MappingProxyType

import numpy as np
import polars as pl

from tvquant.core.calendars import CRYPTO, DAY, Calendar, calendar
from tvquant.core.instants import instant, moment
from tvquant.core.instruments import Instant
from tvquant.lake.quality import checks, price_evidence
from tvquant.lake.quality.checks import Finding, FindingKind, per_symbol, unpegged
from tvquant.lake.quality.crosscheck import disagreements, whole_days
from tvquant.lake.reading.action_revisions import TOLD, superseded
from tvquant.lake.reading.bars import Bars, Ints
from tvquant.lake.reading.lake import Lake
from tvquant.lake.reading.unclosed_bars import settled
from tvquant.lake.storage import tables
from tvquant.lake.storage.intervals import LENGTHS, off_grid, table_of
from tvquant.lake.storage.tables import DAILY, MEASURES, PRICES, SCHEMAS
from tvquant.symbology.kinds import structure

FOREVER = np.datetime64("2200-01-01", "us")
GROUP = 400
"""Symbols whose bars are looked over at once: ten years of a thousand take more than a gigabyte."""
OPENS_LATE = 20
"""A session stamped at this hour of UTC or later is one that opened for the next market day (R-DAT-05)."""


def audit(lake: Lake, symbols: Iterable[str] | None = None, as_of: Instant | None = None) -> tuple[Finding, ...]:
    """Findings of the given symbols (all when None), sorted by symbol, then time; with `as_of` from earlier bars only.

    Raises
    ------
    DataError : the lake is empty, has no bars of a symbol, or a file of it is not what was committed.
    """
    for table in SCHEMAS:
        tables.verify(lake.root, table)
    wanted = lake.symbols() if symbols is None else tuple(symbols)
    arrived = arrivals(lake, wanted, as_of)
    found = [one for group in groups(wanted)
             for one in findings(lake, known_bars(lake, group, as_of), arrived, as_of)]  # fmt: skip
    return tuple(sorted(found, key=lambda f: (f.symbol, f.first, f.kind)))


def groups(symbols: Iterable[str]) -> list[tuple[str, ...]]:
    """The symbols, sorted, so many at a time as are held in memory at once; at least one group."""
    return list(batched(sorted(set(symbols)), GROUP)) or [()]


def known_bars(lake: Lake, symbols: Iterable[str], as_of: Instant | None) -> Bars:
    """Bars of the symbols that had closed by a moment (None: all)."""
    bars = lake.bars(symbols)
    return bars if as_of is None else bars.until(as_of)


def findings(lake: Lake, bars: Bars, arrived: "Arrivals", as_of: Instant | None) -> tuple[Finding, ...]:
    """The findings of bars that are known already; `as_of` says until when they are."""
    steps = checks.trail(bars)
    found = [
        *_defects(bars),
        *_holes(bars),
        *_jumps(bars, steps),
        *checks.stale_prices(bars, steps),
        *checks.thin(bars),
        *price_evidence.denials(bars),
        *price_evidence.volume_holes(bars),
        *price_evidence.other_days(bars),
        *unpegged(bars),
        *_odd_actions(bars, as_of),
        *_superseded(lake, bars, as_of),
        *_repeated(lake, bars, as_of),
        *_late_opens(bars, arrived.late, as_of),
        *_ended(bars, arrived.closes),
        *_shorter_bars(lake, bars, as_of),
    ]
    return tuple(sorted(found, key=lambda f: (f.symbol, f.first, f.kind)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrivals:
    """What stored rows tell of how bars came, of some symbols.

    Parameters
    ----------
    closes : symbol -> up to when the delivery that brought its last bar has gone on.
    late : symbol and timestamp of sessions that are stamped where one opens for the next market day, sorted.
    """

    closes: Mapping[str, Instant]
    late: pl.DataFrame


def arrivals(
    lake: Lake, symbols: Iterable[str], as_of: Instant | None, delisted: Mapping[str, Instant] = MappingProxyType({})
) -> Arrivals:
    """Read how the bars of the symbols came, among all of the lake; bars after `as_of` are not looked at.

    `delisted` : symbol -> when its provider ended it; those that had ended by then do not say how far others go.
    """
    end, stamp = FOREVER if as_of is None else as_of, pl.col("timestamp")
    columns = ["symbol", "timestamp", "recorded_at", "source"]
    rows = tables.read(lake.root, "bars", columns, where=stamp <= moment(end))
    sessions = [name for name in set(symbols) if structure(name).calendar != CRYPTO]
    late = rows.filter((stamp.dt.hour() >= OPENS_LATE) & pl.col("symbol").is_in(sessions))
    late = late.select("symbol", "timestamp").unique().sort("symbol", "timestamp")
    over = [name for name, at in delisted.items() if at <= end]
    return Arrivals(closes=_newest_closes(rows, symbols, end, over), late=late)


def _newest_closes(rows: pl.DataFrame, symbols: Iterable[str], end: Instant, over: Sequence[str]) -> dict[str, Instant]:
    """The close which half of the living symbols of a source, on the same calendar, have come to, in any deliveries.

    It is what "now" means where nobody feeds the lake: history that was imported as a whole is not stale, whatever else
    was imported since, but a symbol that ends before those it came with is.
    """
    stamp = pl.col("timestamp")
    structures = {name: structure(name) for name in rows["symbol"].unique()}
    rows = settled(rows, structures)
    closed = stamp.filter((stamp <= moment(end - DAY)) & ~off_grid(DAILY)).max().alias("closed")
    last = rows.group_by("symbol", "source").agg(stamp.max(), closed)
    market = {name: found.calendar for name, found in structures.items()}
    last = last.with_columns(calendar=pl.col("symbol").replace_strict(market, return_dtype=pl.String))
    crypto = pl.col("calendar") == CRYPTO
    last = last.with_columns(timestamp=pl.when(crypto).then("closed").otherwise("timestamp")).drop_nulls("timestamp")
    last = last.with_columns(newest=stamp.max().over("symbol"))
    living = pl.col("newest").filter(~pl.col("symbol").is_in(over))
    middle = (one.sort().get(one.len() // 2, null_on_oob=True) for one in (living, pl.col("newest")))
    half = pl.coalesce(*middle).over("source", "calendar")
    found = last.with_columns(half.alias("half")).filter(stamp == pl.col("newest"))
    found = found.filter(pl.col("symbol").is_in(list(symbols))).group_by("symbol", "calendar").agg(pl.col("half").max())
    return {name: _close(calendar(where), instant(at), end) for name, where, at in found.iter_rows()}


def _close(market: Calendar, stamp: Instant, end: Instant) -> Instant:
    """When the last bar of a market up to `stamp` closed, at `end` at the latest."""
    if market.opens is None or market.closes is None:
        return stamp + DAY
    closed = market.closes[(market.opens <= stamp) & (market.closes <= end)]
    return closed[-1] if len(closed) else stamp


def _tolerance(bars: Bars) -> Ints:
    """Consecutive missing bars that each symbol's calendar tolerates."""
    return np.array([bars.calendars[symbol.structure.calendar].gap_tolerance for symbol in bars.symbols])


def _defects(bars: Bars) -> Iterator[Finding]:
    yield from per_symbol(
        bars, bars.conflict, FindingKind.CONFLICT, "versions of one bar differ: all are stored, none is used"
    )
    yield from per_symbol(
        bars, bars.disorder, FindingKind.HIGH_LOW, "open or close outside of low to high: the bar is not used"
    )
    yield from per_symbol(
        bars, bars.non_positive, FindingKind.NON_POSITIVE, "a price is not above zero: the bar is not used"
    )
    early = "recorded before it closed: its prices may change; the bar is not used, import it again"
    yield from per_symbol(bars, bars.unfinished, FindingKind.UNFINISHED, early)
    off = "bars when the market has none: they are not used"
    drifting, found = checks.drifts(bars)
    yield from found
    yield from per_symbol(bars, (bars.slot < 0) & ~drifting, FindingKind.OFF_CALENDAR, off)


def _holes(bars: Bars) -> Iterator[Finding]:
    """Runs of missing bars between stored ones; sessions that are missing alone are counted together."""
    at = np.flatnonzero(bars.slot >= 0)
    who, slot = bars.symbol[at], bars.slot[at]
    missing = np.where(np.diff(who) == 0, np.diff(slot) - 1, 0) if len(at) else np.empty(0, np.int64)
    tolerated: dict[int, list[Instant]] = {}
    tolerance = _tolerance(bars)
    for i in np.flatnonzero(missing):
        symbol = bars.symbols[who[i]]
        run = bars.calendars[symbol.structure.calendar].bars(bars.stamp[at[i]], bars.stamp[at[i + 1]])[1:-1]
        if missing[i] <= tolerance[who[i]]:
            tolerated.setdefault(int(who[i]), []).append(run[0])
            continue
        detail = f"{len(run)} bars of {symbol.structure.calendar} are missing"
        yield Finding(
            symbol=symbol.name, kind=FindingKind.GAP, first=run[0], last=run[-1], count=len(run), detail=detail
        )
    for number, runs in tolerated.items():
        yield Finding(
            symbol=bars.symbols[number].name,
            kind=FindingKind.TOLERATED,
            first=runs[0],
            last=runs[-1],
            count=len(runs),
            detail="single sessions are missing: tolerated, the return covers both",
        )


def _jumps(bars: Bars, steps: checks.Trail) -> Iterator[Finding]:
    """What follows from a price that jumps: spikes, changes of scale, new holders of a ticker, splits not delivered."""
    aside, factors = checks.spikes(bars, steps)
    yield from (
        _jump(bars, i, FindingKind.SPIKE, f"a price {factor:.6g} times its neighbours, which agree: repair the bar")
        for i, factor in zip(aside, factors, strict=True)
    )
    beside = set(aside.tolist()) | set((aside + 1).tolist())
    scaled, powers = checks.scale_changes(bars, steps)
    power = {i: n for i, n in zip(scaled.tolist(), powers.tolist(), strict=True) if i not in beside}
    for i in sorted({*np.flatnonzero(bars.breaks | bars.suspected_split).tolist(), *power}):
        price = "close" if np.isnan(bars.low["open"][i]) else "open"
        detail = f"{price} is {bars.factor[i]:.6g} times the close before: "
        other = f"from here on it is {bars.symbols[bars.symbol[i]].name}#{bars.generation[i]}"
        if i in power:
            kind = FindingKind.SCALE_CHANGE
            detail += f"another unit (10^{power[i]}), for good" + (f"; {other}" if bars.breaks[i] else "")
        elif bars.breaks[i]:
            kind = FindingKind.DISCONTINUITY
            why = "the spike, or the way back from it" if i in beside else "a re-used ticker or a redenomination"
            detail += f"{why}; {other}"
        else:
            kind = FindingKind.SUSPECTED_SPLIT
            detail += "like a split, but none was delivered; import it as stock_splits if it is one"
        yield _jump(bars, i, kind, detail)


def _jump(bars: Bars, i: int, kind: FindingKind, detail: str) -> Finding:
    name, stamp = bars.symbols[bars.symbol[i]].name, bars.stamp[i]
    return Finding(symbol=name, kind=kind, first=stamp, last=stamp, count=1, detail=detail)


def _odd_actions(bars: Bars, as_of: Instant | None) -> Iterator[Finding]:
    actions = bars.actions
    calendars = [bars.calendars[symbol.structure.calendar] for symbol in bars.symbols]
    for number, symbol in enumerate(bars.symbols):
        mine = actions.symbol == number
        if as_of is not None:
            mine &= actions.stamp + DAY <= as_of
        stamps = actions.stamp[mine]
        if not len(stamps):
            continue
        idle = ~np.isin(stamps, calendars[number].bars(stamps[0], stamps[-1]))
        for kind, odd, detail in (
            (FindingKind.CONFLICTING_ACTION, actions.conflict[mine], "values differ: none is applied"),
            (FindingKind.IDLE_ACTION, idle, "actions on a date that is no session: they are not applied"),
        ):
            at = stamps[odd]
            if len(at):
                yield Finding(symbol=symbol.name, kind=kind, first=at[0], last=at[-1], count=len(at), detail=detail)


def _superseded(lake: Lake, bars: Bars, as_of: Instant | None) -> Iterator[Finding]:
    """Dividends and splits that their own sources told anew with other values."""
    where = pl.col("symbol").is_in([symbol.name for symbol in bars.symbols])
    rows = superseded(tables.read(lake.root, "actions", TOLD, where=where)).sort("symbol", "timestamp", "recorded_at")
    if as_of is not None:
        rows = rows.filter(pl.col("timestamp").dt.truncate("1d") <= moment(as_of - DAY))
    for (name, source), mine in rows.partition_by("symbol", "source", as_dict=True, maintain_order=True).items():
        first, last = (instant(when) for when in (mine["timestamp"][0], mine["timestamp"][-1]))
        detail = f"{len(mine)} values that {source} told anew: its newest count, the earlier ones stay stored"
        yield Finding(
            symbol=str(name),
            kind=FindingKind.SUPERSEDED_ACTION,
            first=first,
            last=last,
            count=len(mine),
            detail=detail,
        )


def _repeated(lake: Lake, bars: Bars, as_of: Instant | None) -> Iterator[Finding]:
    """Rows that repeated others of their files, from the journal; a file that was imported twice counts once."""
    names = [symbol.name for symbol in bars.symbols]
    where = pl.col("symbol").is_in(names) & (pl.col("repeated") > 0)
    columns = ["symbol", "repeated", "repeated_first", "repeated_last", "sha256", "source"]
    journal = tables.read(lake.root, "journal", columns, where=where).unique(["symbol", "sha256"], keep="any")
    for row in journal.sort("symbol", "source").iter_rows(named=True):
        first, last = instant(row["repeated_first"]), instant(row["repeated_last"])
        if as_of is None or last + DAY <= as_of:
            yield Finding(
                symbol=row["symbol"],
                kind=FindingKind.REPEATED,
                first=first,
                last=last,
                count=row["repeated"],
                detail=f"{row['repeated']} rows of {row['source']} repeat others: one of each is stored",
            )


def _late_opens(bars: Bars, late: pl.DataFrame, as_of: Instant | None) -> Iterator[Finding]:
    """Sessions stamped where one opens for the next market day: their dates may be a day early."""
    rows = late.filter(pl.col("symbol").is_in([symbol.name for symbol in bars.symbols]))
    for name, stamps in rows.group_by("symbol", maintain_order=True).agg("timestamp").iter_rows():
        at = np.array([instant(one) for one in stamps])
        at = at if as_of is None else at[at.astype("datetime64[D]") + DAY <= as_of]
        if len(at):
            day = str(checks.market_day(at[:1])[0])[:10]
            detail = (
                f"stamped {str(at[0])[:16]} UTC: by its open that is the market day {day}, by its date it is stored"
            )
            yield Finding(
                symbol=name, kind=FindingKind.CALENDAR_DRIFT, first=at[0], last=at[-1], count=len(at), detail=detail
            )


def _ended(bars: Bars, newest: Mapping[str, Instant]) -> Iterator[Finding]:
    """Symbols that end before those they were delivered with, by more than is fresh (R-DAT-09)."""
    at = np.flatnonzero(bars.valid)
    last = at[np.r_[bars.symbol[at][1:] != bars.symbol[at][:-1], True][: len(at)]]
    for i in last:
        symbol = bars.symbols[bars.symbol[i]]
        age = newest.get(symbol.name, bars.closes[i]) - bars.closes[i]
        if age > freshness(symbol.structure.calendar):
            days = age / DAY
            detail = (
                f"no bar since, while those it came with go on for {days:.0f} days: delisted, renamed or not delivered"
            )
            yield _jump(bars, i, FindingKind.ENDED, detail)


def freshness(market: str) -> np.timedelta64:
    """The age of a last bar's close from which on it is stale: 24 hours round the clock, 5 days of sessions."""
    return np.timedelta64(1, "D") if market == CRYPTO else np.timedelta64(5, "D")


def _shorter_bars(lake: Lake, bars: Bars, as_of: Instant | None) -> Iterator[Finding]:
    """Daily bars that the shorter ones of the same symbol do not add up to."""
    columns = ["symbol", "timestamp", *MEASURES]
    for interval in LENGTHS.keys() - {DAILY}:
        mine = pl.col("symbol").is_in([symbol.name for symbol in bars.symbols])
        shorter = tables.read(lake.root, table_of(interval), columns, where=mine)
        if shorter.is_empty():
            continue
        odd = disagreements(_daily(bars, shorter["symbol"].unique()), whole_days(shorter, interval))
        if as_of is not None:
            odd = odd.filter(pl.col("timestamp") + LENGTHS[DAILY] <= moment(as_of))
        prices = pl.col("field").is_in(PRICES)
        for kind, rows, what in (
            (FindingKind.CROSS_SOURCE, odd.filter(prices), "prices"),
            (FindingKind.CROSS_VOLUME, odd.filter(~prices), "volumes"),
        ):
            yield from _days(rows, kind, f"{what} of the {interval} bars do not make the daily bar")


def _daily(bars: Bars, symbols: pl.Series) -> pl.DataFrame:
    """The valid bars of some symbols as rows."""
    wanted = set(symbols)
    chosen = np.array([symbol.name in wanted for symbol in bars.symbols], dtype=bool)
    at = np.flatnonzero(bars.valid & chosen[bars.symbol])
    names = pl.Series([symbol.name for symbol in bars.symbols], dtype=pl.String)
    values = {name: pl.Series(bars.low[name][at], nan_to_null=True) for name in MEASURES}
    stamps = pl.Series(bars.stamp[at]).dt.replace_time_zone("UTC")
    return pl.DataFrame({"symbol": names.gather(bars.symbol[at]), "timestamp": stamps, **values})


def _days(odd: pl.DataFrame, kind: FindingKind, detail: str) -> Iterator[Finding]:
    for name, stamps in (
        odd.group_by("symbol", maintain_order=True).agg(pl.col("timestamp").unique().sort()).iter_rows()
    ):
        first, last = instant(stamps[0]), instant(stamps[-1])
        yield Finding(symbol=name, kind=kind, first=first, last=last, count=len(stamps), detail=detail)
