"""Flat records: frozen dataclasses with slots of their own alone, none of whose fields holds another dataclass."""

from typing import Any


def flat(one: Any) -> dict[str, Any]:
    """Return name -> value of every field in their order, the values as they are.

    What `asdict` returns of scalars; it looks at each for its kind, and there are thousands of them in a run.
    """
    return {name: getattr(one, name) for name in one.__slots__}
