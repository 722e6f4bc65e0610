"""From a view to winners: discovery, health, streams and selection, each computed once per view and rules.

The funnel counts instruments and atoms at each step (R-LED-06): universe, discovery (recruited by a scanner, or every
name of a wanted kind with a bar), refined (healthy and not vetoed), selected.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tvquant.allocation.risk.fixed import FixedWeights
from tvquant.atoms import gates, is_gated, synthesise
from tvquant.core.atoms import Atom, AtomPool, Direction
from tvquant.core.calendars import calendar
from tvquant.core.digests import canonical_array, digest_bytes
from tvquant.core.errors import ModelError
from tvquant.core.features import FeatureHistory, FeatureSet
from tvquant.core.instruments import symbol_of
from tvquant.core.panel import Floats, Panel
from tvquant.core.selection import SelectionFunnel, SelectionResponse
from tvquant.core.streams import Streams
from tvquant.features import compute, history
from tvquant.features.history import common_clock
from tvquant.features.rating_rules import RATING_RULES, AdxRule, RatingRules, with_adx
from tvquant.selection import SELECTION_MODELS, SelectionContext
from tvquant.selection.contract import read_only
from tvquant.statistics import common_returns
from tvquant.tournament.specs import Parts, Rules
from tvquant.tournament.views import View
from tvquant.universe import Discovery, Health, belongs, discover, judge, required_features

GATE_CLOSED, GATE_UNKNOWN = "gate_closed", "gate_unknown"
"""Why a gated atom is no candidate: nothing would be held of it, or its gate has too few bars or data."""
BENCHMARK = "benchmark"
"""Why a candidate is not in the raw pool: what results are compared with is no part of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionOutcome:
    """Winners under some rules at a view, and the funnel; no response when no candidate reached selection."""

    response: SelectionResponse | None
    funnel: SelectionFunnel
    excluded: Mapping[str, str]
    inputs: str

    @property
    def winners(self) -> tuple[Atom, ...]:
        """Atoms to be weighted."""
        return self.response.winners if self.response else ()


def instrument_features(view: View, rules: Rules) -> FeatureSet:
    """Return what scanners and the selection model ask of every instrument."""
    return _features(view, _asked(rules), rules)


def _features(view: View, names: frozenset[str], rules: Rules) -> FeatureSet:
    min_bars = rules.data.rating_min_bars
    return view.once(
        _features_key(names, rules),
        lambda: compute(view.panel, names, rating_min_bars=min_bars, rating_rules=_rating_rules(rules)),
    )


def _features_key(names: frozenset[str], rules: Rules) -> tuple[Hashable, ...]:
    return "features", names, rules.data.rating_min_bars, rules.data.ratings


class FeaturePass:
    """Features and gates of many rows of a panel from one pass over its bars, for views that would each compute theirs.

    Both are at each row, to the last bit, what the view cut after it gives. Worker processes are given what has been
    computed.
    """

    def __init__(self, panel: Panel, rows: NDArray[np.int64]) -> None:
        """`rows` (ascending) are those that will be asked for; of any other a view computes its own."""
        self._panel, self._rows = panel, rows
        self._whole = common_clock(panel)
        self._told: dict[Hashable, FeatureHistory] = {}
        self._gates: dict[Hashable, dict[str, Floats]] = {}

    def take(self, rules: Sequence[Rules]) -> None:
        """Compute now what views are lent that these rules have in common."""
        for one in rules:
            if self._whole:
                self._history(_asked_beside(one, rules), one)

    def lend(self, view: View, row: int, rules: Rules, beside: Sequence[Rules] = ()) -> None:
        """Give the view of that row what `instrument_features` and gates compute; nothing where cells come late.

        What the rules `beside` ask for as well is computed once for all of them, there too.
        """
        mine, names = _asked(rules), _asked_beside(rules, beside)
        place = int(np.searchsorted(self._rows, row))
        if self._whole and row in self._rows[place : place + 1]:
            found = view.once(_features_key(names, rules), lambda: self._history(names, rules).at(place))
        elif names != mine:
            found = _features(view, names, rules)
        else:
            return
        view.once(_features_key(mine, rules), lambda: found.only(mine))
        if self._whole and rules.logics:
            self._lend_gates(view, row, rules)

    def _lend_gates(self, view: View, row: int, rules: Rules) -> None:
        told = self._gates.setdefault(rules.logics, {})
        try:
            atoms = tuple(atom for atom in discovery(view, rules).atoms if is_gated(atom))
        except ModelError:  # each decision says it
            return
        if new := tuple(atom for atom in atoms if atom.symbol not in told):
            told |= dict(zip((one.symbol for one in new), gates(self._panel, new, rules.logics).T, strict=True))
        known: dict[str, Floats] = view.once(_gates_key(rules), dict)
        known |= {atom.symbol: told[atom.symbol][: row + 1] for atom in atoms}

    def _history(self, names: frozenset[str], rules: Rules) -> FeatureHistory:
        key = _features_key(names, rules)
        if key not in self._told:
            self._told[key] = history(
                self._panel, names, rows=self._rows, rating_min_bars=rules.data.rating_min_bars,
                rating_rules=_rating_rules(rules),
            )  # fmt: skip
        return self._told[key]


