"""Outliers: windows and runs that went too well or too badly to be read over, with evidence of their cause (R-TRN-10).

1. A window owns the steps from its fill to the next one; a row with a fill is two steps, before it and after it.
2. It is an outlier by its Sharpe ratio or by its drawdown; a run is one by its drawdown.
3. What is explained is the stretch from peak to trough where a drawdown was too deep, the whole window elsewhere: what
   each name brought there, what the market did, and how much of it names had in common.
4. Two questions give the cause. Was it sudden (`statistics.jumps`)? Was it common: does the move of the market, or of
   the first principal component of the names that were held, explain at least half of it? Both moves are medians, and
   what names have in common is of the rows before, so that one name that leaps explains nothing but itself.

A window's Sharpe ratio is a diagnostic of few rows: noise alone makes many an outlier, and how many is said.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import Execution, SimResult
from tvquant.core.calendars import calendar
from tvquant.core.panel import Floats, Panel
from tvquant.core.rates import ZERO, RiskFree
from tvquant.statistics.common_moves import betas_on, component_move, loadings_of, median_move
from tvquant.statistics.jumps import Jump, jump_of
from tvquant.statistics.precision import rounding_floor

SHARPE = 10.0
"""Annualised Sharpe ratio of a window beyond which, either way, it is an outlier (R-TRN-10)."""
WINDOW_DRAWDOWN = -0.30
"""Drawdown of a window below which it is an outlier (R-TRN-10)."""
RUN_DRAWDOWN = -0.60
"""Drawdown of a whole book below which it is an outlier (R-TRN-10)."""
LEAST_ROWS = 5
"""Rows of a window from which on its Sharpe ratio is judged."""
COMMON = 0.5
"""Share of a move from which on what explains it is its cause."""
BEFORE = 120
"""Rows before a stretch that tell what names have in common."""
NAMED = 5
"""Names whose contribution is kept one by one."""
DIGITS = 6
"""Decimals that are kept: these are diagnostics, and part of no result."""


class Cause(StrEnum):
    """What the evidence says, by its two questions."""

    MARKET_JUMP = "market_jump"
    FACTOR_SHIFT = "factor_shift"
    NAME_JUMP = "name_jump"
    OWN_DRIFT = "own_drift"

    @classmethod
    def of(cls, *, sudden: bool, common: bool) -> "Cause":
        """Return the cause of a move."""
        if common:
            return cls.MARKET_JUMP if sudden else cls.FACTOR_SHIFT
        return cls.NAME_JUMP if sudden else cls.OWN_DRIFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """One window, or a whole run, that is out of the ordinary, and what is known of why.

    Parameters
    ----------
    window : its id; None of a run.
    reasons : `sharpe`, `drawdown`.
    start, stop : dates of the first and the last bar of the stretch that is explained.
    change : what equity did on the stretch, after costs; the parts that follow are of the same equity.
    names : key -> what it brought, of those that brought most; `others` : all other names; `costs` : what is left over.
    held : of the same names what each was of the equity when the stretch began, negative where short.
    market : what the median name did.
    by_market, by_component : what the moves of the market, and of the first component of the names, would have brought;
        None where too few names were held to have one.
    relative, z, largest, largest_on : see `statistics.jumps.Jump`, of the window's rows; the date of the largest.
    """

    window: int | None
    reasons: tuple[str, ...]
    cause: Cause
    start: str
    stop: str
    change: float
    names: Mapping[str, float]
    held: Mapping[str, float]
    others: float
    costs: float
    market: float
    by_market: float
    by_component: float | None
    relative: float
    z: float | None
    largest: float
    largest_on: str

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """Return the outlier that a payload describes."""
        return cls(**{**payload, "reasons": tuple(payload["reasons"]), "cause": Cause(payload["cause"])})

    def payload(self) -> dict[str, Any]:
        """Return the outlier as JSON can hold it."""
        return {**asdict(self), "reasons": list(self.reasons), "cause": self.cause.value}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """Every window of a book, and its outliers.

    Parameters
    ----------
    ids : of the windows.
    windows : `change`, `sharpe`, `drawdown` of each; NaN where it was not filled, or no figure is judged.
    outliers : in order, that of the run last.
    by_chance : windows whose Sharpe ratio noise without any skill would be expected to make an outlier.
    """

    ids: tuple[int, ...]
    windows: Mapping[str, Floats]
    outliers: tuple[Outlier, ...]
    by_chance: float

    def payload(self) -> dict[str, Any]:
        """Return the study as JSON can hold it."""
        return {
            "windows": {
                "window": list(self.ids),
                **{name: [_rounded(value) for value in values] for name, values in self.windows.items()},
            },
            "outliers": [one.payload() for one in self.outliers],
            "by_chance": round(self.by_chance, DIGITS),
        }


def study(
    panel: Panel,
    result: SimResult,
    execution: Execution,
    *,
    first_fills: NDArray[np.intp],
    ids: Sequence[int],
    partial: Sequence[bool],
    risk_free: RiskFree = ZERO,
) -> Study:
    """Return the windows of a book and its outliers.

    `first_fills` are numbers of the first fill of each window that was filled; `ids` of all windows, `partial` which of
    them the panel ends before: these have no Sharpe ratio.
    """
    book, year = _Book(panel, result, execution), calendar(panel.calendar).periods_per_year
    spans = book.windows(first_fills)
    columns = {name: np.full(len(ids), np.nan) for name in ("change", "sharpe", "drawdown")}
    rates = np.broadcast_to(risk_free.per_row, result.returns.shape)
    chance = 0.0
    for alike, rows in _of_one_shape(spans, book):
        columns["change"][alike], columns["drawdown"][alike], *_ = _falls(book.levels([spans[k] for k in alike]))
        judged = [j for j, k in enumerate(alike) if rows.shape[1] >= LEAST_ROWS and not partial[k]]
        if judged:
            chance += len(judged) * _chance(rows.shape[1], year, SHARPE)
            excess = book.row_returns([spans[alike[j]] for j in judged], rows[judged]) - rates[rows[judged]]
            columns["sharpe"][[alike[j] for j in judged]] = _sharpes(excess, year)
    found: list[Outlier] = []
    sharp, deep = np.abs(columns["sharpe"]) > SHARPE, columns["drawdown"] < WINDOW_DRAWDOWN
    for k in np.flatnonzero(sharp | deep).tolist():
        reasons = (*(("sharpe",) if sharp[k] else ()), *(("drawdown",) if deep[k] else ()))
        rows = book.rows_of(spans[k])
        evidence = jump_of(book.row_returns([spans[k]], rows[None])[0])
        span = book.fall(spans[k])[1] if deep[k] else spans[k]
        found.append(book.explained(span, evidence, rows[evidence.at], window=ids[k], reasons=reasons))
    deepest, stretch = book.fall(slice(0, len(book.after)))
    if deepest < RUN_DRAWDOWN:
        evidence = jump_of(result.returns[book.row[stretch.start] : book.row[stretch.stop - 1] + 1])
        at = int(book.row[stretch.start]) + evidence.at
        found.append(book.explained(stretch, evidence, at, window=None, reasons=("drawdown",)))
    return Study(ids=tuple(ids), windows=columns, outliers=tuple(found), by_chance=chance)


class _Book:
    """A book in steps: one per row, two where a fill parts it; each has equity before and after, in order."""

    def __init__(self, panel: Panel, result: SimResult, execution: Execution) -> None:
        self._panel, self._result, self._at_open = panel, result, execution.at_open
        self._first = len(panel.times) - len(result.times)
        fills = result.filled - self._first
        parted = np.ones(len(result.times), dtype=np.int64)
        parted[fills] = 2
        self.row = np.repeat(np.arange(len(parted)), parted)
        self._fresh = np.cumsum(parted)[fills] - 1
        self._marked = np.zeros(len(self.row) + 1, dtype=np.bool_)
        self._marked[self._fresh] = True
        self.after = result.equity[self.row]
        self.after[self._fresh - 1] = result.fill_equity
        self.before = np.concatenate([[1.0], self.after[:-1]])

    def windows(self, first_fills: NDArray[np.intp]) -> list[slice]:
        """Return the steps of each window that was filled."""
        starts = self._fresh[first_fills].tolist()
        return [slice(a, b) for a, b in zip(starts, [*starts[1:], len(self.row)], strict=True)]

    def rows_of(self, span: slice) -> NDArray[np.int64]:
        """Return the rows of the book that a window's rows end on; its fill's own row is a part of the first."""
        first, last = int(self.row[span.start]), int(self.row[span.stop - 1])
        return np.arange(min(first + 1, last), last + 1)

    def row_returns(self, spans: Sequence[slice], rows: NDArray[np.int64]) -> Floats:
        """Return the returns of the R rows of W windows (W x R), the first from the fill, the last to the next fill."""
        start, stop = np.array([(one.start, one.stop - 1) for one in spans]).T
        levels = [self.before[start, None], self._result.equity[rows[:, :-1]], self.after[stop, None]]
        return _growth(np.concatenate(levels, axis=1))

    def levels(self, spans: Sequence[slice]) -> Floats:
        """Return the equity before W windows of S steps each, and after each step (W x (S + 1))."""
        start = np.array([one.start for one in spans])[:, None]
        after = self.after[start + np.arange(spans[0].stop - spans[0].start)]
        return np.concatenate([self.before[start], after], axis=1)

    def fall(self, span: slice) -> tuple[float, slice]:
        """Return the deepest drawdown within some steps, and the steps of its fall."""
        _, deepest, (top,), (trough,) = _falls(self.levels([span]))
        return float(deepest[0]), slice(span.start + int(top), span.start + max(int(trough), int(top) + 1))

    def explained(
        self, span: slice, evidence: Jump, largest: int, *, window: int | None, reasons: tuple[str, ...]
    ) -> Outlier:
        """Return what is known of some steps; `largest` is the row of the largest return of the evidence."""
        held, moves = self._held(span), self._moves(span)
        scale = self.before[span] / self.before[span.start]
        there = np.flatnonzero((held != 0.0).any(axis=0))
        held = held[:, there] * scale[:, None]
        brought = (held * np.nan_to_num(moves[:, there])).sum(axis=0)
        market = median_move(moves)
        past, past_market = self._past(span, there)
        by_market = float((held @ betas_on(past, past_market) * market).sum())
        loads = loadings_of(past)
        by_component = None if loads is None else float((held @ loads * component_move(moves[:, there], loads)).sum())
        moved, change = float(brought.sum()), float(self.after[span.stop - 1] / self.before[span.start] - 1.0)
        shares = [part / moved for part in (by_market, by_component) if part is not None and moved]
        top: list[int] = np.argsort(-np.abs(brought), kind="stable")[:NAMED].tolist()
        keys = [self._panel.keys[j] for j in there.tolist()]
        start, stop, largest_on = (
            str(self._result.times[row].astype("datetime64[D]"))
            for row in (self.row[span.start], self.row[span.stop - 1], largest)
        )
        return Outlier(
            window=window,
            reasons=reasons,
            cause=Cause.of(sudden=evidence.sudden, common=max(shares, default=0.0) >= COMMON),
            start=start,
            stop=stop,
            change=round(change, DIGITS),
            names={keys[j]: round(float(brought[j]), DIGITS) for j in top},
            held={keys[j]: round(float(held[0, j]), DIGITS) for j in top},
            others=round(moved - float(brought[top].sum()), DIGITS),
            costs=round(change - moved, DIGITS),
            market=round(float(np.prod(1.0 + market) - 1.0), DIGITS),
            by_market=round(by_market, DIGITS),
            by_component=_rounded(by_component),
            relative=round(evidence.relative, DIGITS),
            z=_rounded(evidence.z),
            largest=round(evidence.largest, DIGITS),
            largest_on=largest_on,
        )

    def _held(self, span: slice) -> Floats:
        """Return what each name was of the equity before each step (S x N), negative where short."""
        result, row, fresh = self._result, self.row[span], self._is_fresh(span)
        quantities, earlier = result.quantities, np.maximum(row - 1, 0)
        value = np.where((row > 0)[:, None], quantities[earlier] * np.nan_to_num(result.marks[earlier]), 0.0)
        value[fresh] = quantities[row[fresh]] * np.nan_to_num(self._fill_prices(row[fresh]))
        before = self.before[span]
        return np.where((before > 0.0)[:, None], value / np.where(before > 0.0, before, 1.0)[:, None], 0.0)

    def _moves(self, span: slice) -> Floats:
        """Return the move of each name of the panel in each step (S x N); NaN where it had none."""
        row, fresh = self.row[span], self._is_fresh(span)
        moves = self._panel.fields["total_return"][self._first + row].copy()
        close = self._panel.fields["close"][self._first + row]
        with np.errstate(invalid="ignore", divide="ignore"):
            part = self._fill_prices(row) / close
        stale = self._is_fresh(slice(span.start + 1, span.stop + 1))[: len(row)]
        moves[stale] = (1.0 + moves[stale]) * part[stale] - 1.0
        moves[fresh] = 1.0 / part[fresh] - 1.0
        return moves

    def _fill_prices(self, rows: NDArray[np.int64]) -> Floats:
        """Return the price at which each name is filled on a row: its open, or close where that is the fill."""
        close = self._panel.fields["close"][self._first + rows]
        if not self._at_open:
            return close
        opened = self._panel.fields["open"][self._first + rows]
        return np.where(np.isfinite(opened), opened, close)

    def _is_fresh(self, span: slice) -> NDArray[np.bool_]:
        """Return which of the steps come right after a fill."""
        return self._marked[span]

    def _past(self, span: slice, there: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Return returns of some names, and the market's, on the rows before some steps."""
        until = self._first + int(self.row[span.start])
        rows = slice(max(until - BEFORE, 0), until)
        return self._panel.fields["total_return"][rows][:, there], _market(self._panel)[rows]


