"""What the plan of a meta-portfolio's run says of its sleeves: the text that it pins in place of a snapshot of data."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SleeveRecord:
    """A sleeve as a meta-portfolio's run names it.

    Parameters
    ----------
    name : in the meta-portfolio.
    profile, run, result : of whom it is, the run's id, and its result digest.
    snapshot : digest of the snapshot that the run read; of a nested meta-portfolio, that of its own plan.
    calendar : name of the calendar that its stamps are of.
    periods_per_year : of that calendar.
    health : state of the sleeve's data (`ok`, `gaps` ...) -> how many of its assets were in it, every healthy one under
        `ok`; none is no record.
    """

    name: str
    profile: str
    run: str
    result: str
    snapshot: str
    calendar: str
    periods_per_year: int
    health: Mapping[str, int]


def text_of(sleeves: Iterable[SleeveRecord]) -> str:
    """Return the text that the plan pins, in the order of the profile."""
    return json.dumps([asdict(one) | {"health": dict(one.health)} for one in sleeves], separators=(",", ":"))


def sleeves_of(text: str) -> tuple[SleeveRecord, ...]:
    """Return the sleeves of such a text.

    Raises
    ------
    ValueError, TypeError : it is another text.
    """
    found = json.loads(text)
    if not isinstance(found, list):
        raise ValueError("the plan pins no sleeves")
    return tuple(SleeveRecord(**one) for one in found)