def _asked(rules: Rules) -> frozenset[str]:
    return required_features(rules.universe) | SELECTION_MODELS[rules.selection.model].features


def _asked_beside(rules: Rules, beside: Sequence[Rules]) -> frozenset[str]:
    """Return what these rules ask for, and those of them beside that mean the same by it."""
    mine = _asked(rules)
    return mine.union(*(_asked(one) for one in beside if _features_key(mine, one) == _features_key(mine, rules)))


def _rating_rules(rules: Rules) -> RatingRules:
    name, adx = rules.data.ratings
    return RATING_RULES[name] if adx is None else with_adx(RATING_RULES[name], AdxRule(adx))


def discovery(view: View, rules: Rules) -> Discovery:
    """Return who is in the universe, in the base pool, and recruited."""

    def compute_discovery() -> Discovery:
        found = discover(view.panel, rules.universe, instrument_features(view, rules))
        return found if rules.sides is None else replace(found, atoms=_on_sides(found.atoms, rules.sides, view.day))

    return view.once(("discovery", rules.recruiting), compute_discovery)


def _on_sides(atoms: tuple[Atom, ...], sides: FixedWeights, day: date) -> tuple[Atom, ...]:
    """Return the atoms with those short whose names are declared so at that session."""
    short = {symbol for symbol, weight in sides.in_force(day) or () if weight < 0.0}
    return tuple(
        replace(atom, direction=Direction.SHORT) if symbol_of(atom.physical_symbol) in short else atom for atom in atoms
    )


def health(view: View, rules: Rules) -> Health:
    """Return which names of the base pool have data that may be used."""

    def compute_health() -> Health:
        columns = view.panel.columns(discovery(view, rules).pool)
        return judge(view.panel, columns, rules.data, train=rules.train)

    return view.once(("health", rules.judging), compute_health)


def has_history(view: View, rules: Rules) -> bool:
    """Return whether any name of the universe reaches the history floor, whatever a scanner says of it that day."""
    members = [j for j, one in enumerate(view.panel.instruments) if belongs(one, rules.universe)]
    return judge(view.panel, np.array(members, dtype=np.intp), rules.data, train=rules.train).has_history


def base_pool(view: View, rules: Rules) -> tuple[str, ...]:
    """Return healthy instruments of the base pool: before any signal was asked."""
    failed = health(view, rules).failed
    return tuple(key for key in discovery(view, rules).pool if key not in failed)


def choose(view: View, rules: Rules) -> SelectionOutcome:
    """Return the winners under these rules.

    Raises
    ------
    ModelError : the maths has no answer; found once and kept like an answer.
    """

    def compute_choice() -> SelectionOutcome | ModelError:
        try:
            return _choose(view, rules)
        except ModelError as error:
            return error

    found = view.once(("choice", rules.choosing), compute_choice)
    if isinstance(found, ModelError):
        raise found
    return found


def atom_pool(view: View, rules: Rules, atoms: tuple[Atom, ...]) -> AtomPool:
    """Return the pool of these atoms, with their synthetic-long streams over the lookback."""
    return view.once(("atom pool", *_pool_key(rules, atoms)), lambda: read_only(_synthesised(view, rules, atoms)))


def _pool_key(rules: Rules, atoms: tuple[Atom, ...]) -> tuple[Hashable, ...]:
    """Return what the streams of these atoms over the lookback depend on."""
    return atoms, rules.data.lookback, rules.logics


def _synthesised(view: View, rules: Rules, atoms: tuple[Atom, ...]) -> AtomPool:
    panel, tail = view.panel, slice(-rules.data.lookback, None)
    keys = tuple(dict.fromkeys(atom.physical_symbol for atom in atoms))
    returns, known = panel.fields["total_return"][tail][:, panel.columns(keys)], _gates(view, rules, atoms)
    if known is not None:
        before = np.full((1, len(atoms)), np.nan) if len(known) == len(returns) else known[:0]
        known = np.concatenate([before, known[-len(returns) - 1 :]])
    return synthesise(returns, panel.times[tail], keys, atoms, known)


