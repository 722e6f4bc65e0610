"""What is tried for a request, in order.

1. The risk profile that is asked for, then the declared fallbacks.
2. One that is to be neutral is tried within one tolerance of its beta after the other; where the limits and reference
   bounds leave no book of the whole budget within a tolerance, nothing is solved (R-RSK-17).
3. After the last tolerance comes risk parity, if the engine has it: as all that follow it is not neutral, and says so.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from tvquant.allocation import neutral
from tvquant.allocation.caps import Family, FeasibleSet
from tvquant.allocation.layered import Expansion
from tvquant.allocation.risk.catalogue import RISK_PROFILES
from tvquant.allocation.risk.contract import Objective, RiskProfile
from tvquant.core.allocations import CAP_TOLERANCE, Attempt, Constraint
from tvquant.core.errors import ModelError
from tvquant.core.neutrality import MARKET_NEUTRAL, Beta, Neutrality
from tvquant.core.panel import Floats
from tvquant.core.problems import Problem

INSTEAD = "risk_parity"
"""What is held where no book is neutral."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Try:
    """A risk profile, and how near 0 its beta is to be.

    Parameters
    ----------
    label : in the record of attempts.
    beta : of whoever asked for a neutral book; None where nobody did.
    tolerance : what the book's beta is kept within; None where it is not.
    """

    profile: RiskProfile
    label: str
    beta: Beta | None = None
    tolerance: float | None = None

    def within(self, feasible: FeasibleSet) -> FeasibleSet | Attempt:
        """Return the feasible set with the beta among its rows; where no book is so neutral, the attempt that ends."""
        if self.beta is None or self.tolerance is None:
            return feasible
        nearest = neutral.nearest_to_zero(feasible, self.beta)
        if abs(nearest) > self.tolerance + CAP_TOLERANCE:
            outcome = f"the limits leave no beta nearer to 0 than {nearest:.4g}"
            return Attempt(what="limits", outcome=outcome)
        return neutral.within(feasible, self.beta, self.tolerance)

    def of_clusters(self, expansion: Expansion) -> "Try":
        """Return the same where clusters are weighed, whose betas are those of the streams in them."""
        if self.beta is None:
            return self
        return replace(self, beta=replace(self.beta, values=self.beta.values @ expansion.shares))

    def answers(self, name: str) -> bool:
        """Return whether its weights are what the risk profile `name` asks for, and not a substitute's."""
        return self.profile.name == name and (self.beta is None or self.tolerance is not None)

    def neutrality(self, weights: Floats) -> Neutrality | None:
        """Return the beta of a book (N) where it was to be neutral."""
        return None if self.beta is None else neutral.neutrality(weights, self.beta, self.tolerance)

    def verified(self, weights: Floats) -> Iterator[Constraint]:
        """Yield the beta of a book with its limit."""
        if self.beta is not None and self.tolerance is not None:
            held = abs(float(weights @ self.beta.values))
            yield Constraint(name=Family.BETA.value, limit=self.tolerance, value=held)


def tries(problem: Problem, asked: Sequence[str], objectives: Collection[Objective]) -> Iterator[Try]:
    """Yield what to try for the risk profiles `asked` by an engine of these objectives.

    Raises
    ------
    ModelError : market_neutral is asked for, and the problem has no beta.
    """
    beta, seen = problem.beta, set[str]()
    wanted: Beta | None = None
    for name in asked:
        if name in seen:
            continue
        if name == MARKET_NEUTRAL and beta is None:
            raise ModelError(f"{name}: no benchmark is given to be neutral to")
        if beta is None or name not in beta.profiles:
            yield _plain(name, wanted)
        else:
            wanted = beta
            yield from _neutral(name, beta)
            if RISK_PROFILES[INSTEAD].objective in objectives and INSTEAD not in seen:
                seen.add(INSTEAD)
                yield _plain(INSTEAD, wanted)
        seen.add(name)


def _plain(name: str, wanted: Beta | None) -> Try:
    label = name if wanted is None else f"{name}, not neutral"
    return Try(profile=RISK_PROFILES[name], label=label, beta=wanted)


def _neutral(name: str, beta: Beta) -> Iterator[Try]:
    for tolerance in beta.tolerances:
        label = f"{name}, beta within {tolerance:g}"
        yield Try(profile=RISK_PROFILES[name], label=label, beta=beta, tolerance=tolerance)
