"""Neutrality: how far a book may move with a benchmark, and how far one does."""

from dataclasses import dataclass

from tvquant.core.panel import Floats, frozen

MARKET_NEUTRAL = "market_neutral"
"""The risk profile that always keeps its beta near 0."""
TOLERANCES = (0.05, 0.15, 0.25)
"""Most of a book's beta, without its sign, in the order they are tried (R-RSK-17)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beta:
    """Beta of N streams, each on the side it is held on, to a benchmark, and who must keep that of a book near 0.

    Parameters
    ----------
    values : N.
    benchmark : whose returns they are of, in the profile's words.
    tolerances : most of abs(w'beta), per unit of equity, in the order they are tried.
    profiles : risk profiles that keep it.
    """

    values: Floats
    benchmark: str
    tolerances: tuple[float, ...] = TOLERANCES
    profiles: tuple[str, ...] = (MARKET_NEUTRAL,)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Neutrality:
    """Beta of a book that was to be neutral.

    Parameters
    ----------
    benchmark : to whom.
    beta : per unit of equity.
    per_invested : per unit of what is invested; 0 where nothing is.
    tolerance : what `beta` was kept within; None where no book is neutral and another one is held.
    """

    benchmark: str
    beta: float
    per_invested: float
    tolerance: float | None

    def __str__(self) -> str:
        held = f"{self.beta:.3g} of equity, {self.per_invested:.3g} of what is invested, to {self.benchmark}"
        return f"not neutral: {held}" if self.tolerance is None else f"{held}; at most {self.tolerance:g}"
