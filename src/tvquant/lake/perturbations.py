"""Edits: stored rows with another future. What was known until a moment stays, what comes after it is changed.

Edits are pure: tables in, tables out; None when there is nothing to change. They may be given some symbols at a time.
Changed rows are absurd, yet every one of them could be imported: what reads the future is to be seen.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date

import numpy as np
import polars as pl

from tvquant.core.calendars import DAY, Calendar, calendar
from tvquant.core.instruments import Fact, Instant, Instrument
from tvquant.core.panel import Caveat, Panel, Times
from tvquant.core.stamps import Stamp
from tvquant.lake.reading.dividend_coverage import inside
from tvquant.lake.reading.funding import COLUMNS, pays
from tvquant.lake.reading.stored_rows import session
from tvquant.lake.storage.tables import PRICES, VALUES
from tvquant.lake.writing.funding import MOST
from tvquant.symbology import venues
from tvquant.symbology.kinds import split_pair, structure

PRICED = [*PRICES, "adj_close"]
TRADED = ["volume", "quote_volume"]
LARGEST_FACTOR = 3.0
"""Prices move by up to this, or to one part in as many, around a level. Neighbours differ by less than the tenfold jump
that starts a generation; with more, every other bar would be an instrument of its own and the panel would not fit."""
JUMP = 300.0
"""Every third symbol rises to this in the middle of its future: one more generation."""
VOLUME_FACTOR = 1000.0
"""Later volumes are so many times as large; where there was none, the close stands in its place."""
NEW_ACTIONS, TWICE = 0.05, 0.25
"""Shares of later bars that are given an action, and of new dividends that come with two values."""
ODD_HOURS = pl.duration(hours=11)
"""From a bar's open to its new payment, at a time when no exchange settles."""
BEYOND = np.timedelta64(60, "D")
"""How far added bars go on behind the last stored one."""
NEWCOMERS = 3
"""New listings per exchange and basis."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Stored rows of a snapshot.

    Parameters
    ----------
    bars : symbol, timestamp, values and basis, with `session` and `known_at`.
    actions : symbol, timestamp, kind and value, with `session` and `known_at`.
    funding : symbol, timestamp and rate, with `known_at`: the settlement.
    spans : symbol, calendar, and first and last of the bars that dividends were delivered with: a row for each such
        span, one with nulls where there is none.
    facts : symbol, field, value, and `known_at`, when a provider told it.
    """

    bars: pl.DataFrame
    actions: pl.DataFrame
    funding: pl.DataFrame
    spans: pl.DataFrame
    facts: pl.DataFrame


type Edit = Callable[[Rows, Instant, np.random.Generator], Rows | None]


def settling(funding: pl.DataFrame) -> pl.DataFrame:
    """The payments with `known_at`."""
    known = pl.col("timestamp").dt.replace_time_zone(None).alias("known_at")
    return funding.with_columns(known).sort(COLUMNS)


def rows_deleted(rows: Rows, t: Instant, _draw: np.random.Generator) -> Rows | None:
    """Every bar, action, payment and fact known after `t` is gone."""
    known = _known(t)
    if rows.bars.select(known.all()).item():
        return None
    dated = ("bars", "actions", "funding", "facts")
    return replace(rows, **{name: getattr(rows, name).filter(known) for name in dated})


def rows_scrambled(rows: Rows, t: Instant, draw: np.random.Generator) -> Rows | None:
    """Later bars of a symbol change their dates with each other; prices jump about, volumes are a thousandfold.

    A bar without volume gets some: what never traded until `t` does so from then on.
    """
    past, future = _split(rows.bars, t)
    if future.is_empty():
        return None
    order = pl.Series("order", draw.random(len(future)))
    mixed = future.with_columns(order).sort("symbol", "order").select("symbol", *VALUES)
    number, place = pl.col("symbol").rank("dense"), pl.int_range(pl.len()).over("symbol")
    rises = (number % 3 == 1) & (2 * place >= pl.len().over("symbol"))
    mixed = _levelled(mixed, rows, t, draw)
    mixed = mixed.with_columns(pl.when(rises).then(pl.col(PRICED) * JUMP).otherwise(pl.col(PRICED)))
    volume = pl.when(pl.col("volume") > 0).then("volume").otherwise(pl.col("close").abs())
    mixed = mixed.with_columns(volume).with_columns(pl.col(TRADED) * VOLUME_FACTOR).select(VALUES)
    future = future.sort("symbol", maintain_order=True)
    future = pl.concat([future.drop(VALUES), mixed], how="horizontal").select(past.columns)
    return replace(rows, bars=pl.concat([past, future]))


