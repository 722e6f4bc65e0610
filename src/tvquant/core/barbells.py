"""What a barbell book is made of, as ledger and report have it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

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

    def payload(self) -> dict[str, Any]:
        """Return the barbell as JSON can hold it."""
        return {**asdict(self), "leaders": [asdict(one) for one in self.leaders], "flags": list(self.flags)}

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "Barbell":
        """Return the barbell that a payload describes."""
        leaders = tuple(Leader(**one) for one in payload["leaders"])
        return cls(**{**payload, "leaders": leaders, "flags": tuple(payload["flags"])})
