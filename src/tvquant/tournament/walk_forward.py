"""The walk-forward loop behind every path, and the settling of its books.

1. At each row at which something is due every path that has a window there decides on the same view. What paths with
   equal rules share is prepared once. Asked for is the last row before the window's test; where it has no quorum an
   earlier bar answers (`quorum`). The mark that fixes quantities, and the fill after it, stay the window's own: a
   book's rows increase whatever answered.
2. Nearly every decision is what it would be had nothing been held before: so all are drafted (`draft`), rows in any
   order and on any process.
3. Rows are walked in order (`walk`). A draft stands where what its path decided last makes no difference to it; else,
   after a loss or where the engine starts from what is held, the decision is taken then, with what was prepared.
4. When a path has all its rebalances, each of its books is simulated over the whole of it and measured (`settle`).
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import CostModel, SimResult, WeightPath
from tvquant.core.calendars import calendar
from tvquant.core.decisions import Decision
from tvquant.core.digests import canonical_array, canonical_json, digest_bytes
from tvquant.core.errors import DataError
from tvquant.core.panel import Floats, Panel, frozen
from tvquant.core.rates import ZERO, RiskFree
from tvquant.core.records import Entry
from tvquant.core.regimes import MarketRegime
from tvquant.core.stamps import NONE, Stamp, Stamps
from tvquant.simulation import SIMULATORS
from tvquant.statistics import Performance, performance
from tvquant.tournament.book_figures import dispersion
from tvquant.tournament.candidates import FeaturePass, discovery, has_history
from tvquant.tournament.cells import Cell, Path
from tvquant.tournament.decide import Prepared, decide, lend, needs_previous, prepare, starts_from_previous
from tvquant.tournament.decision_entries import Shared, named, recorded
from tvquant.tournament.market_regime import market_regime_at, regime_key
from tvquant.tournament.path_holdings import PathHoldings, first_fills, restored
from tvquant.tournament.periods import Periods, periods_of
from tvquant.tournament.quorum import answering_rows, quorum_view_by
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.specs import MarketSpec, NettedSpec, Previous, Rules
from tvquant.tournament.views import View, look
from tvquant.tournament.windows import Schedule, Window

type Grids = Mapping[Schedule, Sequence[Window]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is decided at one row: paths with their windows there.

    `beside` are all rules of the row where these are a part of its paths: what rules share is computed for all of them.
    """

    row: int
    windows: tuple[tuple[Path, Window], ...]
    beside: tuple[Rules, ...] = ()

    @property
    def rules(self) -> tuple[Rules, ...]:
        """The different rules of these paths."""
        return tuple(dict.fromkeys(found for path, _ in self.windows if (found := rules_of(path))))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decided:
    """A decision of a path, what remains of it, and the records that its snapshots name.

    Walked, of the paths that share a selection or a context the first one has the record; drafted, each has. `seconds`
    is what deciding took beyond what was prepared, by the engine's timer: of no influence, and part of no result; NaN
    where nobody measured.
    """

    path: Path
    rebalance: Rebalance
    decision: Decision
    records: tuple[Entry, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draft:
    """What is found of a row without any earlier one.

    Parameters
    ----------
    prepared : what paths share there, for each of the rules.
    decided : for each window what its path decides had it held nothing; None where its engine asks what it held.
    """

    prepared: tuple[Prepared, ...]
    decided: tuple[Decided | None, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Settled:
    """A finished cell: its rebalances, its book, its measures and the digest of decisions, weights and returns.

    `unassumed` measures the book without the funding that was assumed; None where none was.
    """

    cell: Cell
    rebalances: PathHoldings
    result: SimResult
    performance: Performance
    unassumed: Performance | None
    stamps: Stamps
    digest: str

    @cached_property
    def restores(self) -> NDArray[np.int64]:
        """Number of the rebalance that each fill restores."""
        return restored(self.rebalances, self.result.filled, self.cell.book.execution)

    @cached_property
    def first_fills(self) -> NDArray[np.intp]:
        """Number of the first fill of each rebalance that was filled."""
        return first_fills(self.restores)


def _nobody_measures() -> float:
    return math.nan


class BacktestEngine:
    """Decides paths and settles their books on one panel; keeps what it finds of rows between calls."""

    def __init__(
        self,
        panel: Panel,
        grids: Grids,
        risk_free: RiskFree = ZERO,
        cash_yield: Floats | None = None,
        timer: Callable[[], float] = _nobody_measures,
        measured: NDArray[np.int64] | None = None,
    ) -> None:
        """`grids` holds the windows of each schedule, `risk_free` what books are measured against by row.

        `cash_yield` is what idle cash earns per year by row (T), None where that is the figure of a book's costs.
        `timer` gives seconds of computation: a clock is an argument here, and without one nothing is measured.
        `measured` are the rows at which a period of books ends, None where that is every row.
        """
        self.panel = panel
        self.risk_free = risk_free
        self.cash_yield = cash_yield
        self.measured = measured
        self._timer = timer
        self.grids = {schedule: tuple(windows) for schedule, windows in grids.items()}
        asked = sorted({window.start - 1 for windows in self.grids.values() for window in windows})
        self._features = FeaturePass(panel, answering_rows(panel, np.array(asked, dtype=np.int64)))
        self._realised: dict[tuple[Hashable, ...], MarketRegime] = {}
        self._dispersions: dict[tuple[int, ...], Floats] = {}

    def due(self, paths: Sequence[Path], done: Mapping[str, Sequence[Rebalance]]) -> tuple[Due, ...]:
        """Return what is due at each row, in order, after the rebalances that are done, by key of the path."""
        found: dict[int, list[tuple[Path, Window]]] = {}
        for path in paths:
            for window in self.grids[path.schedule][len(done.get(path.key, ())) :]:
                found.setdefault(window.start - 1, []).append((path, window))
        return tuple(Due(row=row, windows=tuple(found[row])) for row in sorted(found))

    def take_features(self, due: Sequence[Due]) -> None:
        """Compute the features of all that is due now, before the engine is given to worker processes."""
        for rules in dict.fromkeys(one.rules for one in due):
            self._features.take(rules)

    def play(self, paths: Sequence[Path]) -> Iterator[Decided]:
        """Decide all that is due of the paths, from nothing done, on this process."""
        due = self.due(paths, {})
        return self.walk(due, map(self.draft, due), {})

    def draft(self, due: Due) -> Draft:
        """Return what is found of a row without any earlier one."""
        view, rules = look(self.panel, due.row), due.rules
        for one in rules:
            chosen = quorum_view_by(view, one)
            self._features.lend(chosen.view, chosen.row, one, beside=due.beside or rules)
        prepared = tuple(prepare(view, one) for one in rules)
        drafted: list[Decided | None] = []
        shared = Shared()
        for path, window in due.windows:
            asks = starts_from_previous(path.deciding)
            drafted.append(None if asks else self._decided(view, path, window, Previous(), shared))
        return Draft(prepared=prepared, decided=tuple(drafted))

    def walk(self, due: Sequence[Due], drafts: Iterable[Draft], last: Mapping[str, Rebalance]) -> Iterator[Decided]:
        """Decide what is due, row by row, by the draft of each; `last` holds what a path decided before.

        A row's draft is asked for when the decisions of the row before it have been taken.
        """
        before = dict(last)
        for one, draft in zip(due, drafts, strict=True):
            view = look(self.panel, one.row)
            for rules, known in zip(one.rules, draft.prepared, strict=True):
                lend(view, rules, known)
            shared, told = Shared(), set[tuple[str, str]]()
            for (path, window), made in zip(one.windows, draft.decided, strict=True):
                earlier = before.get(path.key)
                previous = earlier.previous(self.panel.times) if earlier else Previous()
                if made is None or needs_previous(view, path.deciding, previous):
                    made = self._decided(view, path, window, previous, shared)
                before[path.key] = made.rebalance
                new = tuple(entry for entry in made.records if named(entry) not in told)
                told.update(map(named, new))
                yield replace(made, records=new)

    def _decided(self, view: View, path: Path, window: Window, previous: Previous, shared: Shared) -> Decided:
        """Return the decision of a path at a window; `shared` is what decisions of the row had in common so far."""
        began = self._timer()
        decision = decide(view, path.deciding, previous)
        seconds = self._timer() - began
        made, entries = recorded(path, window.id, window.start - 1, decision, shared)
        return Decided(path=path, rebalance=made, decision=decision, records=entries, seconds=seconds)

    def realised(self, row: int, rules: Rules) -> MarketRegime:
        """Return the regime at a row with all that was known then, for those who look back (R-REG-08); found once."""
        key = row, *regime_key(rules)
        if key not in self._realised:
            self._realised[key] = market_regime_at(self.panel, row, rules)
        return self._realised[key]

    def dispersion(self, filled: NDArray[np.int64]) -> Floats:
        """Return how far names lie apart from each fill to the next; found once for all books filled on these rows."""
        rows = tuple(filled.tolist())
        if rows not in self._dispersions:
            self._dispersions[rows] = frozen(dispersion(self.panel, filled))
        return self._dispersions[rows]

    def settle(self, cell: Cell, rebalances: Sequence[Rebalance]) -> Settled:
        """Simulate a path's rebalances in one book and measure it.

        Raises
        ------
        ModelError : the book cannot be kept or measured.
        """
        held = PathHoldings.of(self.panel, rebalances)
        path, costs = held.weights, self.costs_of(cell)
        result, measured = self._measured(cell, path, costs)
        unassumed = None
        if result.assumed_funding.any():
            _, unassumed = self._measured(cell, path, replace(costs, assumed_funding_bps=0.0))
        stamps = NONE.union(result.stamps, *(one.stamps for one in rebalances))
        if "volume" not in self.panel.fields:
            stamps |= {Stamp.NO_VOLUME}
        digest = digest_bytes(
            canonical_json([one.digest for one in rebalances]),
            canonical_json(list(path.keys)),
            canonical_array(path.net),
            canonical_array(result.times),
            canonical_array(result.returns),
        )
        return Settled(
            cell=cell, rebalances=held, result=result, performance=measured, unassumed=unassumed,
            stamps=stamps, digest=digest,
        )  # fmt: skip

    def _measured(self, cell: Cell, path: WeightPath, costs: CostModel) -> tuple[SimResult, Performance]:
        book = cell.book
        result = SIMULATORS[book.simulator].simulate(
            self.panel, path, book.options, costs=costs, execution=book.execution
        )
        periods, returns, rate = self.periods_of(result), result.returns, self.rate_of(result)
        if periods is not None:
            returns, rate = periods.returns(result.equity), self.risk_free.at(periods.rows)
        annual = calendar(self.panel.calendar).periods_per_year
        return result, performance(returns, periods_per_year=annual, risk_free=rate)

    def costs_of(self, cell: Cell) -> CostModel:
        """Return the costs that a cell's book is played at."""
        costs = cell.book.costs
        return costs if self.cash_yield is None else replace(costs, cash_yield=self.cash_yield)

    def periods_of(self, result: SimResult) -> Periods | None:
        """Return the periods of a book; None where each of its rows is one."""
        return periods_of(self.panel, result, self.measured)

    def rate_of(self, result: SimResult) -> RiskFree:
        """Return the risk-free rate on the rows of a book."""
        return self.risk_free.at(np.searchsorted(self.panel.times, result.times))


def rules_of(path: Path) -> Rules | None:
    """Return the rules of a path; the market has none, and sleeves have their own."""
    return None if isinstance(path.spec, MarketSpec | NettedSpec) else path.spec.rules


def grids(panel: Panel, paths: Sequence[Path]) -> Grids:
    """Return the windows of every schedule, from the first at which any name has the history to be chosen (R-SIM-01).

    Raises
    ------
    DataError : a schedule has no such window.
    """
    rules = {path.schedule: found for path in reversed(paths) if (found := rules_of(path))}
    return {schedule: walked(panel, schedule, rules[schedule]) for schedule in dict.fromkeys(p.schedule for p in paths)}


def walked(panel: Panel, schedule: Schedule, rules: Rules) -> tuple[Window, ...]:
    """Return the windows of a schedule from the first at which any name has the history to be chosen.

    Raises
    ------
    DataError : there is none.
    """
    found = schedule.windows(panel.times, panel.calendar)
    if not found:
        raise DataError(
            f"{len(panel.times)} rows are too few for a training window of {schedule.train}; import more history "
            "or shorten windows.train"
        )
    for k, window in enumerate(found):
        view = quorum_view_by(look(panel, window.start - 1), rules).view
        if has_history(view, rules):
            discovery(view, rules)  # what no decision can be made of is refused before any is
            return found[k:]
    raise DataError(
        f"no name of the universe has {rules.data.min_history} bars at any of {len(found)} windows over "
        f"{len(panel.times)} rows; import more history or choose other kinds or symbols"
    )
