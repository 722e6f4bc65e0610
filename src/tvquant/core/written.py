"""JSON that has been written: what is digested, recorded and sent to another process becomes text once.

1. The canonical text of an object is put together from the texts of its values (`texts`, `joined`), so that a value
   that stands in several objects is written for the first of them only.
2. `Written` is an object as its text, which whoever asks for a value reads. It is made of what is its own encoding in
   a record (`ledger.encoding`): a ledger takes the text as it is.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tvquant.core.digests import canonical_json

TEXT, LEAVES, NESTED = frozenset({str}), frozenset({str, int, float, bool, type(None)}), frozenset({dict, list, tuple})
"""JSON's own types: of keys, of single values, of what holds others."""


class Written(Mapping[str, Any]):
    """A JSON object as its canonical text; made by `written`."""

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


def written(value: Mapping[str, Any], text: bytes) -> Mapping[str, Any]:
    """Return an object as its canonical text where it is its own encoding in a record; else as it is."""
    return Written(text) if is_json(value) and not may_have_tags(text) else value


def texts(fields: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the canonical text of every value by its name.

    Raises
    ------
    ValueError : a number that is not finite.
    """
    return {name: b"null" if value is None else canonical_json(value) for name, value in fields.items()}


def joined(of: Mapping[str, bytes]) -> bytes:
    """Return the canonical text of the object whose values have these texts; its names are plain words."""
    return b"{%s}" % b",".join([b'"%s":%s' % (name.encode(), of[name]) for name in sorted(of)])


def is_json(value: Any) -> bool:
    """Return whether a value is of JSON's own types throughout, of none derived from them, its keys text.

    Such a value is its own encoding, but for numbers that are not finite, text that is not Unicode, which JSON's writer
    refuses, and keys with a mark (`may_have_tags`).
    """
    kind = type(value)
    if kind not in NESTED:
        return kind in LEAVES
    if kind is dict:
        if not TEXT.issuperset(map(type, value)):
            return False
        value = value.values()
    if LEAVES.issuperset(map(type, value)):
        return True
    return all(type(one) in LEAVES or is_json(one) for one in value)


def may_have_tags(text: bytes) -> bool:
    """Return whether a text of JSON may hold a tag, or a key that was given a second `$`: else it is its own value."""
    return b'"$' in text or b"\\u0024" in text
