"""Many books of one panel at once: equity paths, turnover and totals of costs, without what a single book tells more.

For random books, noise controls and ladders of friction, where a thousand accounts are kept to be counted. Their rules
are those of the simulator `custom` under flat costs, all of them (actions, halts, close-outs, collateral, ruin,
accruals), and so are their figures; a book that must be looked into, row by row and event by event, is played there.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import CostModel, Execution, WeightPath
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Instrument, by_kinds
from tvquant.core.panel import Bools, Floats, Panel, Times, frozen
from tvquant.core.quoting import shown
from tvquant.core.stamps import Stamps
from tvquant.simulation.account import PriceRows
from tvquant.simulation.batch_account import ASSUMED, EVENTS, FILL_EQUITY, KINDS, TRADED, TURNOVER, Books, Plans, blank
from tvquant.simulation.borrow_fee import pays_borrow_fee
from tvquant.simulation.caveats import caveats_of
from tvquant.simulation.preflight import (
    check_path,
    check_rules,
    check_traded,
    columns_of,
    delay,
    fill_rows,
    instruments_of,
    swaps_of,
)

TAKEN = MappingProxyType({
    "costs": ("slippage_bps", "commission_bps", "borrow_rate", "assumed_funding_bps"),
    "execution": ("convention", "lag", "halt_limit", "delisting_haircut", "nav", "buffer"),
})  # fmt: skip
"""Costs and rules of execution that books are played with, the value at the start among them: nothing else is measured
against it."""
PLAIN = MappingProxyType({
    section: tuple((one.name, one.default) for one in fields(kind) if one.name not in TAKEN[section])
    for section, kind in (("costs", CostModel), ("execution", Execution))
})  # fmt: skip
"""All others, with the value that each must have."""
CHUNK = 128
"""Books that are kept side by side. Their quantities, orders and one stretch of values must fit into a core's caches:
3 x N x CHUNK x 8 bytes, and as much for every decision that waits for its fill."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BookPaths:
    """K books on R rows, from their first fill to the end of the panel; F fills, N names.

    Parameters
    ----------
    times : R bar stamps.
    equity : R x K, at the close, from a capital of 1; never below zero.
    filled : F row numbers (of the panel) of the fills.
    fill_equity, traded, turnover : F x K, as in `SimResult`; 0 for fills that a liquidated book has not lived to.
    fills : K fills of each book.
    costs : name -> K totals, as fractions of starting capital, of the kinds of `SimResult` and of `assumed_funding`, a
        part of `funding`.
    events : kind -> K, how many there were, of the kinds of `BookEvent`.
    quantities : F x N x K held after each fill, when asked for. Until the next fill they change by splits, close-outs
        and lost collateral alone, which `events` counts.
    stamps : caveats that arose in any of the books.
    """

    times: Times
    equity: Floats
    filled: NDArray[np.int64]
    fill_equity: Floats
    traded: Floats
    turnover: Floats
    fills: NDArray[np.int64]
    costs: Mapping[str, Floats]
    events: Mapping[str, NDArray[np.int64]]
    quantities: Floats | None
    stamps: Stamps

    @property
    def returns(self) -> Floats:
        """R x K simple returns of equity, row to row, the first from the starting capital of 1; 0 after a ruin."""
        before = np.concatenate([np.ones_like(self.equity[:1]), self.equity[:-1]])
        growth = np.ones_like(before)
        np.divide(self.equity, before, out=growth, where=before > 0.0)
        return growth - 1.0


def play_books(
    panel: Panel,
    keys: tuple[str, ...],
    decided: NDArray[np.int64],
    net: Floats,
    *,
    costs: CostModel | Sequence[CostModel],
    execution: Execution,
    threads: int = 1,
    positions: bool = False,
) -> BookPaths:
    """Return the books of P paths that decide on the same rows, each under every one of C cost models.

    Book p * C + c is path p under costs c. Every figure is that of the simulator `custom`, to 1e-12; none depends on
    the books beside it or on `threads`. Memory: R x K of the result, 3 x F x K of its fills, N x K more per fill with
    `positions`, and 4 x N x 128 numbers per thread.

    Parameters
    ----------
    keys : N instruments of the panel.
    decided : D increasing rows of the panel.
    net : P x D x N target weights.
    threads : cores to use; the caller says so, for cells of a tournament compute with one each.

    Raises
    ------
    ProfileError : a rule out of range, a cost or rule of execution beyond the flat ones, `next_open` without opens.
    ModelError : weights that cannot be traded: not finite, an unknown or never traded name, no fill in the panel.
    DataError : an impossible price or corporate action.
    """
    from tvquant.simulation import quotes

    models = (costs,) if isinstance(costs, CostModel) else tuple(costs)
    _check_flat(models, execution)
    net = np.ascontiguousarray(net, dtype=np.float64)
    if execution.buffer > 0.0:
        net = net * (1.0 - execution.buffer)
    every = WeightPath(keys=keys, decided=decided, net=net[0])
    check_path(panel, every)
    if len(net) > 1 and not np.isfinite(net).all():
        for weights in net:
            check_path(panel, replace(every, net=weights))
    columns = columns_of(panel, every)
    instruments = instruments_of(panel, columns)
    filled = fill_rows(decided, execution, len(panel.times))
    market = quotes.market_of(
        panel, columns, halt_limit=execution.halt_limit, open_fills=filled if execution.at_open else None
    )
    _check_opens(market, filled, keys)
    if not market.marks[decided[0]].all():
        check_traded(market.marks, replace(every, net=np.abs(net).max(axis=0)))
    plans = _plans((instruments, swaps_of(panel, columns)), models, execution, (decided, filled, net))
    books = _played(market, plans, threads, positions=positions)
    caveats = caveats_of(instruments, execution, owed=books.owed, assumed=books.costs[ASSUMED], shorted=books.shorted)
    return _result(panel, filled, books, caveats)


