"""Discovery: which instruments are recruited as candidates at a moment, for which reason and in which direction.

1. *Universe*: instruments listed by then whose kinds and symbols the profile asks for, excluded kinds included, so that
   hygiene is counted.
2. *Pool*: those of no excluded kind, with a bar at the decision row, past structure and pool filters of a scanner.
3. *Atoms*: those past the signal filters as well, one atom for each (physical symbol, logic, direction) (R-UNI-18).

Without scanners every name of the pool is one atom, held long. All features are as known at the decision (R-UNI-22).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tvquant.core.atoms import Atom, Direction
from tvquant.core.errors import DataError, ModelError
from tvquant.core.features import FeatureSet
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Panel
from tvquant.profiles.scanners import AnyOf, Filter, Scanner
from tvquant.profiles.schema import UniverseSection

HOLD = "hold"
"""Logic of an atom that no scanner recruited."""
_COMPARE = {"above": np.greater, "below": np.less, "at_least": np.greater_equal, "at_most": np.less_equal}


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Who was recruited, and why the others were not.

    Parameters
    ----------
    universe, pool : instrument keys in panel order.
    atoms : recruits in panel order, then in the order of the scanners; ids are distinct.
    excluded : key -> reason, for every name of the universe without an atom: `kind:stablecoin`, `no_bar`, or what
        stopped it at the last scanner, such as `SCANNER: recommend_ma` or `SCANNER: recommend_ma is unknown`.
    counts : scanner -> instruments it recruited, those that an earlier one had recruited alike included.
    """

    universe: tuple[str, ...]
    pool: tuple[str, ...]
    atoms: tuple[Atom, ...]
    excluded: Mapping[str, str]
    counts: Mapping[str, int]


def required_features(universe: UniverseSection) -> frozenset[str]:
    """Features that the scanners filter."""
    return frozenset(field for scanner in universe.scanners for field in scanner.fields)


def belongs(instrument: Instrument, universe: UniverseSection) -> bool:
    """Whether the profile's universe names this instrument; a symbol stands for all its generations."""
    if universe.symbols and instrument.symbol not in universe.symbols:
        return False
    return instrument.symbol not in universe.exclude_symbols and bool(instrument.kinds & frozenset(universe.kinds))


