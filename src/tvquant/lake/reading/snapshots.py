"""Snapshots: what a run reads, named by its content.

The digest of a symbol covers what its panel columns are made of: structure, basis, bars, actions, funding and facts. It
does not depend on how rows lie in files, in which order or when they were imported, or under which import; bars that
were imported before they closed are no content. Table versions only say where that content was found.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from tvquant.core.digests import canonical_array, digest_bytes, digest_json, merkle_root
from tvquant.core.errors import DataError
from tvquant.lake.reading.bars import Bars, Ints
from tvquant.lake.storage.tables import DAILY, VALUES


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Pinned content of a lake.

    Parameters
    ----------
    digest : of the interval and all symbol digests.
    tables : table -> version that held the content; an absent table did not exist.
    symbols : symbol -> digest of its content.
    interval : of the bars.
    """

    digest: str
    tables: Mapping[str, int]
    symbols: Mapping[str, str]
    interval: str = DAILY

    @classmethod
    def of(cls, bars: Bars, tables: Mapping[str, int], interval: str) -> Self:
        """Return the snapshot of these bars, read from these table versions."""
        symbols = {symbol.name: _symbol_digest(bars, j) for j, symbol in enumerate(bars.symbols)}
        digest = digest_json({"interval": interval, "symbols": merkle_root(symbols)})
        return cls(digest=digest, tables=dict(tables), symbols=symbols, interval=interval)

    def to_json(self) -> str:
        """Return one JSON document, keys sorted."""
        content = {name: getattr(self, name) for name in ("digest", "tables", "symbols", "interval")}
        return json.dumps(content, sort_keys=True, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the snapshot that `to_json` wrote.

        Raises
        ------
        DataError : the text is not such a document.
        """
        try:
            content: dict[str, Any] = json.loads(text)
            return cls(**content)
        except (ValueError, TypeError) as error:
            raise DataError(f"snapshot is not readable: {error}") from error


def _symbol_digest(bars: Bars, number: int) -> str:
    symbol = bars.symbols[number]
    rows = _finished(bars, number)
    declared: dict[str, Any] = {
        "symbol": symbol.name,
        "kinds": sorted(symbol.structure.kinds),
        "currency": symbol.structure.currency,
        "calendar": symbol.structure.calendar,
        "basis": symbol.basis,
        "actions": [str(edge) for span in symbol.actions for edge in span],
    }
    if symbol.facts:  # as they were before there were any, digests of symbols without stay what they are
        declared["facts"] = [[fact.field, fact.value, str(fact.known_at)] for fact in symbol.facts]
    parts = [digest_json(declared).encode(), canonical_array(bars.stamp[rows])]
    for name in VALUES:
        low, high = bars.low[name][rows], bars.high[name][rows]
        if np.isnan(low).all():
            continue
        parts += [name.encode(), canonical_array(low)]
        differ = np.flatnonzero(high > low)
        if len(differ):
            parts += [canonical_array(differ), canonical_array(high[differ])]
    actions = bars.actions
    mine = actions.symbol == number
    for array in (actions.stamp, actions.split, actions.value, actions.conflict):
        parts.append(canonical_array(array[mine]))
    paid = bars.funding.symbol == number
    if paid.any():  # a symbol without funding has the digest that it had before there was any
        parts += [b"funding", canonical_array(bars.funding.stamp[paid]), canonical_array(bars.funding.rate[paid])]
    return digest_bytes(*parts)


def _finished(bars: Bars, number: int) -> slice | Ints:
    """Return rows of the bars of one symbol, without unfinished ones."""
    rows = bars.rows_of(number)
    unfinished = bars.unfinished[rows]
    return rows.start + np.flatnonzero(~unfinished) if unfinished.any() else rows