@lru_cache(maxsize=1)  # every outlier of every cell asks for it
def _market(panel: Panel) -> Floats:
    """Return the median return of all names of a panel by row (T)."""
    return median_move(panel.fields["total_return"])


def _of_one_shape(spans: Sequence[slice], book: _Book) -> list[tuple[list[int], NDArray[np.int64]]]:
    """Return the numbers of windows, those together that have as many steps and as many rows, and their rows."""
    alike: dict[tuple[int, int], list[tuple[int, int]]] = {}
    row = book.row.tolist()
    for k, one in enumerate(spans):
        last = row[one.stop - 1]
        first = min(row[one.start] + 1, last)
        alike.setdefault((one.stop - one.start, last + 1 - first), []).append((k, first))
    return [
        ([k for k, _ in some], np.array([first for _, first in some])[:, None] + np.arange(rows))
        for (_, rows), some in alike.items()
    ]


def _falls(level: Floats) -> tuple[Floats, Floats, NDArray[np.intp], NDArray[np.intp]]:
    """Return change, deepest drawdown, and the numbers of its peak and its trough, of W books of L levels (W each)."""
    peak, book = np.maximum.accumulate(level, axis=1), np.arange(len(level))
    falls = np.where(peak > 0.0, level / np.where(peak > 0.0, peak, 1.0) - 1.0, 0.0)
    trough = np.argmin(falls, axis=1)
    until = np.arange(level.shape[1]) <= trough[:, None]
    top = level.shape[1] - 1 - np.argmax(((level == peak[book, trough][:, None]) & until)[:, ::-1], axis=1)
    began = level[:, 0]
    change = np.where(began > 0.0, level[:, -1] / np.where(began > 0.0, began, 1.0) - 1.0, 0.0)
    return change, falls[book, trough], top, trough


def _growth(levels: Floats) -> Floats:
    """Return simple returns between levels (W x L); 0 once the equity is gone."""
    base = levels[:, :-1]
    return np.where(base > 0.0, levels[:, 1:] / np.where(base > 0.0, base, 1.0) - 1.0, 0.0)


def _sharpes(excess: Floats, year: int) -> Floats:
    """Return the annualised Sharpe ratio of W windows (W x R returns); NaN of what does not vary."""
    std = excess.std(ddof=1, axis=1)
    varies = std > rounding_floor(excess.T)
    return np.where(varies, excess.mean(axis=1) / np.where(varies, std, 1.0) * math.sqrt(year), np.nan)


@lru_cache(maxsize=64)  # windows of a schedule are alike
def _chance(rows: int, year: int, limit: float) -> float:
    """Return the probability that independent normal returns without a mean have a Sharpe ratio beyond a limit."""
    from scipy.special import stdtr

    return 2.0 * float(stdtr(rows - 1, -limit * math.sqrt(rows / year)))


def _rounded(value: float | None) -> float | None:
    """Return a figure as it is kept; None where there is none."""
    return None if value is None or not math.isfinite(value) else round(float(value), DIGITS)
