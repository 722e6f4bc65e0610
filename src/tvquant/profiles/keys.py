"""The dotted keys of a profile: those of the schema, and those that members of families add to its sections."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel

from tvquant.profiles.messages import closest, suggested
from tvquant.profiles.options import Options
from tvquant.profiles.schema import Profile

_ENTRY = re.compile(r"^(\w+(?:, \w+)*) : (.+(?:\n +.+)*)", re.MULTILINE)
OF_THE_FILE = ("version", "name")
"""Keys that no layer may set."""

type Declarations = Mapping[str, Sequence[type[Options]]]
"""Section -> the options of its families' members."""


@dataclass(frozen=True)
class Keys:
    """What a layer may set, in the order of the schema.

    Parameters
    ----------
    declared : dotted key that holds a value -> the model whose field it is.
    branches : dotted keys that hold further keys.
    """

    declared: Mapping[str, type[BaseModel]]
    branches: tuple[str, ...]

    @classmethod
    def of(cls, declarations: Declarations, schema: type[BaseModel] = Profile) -> "Keys":
        """Collect the keys of a schema and of all declarations; ValueError where two declare the same key."""
        declared: dict[str, type[BaseModel]] = {}
        branches: list[str] = []
        for key, model in _walk(schema, declarations):
            if key in declared or (key in branches and model is not None):
                raise ValueError(f"{key} is declared twice; name one of the two options otherwise")
            if model is not None:
                declared[key] = model
            elif key not in branches:
                branches.append(key)
        return cls({key: model for key, model in declared.items() if key not in OF_THE_FILE}, tuple(branches))

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """Dotted keys that hold values."""
        return tuple(self.declared)

    def meaning(self, key: str) -> str:
        """Return what a key means, on one line, from the docstring of the model that declares it."""
        return meaning(self.declared[key], key.rpartition(".")[2])

    def unknown(self, key: str) -> str:
        """Return what to write instead: the key of that very name elsewhere, a close one beside it, or all of those."""
        section, _, last = key.rpartition(".")
        known = (*self.leaves, *self.branches)
        same = next((other for other in known if other.rpartition(".")[2] == last), None)
        beside = {other.rpartition(".")[2]: other for other in known if other.rpartition(".")[0] == section}
        meant = same or beside.get(closest(last, beside) or "")
        return f"unknown key{suggested(meant)}" if meant else f"unknown key (known: {', '.join(beside) or 'none'})"

    def at(self, location: Sequence[int | str]) -> str:
        """Return the dotted key of a location of pydantic, without list positions and branches of unions."""
        key = ""
        for part in location:
            longer = f"{key}.{part}" if key else str(part)
            if longer not in self.declared and longer not in self.branches:
                break
            key = longer
        return key


def meaning(model: type[BaseModel], name: str) -> str:
    """Return what a field means, on one line, from its entry in the docstring of its model."""
    entries = _ENTRY.findall(inspect.cleandoc(model.__doc__ or ""))
    return " ".join({one: text for names, text in entries for one in names.split(", ")}[name].split())


def _walk(model: type[BaseModel], declarations: Declarations, place: str = "") -> Iterator[tuple[str, type | None]]:
    """Yield each key below a place with the model that declares it; None where it holds further keys."""
    for name, field in model.model_fields.items():
        key, inner = f"{place}{name}", field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield key, None
            yield from _walk(inner, declarations, f"{key}.")
            for declared in declarations.get(key, ()):
                below = f"{key}.{declared.under}" if declared.under else key
                if declared.under:
                    yield below, None
                yield from _walk(declared, {}, f"{below}.")
        else:
            yield key, model
