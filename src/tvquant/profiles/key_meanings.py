"""What each key of a profile means, as the docstrings of the schema say it."""

import inspect
import re
from functools import cache

from pydantic import BaseModel

from tvquant.profiles.schema import Profile

_ENTRY = re.compile(r"^(\w+(?:, \w+)*) : (.+(?:\n +.+)*)", re.MULTILINE)


@cache
def meaning(key: str) -> str:
    """What a dotted key means, on one line."""
    *sections, name = key.split(".")
    model: type[BaseModel] = Profile
    for section in sections:
        inner = model.model_fields[section].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            raise KeyError(key)
        model = inner
    entries = _ENTRY.findall(inspect.cleandoc(model.__doc__ or ""))
    return " ".join({one: text for names, text in entries for one in names.split(", ")}[name].split())
