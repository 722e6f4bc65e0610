"""Quorum: which bar a decision is made on.

1. A name is alive at a row when it has a bar in one of the last five rows, that one included, and is not known to be
   delisted. A row has a quorum where enough of the names alive there have its bar.
2. A decision is asked for at the view's last row, and taken at the last row of five that has a quorum: what is known of
   the later ones is not looked at. So a day that has arrived for some names only sells none of the others.
3. Where none of the five has one, the last row itself is decided on, and the decision says so.

Judged are the names that the cell may hold, those of excluded kinds left out; and of the past only (R-SIM-03).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.decisions import Footing
from tvquant.core.instruments import Instrument
from tvquant.core.panel import Bools, Panel, Times
from tvquant.tournament.specs import MarketSpec, Rules, Spec
from tvquant.tournament.views import View, look
from tvquant.universe import belongs

type Columns = NDArray[np.intp]
type Rows = NDArray[np.int64]

SESSIONS = 5
"""Rows of the grid within which a name must have had a bar to be alive, and among which one with a quorum is sought."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuorumView:
    """The view that is decided on, whose last row is the one that answers, with its footing."""

    view: View
    footing: Footing

    @property
    def row(self) -> int:
        """The row of the panel that answers."""
        return self.view.row


def quorum_view(view: View, spec: Spec) -> QuorumView:
    """Return the view that a decision of this spec is made on, asked for at the view's last row."""
    if not isinstance(spec, MarketSpec):
        return quorum_view_by(view, spec.rules)
    found = view.once(("quorum", spec), lambda: _chosen(view, lambda one: one.symbol in spec.symbols, spec.quorum))
    return _answering(view, found)


def quorum_view_by(view: View, rules: Rules) -> QuorumView:
    """Return the view that a decision by these rules is made on."""

    def choose() -> Chosen:
        universe, excluded = rules.universe, frozenset(rules.universe.exclude_kinds)

        def may_be_held(one: Instrument) -> bool:
            return belongs(one, universe) and not one.kinds_at(view.as_of) & excluded

        return _chosen(view, may_be_held, rules.data.quorum)

    return _answering(view, view.once(("quorum", rules.answering), choose))


def answering_rows(panel: Panel, rows: Rows) -> Rows:
    """Return the rows (ascending) of which one answers each of these, whatever names a cell may hold.

    It is the row itself where every name that had a bar of late has one; else one with a quorum is looked for.
    """
    late = [panel.tradable[np.maximum(rows - back, 0)] for back in range(SESSIONS)]
    lacking = rows[~(late[0] == np.logical_or.reduce(late)).all(axis=1)]
    earlier = (lacking[:, None] - np.arange(1, SESSIONS)).ravel()
    return np.union1d(rows, earlier[earlier >= 0])


type Chosen = tuple[View | None, Footing]
"""An earlier view that answers in place of this one, if one does. A view that kept itself would never be let go."""


def _answering(view: View, found: Chosen) -> QuorumView:
    earlier, footing = found
    return QuorumView(view=view if earlier is None else earlier, footing=footing)


def _chosen(view: View, may_be_held: Callable[[Instrument], bool], quorum: float) -> Chosen:
    panel, last = view.panel, view.row
    columns = np.array([j for j, one in enumerate(panel.instruments) if may_be_held(one)], dtype=np.intp)
    ends = _ends(panel, columns)
    rows = range(last, max(last - SESSIONS, -1), -1)
    row = next((row for row in rows if _share(panel, columns, ends, row) >= quorum), None)
    answers = last if row is None else row
    alive, there = _alive(panel, columns, ends, answers), panel.tradable[answers, columns]
    asked = _alive(panel, columns, ends, last)
    footing = Footing(
        asked=panel.times[last],
        bar=panel.times[answers],
        quorum=row is not None,
        alive=int(asked.sum()),
        present=int((asked & panel.tradable[last, columns]).sum()),
        missing=tuple(panel.instruments[j].key for j in columns[alive & ~there]),
    )
    return None if answers == last else look(panel, answers), footing


def _share(panel: Panel, columns: Columns, ends: Times, row: int) -> float:
    """Return the share of the names alive at a row that have its bar; none is too few."""
    alive = _alive(panel, columns, ends, row)
    return float(panel.tradable[row, columns][alive].mean()) if alive.any() else -1.0


def _alive(panel: Panel, columns: Columns, ends: Times, row: int) -> Bools:
    """Return which had a bar in the sessions up to a row, and are not known to be delisted by then."""
    seen = panel.tradable[max(row + 1 - SESSIONS, 0) : row + 1, columns].any(axis=0)
    found: Bools = seen & ~(ends <= panel.times[row])
    return found


def _ends(panel: Panel, columns: Columns) -> Times:
    """Return when each was delisted, as known by the panel's end; NaT where it was not."""
    ends = [[fact.value for fact in panel.instruments[j].facts if fact.field == "delisted_at"] for j in columns]
    return np.array([known[-1] if known else np.datetime64("NaT", "us") for known in ends], dtype="datetime64[us]")