def discover(view: Panel, universe: UniverseSection, features: FeatureSet) -> Discovery:
    """Who is recruited with what `view` (a panel until the decision) knows; `features` are of its last row.

    Raises
    ------
    DataError : a scanner filters a feature that this panel cannot have.
    ModelError : two atoms have one id.
    """
    _require(universe, features)
    columns = [j for j, instrument in enumerate(view.instruments) if belongs(instrument, universe)]
    excluded: dict[str, str] = {}
    candidates: list[Instrument] = []
    for j in columns:
        member = view.instruments[j]
        reason = _excluded_kind(member, universe.exclude_kinds) or ("" if view.tradable[-1, j] else "no_bar")
        if reason:
            excluded[member.key] = reason
        else:
            candidates.append(member)
    keys = tuple(member.key for member in candidates)
    found = [_ask(scanner, candidates, features) for scanner in universe.scanners]
    atoms = _atoms(keys, universe.scanners, found)
    recruited = {atom.physical_symbol for atom in atoms}
    excluded |= {key: found[-1].stopped[k] for k, key in enumerate(keys) if key not in recruited}
    members = tuple(view.instruments[j].key for j in columns)
    return Discovery(
        universe=members,
        pool=tuple(key for k, key in enumerate(keys) if not found or any(each.pooled[k] for each in found)),
        atoms=atoms,
        excluded={key: excluded[key] for key in members if key in excluded},
        counts={scanner.name: each.stopped.count("") for scanner, each in zip(universe.scanners, found, strict=True)},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What one scanner says to each candidate: what stopped it (empty for nothing), and whether its pool has it."""

    stopped: tuple[str, ...]
    pooled: tuple[bool, ...]


def _require(universe: UniverseSection, features: FeatureSet) -> None:
    """Refuse filters on features that are unknown throughout: nobody would ever be recruited, silently."""
    for scanner in universe.scanners:
        for field in scanner.fields:
            if field in features.absent:
                raise DataError(
                    f"universe.scanners: scanner {scanner.name} filters {field}, and "
                    f"{features.absent[field]}; import data that allow it, or drop the scanner"
                )


def _excluded_kind(instrument: Instrument, kinds: Sequence[Kind]) -> str:
    """`kind:` and the first of the kinds that the instrument is of, or nothing."""
    return next((f"kind:{kind}" for kind in kinds if kind in instrument.kinds), "")


def _structure(scanner: Scanner, instrument: Instrument) -> str:
    """What of the instrument's structure the scanner does not take, or nothing."""
    hygiene = _excluded_kind(instrument, scanner.exclude_kinds)
    if hygiene:
        return hygiene
    if scanner.kinds and not instrument.kinds & frozenset(scanner.kinds):
        return f"{scanner.name}: kinds"
    if scanner.exchange is not None and instrument.symbol.partition(":")[0] != scanner.exchange:
        return f"{scanner.name}: exchange"
    if scanner.currency is not None and instrument.currency != scanner.currency:
        return f"{scanner.name}: currency"
    return ""


def _ask(scanner: Scanner, candidates: Sequence[Instrument], features: FeatureSet) -> _Answer:
    """Structure, pool filters, signal filters: the first that fails stops a candidate."""
    keys = tuple(candidate.key for candidate in candidates)
    before = [_structure(scanner, candidate) for candidate in candidates]
    pool = _filtered(before, scanner, scanner.pool, keys, features)
    stopped = _filtered(pool, scanner, scanner.signal, keys, features)
    return _Answer(stopped=tuple(stopped), pooled=tuple(not reason for reason in pool))


def _filtered(
    before: Sequence[str],
    scanner: Scanner,
    filters: Sequence[Filter | AnyOf],
    keys: tuple[str, ...],
    features: FeatureSet,
) -> list[str]:
    """Reasons after further filters; an unknown value passes none."""
    reasons = list(before)
    for each in filters:
        values = [features.of(part.field, keys) for part in each.comparisons]
        bounds = [part.comparison for part in each.comparisons]
        passed = np.any([_COMPARE[name](v, bound) for v, (name, bound) in zip(values, bounds, strict=True)], axis=0)
        name = " or ".join(dict.fromkeys(part.field for part in each.comparisons))
        for k in np.flatnonzero(~passed):
            unknown = " is unknown" if all(np.isnan(v[k]) for v in values) else ""
            reasons[k] = reasons[k] or f"{scanner.name}: {name}{unknown}"
    return reasons


def _atoms(keys: Sequence[str], scanners: Sequence[Scanner], found: Sequence[_Answer]) -> tuple[Atom, ...]:
    """One atom for each (physical symbol, logic, direction), named after the first scanner that recruited it."""
    if not scanners:
        return tuple(Atom(physical_symbol=key, logic=HOLD, direction=Direction.LONG) for key in keys)
    atoms: dict[tuple[str, str, Direction], Atom] = {}
    for k, key in enumerate(keys):
        for scanner, answer in zip(scanners, found, strict=True):
            if answer.stopped[k] or scanner.logic is None or scanner.direction is None:
                continue
            atom = Atom(physical_symbol=key, logic=scanner.logic, direction=scanner.direction, scan=scanner.name)
            atoms.setdefault((key, atom.logic, atom.direction), atom)
    ids: dict[str, Atom] = {}
    for atom in atoms.values():
        other = ids.setdefault(atom.symbol, atom)
        if other is not atom:
            raise ModelError(
                f"atom id {atom.symbol}: expected one atom, found {other.physical_symbol} held by {other.logic} and "
                f"{atom.physical_symbol} held by {atom.logic}; rename a logic"
            )
    return tuple(atoms.values())
