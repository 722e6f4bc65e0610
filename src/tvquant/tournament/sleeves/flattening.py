"""Flattening: shares of sleeves times sizes of atoms, as what each atom adds to its instrument at every netted date.

All dates are flattened at once: one entry per date, sleeve and atom that is held.

1. An atom that its sleeve decides on at the date has the size that was decided. Otherwise its quantity stands: its size
   is that size times what its price has grown since, over what the sleeve's stream has grown. Splits are in units;
   dividends are the sleeve's cash and in its stream.
2. An atom whose instrument the sleeve's own book has closed since, unordered, is the sleeve's cash.
3. What an atom takes of the whole is its sleeve's share times its size; its contribution is that with its sign.
4. Caps are kept on gross: each instrument, then each cluster, then the whole; then the side that pushes net out of its
   interval. Whoever stands behind a breach is scaled by one factor, and what is taken is cash. It is the way of
   `atoms.keep_caps` where every atom holds one instrument, which the tests hold it to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tvquant.core.allocations import CAP_TOLERANCE
from tvquant.core.atoms import Direction
from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, Panel, units_of
from tvquant.core.problems import Limits
from tvquant.core.sleeves import Sleeve
from tvquant.simulation.account import SPLIT
from tvquant.simulation.quotes import market_of
from tvquant.tournament.sleeves.shares import levels_at

type Numbers = NDArray[np.int64]


SIGNS = {side: side.sign for side in Direction}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tree:
    """Contributions of atoms at R netted dates: E entries in order of date, sleeve and atom.

    Parameters
    ----------
    date : E, number of the netted date.
    sleeve : E, number of the sleeve.
    atom : E, number in `atoms`.
    column : E, column of the panel.
    sign : E, 1 or -1.
    asked : E, what each takes of equity before caps, not negative.
    size : E, the same as held.
    atoms : every `SLEEVE/ATOM` that is ever held.
    """

    date: Numbers
    sleeve: Numbers
    atom: Numbers
    column: Numbers
    sign: Floats
    asked: Floats
    size: Floats
    atoms: tuple[str, ...]

    @property
    def weight(self) -> Floats:
        """What each adds to the net weight of its instrument."""
        return self.sign * self.size

    def ends(self, dates: int) -> Numbers:
        """Return where the entries of each date begin, and where the last ones end (R + 1)."""
        return np.searchsorted(self.date, np.arange(dates + 1))

    def cell(self, columns: int) -> Numbers:
        """Return a number per date and instrument for each entry; `columns` is how many the panel has."""
        return self.date * columns + self.column


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effects:
    """When decisions of one sleeve take effect: account rows, increasing, and the decisions' numbers in the sleeve."""

    rows: Numbers
    chosen: Numbers


def effective(sleeve: Sleeve, panel: Panel) -> Effects:
    """Return at which rows of the account a sleeve's decisions take effect: at their own, or the next that there is.

    Of several at one row the last one does; one behind the last row never does.
    """
    rows = np.searchsorted(panel.times, sleeve.decided)
    kept = rows < len(panel.times)
    kept[:-1] &= rows[1:] != rows[:-1]
    return Effects(rows=rows[kept], chosen=np.flatnonzero(kept))


