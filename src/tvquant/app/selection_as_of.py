"""The selection and weights of a profile as of a date, from nothing held, on the lake's current content."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from tvquant.app.explanation import Explained
from tvquant.app.plan import make_plan
from tvquant.core.decisions import Decision, Footing
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.instants import instant
from tvquant.lake import Lake
from tvquant.profiles import ResolvedProfile
from tvquant.selection import SELECTION_MODELS, SelectionPipelineAdapter
from tvquant.selection.breakdown import Breakdown
from tvquant.tournament.candidates import selection_context
from tvquant.tournament.cells import cells, headline
from tvquant.tournament.decide import decide
from tvquant.tournament.quorum import quorum_view_by
from tvquant.tournament.specs import Previous, Rules, StrategySpec
from tvquant.tournament.views import View, look


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selected:
    """A decision of the headline cell, with the whole response of its selection.

    Parameters
    ----------
    cell : key of the cell that decided.
    asked : the date that was asked for, None for the last bar there is.
    age : days from the close of the bar that answered to the moment of asking.
    held : atom id -> weight before the decision.
    notices : what the profile leaves to defaults, or asks for in vain.
    rules, view : what winners were chosen by, and all that was known then.
    """

    cell: str
    asked: date | None
    age: float
    held: Mapping[str, float]
    decision: Decision
    notices: tuple[str, ...]
    rules: Rules
    view: View

    @property
    def footing(self) -> Footing:
        """The bar that was decided on."""
        assert self.decision.footing is not None
        return self.decision.footing

    def explained(self) -> Explained:
        """Return the decision with how its pool was judged: it is judged once more, which costs as much again.

        Raises
        ------
        ModelError : the pool cannot be judged.
        """
        model, breakdown = SELECTION_MODELS[self.rules.selection.model], None
        if self.decision.response is not None and isinstance(model, SelectionPipelineAdapter):
            given = selection_context(quorum_view_by(self.view, self.rules).view, self.rules)
            assert given is not None
            breakdown = Breakdown.of(model, given)
        return Explained(decision=self.decision, breakdown=breakdown)


def selected(lake: Lake, resolved: ResolvedProfile, as_of: date | None, *, now: datetime) -> Selected:
    """Decide at the close of the last bar dated `as_of` or before (the last bar there is when None), from nothing held.

    What closes after `now` is not looked at: it is no bar yet, whatever the lake says.

    Raises
    ------
    DataError : the lake has no bar by then.
    ProfileError : the profile's data end before it.
    """
    plan = make_plan(lake, resolved)
    moment = instant(now)
    whole = plan.panel
    end = plan.resolved.profile.data.end
    if as_of is not None and end is not None and as_of > end:
        raise ProfileError(f"--as-of {as_of} is after data.end ({end}) of the profile; drop one of them")
    panel = whole.until(moment)
    row = len(panel.times) - 1
    if as_of is not None:
        row = int(np.searchsorted(panel.times, np.datetime64(as_of, "us") + np.timedelta64(1, "D"), side="left")) - 1
    if row < 0:
        raise DataError(
            f"the lake has no bar on or before {as_of or str(moment)[:10]}; its first is of {str(whole.times[0])[:10]}"
        )
    profile = plan.resolved.profile
    key = headline(profile)
    spec = next(cell.spec for cell in cells(profile) if cell.key == key)
    assert isinstance(spec, StrategySpec)
    view, previous = look(panel, row), Previous()
    decision = decide(view, spec, previous)
    return Selected(
        cell=key,
        asked=as_of,
        age=float((moment - decision.as_of) / np.timedelta64(1, "D")),
        held=previous.atoms,
        decision=decision,
        notices=plan.resolved.notices,
        rules=spec.rules,
        view=view,
    )
