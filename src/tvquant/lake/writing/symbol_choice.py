"""Which symbols of some files are taken, and whose bars a file holds that does not say it."""

import difflib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl

from tvquant.core.errors import ProfileError
from tvquant.core.quoting import shown
from tvquant.profiles.messages import suggested


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolChoice:
    """Only these symbols (empty: all), and none of those; and whose the bars of a file are, where the user says so.

    `whose` is a symbol, or one with the file's name in it (see `styles`).
    """

    only: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    whose: str | None = None

    @property
    def narrows(self) -> bool:
        """Something may be left out."""
        return bool(self.only or self.exclude)

    def leaves_out(self, symbols: pl.Series) -> pl.Series:
        """Return which rows are not taken; one without a symbol is, unless symbols are named."""
        if not self.narrows:
            return pl.Series(np.zeros(len(symbols), bool))
        out = symbols.is_in(list(self.exclude)).fill_null(False)
        return out | ~symbols.is_in(list(self.only)).fill_null(False) if self.only else out

    def check(self, found: Collection[str]) -> None:
        """Refuse names that no file has: one that is misspelt would leave out, or let in, what is not meant.

        Raises
        ------
        ProfileError : such a name, or nothing is left.
        """
        for option, names in (("--symbols", self.only), ("--exclude", self.exclude)):
            absent = sorted(names - set(found))
            if absent:
                near = suggested(next(iter(difflib.get_close_matches(absent[0], sorted(found), n=1)), None))
                raise ProfileError(f"{option}: no file has {shown(absent[0])}{near}; nothing was imported")
        if not (self.only or set(found)) - self.exclude:
            raise ProfileError("--symbols and --exclude leave nothing of the files; nothing was imported")


ALL = SymbolChoice()
