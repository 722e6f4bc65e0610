"""What an estimator of a covariance is."""

from dataclasses import dataclass
from typing import Protocol

from tvquant.core.panel import Floats
from tvquant.profiles.options import Options


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimated:
    """A covariance before its ridge.

    Parameters
    ----------
    matrix : N x N, per period; nobody else holds it, so it may be changed.
    extremes : its smallest and its largest eigenvalue.
    shrinkage : part of it that is the target of a shrinkage, from 0 to 1; 0 of a method that has none.
    rows : equally weighted rows that would know as much.
    factors : how many; None of a method that has none.
    """

    matrix: Floats
    extremes: tuple[float, float]
    shrinkage: float = 0.0
    rows: float
    factors: int | None = None


class Estimator(Protocol):
    """A way to estimate a covariance of returns. Equal returns have equal estimates."""

    @property
    def name(self) -> str:
        """Name in profiles."""
        ...

    @property
    def meaning(self) -> str:
        """One sentence."""
        ...

    @property
    def options(self) -> tuple[type[Options], ...]:
        """What it takes from the profile's section `allocation.covariance`."""
        ...

    def estimate(self, centred: Floats, intensity: float, options: tuple[Options, ...]) -> Estimated:
        """Return the estimate of T x N returns less their means; T >= 2, and every column varies.

        `intensity` is a factor of the shrinkage, which is 1 at most (R-SEL-28); a method without shrinkage has no use
        for it.
        """
        ...
