"""Whole definitions in the place of the scanners that a profile names, so that a manifest needs no other file.

1. A name is loaded; a definition is taken as it is. Only a scanner (L4) is an entry point: a pool is not.
2. A scanner without a logic gets the name of the strategy that it is grouped under (R-CFG-02), else `trend`; one
   without a direction is held long, but in a profile of one direction that is an error (R-UNI-19). Defaults
   are notices.
3. `universe.rating_band` takes the place of the neutral band in the rating filters of rating scanners (R-UNI-14).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tvquant.core.atoms import Direction
from tvquant.core.errors import DataError, ProfileError
from tvquant.profiles.filters import AnyOf, Filter
from tvquant.profiles.scanner_schema import RATING, RATINGS, Scanner
from tvquant.profiles.scanners import load_scanner

DEFAULT_LOGIC, DEFAULT_DIRECTION = "trend", Direction.LONG
NEUTRAL = 0.1
"""Ratings within this of zero are neutral: the provider's own band."""


@dataclass(slots=True, kw_only=True)
class Recruiters:
    """What became of the names.

    Parameters
    ----------
    search : the user's folders.
    band : takes the place of the neutral band; None leaves it.
    directional : whether the profile holds one direction only.
    definitions : as plain values; what is neither a name nor a definition is left for the schema to refuse.
    notices : defaults that were taken.
    problems : dotted key and text.
    """

    search: Sequence[Path]
    band: float | None
    directional: bool
    definitions: list[Any] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def fetch(self, items: Sequence[Any], strategies: Mapping[Any, Any]) -> None:
        """Names and definitions, then those under strategies; a definition is not fetched again for its group."""
        whole = {item.get("name") for item in items if isinstance(item, Mapping)}
        for item in items:
            self._add("universe.scanners", item, None)
        for strategy, names in strategies.items():
            for name in names if isinstance(names, list | tuple) else ():
                if isinstance(strategy, str) and isinstance(name, str) and name not in whole:
                    self._add("universe.strategies", name, strategy)

    def _add(self, key: str, item: Any, strategy: str | None) -> None:
        scanner = self._read(key, item)
        if scanner is None:
            return
        logic, direction = scanner.logic or strategy, scanner.direction
        if logic is None:
            logic = DEFAULT_LOGIC
            self.notices.append(f"scanner {scanner.name} declares no logic: its recruits are held for {logic!r}")
        if direction is None and self.directional:
            text = f"scanner {scanner.name} declares no direction, and the profile holds one only; declare it there"
            self.problems.append((key, text))
        elif direction is None:
            direction = DEFAULT_DIRECTION
            self.notices.append(f"scanner {scanner.name} declares no direction: its recruits are held {direction}")
        made = scanner.model_copy(update={"logic": logic, "direction": direction})
        self.definitions.append(self._banded(made).model_dump(mode="json"))

    def _read(self, key: str, item: Any) -> Scanner | None:
        try:
            if isinstance(item, str):
                return load_scanner(item, search=self.search, entry=True)
            if isinstance(item, Mapping):
                return Scanner.model_validate(item)
        except (ProfileError, DataError) as error:
            self.problems.append((key, str(error)))
            return None
        except ValidationError:
            pass
        self.definitions.append(item)
        return None

    def _banded(self, scanner: Scanner) -> Scanner:
        if self.band is None or scanner.logic is None or not scanner.logic.startswith(RATING):
            return scanner
        band = self.band
        return scanner.model_copy(
            update={part: tuple(_at(each, band) for each in getattr(scanner, part)) for part in ("pool", "signal")}
        )


def _at(condition: Filter | AnyOf, band: float) -> Filter | AnyOf:
    """Return the condition with its bounds at another band where they are those of the neutral one."""
    if isinstance(condition, AnyOf):
        return AnyOf.model_construct(any=tuple(_moved(part, band) for part in condition.any))
    return _moved(condition, band)


def _moved(part: Filter, band: float) -> Filter:
    name, bound = part.comparison
    edge = {"above": NEUTRAL, "below": -NEUTRAL}[part.sense[1]]
    if not part.field.startswith(RATINGS) or bound != edge:
        return part
    return Filter.model_validate({"field": part.field, name: band if edge > 0 else -band})
