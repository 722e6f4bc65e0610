"""Shares of sleeves: what each meta decision gives, and what they have become when anything else is decided.

1. A meta decision gives every sleeve a share of equity; what is missing to 1 is cash.
2. Until the next one a sleeve is worth its share times what its stream has grown, and cash is worth what it was. Its
   share is that over the worth of all, cash among them.
"""

import math
from dataclasses import dataclass

import numpy as np

from tvquant.core.allocations import Allocation
from tvquant.core.errors import ModelError
from tvquant.core.instruments import Instant
from tvquant.core.panel import Floats, Times
from tvquant.core.sleeves import Sleeve
from tvquant.tournament.rebalances import DUST
from tvquant.tournament.sleeves.join import Joined
from tvquant.tournament.sleeves.specs import Shares


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetaDecision:
    """What the sleeves are given at a common row.

    Parameters
    ----------
    row, at : of the common dates, and its stamp.
    shares : of every sleeve, none below 0; what is missing to 1 is cash.
    allocation : how they were found; None of a mix that somebody fixed.
    moving : how many sleeves moved on the training rows. Where none did there was nothing to weigh: all is cash.
    """

    row: int
    at: Instant
    shares: Shares
    allocation: Allocation | None = None
    moving: int | None = None

    @property
    def status(self) -> str:
        """`solved`, `fell_back` or `failed` of an allocation, `no_candidate` where no sleeve moved, `baseline`."""
        if self.allocation is None:
            return "baseline"
        return "no_candidate" if self.moving == 0 else self.allocation.status.value

    @property
    def cash(self) -> float:
        """What no sleeve is given."""
        left = 1.0 - math.fsum(self.shares.values())
        return 0.0 if abs(left) <= DUST else left


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MetaPath:
    """Meta decisions in order of time.

    Parameters
    ----------
    key : `meta/ENGINE/RISK` or `mix/NAME`: that of its cells without their simulator.
    names : of the K sleeves, in the order of the common dates' columns.
    """

    key: str
    names: tuple[str, ...]
    decisions: tuple[MetaDecision, ...]

    @property
    def weights(self) -> Floats:
        """Shares of all decisions, D x K."""
        given = [[one.shares[name] for name in self.names] for one in self.decisions]
        return np.array(given, dtype=np.float64).reshape(len(given), len(self.names))

    @property
    def times(self) -> Times:
        """Stamps of the D decisions."""
        return np.array([one.at for one in self.decisions], dtype="datetime64[us]")


def drifted(given: Floats, growth: Floats) -> Floats:
    """Return the R x K shares that sleeves have when `given` (R x K) have grown by factors (R x K); cash has not.

    All are 0 where nothing is left of the whole.
    """
    worth = given * growth
    whole = 1.0 + (given * (growth - 1.0)).sum(axis=1)  # exactly 1 where nothing has grown
    return worth / np.where(whole > 0.0, whole, np.inf)[:, None]


def levels_at(sleeve: Sleeve, times: Times) -> Floats:
    """Return the R levels of a sleeve's stream at these stamps: of its last bar until each.

    Raises
    ------
    ModelError : a stamp before its first bar.
    """
    rows = np.searchsorted(sleeve.times, times, side="right") - 1
    if len(rows) and rows.min() < 0:
        early = np.asarray(times)[rows < 0][0]
        raise ModelError(
            f"sleeve {sleeve.name}: it begins on {str(sleeve.times[0])[:10]} and is asked for on {str(early)[:10]}"
        )
    return sleeve.levels[rows]


def mix_levels(joined: Joined, path: MetaPath) -> Floats:
    """Return the level of the mix of the streams at the common rows from the first decision on, where it is 1.

    Shares are restored at every decision at no cost.
    """
    rows = [one.row for one in path.decisions]
    found = np.ones(len(joined.times) - rows[0])
    ends = [*rows[1:], len(joined.times) - 1]
    for row, end, given in zip(rows, ends, path.weights, strict=True):
        growth = joined.levels[row + 1 : end + 1] / joined.levels[row]
        since = slice(row + 1 - rows[0], end + 1 - rows[0])
        found[since] = found[row - rows[0]] * (growth @ given + 1.0 - given.sum())
    return found
