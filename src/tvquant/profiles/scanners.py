"""Scanners: who recruits candidates, by structure and by filters on features, composed of layers.

1. A file is of one layer: `universe` (L0), `hygiene` (L1), `template` (L2), `strategy` (L3) or `scanner` (L4, which a
   file is that does not say). Pools extend hygiene and take a template; a scanner extends a pool and takes a strategy.
2. The order is: what a file names as `extends`, then its `template`, then its `strategy`, each with all that it
   extends, then the file itself. A file that is reached twice counts once, where it was reached first.
3. A later file's values replace those of an earlier one. A filter replaces the earlier filter of the same sense (field
   and direction, strict or not), in its place; any other is added behind them (R-UNI-02).
4. Filters that first appear in L0 to L2 make the *pool*, those of L3 and L4 the *signal*.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

from pydantic import Field, ValidationError, model_validator

from tvquant.core.atoms import Direction
from tvquant.core.calendars import calendar
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.instruments import Kind
from tvquant.profiles.fields import Distinct, Member, OneLine, Row, Section
from tvquant.profiles.files import SCANNERS, Layer, check_trail, read
from tvquant.profiles.filters import TAGS, AnyOf, Condition, Filter, Sense, senses_differ
from tvquant.profiles.members import Members, load_members
from tvquant.profiles.messages import explained, unknown
from tvquant.profiles.scanner_schema import HELD, RATINGS, Largest, Recruiter, Scanner, below_floor
from tvquant.profiles.vocabulary import Vocabulary

__all__ = [
    "RATINGS",
    "AnyOf",
    "Filter",
    "Largest",
    "Members",
    "Recruiter",
    "Scanner",
    "check_scanner",
    "explain_scanner",
    "load_scanner",
]


class Rank(StrEnum):
    """The layers of configuration (R-UNI-01), from L0 to L4."""

    UNIVERSE = "universe"
    HYGIENE = "hygiene"
    TEMPLATE = "template"
    STRATEGY = "strategy"
    SCANNER = "scanner"

    @property
    def label(self) -> str:
        """`L0` to `L4`."""
        return f"L{[*Rank].index(self)}"


SLOTS: Mapping[str, Mapping[Rank, frozenset[Rank]]] = {
    "extends": {
        Rank.UNIVERSE: frozenset({Rank.UNIVERSE, Rank.HYGIENE, Rank.TEMPLATE}),
        Rank.HYGIENE: frozenset({Rank.HYGIENE}),
        Rank.TEMPLATE: frozenset({Rank.TEMPLATE, Rank.HYGIENE}),
        Rank.STRATEGY: frozenset({Rank.STRATEGY}),
        Rank.SCANNER: frozenset({Rank.SCANNER, Rank.UNIVERSE, Rank.HYGIENE, Rank.TEMPLATE}),
    },
    "template": {rank: frozenset({Rank.TEMPLATE}) for rank in (Rank.UNIVERSE, Rank.SCANNER)},
    "strategy": {Rank.SCANNER: frozenset({Rank.STRATEGY})},
}
"""Key that names another file -> layer of the file -> layers that it may name; in the order of composition."""
POOLS = frozenset({Rank.UNIVERSE, Rank.HYGIENE, Rank.TEMPLATE})


class ScannerFile(Section):
    """The keys of one scanner file; those it does not set are those of the files that it extends.

    Parameters
    ----------
    description : one line for people.
    layer : which of the five layers the file is of; a scanner is what a profile may name.
    template : file of the layer template that this one builds on.
    strategy : file of the layer strategy that this one builds on.
    exchange : venue, or null for any.
    kinds : an instrument must be of one of these, where any is named.
    exclude_kinds : and of none of these (hygiene).
    currency : quote currency, stablecoins counting as theirs, or null for any.
    calendar : of the instruments' bars (`24x7`, or a market code such as `XNYS`), or null for any.
    quotes : tickers of quotes that count as that currency, the best first; none is any.
    members : the list that an instrument's ticker must be on at the decision, or null for any.
    largest : ceiling of the pool, `{field: FEATURE, count: N}`, or null for none.
    research : whether it is for research only; production scanners of Binance must ask for liquidity.
    logic : what its recruits are held for.
    direction : on which side its recruits are held.
    filters : comparisons of features with bounds, `{field: FEATURE, above|below|at_least|at_most: NUMBER}`, or
        `{any: [...]}` of such; a value that is not known passes none.
    """

    description: OneLine = ""
    layer: Rank = Rank.SCANNER
    template: Annotated[str, Field(strict=True)] | None = None
    strategy: Annotated[str, Field(strict=True)] | None = None
    exchange: Member | None = None
    kinds: Distinct[Kind] = ()
    exclude_kinds: Distinct[Kind] = ()
    currency: Member | None = None
    calendar: Member | None = None
    quotes: Distinct[Annotated[str, Field(strict=True, pattern=r"^[A-Z0-9]{2,10}$")]] = ()
    members: Member | None = None
    largest: Largest | None = None
    research: Annotated[bool, Field(strict=True)] = False
    logic: Member | None = None
    direction: Direction | None = None
    filters: tuple[Condition, ...] = ()

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        senses_differ(self.filters)
        return self


SCALARS = tuple(key for key in ScannerFile.model_fields if key in Scanner.model_fields)
"""Keys whose later value replaces the earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One file of a composition."""

    name: str
    layer: Layer
    file: ScannerFile

    @property
    def label(self) -> str:
        return f"{self.file.layer.label} {self.layer.label}"


@dataclass(slots=True, kw_only=True)
class _Composed:
    """Values and filters of the steps so far, each with the step that set it last."""

    values: dict[str, tuple[Any, _Step]] = field(default_factory=dict)
    pool: dict[Sense, tuple[Filter | AnyOf, _Step]] = field(default_factory=dict)
    signal: dict[Sense, tuple[Filter | AnyOf, _Step]] = field(default_factory=dict)

    def add(self, step: _Step) -> None:
        """Lay one file over those before."""
        for key in SCALARS:
            if key in step.file.model_fields_set or key not in self.values:
                self.values[key] = getattr(step.file, key), step
        for each in step.file.filters:
            mine = self.pool if each.sense in self.pool or step.file.layer in POOLS else self.signal
            mine[each.sense] = each, step


def load_scanner(name: str, *, search: Sequence[Path] = (), entry: bool = False) -> Scanner:
    """Read a scanner and all that it extends into one definition.

    Parameters
    ----------
    name : of the scanner.
    search : the user's folders of profiles, first one first; the packaged presets come last.
    entry : whether it must be a scanner itself (L4), and no layer below.

    Raises
    ------
    ProfileError : no such scanner, a circle or too long a chain, a layer where it may not be named, or a file that
        is not accepted.
    DataError : a file cannot be read.
    """
    made = _made(name, search)
    rank = made.own.file.layer
    if entry and rank is not Rank.SCANNER:
        raise ProfileError(f"scanner {name}: is of layer {rank}, a pool or a part; name a scanner that builds on it")
    return made.scanner


def explain_scanner(name: str, *, search: Sequence[Path] = ()) -> tuple[Row, ...]:
    """Return every key and filter of a scanner with the layer that set it (`L0 preset scanner binance_spot_base`)."""
    made = _made(name, search)
    scanner, composed = made.scanner, made.composed
    plain = scanner.model_dump(mode="json", exclude={"members"})
    rows = []
    for key, (value, step) in composed.values.items():
        unset = key not in step.file.model_fields_set
        rows.append(Row(key, value if key == "members" else plain[key], "no layer" if unset else step.label))
    for part, found in (("pool", composed.pool), ("signal", composed.signal)):
        for each, step in found.values():
            bounds = [each.comparison[1] for each in each.comparisons]
            rows.append(Row(f"{part}: {_worded(each)}", bounds[0] if len(bounds) == 1 else bounds, step.label))
    return tuple(rows)


def check_scanner(name: str, vocabulary: Vocabulary, *, search: Sequence[Path] = ()) -> list[str]:
    """Return what is wrong with a scanner file: it cannot be read or composed, or names or asks what it may not.

    Names are judged in the file that sets them; a production scanner is judged by its floor.
    """
    try:
        made = _made(name, search)
    except (ProfileError, DataError) as error:
        return [str(error)]
    layer, file = made.own.layer, made.own.file
    named = [
        (f"filters.{at}", "feature", part.field, vocabulary.features)
        for at, each in enumerate(file.filters)
        for part in each.comparisons
    ]
    if file.largest:
        named.append(("largest", "feature", file.largest.field, vocabulary.features))
    if file.logic is not None:
        named.append(("logic", "logic", file.logic, vocabulary.logics))
    found = [
        f"{layer.where(key)}: {key}: {unknown(noun, word, known)}"
        for key, noun, word, known in named
        if word not in known
    ]
    if file.calendar is not None:
        try:
            calendar(file.calendar)
        except ProfileError as error:
            found.append(f"{layer.where('calendar')}: calendar: {error}")
    low = below_floor(made.scanner) if file.layer is Rank.SCANNER else ""
    return [*found, f"{layer.label}: {low}"] if low else found


def _worded(condition: Filter | AnyOf) -> str:
    return " or ".join(f"{each.field} {each.comparison[0]}" for each in condition.comparisons)


class _Made(NamedTuple):
    scanner: Scanner
    composed: _Composed
    own: _Step


def _made(name: str, search: Sequence[Path]) -> _Made:
    steps = tuple(_steps(SCANNERS.find(name, search), search, (name,), {}))
    composed, last = _Composed(), steps[-1].layer
    for step in steps:
        composed.add(step)
    values = {key: value for key, (value, _) in composed.values.items()}
    named, by = composed.values["members"]
    if named is not None:
        values["members"] = load_members(named, search=search, context=f"{by.layer.where('members')}: members: ")
    parts = {part: tuple(each for each, _ in getattr(composed, part).values()) for part in ("pool", "signal")}
    try:
        scanner = Scanner.model_validate({"name": name, **values, **parts})
    except ValidationError as error:
        raise ProfileError(f"{last.label}: {explained(error.errors(include_url=False)[:1])}") from error
    return _Made(scanner, composed, steps[-1])


def _steps(path: Path, search: Sequence[Path], trail: tuple[str, ...], seen: dict[str, Rank]) -> Iterator[_Step]:
    """Return the files that a file extends, each once, and the file; `seen` receives the layer of each."""
    layer, parent = read(SCANNERS, path, own=len(trail) == 1)
    file = _checked(layer)
    for slot, named in (("extends", parent), ("template", file.template), ("strategy", file.strategy)):
        if named is None:
            continue
        context = f"{layer.where(slot)}: {slot}: "
        allowed = SLOTS[slot].get(file.layer)
        if allowed is None:
            raise ProfileError(f"{context}expected only in a file of layer {_or(SLOTS[slot])}, found {file.layer}")
        check_trail(context, (*trail, named))
        if named not in seen:
            yield from _steps(SCANNERS.find(named, search, context), search, (*trail, named), seen)
        if seen[named] not in allowed:
            raise ProfileError(f"{context}expected a file of layer {_or(allowed)}, found {named} of {seen[named]}")
    seen[path.stem] = file.layer
    yield _Step(name=path.stem, layer=layer, file=file)


def _or(ranks: Mapping[Rank, object] | frozenset[Rank]) -> str:
    return " or ".join(rank for rank in Rank if rank in ranks)


def _checked(layer: Layer) -> ScannerFile:
    """Return the layer's values; ProfileError names its first fault with the line."""
    for key in layer.values:
        if key not in ScannerFile.model_fields:
            raise ProfileError(f"{layer.where(key)}: {unknown('key', key, ScannerFile.model_fields)}")
    try:
        file = ScannerFile.model_validate(layer.values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        first = details[0]
        key = ".".join(str(part) for part in first["loc"] if part not in TAGS)
        same = [detail for detail in details if detail["loc"][:2] == first["loc"][:2]]
        where, text = layer.where(key), explained(same)
        raise ProfileError(f"{where}: {key}: {text}" if key else f"{where}: {text}") from error
    for key in HELD:
        if file.layer in POOLS and key in file.model_fields_set:
            raise ProfileError(
                f"{layer.where(key)}: {key}: expected in a strategy or a scanner, found in a file of layer {file.layer}"
            )
    return file
