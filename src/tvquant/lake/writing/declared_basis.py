"""The declared basis of a delivery, held against its own prices and against what is stored; before anything is written.

1. Splits, dividends and `adj_close`, of the delivery and of the lake, against the prices of the delivery and those
   stored around it (`basis`); raw prices against the stored ones, for these never change (`scales`).
2. A contradiction is refused, with both figures. Taken on the user's word it becomes a fact of the instrument, dated by
   the bar that shows it, which every panel turns into the stamp `accepted_basis`. A word that was given once holds.
3. One symbol that is wrong among others that are right is refused alone: where the splits of more symbols show the
   declared basis than are contradicted, or where only stored history denies it, the declaration is not in doubt.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import polars as pl

from tvquant.core.errors import ProfileError
from tvquant.core.panel import Basis
from tvquant.lake.quality.basis import ACTION, APART, Contradiction, Evidence
from tvquant.lake.quality.price_scale import rescaled
from tvquant.lake.reading.action_revisions import TOLD, current
from tvquant.lake.storage import tables
from tvquant.lake.storage.intervals import LENGTHS
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.tables import ACCEPTED, DAILY, PRICES
from tvquant.lake.writing.batches import batches

SEVERAL = 3
"""Raw bars that must have changed alike: fewer may be corrections, or bars that were repaired here."""
NO_FACTS = pl.DataFrame(
    schema={"symbol": pl.String(), "field": pl.String(), "value": pl.Float64(), "known_at": tables.TIME}
)
NO_ACTIONS = pl.DataFrame(schema={name: tables.SCHEMAS["actions"][name] for name in ACTION})


class Contradicted(ProfileError):
    """The refusal of a declared basis; `apart` : symbols to leave out, with the reason, so that the others stand."""

    def __init__(self, message: str, apart: Mapping[str, str]) -> None:
        super().__init__(message)
        self.apart = apart


class Doubt(StrEnum):
    """What becomes of prices that contradict their declared basis."""

    REFUSE = "refuse"
    ACCEPT = "accept"
    """They are stored on the user's word, and stamped."""
    IGNORE = "ignore"
    """They are rows of a lake, written into another one: whoever took them said what they are."""


def on_word(
    root: Root,
    table: str,
    given: pl.DataFrame,
    actions: pl.DataFrame,
    declared: Basis,
    doubt: Doubt,
    anew: Collection[str] = (),
    *,
    corrects: bool = False,
) -> pl.DataFrame:
    """The facts to store with the given rows (symbol, timestamp, prices, adj_close): what is taken on the user's word.

    Parameters
    ----------
    actions : delivered with them (symbol, timestamp, kind, value).
    anew : symbols of which what is stored gives way to the given rows, and says nothing.
    corrects : given values take the place of stored ones, with these in the journal: raw ones may be corrected so.

    Raises
    ------
    Contradicted : they contradict the declared basis.
    """
    found: tuple[Contradiction, ...] = ()
    if doubt is not Doubt.IGNORE:
        unchanging = declared is Basis.RAW and not corrects
        parts = [_heard(root, table, part, actions, declared, anew, unchanging) for part in batches(given)]
        against, confirming, changed = _weighed(parts)
        found = _news(root, against)
        if found and doubt is Doubt.REFUSE:
            doubtful = {one.symbol for one in found} - changed
            others = given["symbol"].n_unique() > len(found)
            alone = others and (not doubtful or len(confirming - {one.symbol for one in against}) > len(doubtful))
            raise _refusal(found, declared, alone=alone)
    rows = {
        "symbol": [one.symbol for one in found],
        "field": [ACCEPTED] * len(found),
        "value": [1.0] * len(found),
        "known_at": [one.at + LENGTHS[DAILY] for one in found],
    }
    return pl.DataFrame(rows, schema=NO_FACTS.schema)


def _heard(
    root: Root,
    table: str,
    given: pl.DataFrame,
    actions: pl.DataFrame,
    declared: Basis,
    anew: Collection[str],
    unchanging: bool,
) -> tuple[Evidence | None, tuple[Contradiction, ...]]:
    """The evidence of some symbols on their basis (None: none), and who of them the stored history contradicts."""
    names, times = given["symbol"].unique().cast(pl.String), given["timestamp"]
    span: Any = (times.min() - APART, times.max() + APART)  # type: ignore[operator]
    mine = tables.among(names) & ~pl.col("symbol").is_in(sorted(anew))
    told = current(tables.read(root, "actions", TOLD, where=mine, span=span)).select(ACTION)
    told = pl.concat([actions.filter(tables.among(names)).select(ACTION), told])
    silent = told.is_empty() and given["adj_close"].null_count() == len(given)
    if silent and not unchanging:
        return None, ()
    columns = ["symbol", "timestamp", *PRICES, "adj_close"]
    stored = tables.read(root, table, columns, where=mine, span=span)
    fresh = given.select(pl.col("symbol").cast(pl.String), *columns[1:])
    changed = tuple(_changed(fresh, stored)) if unchanging and len(stored) else ()
    if silent and stored["adj_close"].null_count() == len(stored):
        return None, changed
    # Given rows stand before stored ones of their day: the first of a day counts.
    prices = pl.concat([fresh, stored]).with_columns(basis=pl.lit(str(declared)))
    return Evidence.of(prices, told), changed


def _changed(fresh: pl.DataFrame, stored: pl.DataFrame) -> Iterator[Contradiction]:
    """Symbols whose raw prices are not the stored ones."""
    for row in rescaled(fresh, stored).filter(pl.col("bars") >= SEVERAL).iter_rows(named=True):
        said = f"raw prices do not change, but {row['bars']} bars do by a common factor, as close from "
        said += f"{row['was']:.6g} (stored) to {row['now']:.6g}"
        yield Contradiction(symbol=row["symbol"], at=row["day"], said=said, looks="adjusted anew")


def _weighed(
    parts: Sequence[tuple[Evidence | None, tuple[Contradiction, ...]]],
) -> tuple[tuple[Contradiction, ...], frozenset[str], frozenset[str]]:
    """What speaks against the basis, whose splits confirm it, and whose stored history alone speaks against it."""
    heard = [evidence for evidence, _ in parts if evidence is not None]
    evidence = Evidence.joined(heard) if heard else None
    found = {one.symbol: one for one in evidence.contradictions()} if evidence else {}
    confirming = evidence.confirmed() if evidence and found else frozenset[str]()
    accused = frozenset(found)
    for one in (one for _, changed in parts for one in changed):
        found.setdefault(one.symbol, one)
    return tuple(found[name] for name in sorted(found)), confirming, frozenset(found) - accused


def _news(root: Root, found: Sequence[Contradiction]) -> tuple[Contradiction, ...]:
    """Those of symbols that nothing was accepted of before."""
    if not found:
        return ()
    known = set(tables.read(root, "facts", ["symbol"], where=pl.col("field") == ACCEPTED)["symbol"])
    return tuple(one for one in found if one.symbol not in known)


def _refusal(found: Sequence[Contradiction], declared: Basis, *, alone: bool) -> Contradicted:
    more = f"; {len(found) - 1} more symbols are contradicted" if len(found) > 1 else ""
    advice = f"declare their basis, or take {declared} on your word with --accept-basis"
    apart = {one.symbol: f"{one.at:%Y-%m-%d}: {one.said}: they look {one.looks}; {advice}" for one in found if alone}
    return Contradicted(f"{found[0]}: they look {found[0].looks}{more}; nothing was written; {advice}", apart)
