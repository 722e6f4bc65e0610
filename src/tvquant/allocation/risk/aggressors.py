"""Risk profile barbell: how much its aggressors are given, and how many there may be."""

from pydantic import Field

from tvquant.core.regimes import Regime
from tvquant.profiles.fields import Real
from tvquant.profiles.options import Options


class Aggressors(Options):
    """The small, bold end of a barbell.

    Parameters
    ----------
    aggressors : how many there are at most; never more than half of the clusters have one.
    quiet : share of equity of all aggressors together where the market's regime is Quiet.
    normal : the same where it is Normal.
    turbulent : the same where it is Turbulent.
    crisis : the same where it is Crisis.
    """

    under = "barbell"
    aggressors: int = Field(default=5, ge=1, le=100, strict=True)
    quiet: Real = Field(default=0.15, gt=0, lt=1)
    normal: Real = Field(default=0.10, gt=0, lt=1)
    turbulent: Real = Field(default=0.05, gt=0, lt=1)
    crisis: Real = Field(default=0.03, gt=0, lt=1)

    def share(self, regime: Regime) -> float:
        """Return the share of equity of the aggressors in a regime."""
        return {
            Regime.QUIET: self.quiet,
            Regime.NORMAL: self.normal,
            Regime.TURBULENT: self.turbulent,
            Regime.CRISIS: self.crisis,
        }[regime]
