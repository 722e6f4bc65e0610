"""Directional purity: whether every short atom was held short and every long one long (R-SYN-06).

1. A contribution is an atom's weight x sign x gate at a decision. It is judged by itself, not by what is left of its
   asset net: there a short and a larger long of one name are a long.
2. Flattening kept its sign where the asset's net weight is the sum of its contributions; else none of the asset's is
   pure.
3. The book kept it where the asset brought money on the side of that sum: on every row between the decision's fill and
   the next one, what it brought and what its price did agree. Here no sign that was decided is read again: what it
   brought is of units and prices.

A row in which the price did not move tells nothing; neither does one with two decisions in it, a name that was closed,
not filled or not held, or a book that goes only a part of the way to its orders.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import EventKind, Execution, SimResult
from tvquant.core.panel import Panel
from tvquant.tournament.attribution import Earned
from tvquant.tournament.rebalances import Rebalance, first_fills, restored

CONSERVED = 1e-10
"""Most by which a net weight may differ from the sum of its contributions (R-SYN-10)."""

type Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Purity:
    """Counts of contributions by rebalance (K each).

    Parameters
    ----------
    contributions, shorts : all, and those of short atoms.
    inverted : whose sign flattening lost.
    contradicted : whose asset brought money on the other side.
    confirmed : whose asset brought money on their net's side wherever that could be seen, and could be seen.
    """

    contributions: Counts
    shorts: Counts
    inverted: Counts
    contradicted: Counts
    confirmed: Counts

    @property
    def impure(self) -> int:
        """Contributions that are not what was decided."""
        return int(self.inverted.sum() + self.contradicted.sum())


def purity(
    panel: Panel, result: SimResult, execution: Execution, rebalances: Sequence[Rebalance], earned: Earned
) -> Purity:
    """Return the counts of a book; `earned` is what each of its names brought by row."""
    seen = _Seen(panel, result, execution, rebalances, earned)
    rows = [_counts(seen, k, one) for k, one in enumerate(rebalances)]
    columns = np.array(rows, dtype=np.int64).reshape(len(rows), 5).T
    return Purity(
        contributions=columns[0], shorts=columns[1], inverted=columns[2], contradicted=columns[3], confirmed=columns[4]
    )


def by_asset(one: Rebalance) -> Mapping[str, list[float]]:
    """Return asset -> the contributions to it, signed."""
    found: dict[str, list[float]] = {}
    for part in one.contributions:
        if part.size != 0.0:
            found.setdefault(part.symbol, []).append(part.size)
    return found


def _counts(seen: "_Seen", k: int, one: Rebalance) -> tuple[int, int, int, int, int]:
    count, shorts, inverted, contradicted, confirmed = 0, 0, 0, 0, 0
    for symbol, parts in by_asset(one).items():
        net, own = math.fsum(parts), len(parts)
        count += own
        shorts += sum(part < 0.0 for part in parts)
        if abs(net - one.weights.get(symbol, 0.0)) > CONSERVED:
            inverted += own
        elif abs(net) > CONSERVED and (sides := seen.sides(k, symbol)):
            kept = sides == {math.copysign(1.0, net)}
            confirmed, contradicted = confirmed + own * kept, contradicted + own * (not kept)
    return count, shorts, inverted, contradicted, confirmed


class _Seen:
    """On which side each name brought money between fills, as prices show it."""

    def __init__(
        self, panel: Panel, result: SimResult, execution: Execution, rebalances: Sequence[Rebalance], earned: Earned
    ) -> None:
        first = len(panel.times) - len(result.times)
        with np.errstate(invalid="ignore"):
            self._side = np.sign(np.nan_to_num(earned[0] + earned[1])) * np.sign(
                np.nan_to_num(panel.fields["total_return"][first:])
            )
        self._column = {key: j for j, key in enumerate(panel.keys)}
        decision = restored(rebalances, result.filled, execution)
        starts = first_fills(decision)
        fills, ends = result.filled[starts] - first, len(result.times)
        # A fill at the open splits its row between two decisions; one at the close ends the row of the one before.
        last = np.append(fills[1:], ends) if execution.at_open else np.append(fills[1:] + 1, ends)
        whole = execution.partial == 1.0 and execution.participation is None
        self._rows = {int(k): slice(a + 1, b) for k, a, b in zip(decision[starts], fills, last, strict=True) if whole}
        self._next = dict(zip(decision[starts].tolist(), np.append(fills[1:], ends).tolist(), strict=True))
        self._odd: dict[str, list[tuple[EventKind, int]]] = {}
        for event in result.events:
            self._odd.setdefault(event.key, []).append((event.kind, event.row - first))

    def sides(self, k: int, symbol: str) -> set[float]:
        """Return the sides (1, -1) that a name was on after decision `k`; none where nothing can be told."""
        rows = self._rows.get(k)
        if rows is None:
            return set()
        for kind, row in self._odd.get(symbol, ()):  # an order that was not filled is of the decision that made it
            if rows.start - 1 <= row < (self._next[k] if kind is EventKind.UNFILLED else rows.stop):
                return set()
        return set(self._side[rows, self._column[symbol]].tolist()) - {0.0}