def training_streams(view: View, rules: Rules, atoms: tuple[Atom, ...]) -> Streams:
    """Return streams on the training rows that all assets have; holes are joined before shorts are turned over.

    The gate of a joined row is that of the row before it on which all had a bar.
    """
    panel, tail = view.panel, slice(-rules.train - 1, None)
    keys = tuple(dict.fromkeys(atom.physical_symbol for atom in atoms))
    columns = panel.columns(keys)
    have = panel.tradable[tail][:, columns]
    common, shared = common_returns(have, panel.fields["total_return"][tail][:, columns]), have.all(axis=1)
    known = _gates(view, rules, atoms)
    if known is not None:
        known = np.concatenate([known[tail][shared][:-1], known[-1:]])
    return synthesise(common, panel.times[tail][shared][1:], keys, atoms, known).streams


def held_units(view: View, rules: Rules, atoms: tuple[Atom, ...]) -> Floats:
    """Return what is held of K atoms per unit of weight from the view on: their gates; 1 of pass-through ones."""
    known = _gates(view, rules, atoms)
    return np.ones(len(atoms)) if known is None else known[-1]


def gates_of(view: View, rules: Rules, atoms: tuple[Atom, ...]) -> dict[str, float]:
    """Return atom id -> gate at the view's last row, of those that are gated."""
    held = held_units(view, rules, atoms).tolist()
    return {atom.symbol: gate for atom, gate in zip(atoms, held, strict=True) if is_gated(atom)}


def _gates(view: View, rules: Rules, atoms: tuple[Atom, ...]) -> Floats | None:
    """Return the gates (T x K) of these atoms as known at each row of the view; None where none is gated."""
    gated = tuple(atom for atom in atoms if is_gated(atom))
    if not gated:
        return None
    known: dict[str, Floats] = view.once(_gates_key(rules), dict)
    if new := tuple(atom for atom in gated if atom.symbol not in known):
        known |= dict(zip((atom.symbol for atom in new), gates(view.panel, new, rules.logics).T, strict=True))
    ones = np.ones(len(view.panel.times))
    return np.column_stack([known.get(atom.symbol, ones) for atom in atoms])


def _gates_key(rules: Rules) -> Hashable:
    return "gates", rules.logics


def gated_out(view: View, rules: Rules) -> Mapping[str, str]:
    """Return atom id -> why it is no candidate, of healthy recruits whose gate leaves nothing to hold.

    `gate_closed`: it is 0 at the last row. `gate_unknown`: it is not known there, or on some training row with a bar.
    """

    def compute() -> dict[str, str]:
        atoms = tuple(atom for atom in _healthy(view, rules) if is_gated(atom))
        known = _gates(view, rules, atoms)
        if known is None:
            return {}
        tail = slice(-rules.train - 1, None)
        have = view.panel.tradable[tail][:, view.panel.columns(tuple(atom.physical_symbol for atom in atoms))]
        unknown = (np.isnan(known[tail]) & have).any(axis=0) | np.isnan(known[-1])
        out = {atom.symbol: GATE_UNKNOWN for atom, so in zip(atoms, unknown, strict=True) if so}
        closed = {atom.symbol: GATE_CLOSED for atom, gate in zip(atoms, known[-1], strict=True) if gate == 0.0}
        return closed | out

    return view.once(("gated out", rules.judging, rules.logics), compute)


def context(view: View, rules: Rules, pool: AtomPool) -> SelectionContext:
    """Return what a selection model is given; what models find of equal pools and features is found once per view."""
    key = Parts((*_pool_key(rules, pool.atoms), *_features_key(_asked(rules), rules)))
    return SelectionContext(
        decided_at=view.as_of,
        pool=pool,
        features=instrument_features(view, rules),
        parameters=rules.selection,
        train=rules.train,
        identities=view.once("identities", lambda: _identities(view.panel)),
        periods_per_year=calendar(view.panel.calendar).periods_per_year,
        once=lambda part, compute: view.once((part, key), compute),
    )


def _identities(panel: Panel) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({one.key: one.identity for one in panel.instruments})


def selection_context(view: View, rules: Rules) -> SelectionContext | None:
    """Return what the selection model is given at the view; None where it has nobody to choose from."""
    atoms = candidate_atoms(view, rules)
    return context(view, rules, atom_pool(view, rules, atoms)) if atoms else None


