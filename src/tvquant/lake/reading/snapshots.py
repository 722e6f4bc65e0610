"""Snapshots: what a run reads, named by its content.

The digest of a symbol covers what its panel columns are made of: structure, basis, bars, actions, funding and facts. It
does not depend on how rows lie in files, in which order or when they were imported, or under which import; bars that
were imported before they closed are no content. Table versions only say where that content was found.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    beside : those of the symbols that are no columns of the panel: rates.
    """

    digest: str
    tables: Mapping[str, int]
    symbols: Mapping[str, str]
    interval: str = DAILY
    beside: tuple[str, ...] = ()

    @classmethod
    def of(cls, bars: Bars, tables: Mapping[str, int], interval: str, beside: Bars | None = None) -> Self:
        """Return the snapshot of these bars, and of those beside them, read from these table versions."""
        every = [bars] if beside is None else [bars, beside]
        symbols = {symbol.name: _symbol_digest(some, j) for some in every for j, symbol in enumerate(some.symbols)}
        digest = digest_json({"interval": interval, "symbols": merkle_root(symbols)})
        names = () if beside is None else tuple(symbol.name for symbol in beside.symbols)
        return cls(digest=digest, tables=dict(tables), symbols=symbols, interval=interval, beside=names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The symbols that the panel is made of."""
        return tuple(name for name in self.symbols if name not in self.beside)

    def to_json(self) -> str:
        """Return one JSON document, keys sorted."""
        content = {name: getattr(self, name) for name in ("digest", "tables", "symbols", "interval")}
        if self.beside:
            content["beside"] = self.beside
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
            found = cls(**content)
            return replace(found, beside=tuple(found.beside))
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