def play_paths(
    panel: Panel, paths: Sequence[WeightPath], *, costs: CostModel, execution: Execution, threads: int = 1
) -> tuple[tuple[BookPaths, int], ...]:
    """Return for each path the books that it was played among, and its number there.

    Paths of the same names that decide on the same rows are played at once; one that is alone is played alone.

    Raises
    ------
    ProfileError, ModelError, DataError : see `play_books`.
    """
    groups: dict[tuple[tuple[str, ...], bytes], list[int]] = {}
    for k, path in enumerate(paths):
        groups.setdefault((path.keys, path.decided.astype(np.int64).tobytes()), []).append(k)
    found: dict[int, tuple[BookPaths, int]] = {}
    for (keys, _), members in groups.items():
        net, decided = np.stack([paths[k].net for k in members]), paths[members[0]].decided
        books = play_books(panel, keys, decided, net, costs=costs, execution=execution, threads=threads)
        found |= {k: (books, column) for column, k in enumerate(members)}
    return tuple(found[k] for k in range(len(paths)))


def _played(market: PriceRows, plans: Plans, threads: int, *, positions: bool) -> Books:
    """Return the books, played chunk by chunk; a single plain one by the shorter way."""
    from tvquant.simulation import batch_kernel, batch_single

    count = len(plans.path)
    books = blank(market.marks.shape, plans, positions=positions)
    if count == 1 and batch_single.is_plain(market, plans):
        if batch_single.run(market, plans, books):
            return books
        books = blank(market.marks.shape, plans, positions=positions)

    def play(start: int) -> None:
        batch_kernel.run(market, plans, books, start, min(CHUNK, count - start))

    if threads == 1:
        for start in range(0, count, CHUNK):
            play(start)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(play, range(0, count, CHUNK)))
    return books


def _check_opens(market: PriceRows, filled: NDArray[np.int64], keys: tuple[str, ...]) -> None:
    """Refuse fills at the open of names that have had none so far: these are filled late, which is not done here."""
    if len(market.opened):
        late = np.argwhere((filled[:, None] < market.opened) & market.priced[filled])
        if len(late):
            k, j = (int(i) for i in late[0])
            raise ProfileError(
                f"{keys[j]} has no open by row {filled[k]}, so that next_open fills it at the close, which many books "
                "at once do not: play each by itself, or take next_close"
            )


def _check_flat(models: tuple[CostModel, ...], execution: Execution) -> None:
    """Refuse rules out of range, and those that only the simulators play, one book at a time; ProfileError names it."""
    for costs in models:
        check_rules(costs, execution)
    for section, given in (*(("costs", costs) for costs in models), ("execution", execution)):
        for name, plain in PLAIN[section]:
            found = getattr(given, name)
            if found is not plain and np.any(found != plain):
                raise ProfileError(
                    f"{section}.{name} is {shown(found)}: many books at once are played with flat costs and "
                    f"plain execution ({name}: {shown(plain)}); play these one by one with a simulator"
                )


def _plans(
    held: tuple[tuple[Instrument, ...], Bools],
    models: tuple[CostModel, ...],
    execution: Execution,
    asked: tuple[NDArray[np.int64], NDArray[np.int64], Floats],
) -> Plans:
    """Return what the books ask for, from the rows decided on, the rows of the fills, and the weights.

    `held` are the instruments, and which of them are swaps.
    """
    (instruments, swaps), (decided, filled, net) = held, asked
    decided = np.ascontiguousarray(decided[: len(filled)])
    waits = delay(execution) > 0 and bool((decided[1:] <= filled[:-1]).any())
    rates = np.array([
        [one.slippage_bps * 1e-4 for one in models],
        [one.commission_bps * 1e-4 for one in models],
        [one.borrow_rate for one in models],
        [one.assumed_funding for one in models],
    ], np.float64)  # fmt: skip
    pays, accrues = swaps, bool(swaps.any()) or any(one.borrow_rate > 0.0 for one in models)
    if accrues:
        pays = frozen(by_kinds(instruments, pays_borrow_fee))
    return Plans(
        net=frozen(net),
        path=np.repeat(np.arange(len(net)), len(models)) if len(net) > 1 else np.zeros(len(models), np.int64),
        rates=np.tile(rates, len(net)) if len(net) > 1 else rates,
        decided=frozen(decided),
        filled=frozen(filled),
        bears_fee=pays,
        swaps=swaps,
        at_open=execution.at_open,
        at_once=bool(filled[0] == decided[0]),
        accrues=accrues,
        haircut=float(execution.delisting_haircut),
        pending=int((decided.searchsorted(filled, side="right") - np.arange(len(filled))).max()) if waits else 1,
    )


def _result(panel: Panel, filled: NDArray[np.int64], books: Books, stamps: Stamps) -> BookPaths:
    """Return what was written as a value."""
    for written in books:
        written.setflags(write=False)
    fills = books.fills
    return BookPaths(
        times=panel.times[int(filled[0]) :],
        equity=books.equity,
        filled=frozen(filled),
        fill_equity=fills[FILL_EQUITY],
        traded=fills[TRADED],
        turnover=fills[TURNOVER],
        fills=books.fills_of,
        costs=dict(zip(KINDS, books.costs, strict=True)),
        events=dict(zip(EVENTS, books.events, strict=True)),
        quantities=books.quantities if len(books.quantities) else None,
        stamps=stamps,
    )