def candidate_atoms(view: View, rules: Rules) -> tuple[Atom, ...]:
    """Return the atoms that a selection model chooses from: recruited, of healthy names, with an open gate."""

    def compute() -> tuple[Atom, ...]:
        out = gated_out(view, rules)
        return tuple(atom for atom in _healthy(view, rules) if atom.symbol not in out)

    return view.once(("candidates", rules.judging, rules.logics), compute)


def _healthy(view: View, rules: Rules) -> tuple[Atom, ...]:
    failed = health(view, rules).failed
    return tuple(atom for atom in discovery(view, rules).atoms if atom.physical_symbol not in failed)


def unselected(view: View, rules: Rules, atoms: tuple[Atom, ...]) -> SelectionOutcome:
    """Return the outcome where these atoms are held and no model chooses; the same for every model.

    The other candidates are of the benchmark.
    """
    seen, failed, gated = discovery(view, rules), health(view, rules).failed, gated_out(view, rules)
    beside = [atom for atom in candidate_atoms(view, rules) if atom not in atoms]
    funnel = _funnel(seen, atoms, failed, {**gated, **{atom.symbol: BENCHMARK for atom in beside}}, None)
    names = (*seen.universe, "", *seen.pool, "", *(atom.symbol for atom in atoms))
    return SelectionOutcome(
        response=None,
        funnel=replace(funnel, selected=funnel.refined, atoms_selected=funnel.atoms_refined),
        excluded={**_left_out(view, rules), **{atom.physical_symbol: BENCHMARK for atom in beside}},
        inputs=digest_bytes(*(name.encode() for name in names), canonical_array(view.panel.tradable[-1:])),
    )


def _left_out(view: View, rules: Rules) -> Mapping[str, str]:
    """Return instrument key -> why, for everything in the universe that no selection model sees."""
    seen, failed = discovery(view, rules), health(view, rules).failed
    recruited, gated = [atom.physical_symbol for atom in seen.atoms], gated_out(view, rules)
    held = {atom.physical_symbol for atom in candidate_atoms(view, rules)}
    shut = {a.physical_symbol: gated[a.symbol] for a in reversed(seen.atoms) if a.symbol in gated}
    return {
        **seen.excluded,
        **{key: why for key, why in shut.items() if key not in held},
        **{key: failed[key] for key in recruited if key in failed},
    }


def _choose(view: View, rules: Rules) -> SelectionOutcome:
    seen, failed, gated = discovery(view, rules), health(view, rules).failed, gated_out(view, rules)
    response, given = None, selection_context(view, rules)
    if given is not None:
        response = SELECTION_MODELS[rules.selection.model].select(given)
    key = "inputs", rules.judging, rules.logics, _features_key(_asked(rules), rules)
    return SelectionOutcome(
        response=response,
        funnel=_funnel(seen, given.pool.atoms if given else (), failed, gated, response),
        excluded=_left_out(view, rules),
        inputs=view.once(key, lambda: _inputs(seen, instrument_features(view, rules), given)),
    )


def _inputs(seen: Discovery, features: FeatureSet, given: SelectionContext | None) -> str:
    """Return the digest of what is chosen from: names, features and streams; alike for all models that are given it."""
    parts = [key.encode() for key in (*seen.universe, "", *seen.pool)]
    if given is not None:
        pool = given.pool
        parts += [*(symbol.encode() for symbol in pool.ids), canonical_array(pool.streams.returns)]
        if any(atom.direction is Direction.SHORT for atom in pool.atoms):  # a stream lacks its asset's return
            parts.append(canonical_array(pool.own))
    return digest_bytes(features.digest().encode(), *parts)


def _funnel(
    seen: Discovery,
    candidates: tuple[Atom, ...],
    failed: Mapping[str, str],
    gated: Mapping[str, str],
    response: SelectionResponse | None,
) -> SelectionFunnel:
    vetoes = response.standing_vetoes if response else {}
    winners = response.winners if response else ()
    refined = [atom for atom in candidates if atom.symbol not in vetoes]
    lost = [failed[atom.physical_symbol] for atom in seen.atoms if atom.physical_symbol in failed]
    return SelectionFunnel(
        universe=len(seen.universe),
        discovery=_assets(seen.atoms),
        refined=_assets(refined),
        selected=_assets(winners),
        atoms_discovery=len(seen.atoms),
        atoms_refined=len(refined),
        atoms_selected=len(winners),
        vetoed=dict(sorted(Counter([*lost, *gated.values(), *(veto.rule for veto in vetoes.values())]).items())),
    )


def _assets(atoms: tuple[Atom, ...] | list[Atom]) -> int:
    return len({atom.physical_symbol for atom in atoms})
