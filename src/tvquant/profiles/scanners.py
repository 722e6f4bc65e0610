"""Scanners: who recruits candidates, by structure and by filters on features.

1. A scanner is `scanners/NAME.yaml` in one of the user's folders, or else among the packaged presets; it may name one
   parent (`extends`), down to a layer of pure hygiene.
2. A child's values replace those of its parent. A filter replaces the parent's filter on the same field in the same
   sense, in its place; any other is added behind them (R-UNI-02).
3. Layers before the one that declares a logic make the *pool*, the rest is *signal*: what a strategy adds to its pool.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, ValidationError, model_validator

from tvquant.core.atoms import Direction
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Kind
from tvquant.profiles.fields import Distinct, Member, Name, OneLine, Real, Section, broken
from tvquant.profiles.files import SCANNERS, Layer, chain
from tvquant.profiles.wording import explained, unknown

RATING = "rating_"
"""Start of the name of every logic that holds by a technical rating."""
FLOOR, RATINGS = "value_traded_last", "recommend_"
"""The field, and the start of the fields, that a rating scanner may filter; the rest is for selection (R-UNI-15)."""


class Filter(Section):
    """One strict comparison of a feature with a finite bound; a value that is not known passes none."""

    field: Member
    above: Real | None = None
    below: Real | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.above is None) == (self.below is None):
            found = "none" if self.above is None else "both"
            raise broken(f"filter on {self.field}: expected one of above and below, found {found}")
        return self

    @property
    def sense(self) -> tuple[str, str]:
        """Field and comparison: what two filters share when one replaces the other."""
        return self.field, "below" if self.above is None else "above"


def _senses_differ(filters: Sequence[Filter]) -> None:
    """Refuse two filters on one field in one sense: which of them is meant?"""
    senses = [each.sense for each in filters]
    for field, sense in senses:
        if senses.count((field, sense)) > 1:
            raise broken(f"filters {field} {sense} more than once; keep one")


class Scanner(Section):
    """A resolved scanner.

    Parameters
    ----------
    exchange : venue, or null for any.
    kinds : an instrument must be of one of these, where any is named.
    exclude_kinds : and of none of these (hygiene).
    currency : quote currency, stablecoins counting as theirs, or null for any.
    logic, direction : what its recruits are held for and how; a scanner without them is only a pool.
    pool : filters of the layers before a logic was declared.
    signal : those of the layers from there on.
    """

    name: Name
    exchange: Member | None
    kinds: Distinct[Kind]
    exclude_kinds: Distinct[Kind]
    currency: Member | None
    logic: Member | None
    direction: Direction | None
    pool: tuple[Filter, ...]
    signal: tuple[Filter, ...]

    @property
    def filters(self) -> tuple[Filter, ...]:
        """All filters in the order in which they are asked."""
        return self.pool + self.signal

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        _senses_differ(self.filters)
        return self

    @model_validator(mode="after")
    def _lean(self) -> Self:
        if self.logic is not None and self.logic.startswith(RATING):
            for each in self.filters:
                if each.field != FLOOR and not each.field.startswith(RATINGS):
                    raise broken(
                        f"scanner {self.name} has the logic {self.logic} and filters {each.field}; a rating scanner "
                        f"filters {FLOOR} and ratings only, leave the rest to the vetoes of selection"
                    )
        return self


def _recruits(scanner: Scanner) -> Scanner:
    """The scanner, refused as a pool: an atom without a logic or a direction has no key (R-UNI-19)."""
    for field in ("logic", "direction"):
        if getattr(scanner, field) is None:
            raise broken(
                f"scanner {scanner.name} declares no {field}, so it is a pool; name a scanner that builds on it"
            )
    return scanner


type Recruiter = Annotated[Scanner, AfterValidator(_recruits)]
"""A scanner that a profile may name."""


class _File(Section):
    """The keys of one scanner file; those it does not set are its parent's."""

    description: OneLine = ""
    exchange: Member | None = None
    kinds: Distinct[Kind] = ()
    exclude_kinds: Distinct[Kind] = ()
    currency: Member | None = None
    logic: Member | None = None
    direction: Direction | None = None
    filters: tuple[Filter, ...] = ()

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        _senses_differ(self.filters)
        return self


def load_scanner(name: str, *, search: Sequence[Path] = ()) -> Scanner:
    """Read a scanner and its parents into one definition.

    Parameters
    ----------
    name : of the scanner.
    search : the user's folders of profiles, first one first; the packaged presets come last.

    Raises
    ------
    ProfileError : no such scanner, a chain that is a circle or too long, or a file that is not accepted.
    DataError : the file cannot be read.
    """
    layers = chain(SCANNERS, SCANNERS.find(name, search), search)
    values: dict[str, object] = dict.fromkeys(("exchange", "currency", "logic", "direction"))
    values |= {"kinds": (), "exclude_kinds": ()}
    pool: dict[tuple[str, str], Filter] = {}
    signal: dict[tuple[str, str], Filter] = {}
    for layer in layers:
        read = _checked(layer)
        values |= {key: getattr(read, key) for key in read.model_fields_set if key in values}
        for each in read.filters:
            (pool if each.sense in pool or values["logic"] is None else signal)[each.sense] = each
    made = {"name": name, **values, "pool": tuple(pool.values()), "signal": tuple(signal.values())}
    try:
        return Scanner.model_validate(made)
    except ValidationError as error:
        raise ProfileError(f"{layers[-1].label}: {explained(error.errors(include_url=False)[:1])}") from error


def _checked(layer: Layer) -> _File:
    """The layer's values; ProfileError names its first fault with the line."""
    for key in layer.values:
        if key not in _File.model_fields:
            raise ProfileError(f"{layer.where(key)}: {unknown('key', key, _File.model_fields)}")
    try:
        return _File.model_validate(layer.values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        first = details[0]
        key = ".".join(map(str, first["loc"]))
        same = [detail for detail in details if detail["loc"][:2] == first["loc"][:2]]
        text = "no value; set it" if first["type"] == "missing" else explained(same)
        where = layer.where(str(first["loc"][0])) if first["loc"] else layer.label
        raise ProfileError(f"{where}: {key}: {text}" if key else f"{where}: {text}") from error
