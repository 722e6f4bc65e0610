"""Rows of the live screener, judged: what each is, its features, and where it breaks the request that brought it.

1. A row is an instrument where its symbol is understood, its own columns say the same as its symbol, and its figures
   are within their ranges. Any other is dropped and counted.
2. Filters ran in the screener. The scanner's screen is asked once more, of what came: whoever it stops now shows that
   the screener means something else than it was asked for. Such rows are named as drift and recruit nobody (R-UNI-10).
3. The ceiling cuts when all rows are there, by rank among all that the structure leaves (R-UNI-07).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tvquant.core.errors import DataError
from tvquant.core.features import FeatureSet
from tvquant.core.instruments import Fact, Instant, Instrument, Kind
from tvquant.core.panel import Floats, frozen
from tvquant.core.quoting import several, shown
from tvquant.core.stamps import Stamp
from tvquant.lake.reading.stablecoin_pegs import NEAR
from tvquant.lake.storage.tables import SCANNED
from tvquant.market.screeners.answers import Row
from tvquant.market.screeners.client import SHOWN, Served
from tvquant.market.screeners.tradingview import BAND, BAND_COLUMNS, TRADED_FEATURE
from tvquant.market.update_modes import seconds_late
from tvquant.profiles.scanners import Scanner
from tvquant.symbology import venues
from tvquant.symbology.identities import identity
from tvquant.symbology.kinds import ROUND_THE_CLOCK, split_pair, structure
from tvquant.universe import Screen, ScreeningOutcome
from tvquant.universe.screening import PASSED

RANGES: Mapping[str, tuple[float, float]] = {
    "Recommend.": (-1.0, 1.0),
    "Rec.": (-1.0, 1.0),
    "ADX": (0.0, 100.0),
    "RSI": (0.0, 100.0),
    "ATR": (0.0, math.inf),
    "close": (math.ulp(0.0), math.inf),
    "volume_change": (-100.0, math.inf),
    "volume": (0.0, math.inf),
    "24h_vol": (0.0, math.inf),
    "Value.Traded": (0.0, math.inf),
    "Volatility.D": (0.0, math.inf),
    "ROC": (-100.0, math.inf),
    "Perf.": (-100.0, math.inf),
}
"""Start of a column -> least and greatest value that it can have; the first start that fits is meant."""
STREAMING = frozenset({"streaming", "pulsed"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiveRows:
    """The N rows of one scanner that are instruments, and what was wrong with others.

    Parameters
    ----------
    features : of the N; `outcome` : of the scanner for each.
    dropped : why -> symbols of rows that are no instruments; `drift` : filter -> keys that came in spite of it.
    delays : key -> how its figures lag, in words, of those that do not stream.
    notes : what a reader must know, in words.
    """

    instruments: tuple[Instrument, ...]
    features: FeatureSet
    outcome: ScreeningOutcome
    dropped: Mapping[str, tuple[str, ...]]
    drift: Mapping[str, tuple[str, ...]]
    delays: Mapping[str, str]
    notes: tuple[str, ...]


def judged(
    scanner: Scanner, served: Served, edges: Mapping[Kind, float], *, day: Instant, known_at: Instant
) -> LiveRows:
    """Return the rows as instruments with features and the scanner's outcome.

    Parameters
    ----------
    edges : kind -> traded value of the first that is beyond the ceiling, where it binds.
    day : stamp of the bar that the rows are of; `known_at` : when they came.
    """
    instruments, rows, dropped = [], [], dict[str, tuple[str, ...]]()
    for symbol, row in served.rows.items():
        try:
            instruments.append(_instrument(symbol, row, known_at))
            rows.append(row)
        except DataError as error:
            why = str(error)
            dropped[why] = (*dropped.get(why, ()), symbol)
    features = _features(scanner, served, instruments, rows, known_at)
    outcome = Screen(scanner, instruments).ask(np.arange(len(instruments)), day, features)
    drift = _drift(scanner, instruments, outcome)
    outcome, beyond = _cut(scanner, instruments, features, outcome, edges)
    delays = {one.key: lag for one, row in zip(instruments, rows, strict=True) if (lag := _lag(row.get("update_mode")))}
    return LiveRows(
        instruments=tuple(instruments),
        features=features,
        outcome=outcome,
        dropped=dropped,
        drift=drift,
        delays=delays,
        notes=(*_said(scanner, dropped, drift, delays), *_at_ceiling(scanner, outcome, beyond)),
    )


def _instrument(symbol: str, row: Row, known_at: Instant) -> Instrument:
    """Return what a row is.

    Raises
    ------
    DataError : it is no instrument here, or contradicts itself.
    """
    try:
        kinds = structure(symbol).kinds
    except DataError as error:
        raise DataError("its symbol is not understood") from error
    exchange, ticker = symbol.split(":")
    for column, expected in (("exchange", exchange), ("name", ticker)):
        if row.get(column) not in (None, expected):
            raise DataError(f"its {column} is not that of its symbol")
    told = row.get("type")
    if kinds & ROUND_THE_CLOCK:
        if told is not None and told not in kinds:
            raise DataError("its type is not that of its symbol")
    elif "etf" in _texts(row.get("typespecs")):
        kinds = frozenset({Kind.ETF})
    elif told == Kind.STOCK:
        kinds = frozenset({Kind.STOCK})
    for column, value in row.items():
        if isinstance(value, float):
            low, high = next(
                (ends for start, ends in RANGES.items() if column.startswith(start)), (-math.inf, math.inf)
            )
            if not low <= value <= high:
                raise DataError(f"its {column} is out of range")
    close, facts = row.get("close"), tuple[Fact, ...]()
    lost = kinds & {Kind.STABLECOIN} and split_pair(symbol).base in venues.LOST_PEGS
    if lost and isinstance(close, float) and abs(close - 1.0) > NEAR:
        facts = (Fact(field="unpegged_at", value=known_at, known_at=known_at),)
    fixed = structure(symbol)
    return Instrument(
        symbol=symbol,
        kinds=kinds,
        currency=fixed.currency,
        calendar=fixed.calendar,
        base=identity(symbol).base,
        facts=facts,
    )


def _texts(cell: object) -> tuple[object, ...]:
    return cell if isinstance(cell, tuple) else ()


def _features(
    scanner: Scanner, served: Served, instruments: list[Instrument], rows: list[Row], known_at: Instant
) -> FeatureSet:
    """Return the served figures under the names that features have in the lake."""
    columns = served.query.columns
    names = tuple(dict.fromkeys((TRADED_FEATURE, *SCANNED, *scanner.fields, *columns)))
    values = np.full((len(names), len(rows)), np.nan)
    for k, name in enumerate(names):
        values[k] = _band(rows) if name == BAND else _numbers(rows, columns.get(name, ""))
    return FeatureSet(
        names=names,
        keys=tuple(one.key for one in instruments),
        values=frozen(values),
        known_at=known_at,
        absent={name: "the screener lists no such column" for name in names if name != BAND and name not in columns},
    )


def _numbers(rows: list[Row], column: str) -> Floats:
    found = (row.get(column) for row in rows)
    return np.array([value if isinstance(value, float) else np.nan for value in found], dtype=np.float64)


def _band(rows: list[Row]) -> Floats:
    """Return the place of the close between the foot and the top of the band; NaN where the band has no width."""
    close, foot, top = (_numbers(rows, column) for column in ("close", *BAND_COLUMNS))
    wide = top > foot
    return np.asarray(np.divide(close - foot, top - foot, out=np.full(len(rows), np.nan), where=wide))


def _drift(scanner: Scanner, instruments: list[Instrument], outcome: ScreeningOutcome) -> dict[str, tuple[str, ...]]:
    """Return what stopped a row that should have been stopped by the screener -> keys."""
    allowed = len(scanner.exclude_kinds)
    found: dict[str, tuple[str, ...]] = {}
    for one, step, why in zip(instruments, outcome.stopped.tolist(), outcome.reasons(), strict=True):
        if step != PASSED and step >= allowed and step != _ceiling_step(scanner, outcome):
            found[why] = (*found.get(why, ()), one.key)
    return found


def _ceiling_step(scanner: Scanner, outcome: ScreeningOutcome) -> int | None:
    """Return the number of the step that is the ceiling, None where there is none."""
    return outcome.pool_steps - len(scanner.pool) - 1 if scanner.largest is not None else None


def _cut(
    scanner: Scanner,
    instruments: list[Instrument],
    features: FeatureSet,
    outcome: ScreeningOutcome,
    edges: Mapping[Kind, float],
) -> tuple[ScreeningOutcome, int]:
    """Return the outcome with those stopped that are beyond the ceiling, and how many they are."""
    step = _ceiling_step(scanner, outcome)
    if scanner.largest is None or step is None:
        return outcome, 0
    values = features.row(scanner.largest.field)
    edge = np.array(
        [
            next((edges[kind] for kind in scanner.kinds if kind in edges and kind in one.kinds), -np.inf)
            for one in instruments
        ]
    )
    stopped = np.where((outcome.stopped == PASSED) & (values <= edge), step, outcome.stopped)
    return replace(outcome, stopped=stopped), int((stopped == step).sum())


def _said(
    scanner: Scanner,
    dropped: Mapping[str, tuple[str, ...]],
    drift: Mapping[str, tuple[str, ...]],
    delays: Mapping[str, str],
) -> list[str]:
    """Return findings in words."""
    found = [
        f"{scanner.name}: dropped {len(symbols)} rows, {why}: {several([shown(one) for one in symbols], SHOWN)}"
        for why, symbols in dropped.items()
    ]
    found += [
        f"drift: the screener served {len(keys)} rows that its own filter excludes ({why}); they recruit nobody: "
        f"{several(keys, SHOWN)}"
        for why, keys in drift.items()
    ]
    for lag in dict.fromkeys(delays.values()):
        mine = [key for key, its in delays.items() if its == lag]
        found.append(f"{Stamp.DELAYED}: {len(mine)} rows are {lag}: {several(mine, SHOWN)}")
    return found


def _at_ceiling(scanner: Scanner, outcome: ScreeningOutcome, beyond: int) -> list[str]:
    if scanner.largest is None:
        return []
    count, field = scanner.largest.count, scanner.largest.field
    if beyond:
        return [f"{scanner.name}: the ceiling of {count} by {field} binds: {beyond} rows are beyond it, and cut"]
    if int(outcome.pooled.sum()) == count:
        return [f"{scanner.name}: exactly {count} rows, as many as the ceiling by {field}"]
    return []


def _lag(mode: object) -> str:
    """Return how figures of an update mode lag, in words; empty where they stream."""
    if mode in STREAMING:
        return ""
    if (seconds := seconds_late(mode)) is not None:
        return f"{seconds} seconds late"
    return "of the end of a day" if mode == "endofday" else f"late by what the screener does not tell ({shown(mode)})"
