"""Section `regime`: how the market regime is read, and what depends on it."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tvquant.core.regimes import Regime
from tvquant.core.stamps import NONE, Stamp, Stamps
from tvquant.profiles.fields import Real, Section, broken
from tvquant.profiles.options import FamilySection

type Cap = Annotated[Real, Field(gt=0, le=1)]


class CapsSection(Section):
    """Most of one asset and of one cluster in each regime, as a fraction of equity; the lower of this and the limits.

    Parameters
    ----------
    quiet : in a quiet market; null is as `allocation.limits` say.
    normal : in a normal market; null is as `allocation.limits` say.
    turbulent : in a turbulent market.
    crisis : in a crisis.
    """

    quiet: Cap | None
    normal: Cap | None
    turbulent: Cap | None
    crisis: Cap | None

    @model_validator(mode="after")
    def _falling(self) -> Self:
        for calmer, worse in pairwise(Regime):
            least, most = self.of(calmer), self.of(worse)
            if least is not None and (most is None or most > least):
                text = f"expected at most that of {calmer.value} ({least:g}), found {'null' if most is None else most}"
                raise broken(f"{text}: the worse a regime, the less may be in one place", f"regime.caps.{worse.value}")
        return self

    def of(self, regime: Regime) -> float | None:
        """Return the cap of a regime; None where it adds none."""
        found: float | None = getattr(self, regime.value)
        return found


class RegimeSection(FamilySection):
    """How the market regime is read, and what depends on it; options of the detector are declared in `regime`.

    Parameters
    ----------
    preset : `calibrated`: the score is held against what noise of as many returns has. `as_specified`: against fixed
        figures of the specification, by which nearly everything is turbulent; results are stamped `as_specified`.
    triggers : whether turbulence above .7 or a Hurst exponent above .65 make a normal market turbulent; null is as the
        preset has it: on in `as_specified`, off in `calibrated`, for 99 % of pure noise has such a turbulence.
    caps : most of one asset and of one cluster, by label.
    """

    preset: Literal["calibrated", "as_specified"]
    triggers: bool | None
    caps: CapsSection

    @property
    def stamps(self) -> Stamps:
        """Caveats that every result that depends on this regime bears."""
        return frozenset({Stamp.AS_SPECIFIED}) if self.preset == "as_specified" else NONE