def rows_added(rows: Rows, t: Instant, draw: np.random.Generator) -> Rows | None:
    """Every session after `t` without a bar gets one, for every symbol and until weeks behind the last of all.

    Dividends came with no bar behind the last: from there on they are not known.
    """
    first = rows.bars.group_by("symbol", maintain_order=True).first()
    end = rows.bars["session"].dt.replace_time_zone(None).to_numpy().max() + BEYOND
    parts = []
    for name in sorted(set(rows.spans["calendar"])):
        sessions = _calendar(name, np.array([t, end])).bars(t, end)
        stamps = pl.Series("session", sessions).dt.replace_time_zone("UTC")
        symbols = rows.spans.filter(pl.col("calendar") == name).select("symbol").unique(maintain_order=True)
        parts.append(symbols.join(stamps.to_frame(), how="cross"))
    wanted = pl.concat(parts).join(rows.bars, on=["symbol", "session"], how="anti").with_columns(timestamp="session")
    wanted = wanted.join(first.drop("timestamp", "session", "known_at"), on="symbol").sort("symbol", "session")
    new = dated(_levelled(wanted, rows, t, draw), rows.spans).filter(~_known(t)).select(rows.bars.columns)
    if new.is_empty():
        return None
    return replace(rows, bars=pl.concat([rows.bars, new]))


def actions_scrambled(rows: Rows, t: Instant, draw: np.random.Generator) -> Rows | None:
    """Of later dividends and splits half are gone and the others have other values; new ones stand between them.

    Some new dividends come with two values, which conflict. Only bars that came with dividends are given any: others
    would widen the span that they were delivered with.
    """
    past, future = _split(rows.actions, t)
    kept = future.filter(pl.Series(draw.random(len(future)) < 0.5))
    kept = kept.with_columns(pl.col("value") * _factors(len(kept), draw))
    bars = rows.bars.filter(~_known(t))
    bars = bars.filter(inside(bars, rows.spans))
    if bars.is_empty() and future.is_empty():
        return None
    bars = bars.filter(pl.Series(draw.random(len(bars)) < NEW_ACTIONS))
    split = pl.Series(draw.random(len(bars)) < 0.5)
    ratio = pl.Series(draw.choice([0.1, 10.0], len(bars)))
    bars = bars.with_columns(
        kind=pl.select(pl.when(split).then(pl.lit("split")).otherwise(pl.lit("dividend"))).to_series(),
        value=pl.select(pl.when(split).then(ratio).otherwise(bars["close"].abs() * 0.3)).to_series(),
    )
    new = bars.unique(["symbol", "session"], keep="first", maintain_order=True).select(past.columns)
    twice = new.filter((pl.col("kind") == "dividend") & pl.Series(draw.random(len(new)) < TWICE))
    return replace(rows, actions=pl.concat([past, kept, new, twice.with_columns(pl.col("value") * 2.0)]))


def funding_scrambled(rows: Rows, t: Instant, draw: np.random.Generator) -> Rows | None:
    """Of later payments half are gone and the others have other rates; every later bar of a swap gets a new one."""
    past, future = _split(rows.funding, t)
    kept = future.filter(pl.Series(draw.random(len(future)) < 0.5))
    kept = kept.with_columns((pl.col("rate") * _factors(len(kept), draw)).clip(-MOST, MOST))
    swaps = [name for name in rows.spans["symbol"] if pays(name)]
    new = rows.bars.filter(pl.col("symbol").is_in(swaps)).select("symbol", pl.col("session") + ODD_HOURS)
    new = new.rename({"session": "timestamp"}).with_columns(rate=pl.Series(draw.uniform(-MOST, MOST, len(new))))
    new = settling(new).filter(~_known(t))
    if future.is_empty() and new.is_empty():
        return None
    return replace(rows, funding=pl.concat([past, kept, new]))


def listings_added(rows: Rows, t: Instant, draw: np.random.Generator) -> Rows | None:
    """New symbols of every exchange, with a thousand times the volume, begin after `t`."""
    future = rows.bars.filter(~_known(t))
    longest = future.group_by("symbol", "basis").len().sort("len", "symbol", descending=[True, False])
    like: dict[tuple[str, str], str] = {}
    for symbol, basis, _ in longest.iter_rows():
        like.setdefault((_newcomer(symbol, 0), basis), symbol)
    taken, number = set(rows.spans["symbol"]), int(draw.integers(10**9))  # other symbols may get some of their own
    bars, spans = [rows.bars], [rows.spans]
    for symbol in like.values():
        model = future.filter(pl.col("symbol") == symbol).sort("timestamp")
        for k in range(NEWCOMERS):
            number += 1
            while _newcomer(symbol, number) in taken:
                number += 1
            name = pl.lit(_newcomer(symbol, number)).alias("symbol")
            factor = float(_factors(1, draw)[0])
            later = model[min(7 * k, len(model) - 1) :]
            bars.append(later.with_columns(name, pl.col(PRICED) * factor, pl.col(TRADED) * VOLUME_FACTOR))
            spans.append(rows.spans.filter(pl.col("symbol") == symbol).with_columns(name))
    return replace(rows, bars=pl.concat(bars), spans=pl.concat(spans)) if like else None


