"""Selections of several contenders over the same windows, decided as in a tournament, and what came of each.

Discovery, health and features of a row are the same for contenders that differ in `selection` only, and are found once.
Nothing is weighed. Outcomes are read from the whole panel when every choice of the row has been made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tvquant.atoms import synthesise
from tvquant.core.errors import DataError, ModelError
from tvquant.core.panel import Panel
from tvquant.core.selection import SelectionResponse
from tvquant.core.stamps import NONE, Stamps
from tvquant.profiles import Profile
from tvquant.selection import SELECTION_MODELS
from tvquant.selection.pipeline import SelectionPipelineAdapter
from tvquant.selection.relaxation import Relaxation
from tvquant.tournament.candidates import FeaturePass, candidate_atoms, choose, held_units
from tvquant.tournament.cells import cells, headline, schedule
from tvquant.tournament.quorum import answering_rows, quorum_view_by
from tvquant.tournament.selection_evidence import SelectionWindow, measured, nothing_chosen, outcomes
from tvquant.tournament.specs import Rules, StrategySpec
from tvquant.tournament.views import View, look
from tvquant.tournament.walk_forward import walked
from tvquant.tournament.windows import Window

HORIZONS = (1, 5, 20)
"""Rows after a decision at which scores are compared with returns, where a window is longer; its end is another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A model by its rules; `floor` says whether it is in force."""

    model: str
    floor: bool
    rules: Rules

    @property
    def key(self) -> tuple[str, bool]:
        """Names it among others."""
        return self.model, self.floor


def contenders(profile: Profile) -> tuple[Contender, ...]:
    """Return the profile's selection, and the same without the floor where its model relaxes to reach it (R-SEL-24)."""
    key = headline(profile)
    spec = next(cell.spec for cell in cells(profile) if cell.key == key)
    assert isinstance(spec, StrategySpec)
    given = Contender(model=profile.selection.model, floor=True, rules=spec.rules)
    if not _relaxes(profile.selection.model):
        return (given,)
    free = profile.selection.model_copy(update={"min_winners": 1})
    return given, replace(given, floor=False, rules=replace(given.rules, selection=free))


def _relaxes(name: str) -> bool:
    model = SELECTION_MODELS[name]
    return isinstance(model, SelectionPipelineAdapter) and model.pipeline.policy.last > Relaxation.STRICT


def whole_windows(panel: Panel, profile: Profile, rules: Rules) -> tuple[Window, ...]:
    """Return windows that each last until the next one begins, without one that the panel ends before.

    Raises
    ------
    DataError : there is none, or none at which a name has the history to be chosen.
    """
    begun = walked(panel, replace(schedule(profile), test=None), rules)
    whole = tuple(one for one in begun if not one.partial)
    if not whole:
        raise DataError(
            f"the data end {len(panel.times) - begun[0].start} rows after the first decision, before the next one is "
            "due: nothing came of it yet; import later bars or shorten windows.step"
        )
    return whole


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Studied:
    """One window: its first test row and how many names were in the pool, selections by contender, and caveats."""

    start: int
    pool: int
    selections: Mapping[tuple[str, bool], SelectionWindow]
    stamps: Stamps


class SelectionStudy:
    """Decides contenders on the windows of a panel; keeps nothing between calls but the features of its rows."""

    def __init__(self, panel: Panel, windows: Sequence[Window]) -> None:
        """`windows` are those that will be asked for: whole, none overlapping another."""
        self.panel, self.windows = panel, tuple(windows)
        shortest = min(one.stop - one.start for one in self.windows)
        self.horizons = tuple(horizon for horizon in HORIZONS if horizon < shortest)
        asked = np.array([one.start - 1 for one in self.windows], dtype=np.int64)
        self._features = FeaturePass(panel, answering_rows(panel, asked))

    def take_features(self, among: tuple[Contender, ...]) -> None:
        """Compute the features that the contenders ask for now, before the study is given to worker processes."""
        self._features.take(tuple(one.rules for one in among))

    def window(self, window: Window, among: tuple[Contender, ...]) -> Studied:
        """Return the selection of every contender at one window, with what came of it."""
        asked = look(self.panel, window.start - 1)
        rules = tuple(one.rules for one in among)
        made: dict[tuple[str, bool], SelectionResponse | str] = {}
        for one in among:
            chosen = quorum_view_by(asked, one.rules)
            self._features.lend(chosen.view, chosen.row, one.rules, beside=rules)
            made[one.key] = _response(chosen.view, one.rules)
        return self._measured(asked, window, among, made)

    def _measured(
        self,
        asked: View,
        window: Window,
        among: tuple[Contender, ...],
        made: Mapping[tuple[str, bool], SelectionResponse | str],
    ) -> Studied:
        rules = among[0].rules
        view = quorum_view_by(asked, rules).view
        atoms = candidate_atoms(view, rules)
        keys = tuple(dict.fromkeys(atom.physical_symbol for atom in atoms))
        rows = slice(window.start, window.stop)
        returns = self.panel.fields["total_return"][rows][:, self.panel.columns(keys)]
        held = np.tile(held_units(view, rules, atoms), (len(returns) + 1, 1))
        streams = synthesise(returns, self.panel.times[rows], keys, atoms, held).streams
        after = outcomes(streams.ids, streams.returns, self.horizons)
        length = window.stop - window.start
        return Studied(
            start=window.start,
            pool=len(atoms),
            selections={
                key: nothing_chosen(rows=length, horizons=len(self.horizons) + 1, failure=response)
                if isinstance(response, str)
                else measured(response, after, rows=length)
                for key, response in made.items()
            },
            stamps=NONE.union(asked.panel.stamps_of(keys), *(one.rules.stamps for one in among)),
        )


def _response(view: View, rules: Rules) -> SelectionResponse | str:
    """Return what was chosen, or why the maths had no answer; nothing is said where there was nobody to choose from."""
    try:
        return choose(view, rules).response or ""
    except ModelError as error:
        return str(error)