def flattened(sleeves: Sequence[Sleeve], held: Sequence[Effects], shares: Floats, rows: Numbers, panel: Panel) -> Tree:
    """Return what atoms take before caps, at account rows `rows` (R) with shares R x K.

    Raises
    ------
    ModelError : an atom of an instrument that the panel lacks, or that has no price where it is held.
    """
    book = _decided(sleeves, held, panel)
    # Number of the decision in force, -1 before the first.
    force = np.column_stack([np.searchsorted(one.rows, rows, side="right") - 1 for one in held])
    date, sleeve = np.nonzero(force >= 0)
    decision = force[date, sleeve] + book.first_decision[sleeve]
    counts = book.ends[decision + 1] - book.ends[decision]
    entry = np.repeat(np.arange(len(date)), counts)
    place = np.arange(len(entry)) - np.repeat(np.cumsum(counts) - counts, counts) + book.ends[decision][entry]
    date, sleeve, decision = date[entry], sleeve[entry], decision[entry]
    column, since = book.column[place], book.row[decision]
    sign = book.sign[place]
    drift = _drift(sleeves, panel, rows[date], sleeve, since, column)
    asked = shares[date, sleeve] * book.size[place] * drift
    there = asked > 0.0
    return Tree(
        date=date[there],
        sleeve=sleeve[there],
        atom=book.atom[place][there],
        column=column[there],
        sign=sign[there],
        asked=asked[there],
        size=asked[there],
        atoms=book.atoms,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Decided:
    """Atoms of all decisions that take effect, one decision behind the other.

    Parameters
    ----------
    first_decision : number of the first decision of each sleeve (K).
    row : at which each decision takes effect (D).
    ends : where the atoms of each decision begin, and where the last ones end (D + 1).
    """

    first_decision: Numbers
    row: Numbers
    ends: Numbers
    atom: Numbers
    column: Numbers
    sign: Floats
    size: Floats
    atoms: tuple[str, ...]


def _decided(sleeves: Sequence[Sleeve], held: Sequence[Effects], panel: Panel) -> _Decided:
    column_of = {key: j for j, key in enumerate(panel.keys)}
    atoms: dict[str, int] = {}
    counts: list[int] = []
    atom: list[int] = []
    column: list[int] = []
    sign: list[int] = []
    size: list[float] = []
    for sleeve, mine in zip(sleeves, held, strict=True):
        for k in mine.chosen.tolist():
            decision = sleeve.decisions[k]
            counts.append(len(decision.atoms))
            if not decision.atoms:
                continue
            names, symbols, directions, sizes = zip(*decision.atoms, strict=True)
            if absent := [one for one in decision.atoms if one.symbol not in column_of]:
                raise ModelError(
                    f"sleeve {sleeve.name}: {absent[0].atom} holds {absent[0].symbol} from {str(decision.at)[:10]} on, "
                    "and the account has no data of it"
                )
            atom += [atoms.setdefault(f"{sleeve.name}/{name}", len(atoms)) for name in names]
            column += [column_of[symbol] for symbol in symbols]
            sign += [SIGNS[direction] for direction in directions]
            size += sizes
    decisions = [len(one.rows) for one in held]
    return _Decided(
        first_decision=np.cumsum([0, *decisions[:-1]]),
        row=np.concatenate([one.rows for one in held]),
        ends=np.cumsum([0, *counts]),
        atom=np.array(atom, dtype=np.int64),
        column=np.array(column, dtype=np.int64),
        sign=np.array(sign, dtype=np.float64),
        size=np.array(size, dtype=np.float64),
        atoms=tuple(atoms),
    )


def _drift(
    sleeves: Sequence[Sleeve], panel: Panel, now: Numbers, sleeve: Numbers, since: Numbers, column: Numbers
) -> Floats:
    """Return what the price of each entry has grown from row `since` to row `now`, over what its sleeve has grown.

    It is 0 of an atom that was closed in between, and of a sleeve of which nothing is left.
    """
    market = market_of(panel, None, halt_limit=len(panel.times), open_fills=None)
    value = market.marks * units_of(market.actions[SPLIT]) if market.actions.shape[1] else market.marks
    before, after = value[since, column], value[now, column]
    if not (before > 0.0).all():
        e = int(np.argmin(before > 0.0))
        raise ModelError(
            f"sleeve {sleeves[sleeve[e]].name}: {panel.keys[column[e]]} has no price on "
            f"{str(panel.times[since[e]])[:10]}, where it is held"
        )
    levels = np.column_stack([_on_rows(one, panel) for one in sleeves])
    begun, reached = levels[since, sleeve], levels[now, sleeve]
    gone = (reached <= 0.0) | _closed(sleeves, panel, now, sleeve, since, column)
    return np.where(gone, 0.0, after / before * begun / np.where(gone, 1.0, reached))


def _closed(
    sleeves: Sequence[Sleeve], panel: Panel, now: Numbers, sleeve: Numbers, since: Numbers, column: Numbers
) -> NDArray[np.bool_]:
    """Return of which entries the sleeve has closed the instrument behind row `since`, at row `now` or before it."""
    place, span = {key: j for j, key in enumerate(panel.keys)}, len(panel.times) + 1
    # Behind its end the account may lack who was listed later.
    known = [(k, one) for k, held in enumerate(sleeves) for one in held.closed if one.symbol in place]
    events = [(k, place[one.symbol], one.at) for k, one in known]
    at = np.array([moment for *_, moment in events], dtype="datetime64[us]")
    of = np.array([k * len(place) + j for k, j, _ in events], dtype=np.int64)
    ends, entry = np.sort(of * span + np.searchsorted(panel.times, at)), (sleeve * len(place) + column) * span
    found: NDArray[np.bool_] = np.searchsorted(ends, entry + now, "right") > np.searchsorted(
        ends, entry + since, "right"
    )
    return found


def _on_rows(sleeve: Sleeve, panel: Panel) -> Floats:
    """Return the level of a sleeve at every row of the account; 1 before its first bar, where it holds nothing."""
    found = np.ones(len(panel.times))
    first = int(np.searchsorted(panel.times, sleeve.times[0]))
    found[first:] = levels_at(sleeve, panel.times[first:])
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Capped:
    """A tree whose sizes keep the caps, and the limits as verified at each date: name -> (limit, R values)."""

    tree: Tree
    verified: Mapping[str, tuple[float, Floats]]

    @property
    def broken(self) -> NDArray[np.bool_]:
        """At which dates a limit is broken that no scaling down can mend (R)."""
        return np.any([values > limit + CAP_TOLERANCE for limit, values in self.verified.values()], axis=0)


def capped(tree: Tree, clusters: Numbers, dates: int, limits: Limits) -> Capped:
    """Return the tree with what the caps leave of it; `clusters` has the cluster number of each entry (E)."""
    columns = int(tree.column.max(initial=0)) + 1
    asset, cluster = tree.cell(columns), tree.date * (int(clusters.max(initial=0)) + 1) + clusters
    size = tree.asked
    for group, cap in ((asset, limits.position), (cluster, limits.cluster), (tree.date, limits.gross)):
        gross = np.bincount(group, size)
        over = gross > cap + CAP_TOLERANCE
        if over.any():
            size = size * np.where(over, cap / np.where(over, gross, 1.0), 1.0)[group]
    size = _within_net(tree, size, dates, limits.net)
    kept = replace(tree, size=size)
    return Capped(tree=kept, verified=_verified(kept, asset, cluster, dates, limits))


def _within_net(tree: Tree, size: Floats, dates: int, interval: tuple[float, float]) -> Floats:
    """Return sizes with the side that pushes net out of its interval scaled down, where that alone can mend it."""
    signed = tree.sign * size
    net = np.bincount(tree.date, signed, dates)
    side = np.where(net > interval[1] + CAP_TOLERANCE, 1.0, np.where(net < interval[0] - CAP_TOLERANCE, -1.0, 0.0))
    behind = signed * side[tree.date] > 0.0
    total = np.bincount(tree.date, np.where(behind, size, 0.0), dates)
    excess = np.where(side > 0.0, net - interval[1], interval[0] - net)
    mended = (side != 0.0) & (excess <= total)
    factor = np.where(mended, (total - excess) / np.where(mended, total, 1.0), 1.0)
    return np.where(behind, size * factor[tree.date], size)


def _verified(
    tree: Tree, asset: Numbers, cluster: Numbers, dates: int, limits: Limits
) -> Mapping[str, tuple[float, Floats]]:
    """Return every limit with its values on the final weights, by the names that `atoms.keep_caps` has for them."""
    _, first, number = np.unique(asset, return_index=True, return_inverse=True)
    date, of_cluster = tree.date[first], cluster[first]
    net, gross = np.abs(np.bincount(number, tree.weight)), np.bincount(number, tree.size)

    def largest(values: Floats, at: Numbers) -> Floats:
        found = np.zeros(dates)
        np.maximum.at(found, at, values)
        return found

    def by_cluster(values: Floats) -> Floats:
        _, first, number = np.unique(of_cluster, return_index=True, return_inverse=True)
        return largest(np.bincount(number, values), date[first])

    whole = np.bincount(tree.date, tree.weight, dates)
    return {
        "net_position": (limits.position, largest(net, date)),
        "gross_position": (limits.position, largest(gross, date)),
        "net_cluster": (limits.cluster, by_cluster(net)),
        "gross_cluster": (limits.cluster, by_cluster(gross)),
        "gross": (limits.gross, np.bincount(tree.date, tree.size, dates)),
        "net_high": (limits.net[1], whole),
        "net_low": (-limits.net[0], 0.0 - whole),
    }
