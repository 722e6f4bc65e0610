"""What a barbell book is made of, as ledger and report have it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tvquant.core.flat import flat

NO_AGGRESSORS = "no_aggressors"
"""Flag of a barbell over one cluster: all of it is core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """The best of a cluster by its score at selection.

    Parameters
    ----------
    atom, cluster : its id, and its cluster of the allocation.
    score, antifragility : by which it leads, and by which its cluster is ranked; None where it has none.
    aggressor : whether its cluster is held as an aggressor, by this leader alone.
    """

    atom: str
    cluster: int
    score: float | None
    antifragility: float | None
    aggressor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Barbell:
    """The two ends of a book.

    Parameters
    ----------
    share : fraction of equity that the aggressors are given together, at most.
    regime : label of the market that it follows from.
    core : how the core is weighted: `hrp` or `equal`.
    leaders : of every cluster, the most antifragile first.
    flags : what a reader must know of it.
    """

    share: float
    regime: str
    core: str
    leaders: tuple[Leader, ...]
    flags: tuple[str, ...] = ()

    @property
    def aggressors(self) -> tuple[str, ...]:
        """Ids of the aggressors, the most antifragile first."""
        return tuple(one.atom for one in self.leaders if one.aggressor)

    def role(self, atom: str, cluster: int) -> str:
        """Return what an atom of a cluster is in the book, in words."""
        leader = next(one for one in self.leaders if one.cluster == cluster)
        if not leader.aggressor:
            return f"of the core, {self._core}"
        rank = self.leaders.index(leader) + 1
        if leader.atom != atom:
            return f"left out: its cluster is held as an aggressor, by {leader.atom} alone"
        count = f"{len(self.aggressors)} aggressor{'s' if len(self.aggressors) > 1 else ''}"
        return f"number {rank} of {count}, which share {100.0 * self.share:g} % of equity in a {self.regime} market"

    @property
    def summary(self) -> str:
        """Both ends in one line."""
        if not self.aggressors:
            return f"no aggressors, as there is one cluster; all is core, {self._core}"
        bold = f"aggressors {', '.join(self.aggressors)}: {100.0 * self.share:g} % of equity in a {self.regime} market"
        return f"{bold}; the rest is core, {self._core}"

    @property
    def _core(self) -> str:
        return "held equally" if self.core == "equal" else f"weighted by {self.core}"

    def payload(self) -> dict[str, Any]:
        """Return the barbell as JSON can hold it."""
        return {**flat(self), "leaders": [flat(one) for one in self.leaders], "flags": list(self.flags)}

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "Barbell":
        """Return the barbell that a payload describes."""
        leaders = tuple(Leader(**one) for one in payload["leaders"])
        return cls(**{**payload, "leaders": leaders, "flags": tuple(payload["flags"])})
