"""Discovery: which instruments are recruited as candidates at a moment, for which reason and in which direction.

1. *Universe*: instruments listed by then whose kinds and symbols the profile asks for, excluded kinds included, so that
   hygiene is counted.
2. *Pool*: those of no excluded kind, with a bar at the decision row, past structure and pool filters of a scanner.
3. *Recruits*: those past the signal filters as well; `consolidation` makes atoms of them.

Without scanners every name of the pool is held: short where that is the profile's direction, else long. All features
are as known at the decision (R-UNI-22).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tvquant.core.atoms import Atom, Direction
from tvquant.core.errors import DataError
from tvquant.core.features import FeatureSet
from tvquant.core.instruments import Instant, Instrument, Kind
from tvquant.core.panel import Panel
from tvquant.profiles.scanners import Scanner
from tvquant.profiles.sections.universe import UniverseSection
from tvquant.universe.consolidation import Consolidated, Recruit, consolidate
from tvquant.universe.screening import Screen, ScreeningOutcome

HOLD = "hold"
"""Logic of an atom that no scanner recruited."""
TRADED = "value_traded_last"
"""The feature that says which of several instruments of one coin is the primary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Instruments that were recruited, and the reasons of the others.

    Parameters
    ----------
    universe, pool : instrument keys in panel order.
    atoms : candidates in panel order, then in the order of the scanners; ids are distinct.
    excluded : key -> reason, for every name of the universe without an atom: `kind:stablecoin`, `no_bar`, what stopped
        it at the last scanner, such as `SCANNER: recommend_ma` or `SCANNER: recommend_ma is unknown`, `alternative of
        KEY`, or `max_atoms`.
    counts : scanner -> instruments it recruited, those that an earlier one had recruited alike included.
    alternatives : atom id -> keys of other instruments of the same thing, the most traded one first.
    """

    universe: tuple[str, ...]
    pool: tuple[str, ...]
    atoms: tuple[Atom, ...]
    excluded: Mapping[str, str]
    counts: Mapping[str, int]
    alternatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def required_features(universe: UniverseSection) -> frozenset[str]:
    """Return the features that the scanners filter, and the one that consolidation ranks by."""
    return frozenset({TRADED, *(name for scanner in universe.scanners for name in scanner.fields)})


def belongs(instrument: Instrument, universe: UniverseSection) -> bool:
    """Return whether the profile's universe includes this instrument; a symbol includes all its generations."""
    if universe.symbols and instrument.symbol not in universe.symbols:
        return False
    return instrument.symbol not in universe.exclude_symbols and bool(instrument.kinds & frozenset(universe.kinds))


def discover(view: Panel, universe: UniverseSection, features: FeatureSet) -> Discovery:
    """Return the candidates as known by `view` (a panel until the decision); `features` are of its last row.

    Raises
    ------
    DataError : a scanner filters a feature that this panel cannot have, or the ceiling has nothing to choose by.
    ModelError : two atoms have one id.
    """
    require(universe.scanners, features)
    members = [one for one in view.instruments if belongs(one, universe)]
    there = dict(zip(view.keys, view.tradable[-1].tolist(), strict=True))
    excluded: dict[str, str] = {}
    candidates: list[Instrument] = []
    for member in members:
        reason = _excluded_kind(member, universe.exclude_kinds, features.known_at) or (
            "" if there[member.key] else "no_bar"
        )
        if reason:
            excluded[member.key] = reason
        else:
            candidates.append(member)
    columns, day = np.arange(len(candidates)), view.times[-1]
    answers = [Screen(scanner, candidates).ask(columns, day, features) for scanner in universe.scanners]
    found = _consolidated(universe, candidates, answers, features)
    excluded |= _left_out(candidates, answers, found)
    return Discovery(
        universe=tuple(member.key for member in members),
        pool=tuple(
            one.key for k, one in enumerate(candidates) if not answers or any(each.pooled[k] for each in answers)
        ),
        atoms=found.atoms,
        excluded={member.key: excluded[member.key] for member in members if member.key in excluded},
        counts={
            scanner.name: int(each.recruited.sum()) for scanner, each in zip(universe.scanners, answers, strict=True)
        },
        alternatives=found.alternatives,
    )


def require(scanners: Sequence[Scanner], features: FeatureSet) -> None:
    """Refuse scanners that filter a feature without any value: they would recruit nobody, silently."""
    for scanner in scanners:
        for name in scanner.fields:
            if name in features.absent:
                raise DataError(
                    f"universe.scanners: scanner {scanner.name} filters {name}, and {features.absent[name]}; "
                    "import data that allow it, or drop the scanner"
                )


def recruits(
    scanners: Sequence[Scanner], candidates: Sequence[Instrument], answers: Sequence[ScreeningOutcome]
) -> list[Recruit]:
    """Return the recruits by candidate, then by scanner; a pool (a scanner without a logic) recruits nobody."""
    made: list[tuple[int, int, Recruit]] = []
    for at, (scanner, answer) in enumerate(zip(scanners, answers, strict=True)):
        if scanner.logic is None or scanner.direction is None:
            continue
        for k in np.flatnonzero(answer.recruited).tolist():
            one = candidates[k]
            atom = Atom(physical_symbol=one.key, logic=scanner.logic, direction=scanner.direction, scan=scanner.name)
            made.append((k, at, (one, atom)))
    return [recruit for _, _, recruit in sorted(made, key=lambda each: each[:2])]


def traded_values(candidates: Sequence[Instrument], features: FeatureSet) -> dict[str, float]:
    """Return the traded value (USD) of each candidate by key; NaN where it is not known."""
    keys = tuple(one.key for one in candidates)
    values: NDArray[np.float64] = features.of(TRADED, keys)
    return dict(zip(keys, values.tolist(), strict=True))


def _consolidated(
    universe: UniverseSection,
    candidates: Sequence[Instrument],
    answers: Sequence[ScreeningOutcome],
    features: FeatureSet,
) -> Consolidated:
    value = traded_values(candidates, features)
    if not universe.scanners:
        side = Direction.SHORT if universe.direction == "short" else Direction.LONG
        held = [(one, Atom(physical_symbol=one.key, logic=HOLD, direction=side)) for one in candidates]
        return consolidate(held, value)
    found = recruits(universe.scanners, candidates, answers)
    quotes = next((scanner.quotes for scanner in universe.scanners if scanner.quotes), ())
    return consolidate(found, value, quotes=quotes, most=universe.max_atoms)


def _left_out(
    candidates: Sequence[Instrument], answers: Sequence[ScreeningOutcome], found: Consolidated
) -> dict[str, str]:
    """Return key -> reason of the candidates without an atom."""
    held = {atom.physical_symbol for atom in found.atoms}
    cut = {atom.physical_symbol for atom in found.cut}
    primary = {key: symbol for symbol, keys in found.alternatives.items() for key in keys}
    owners = {atom.symbol: atom.physical_symbol for atom in (*found.atoms, *found.cut)}
    last = answers[-1].reasons() if answers else [""] * len(candidates)
    why = {}
    for one, reason in zip(candidates, last, strict=True):
        if one.key in held:
            continue
        if one.key in primary:
            why[one.key] = f"alternative of {owners[primary[one.key]]}"
        else:
            why[one.key] = "max_atoms" if one.key in cut else reason
    return why


def _excluded_kind(instrument: Instrument, kinds: Sequence[Kind], t: Instant) -> str:
    """Return `kind:` and the first excluded kind that the instrument had at `t`, empty if it had none."""
    known = instrument.kinds_at(t)
    return next((f"kind:{kind}" for kind in kinds if kind in known), "")
