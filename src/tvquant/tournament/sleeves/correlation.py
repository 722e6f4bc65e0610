"""How far sleeves are different bets: correlations with intervals, and effective numbers of bets."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, frozen
from tvquant.statistics.agreement import bets_beyond_noise, effective_bets
from tvquant.statistics.clusters import average_correlation
from tvquant.statistics.correlation_intervals import correlation
from tvquant.statistics.precision import without_variance
from tvquant.tournament.sleeves.join import Joined


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCorrelation:
    """Correlation of two sleeves over `rows` common rows with its interval.

    `rho` is None where a sleeve does not move, `low` and `high` also where rows are too few to tell them.
    """

    first: str
    second: str
    rows: int
    rho: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bets:
    """How many bets K streams of returns are.

    Parameters
    ----------
    streams, distinct : all that move, and how many of them are not the same as another one.
    effective : participation ratio of the eigenvalues of their correlations.
    beyond_noise : the same without what chance adds to correlations of so few rows.
    still : streams that do not move, which are in none of these.
    """

    streams: int
    distinct: int
    effective: float
    beyond_noise: float
    still: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlations:
    """Correlations of K sleeves.

    Parameters
    ----------
    still : those that do not move: they have no correlation.
    pairs : each two once, in order of names.
    """

    names: tuple[str, ...]
    still: tuple[str, ...]
    confidence: float
    pairs: tuple[PairCorrelation, ...]
    bets: Bets

    @property
    def matrix(self) -> Floats:
        """K x K correlations; NaN in the row and column of a sleeve that does not move."""
        found = np.diag([np.nan if name in self.still else 1.0 for name in self.names])
        for (i, first), (j, second) in combinations(enumerate(self.names), 2):
            one = self.of(first, second)
            found[i, j] = found[j, i] = np.nan if one.rho is None else one.rho
        return frozen(found)

    def of(self, first: str, second: str) -> PairCorrelation:
        """Return that of two sleeves, in order of names; KeyError where there is none."""
        return {(one.first, one.second): one for one in self.pairs}[first, second]


def correlated(sleeves: Joined, *, confidence: float = 0.95, seed: int = 0) -> Correlations:
    """Return the correlations of joined sleeves with intervals, and how many bets they are (R-META-10)."""
    columns = dict(zip(sleeves.names, sleeves.returns.T, strict=True))
    pairs = []
    for first, second in combinations(sleeves.names, 2):
        found = correlation(columns[first], columns[second], confidence=confidence, seed=seed)
        pairs.append(
            PairCorrelation(
                first=first,
                second=second,
                rows=len(sleeves.returns),
                rho=found.rho if found else None,
                low=found.low if found else None,
                high=found.high if found else None,
            )
        )
    still = without_variance(sleeves.returns)
    return Correlations(
        names=sleeves.names,
        still=tuple(name for name, one in zip(sleeves.names, still, strict=True) if one),
        confidence=confidence,
        pairs=tuple(pairs),
        bets=bets_of(sleeves.returns),
    )


def bets_of(returns: Floats) -> Bets:
    """Return how many bets T x K streams are (NaN: no bar); pass-through atoms of one coin are one (R-SYN-09).

    Each two streams are correlated over the rows that both have; under 20 such rows they count as unrelated. A short
    of a coin is the same bet as a long.

    Raises
    ------
    ModelError : no rows.
    """
    if returns.ndim != 2 or not len(returns):
        raise ModelError(f"bets: expected a matrix of rows x streams with rows, found shape {returns.shape}")
    have = np.isfinite(returns)
    moving = np.array([_moves(own[there]) for own, there in zip(returns.T, have.T, strict=True)], np.bool_)
    own, rows = returns[:, moving], have[:, moving].T.astype(np.float64) @ have[:, moving]
    matrix = average_correlation(own, [len(own)])
    return Bets(
        streams=int(moving.sum()),
        distinct=len({_bytes(column) for column in own.T}),
        effective=effective_bets(matrix),
        beyond_noise=bets_beyond_noise(matrix, rows),
        still=int((~moving).sum()),
    )


def _moves(own: Floats) -> bool:
    return len(own) > 1 and not without_variance(own[:, None])[0]


def _bytes(column: Floats) -> bytes:
    """Return bytes that are those of every equal column, or of its opposite."""
    finite = column[np.isfinite(column) & (column != 0.0)]
    turned = column if not len(finite) or finite[0] > 0.0 else -column
    return np.where(np.isnan(turned), np.nan, turned + 0.0).tobytes()
