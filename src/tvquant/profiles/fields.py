"""Value types that profiles and scanners are made of, and how a rule between values is refused."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from tvquant.core.quoting import shown
from tvquant.profiles.messages import unknown

VERSION = 1
"""Schema version of every file."""
NAME = r"^[a-z0-9_]{1,64}$"
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def broken(rule: str, key: str = "") -> PydanticCustomError:
    """Return a broken rule between values; `key` is the dotted key to blame when it is not the one being validated."""
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "key": key})


def _distinct[T](values: tuple[T, ...]) -> tuple[T, ...]:
    """Return the values, refused when one is named twice: a cell or a symbol would count double."""
    for value in values:
        if values.count(value) > 1:
            raise broken(f"names {shown(str(value))} more than once; name it once")
    return values


def pairs(value: object) -> object:
    """Return a mapping as pairs: a section is hashable."""
    if isinstance(value, Mapping):
        return tuple(value.items())
    if not isinstance(value, tuple):
        raise broken(f"expected a mapping, key: value, found {shown(value)}")
    return value


def _one_zero(value: float) -> float:
    """Return 0.0 for -0.0, so that equal profiles have equal digests."""
    return value + 0.0


def _day(value: object) -> object:
    """Return a date of YAML, or one written YYYY-MM-DD; a time beside it is refused, for a session has none."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError as error:
        raise broken(f"expected a date of the calendar, YYYY-MM-DD, found {shown(value)}") from error
    found = value.isoformat(" ") if isinstance(value, datetime) else value
    raise broken(f"expected a date YYYY-MM-DD without a time, or null, found {shown(found)}")


type Distinct[T] = Annotated[tuple[T, ...], AfterValidator(_distinct)]
type Real = Annotated[float, Field(strict=True), AfterValidator(_one_zero)]
type Day = Annotated[date, BeforeValidator(_day)]
"""A day of the calendar, as YAML has it or as text YYYY-MM-DD."""
type Name = Annotated[str, Field(strict=True, pattern=NAME)]
type Member = Annotated[str, Field(strict=True)]
"""A name that the vocabulary knows or refuses."""
type Symbol = Annotated[str, Field(strict=True, pattern=r"^[^\s:#\p{C}]+:[^\s:#\p{C}]+$")]
"""EXCHANGE:TICKER; nothing in it is invisible, or steers a terminal."""
type OneLine = Annotated[str, Field(strict=True, pattern=r"^[^\r\n]*$", max_length=300)]


class Section(BaseModel):
    """Base of all parts of a profile: frozen, no unknown key, no number that is not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, given: object) -> object:
        """Refuse an unknown key with the nearest known one; pydantic names none."""
        if cls.model_config["extra"] == "forbid" and isinstance(given, Mapping):
            for key in given:
                if key not in cls.model_fields:
                    raise broken(unknown("key", key, cls.model_fields))
        return given


class Row(NamedTuple):
    """One key of what was resolved, its plain value, and the layer that set it."""

    key: str
    value: Any
    layer: str
