"""Views: everything known at a moment, and nothing else."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tvquant.core.instruments import Instant
from tvquant.core.panel import Panel

_MISSING: Any = object()


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A panel as it was known at `as_of`; what is derived from it is computed once and shared by all who look."""

    panel: Panel
    as_of: Instant
    _known: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @property
    def row(self) -> int:
        """Number of the panel's last row."""
        return len(self.panel.times) - 1

    @property
    def day(self) -> date:
        """The session of the last bar."""
        found: date = self.panel.times[-1].astype("datetime64[D]").item()
        return found

    def once[T](self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return the value of `compute()` under `key`, computed at the first request."""
        found: T = self._known.get(key, _MISSING)  # keys of many atoms are dear to hash
        if found is _MISSING:
            found = self._known[key] = compute()
        return found

    def known(self, *keys: Hashable) -> dict[Hashable, Any]:
        """Return what was computed under those of the keys that were asked for."""
        return {key: self._known[key] for key in keys if key in self._known}

    def lend(self, known: Mapping[Hashable, Any]) -> None:
        """Take what another view of the same row has computed."""
        self._known.update(known)


def look(panel: Panel, row: int) -> View:
    """Return what was known when row `row` closed: when the first of the names that have a bar there became known."""
    as_of = panel.known_at[row][panel.tradable[row]].min(initial=panel.known_at[row].max())
    return View(panel.until(as_of), as_of)
