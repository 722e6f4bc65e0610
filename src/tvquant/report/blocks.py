"""What a section may say: plain values; only `render` knows how they look."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paragraph; `missing` marks one that says which artefact the run folder lacks."""

    kind: ClassVar[str] = "text"
    text: str
    tone: Literal["plain", "note", "warning", "missing"] = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Names and values; as cards when they are the few that matter most."""

    kind: ClassVar[str] = "facts"
    pairs: tuple[tuple[str, str], ...]
    cards: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of text under a head.

    Parameters
    ----------
    texts : how many columns, from the left, are words; the others are numbers, aligned to the right.
    heat : per row and column a number in [-1, 1] that colours the cell, or None.
    strong, faint : rows that are emphasised, or fainter.
    """

    kind: ClassVar[str] = "table"
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1
    heat: tuple[tuple[float | None, ...], ...] = ()
    strong: frozenset[int] = frozenset()
    faint: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """A plotly figure as its specification (`data`, `layout`); `key` is unique on the page, `height` in pixels."""

    kind: ClassVar[str] = "figure"
    key: str
    title: str
    spec: Mapping[str, Any]
    height: int = 420


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """Numbers behind figures, to take away: a frame of which the page holds every row unrounded.

    Parameters
    ----------
    name : of the file, unique on the page.
    about : one line on what its rows and columns are.
    paged : its rows are shown too, a page at a time.
    """

    kind: ClassVar[str] = "data"
    name: str
    about: str
    frame: pl.DataFrame
    paged: bool = False


type Block = Text | Facts | Table | Figure | Data
