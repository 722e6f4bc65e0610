"""Netting: what one account holds of all sleeves, decided anew at every date at which anything is.

1. Dates are those at which the sleeves are weighed and those at which any sleeve decides, or its own book closed a name
   unordered, from the first meta decision to the last bar that all sleeves have. What happens at a stamp that is no row
   of the account waits for the next one; decisions that wait are counted. At the account's last row nothing is decided:
   nothing would come of it.
2. Each sleeve has its share as it has drifted since the sleeves were weighed (`shares`), each of its atoms its size as
   it has drifted since the sleeve decided (`flattening`).
3. Caps are kept on gross over all instruments, by clusters found at that date (`union`). Where no scaling down can keep
   a limit all is cash, and that is said.
4. The net weight of an instrument is the sum of its atoms' contributions; what is opposite costs nothing to hold.
   Holdings are named `SLEEVE/ATOM`: every table of a cell leads back to them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tvquant.core.errors import DataError, ModelError
from tvquant.core.panel import Floats, Panel, Times
from tvquant.core.sleeves import Sleeve
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.sleeves.flattening import Numbers, Tree, capped, effective, flattened
from tvquant.tournament.sleeves.netted_dates import NettedDates
from tvquant.tournament.sleeves.shares import MetaPath, drifted, levels_at
from tvquant.tournament.sleeves.specs import UnionRules
from tvquant.tournament.sleeves.union import unions_of
from tvquant.tournament.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NettedBook:
    """What one account holds of K sleeves at R dates.

    Parameters
    ----------
    key : of the meta path.
    sleeves : their K names.
    rebalances : R, with `SLEEVE/ATOM` for atoms, the sleeve's number for its allocation cluster, and the cluster of the
        union for that of selection.
    shares : R x K, of each sleeve at the date, before caps.
    tree : what each atom contributes to its instrument; its columns are those of the panel with these `keys`.
    payloads : R decisions as JSON can hold them, of which the rebalances have the digests.
    waited : how many decisions of each sleeve, and of the meta path under its key, waited for a later row.
    """

    key: str
    sleeves: tuple[str, ...]
    rebalances: tuple[Rebalance, ...]
    shares: Floats
    tree: Tree
    keys: tuple[str, ...]
    payloads: tuple[Mapping[str, Any], ...]
    waited: Mapping[str, int]

    def windows(self, rows: int) -> tuple[Window, ...]:
        """Return the windows of the rebalances on an account of so many rows: each lasts until the next begins."""
        starts = [one.row + 1 for one in self.rebalances]
        ends = [*starts[1:], rows]
        return tuple(Window(id=a, start=a, stop=b, partial=False) for a, b in zip(starts, ends, strict=True))

    def table(self, times: Times) -> dict[str, Any]:
        """Return the result table `tree`, one row per date and atom held; `times` are those of the account."""
        tree, at = self.tree, times[[one.row for one in self.rebalances]]
        return {
            "decided_at": at[tree.date],
            "sleeve": [self.sleeves[k] for k in tree.sleeve.tolist()],
            "atom": [tree.atoms[a] for a in tree.atom.tolist()],
            "symbol": [self.keys[j] for j in tree.column.tolist()],
            "share": self.shares[tree.date, tree.sleeve],
            "weight": tree.weight,
        }


def netted(sleeves: Sequence[Sleeve], path: MetaPath, panel: Panel, rules: UnionRules) -> NettedBook:
    """Return what the account of a meta path holds; `panel` is the account's.

    Raises
    ------
    DataError : no meta decision is at or before a row of the account that can be filled.
    ModelError : sleeves are not those of the path; an atom of an instrument that the panel lacks, or without a price.
    """
    names = tuple(one.name for one in sleeves)
    if names != path.names:
        raise ModelError(f"sleeves {', '.join(names)} are not those that were weighed: {', '.join(path.names)}")
    held = [effective(one, panel) for one in sleeves]
    meta = np.searchsorted(panel.times, path.times)
    rows = _dates(sleeves, meta, path, panel)
    in_force = np.searchsorted(meta, rows, side="right") - 1
    shares = _shares(sleeves, path, in_force, panel.times[rows])
    tree = flattened(sleeves, held, shares, rows, panel)
    unions = unions_of(panel, rows, tree, rules)
    found = capped(tree, unions.numbers, len(rows), rules.limits)
    kept = found.tree
    if (broken := found.broken).any():
        kept = replace(kept, size=np.where(broken[kept.date], 0.0, kept.size))
    weighed = tuple(path.decisions[k] for k in in_force.tolist())
    made = NettedDates(sleeves, weighed, panel, rows, shares, replace(found, tree=kept), unions)
    payloads = tuple(made.payload(k) for k in range(len(rows)))
    return NettedBook(
        key=path.key,
        sleeves=names,
        rebalances=tuple(made.rebalance(k, payload) for k, payload in enumerate(payloads)),
        shares=shares,
        tree=kept,
        keys=panel.keys,
        payloads=payloads,
        waited=_waited(sleeves, path, panel.times[: rows[-1] + 1]),
    )


def decision_times(sleeves: Sequence[Sleeve], path: MetaPath) -> Times:
    """Return the stamps at which an account is decided: from the first meta decision on, by its path or any sleeve."""
    found = np.unique(np.concatenate([path.times, *(one.changed for one in sleeves)]))
    return found[found >= path.decisions[0].at]


def put_back(tree: Tree, held: Mapping[tuple[int, int], float]) -> Floats:
    """Return what of the weight that is really held belongs to each entry of a tree (E).

    `held` is by date and column; what it lacks is held as decided. What differs from the decided net is shared by gross
    contributions, so that the entries of an instrument always add up to what is held of it, opposite ones too.
    """
    columns = int(tree.column.max(initial=0)) + 1
    cell = tree.cell(columns)
    net, gross = np.bincount(cell, tree.weight), np.bincount(cell, tree.size)
    apart = np.zeros(len(net))
    for (date, column), weight in held.items():
        at = date * columns + column
        if column >= columns or at >= len(gross) or gross[at] == 0.0:
            raise ModelError(f"netted date {date}: column {column} is held and no atom is behind it")
        apart[at] = (weight - net[at]) / gross[at]
    return tree.weight + tree.size * apart[cell]


def _waited(sleeves: Sequence[Sleeve], path: MetaPath, times: Times) -> Mapping[str, int]:
    """Return how many decisions of each sleeve, and of the path, are at none of these rows, until the last of them."""
    decided = {one.name: one.decided for one in sleeves} | {path.key: path.times}
    return {
        name: int((~np.isin(at[(at >= path.decisions[0].at) & (at <= times[-1])], times)).sum())
        for name, at in decided.items()
    }


def _dates(sleeves: Sequence[Sleeve], meta: Numbers, path: MetaPath, panel: Panel) -> Numbers:
    """Return the rows at which the account is decided."""
    end = min(one.times[-1] for one in sleeves)
    found = np.unique(np.concatenate([meta, *(np.searchsorted(panel.times, one.changed) for one in sleeves)]))
    last = min(len(panel.times) - 1, int(np.searchsorted(panel.times, end, side="right")))
    rows = found[(found >= meta.min(initial=last)) & (found < last)]
    if not len(rows):
        raise DataError(
            f"{path.key}: the account ends on {str(panel.times[-1])[:10]} and has no row at or behind a meta decision "
            "that could be filled; give the sleeves more history"
        )
    return rows


def _shares(sleeves: Sequence[Sleeve], path: MetaPath, in_force: Numbers, times: Times) -> Floats:
    """Return the R x K shares at these stamps, drifted since the meta decision in force at each."""
    since = path.times[in_force]
    growth = np.column_stack([levels_at(one, times) / levels_at(one, since) for one in sleeves])
    return drifted(path.weights[in_force], growth)
