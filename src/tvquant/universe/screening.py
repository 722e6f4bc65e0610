"""Screening: one scanner evaluated on each instrument, in steps that each name what they stop.

1. *Structure*: kinds, exchange, currency, calendar, members of a list at the day. It has no feature.
2. *Ceiling*: the most of a feature among those; a rank that cuts and orders nothing (R-UNI-07).
3. *Pool* filters, then *signal* filters; the first that fails stops an instrument.

What an instrument's symbol fixes is asked once for a whole panel, the rest once a date, over all names together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.features import FeatureSet
from tvquant.core.instruments import Instant, Instrument, Kind
from tvquant.core.panel import Bools, Floats
from tvquant.profiles.scanners import AnyOf, Filter, Scanner
from tvquant.universe.membership import known_as, listed_on, ticker_of

PASSED = -1
"""Code of an instrument that nothing stopped."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScreeningOutcome:
    """Outcome of one scanner for N instruments.

    Parameters
    ----------
    steps : what can stop one, in the order in which it is asked.
    stopped : N, number of the step that stopped it, or `PASSED`.
    unknown : N, the step could not be taken because a value is not known.
    pool_steps : how many of the steps are before the signal.
    """

    steps: tuple[str, ...]
    stopped: NDArray[np.int64]
    unknown: Bools
    pool_steps: int

    @property
    def recruited(self) -> Bools:
        """N bools: nothing stopped it."""
        return np.asarray(self.stopped == PASSED)

    @property
    def pooled(self) -> Bools:
        """N bools: nothing before the signal stopped it."""
        return np.asarray(self.recruited | (self.stopped >= self.pool_steps))

    def reasons(self) -> list[str]:
        """Return N texts, empty for those that passed."""
        return [
            "" if step == PASSED else self.steps[step] + (" is unknown" if unknown else "")
            for step, unknown in zip(self.stopped.tolist(), self.unknown.tolist(), strict=True)
        ]


class Screen:
    """A scanner, prepared for the N instruments of a panel."""

    def __init__(self, scanner: Scanner, instruments: Sequence[Instrument]) -> None:
        self.scanner = scanner
        self._keys = np.array([instrument.key for instrument in instruments], dtype=object)
        self._tickers = [ticker_of(instrument) for instrument in instruments]
        hygiene = [f"kind:{kind}" for kind in scanner.exclude_kinds]
        self._steps = [*hygiene, *(f"{scanner.name}: {what}" for what, _ in _STRUCTURE)]
        self._structure = np.array([_outside(scanner, one, one.kinds) for one in instruments], dtype=np.int64)
        self._doubted = {j: one for j, one in enumerate(instruments) if one.doubted}
        self._markets = np.array(
            [next((k for k, kind in enumerate(scanner.kinds) if kind in one.kinds), 0) for one in instruments],
            dtype=np.int64,
        )

    def ask(self, columns: NDArray[np.intp], day: Instant, features: FeatureSet) -> ScreeningOutcome:
        """Return the scanner's outcome for the instruments of these columns, by what was known on `day`."""
        scanner, places = self.scanner, features.columns(self._keys[columns].tolist())
        steps, stopped = list(self._steps), self._structure[columns].copy()
        if self._doubted:
            for k in np.flatnonzero(np.isin(columns, list(self._doubted))).tolist():
                one = self._doubted[int(columns[k])]
                stopped[k] = _outside(scanner, one, one.kinds_at(features.known_at))
        unknown = np.zeros(len(columns), bool)
        if scanner.members is not None:
            today = day.astype("datetime64[D]").item()
            listed = listed_on(scanner.members, today)
            absent = np.array([known_as(self._tickers[j], listed, today) is None for j in columns], dtype=bool)
            _stop(stopped, len(steps), absent)
            steps.append(f"{scanner.name}: members")
        if scanner.largest is not None:
            values = features.row(scanner.largest.field)[places]
            _stop(stopped, len(steps), _beyond(values, stopped, self._markets[columns], scanner.largest.count))
            unknown |= (stopped == len(steps)) & np.isnan(values)
            steps.append(f"{scanner.name}: largest {scanner.largest.count} by {scanner.largest.field}")
        pool_steps = len(steps) + len(scanner.pool)
        for each in scanner.filters:
            passes, known = _passes(each, places, features)
            _stop(stopped, len(steps), ~passes)
            unknown |= (stopped == len(steps)) & ~known
            steps.append(f"{scanner.name}: {' or '.join(dict.fromkeys(one.field for one in each.comparisons))}")
        return ScreeningOutcome(steps=tuple(steps), stopped=stopped, unknown=unknown, pool_steps=pool_steps)


type _Fit = Callable[[Scanner, Instrument], bool]

_STRUCTURE: tuple[tuple[str, _Fit], ...] = (
    ("kinds", lambda scanner, one: not scanner.kinds or bool(one.kinds & frozenset(scanner.kinds))),
    ("exchange", lambda scanner, one: scanner.exchange in (None, one.symbol.partition(":")[0])),
    ("currency", lambda scanner, one: scanner.currency in (None, one.currency)),
    ("calendar", lambda scanner, one: scanner.calendar in (None, one.calendar)),
)


def _outside(scanner: Scanner, one: Instrument, kinds: frozenset[Kind]) -> int:
    """Return the first step of structure that stops an instrument of these kinds, or `PASSED`."""
    hygiene = [kind not in kinds for kind in scanner.exclude_kinds]
    fits = (fit(scanner, one) for _, fit in _STRUCTURE)
    return next((k for k, passes in enumerate((*hygiene, *fits)) if not passes), PASSED)


def _stop(stopped: NDArray[np.int64], step: int, out: Bools) -> None:
    """Stop those that are out and were not stopped before."""
    stopped[(stopped == PASSED) & out] = step


def _beyond(values: Floats, stopped: NDArray[np.int64], markets: NDArray[np.int64], count: int) -> Bools:
    """Return which are not among the `count` greatest of their market, of those not stopped; ties keep their order."""
    out = np.isnan(values)
    for market in range(markets.max(initial=-1) + 1):
        mine = np.flatnonzero((stopped == PASSED) & (markets == market) & ~out)
        if len(mine) > count:
            out[mine[np.argsort(-values[mine], kind="stable")[count:]]] = True
    return out


def _passes(each: Filter | AnyOf, places: NDArray[np.intp], features: FeatureSet) -> tuple[Bools, Bools]:
    """Return which pass any of the comparisons, and which have any known value; an unknown value passes none."""
    passes, known = np.zeros(len(places), bool), np.zeros(len(places), bool)
    for one in each.comparisons:
        values = features.row(one.field)[places]
        name, bound = one.comparison
        passes |= _COMPARE[name](values, bound)
        known |= ~np.isnan(values)
    return passes, known


_COMPARE = {"above": np.greater, "below": np.less, "at_least": np.greater_equal, "at_most": np.less_equal}
