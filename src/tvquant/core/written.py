"""JSON that has been written: what is digested, recorded and sent to another process becomes text once.

1. The canonical text of an object is put together from the texts of its values (`Writer`, `joined`), so that a value
   that stands in several objects is written for the first of them only.
2. `Written` is an object as its text, which whoever asks for a value reads. It is made of what is its own encoding in
   a record (`ledger.encoding`): a ledger takes the text as it is.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tvquant.core.digests import canonical_json, own_json


class Written(Mapping[str, Any]):
    """A JSON object as its canonical text; made by a `Writer`."""

    __slots__ = ("_read", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._read: dict[str, Any] | None = None

    def __reduce__(self) -> tuple[type["Written"], tuple[bytes]]:
        """Send the text alone."""
        return Written, (self.text,)

    def __getitem__(self, name: str) -> Any:
        """Return a value as JSON has it."""
        return self._object()[name]

    def __iter__(self) -> Iterator[str]:
        """Return the names in their canonical order."""
        return iter(self._object())

    def __len__(self) -> int:
        """Return how many values there are."""
        return len(self._object())

    def _object(self) -> dict[str, Any]:
        if self._read is None:
            self._read = json.loads(self.text)
        return self._read


@dataclass(slots=True)
class Writer:
    """Writes the values of objects as canonical text.

    Parameters
    ----------
    own : whether all so far were of JSON's own types, which are their own encoding in a record.
    """

    own: bool = True

    def texts(self, fields: Mapping[str, Any]) -> dict[str, bytes]:
        """Return the canonical text of every value by its name.

        Raises
        ------
        ValueError : a number that is not finite.
        """
        return {name: b"null" if value is None else self.text(value) for name, value in fields.items()}

    def text(self, value: Any) -> bytes:
        """Return the canonical text of a value; a number that is not finite is a ValueError."""
        text = own_json(value)
        if text is None:
            self.own, text = False, canonical_json(value)
        return text

    def record(self, value: Mapping[str, Any], text: bytes) -> Mapping[str, Any]:
        """Return an object as its canonical text where all that was written is its own encoding; else as it is."""
        return Written(text) if self.own and not may_have_tags(text) else value


def joined(of: Mapping[str, bytes]) -> bytes:
    """Return the canonical text of the object whose values have these texts; its names are plain words."""
    return b"{%s}" % b",".join([_key(name) + text for name, text in sorted(of.items())])


@cache
def _key(name: str) -> bytes:
    return b'"%s":' % name.encode()


def may_have_tags(text: bytes) -> bool:
    """Return whether a text of JSON may hold a tag, or a key that was given a second `$`: else it is its own value."""
    return b'"$' in text or b"\\u0024" in text