def listings_removed(rows: Rows, t: Instant, _draw: np.random.Generator) -> Rows | None:
    """Symbols whose first bar became known after `t` do not exist."""
    first = rows.bars.group_by("symbol").agg(pl.col("known_at").min())
    stay = first.filter(_known(t)).select("symbol")
    if len(stay) == len(first):
        return None
    every = {one.name: getattr(rows, one.name) for one in fields(rows)}
    return Rows(**{name: frame.join(stay, on="symbol", how="semi") for name, frame in every.items()})


EDITS: Mapping[str, Edit] = {
    "rows deleted": rows_deleted,
    "rows scrambled": rows_scrambled,
    "rows added": rows_added,
    "actions scrambled": actions_scrambled,
    "listings added": listings_added,
    "listings removed": listings_removed,
    "funding scrambled": funding_scrambled,
}
"""Forks of rows, by the names that findings call them."""

FACTS = "facts changed"
"""The fork of dated facts: they stand in the panel, so it is forked there."""


def facts_changed(panel: Panel, t: Instant) -> Panel:
    """What becomes known of instruments after `t` has another value, and every one is then said to be delisted.

    Steps that were assumed are all told soon after.
    """
    soon = t + np.timedelta64(1, "us")
    stamps = tuple(frozenset(_told(one, soon) for one in caveats) for caveats in panel.stamps)
    return replace(panel, instruments=tuple(_otherwise(one, t) for one in panel.instruments), stamps=stamps)


def _told(caveat: Caveat, at: Instant) -> Caveat:
    later = caveat.stamp is Stamp.ASSUMED_METADATA and (caveat.until is None or caveat.until > at)
    return replace(caveat, until=at) if later and caveat.since < at else caveat


def _otherwise(instrument: Instrument, t: Instant) -> Instrument:
    soon = t + np.timedelta64(1, "us")
    new = [
        Fact(field="delisted_at", value=soon, known_at=soon),
        *(Fact(field=name, value=1e6, known_at=soon) for name in ("tick", "lot", "min_notional", "tradfi")),
    ]
    facts = [one if one.known_at <= t else replace(one, value=_other(one.value)) for one in instrument.facts]
    return replace(instrument, facts=tuple(sorted([*facts, *new], key=lambda fact: fact.known_at)))


def _other(value: float | Instant) -> float | Instant:
    return value + 400 * DAY if isinstance(value, np.datetime64) else value * 10.0


def dated(frame: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """The rows with `session` (the bar a timestamp belongs to) and `known_at` (by its calendar)."""
    frame = frame.with_columns(session({name: structure(name) for name in spans["symbol"]}).alias("session"))
    parts = []
    for name in sorted(set(spans["calendar"])):
        part = frame.join(spans.filter(pl.col("calendar") == name).select("symbol"), on="symbol", how="semi")
        stamp: Times = part["session"].dt.replace_time_zone(None).to_numpy()
        known = _calendar(name, stamp).known_at(stamp) if len(stamp) else stamp
        parts.append(part.with_columns(pl.Series("known_at", known)))
    return pl.concat(parts).sort("symbol", "timestamp", maintain_order=True)


def _calendar(name: str, stamps: Times) -> Calendar:
    first: date = stamps.min().astype("datetime64[D]").item()
    last: date = stamps.max().astype("datetime64[D]").item()
    return calendar(name, first, last)


def _known(t: Instant) -> pl.Expr:
    return pl.col("known_at") <= pl.lit(t)


def _split(frame: pl.DataFrame, t: Instant) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What was known at `t`, and the rest."""
    return frame.filter(_known(t)), frame.filter(~_known(t))


def _factors(count: int, draw: np.random.Generator) -> pl.Series:
    """One factor per row, of any size between the largest and its inverse."""
    most = np.log(LARGEST_FACTOR)
    return pl.Series("factor", np.exp(draw.uniform(-most, most, count)))


def _levelled(bars: pl.DataFrame, rows: Rows, t: Instant, draw: np.random.Generator) -> pl.DataFrame:
    """The bars with their closes at random factors of each symbol's last close known at `t` (else its first)."""
    close, known = pl.col("close"), _known(t)
    level = rows.bars.filter(close > 0).group_by("symbol").agg(
        pl.coalesce(close.filter(known).sort_by(pl.col("known_at").filter(known)).last(), close.first()).alias("level")
    )  # fmt: skip
    bars = bars.join(level, on="symbol", how="left", maintain_order="left")
    to = (pl.col("level") * _factors(len(bars), draw) / close).alias("to")
    bars = bars.with_columns(pl.when((close > 0) & to.is_finite()).then(to).otherwise(1.0).alias("to"))
    return bars.with_columns(pl.col(PRICED) * pl.col("to")).drop("level", "to")


def _newcomer(like: str, number: int) -> str:
    """A symbol of the same exchange and sort that nobody has heard of."""
    exchange = like.partition(":")[0]
    if exchange in venues.CRYPTO_EXCHANGES:
        return f"{exchange}:ZZLEAK{number}USDT{'.P' if split_pair(like).perpetual else ''}"
    return f"{exchange if exchange in venues.US_EXCHANGES else 'NYSE'}:ZZLEAK{number}"
