"""The selection and weights of a profile as of a date, from nothing held, on the lake's current content."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from tvquant.app.plan import make_plan
from tvquant.core.decisions import Decision, Footing
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.instants import instant
from tvquant.core.selection import SelectionResponse
from tvquant.lake import Lake
from tvquant.profiles import ResolvedProfile
from tvquant.profiles.messages import suggested
from tvquant.tournament.cells import cells, headline
from tvquant.tournament.decide import decide
from tvquant.tournament.specs import Previous
from tvquant.tournament.views import look


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
    """

    cell: str
    asked: date | None
    age: float
    held: Mapping[str, float]
    decision: Decision
    notices: tuple[str, ...]

    @property
    def footing(self) -> Footing:
        """The bar that was decided on."""
        assert self.decision.footing is not None
        return self.decision.footing

    def explanation(self, symbol: str) -> dict[str, Any]:
        """Return everything about one instrument or atom: why it is out, or scores, components, vetoes, weight.

        Raises
        ------
        ProfileError : the universe had no such name on that date.
        """
        payload, response = self.decision.payload(), self.decision.response
        if symbol in payload["excluded"]:
            return {"symbol": symbol, "excluded": payload["excluded"][symbol]}
        ids = [
            atom for atom in (response.scores if response else {}) if atom == symbol or atom.startswith(f"{symbol}_")
        ]
        if response is None or not ids:
            ticker = symbol.upper()
            venues = [atom.partition(":")[0] for atom in (response.scores if response else {}) if f":{ticker}_" in atom]
            venues += [key.partition(":")[0] for key in payload["excluded"] if key.endswith(f":{ticker}")]
            hint = suggested(f"{venues[0]}:{ticker}") if venues else f"; `tvquant data ls {symbol}` says what is stored"
            raise ProfileError(f"{symbol} was not in the universe on {str(self.footing.bar)[:10]}{hint}")
        return {"symbol": symbol, "atoms": [_explained(response, self.decision, atom) for atom in ids]}


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
    previous = Previous()
    decision = decide(look(panel, row), spec, previous)
    return Selected(
        cell=key,
        asked=as_of,
        age=float((moment - decision.as_of) / np.timedelta64(1, "D")),
        held=previous.atoms,
        decision=decision,
        notices=plan.resolved.notices,
    )


def _explained(response: SelectionResponse, decision: Decision, atom: str) -> Mapping[str, Any]:
    veto = response.vetoes.get(atom)
    return {
        "atom": atom,
        "score": response.scores[atom],
        "rank": 1 + sum(score > response.scores[atom] for score in response.scores.values()),
        "of": len(response.scores),
        "components": dict(response.components.get(atom, {})),
        "missing": [name for name, ids in response.missing.items() if atom in ids],
        "cluster": response.clusters[atom],
        "veto": None if veto is None else asdict(veto),
        "won": response.recruited.get(atom),
        "weight": decision.atoms.get(atom, 0.0),
    }
