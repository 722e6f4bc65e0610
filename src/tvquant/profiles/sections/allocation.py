"""Sections `allocation` and `risk`: who turns streams into weights, within which limits."""

from typing import Annotated

from pydantic import Field, field_validator

from tvquant.core.allocations import Limits
from tvquant.core.quoting import shown
from tvquant.profiles.fields import Distinct, Member, Real, Section, broken
from tvquant.profiles.options import FamilySection


class LimitsSection(Section):
    """Portfolio limits as fractions of equity.

    Parameters
    ----------
    gross : most of all weights without their signs.
    net : least and most of longs less shorts.
    position : most of one instrument.
    cluster : most of one cluster.
    """

    gross: Real = Field(gt=0, le=10)
    net: tuple[Real, Real]
    position: Real = Field(gt=0, le=1)
    cluster: Real = Field(gt=0, le=1)

    @field_validator("net", mode="before")
    @classmethod
    def _pair(cls, net: object) -> object:
        if isinstance(net, list | tuple) and len(net) != 2:
            raise broken(f"expected [lowest, highest], found {shown(net)}")
        return net

    @field_validator("net", mode="after")
    @classmethod
    def _interval(cls, net: tuple[float, float]) -> tuple[float, float]:
        if net[0] > net[1]:
            raise broken(f"expected [lowest, highest], found {list(net)}; swap them")
        return net

    def limits(self) -> Limits:
        """Return the limits as allocation takes them."""
        return Limits(gross=self.gross, net=self.net, position=self.position, cluster=self.cluster)


class AllocationSection(FamilySection):
    """Who turns streams into weights.

    Parameters
    ----------
    engines, profiles : optimisers and risk profiles; their product is the grid of cells.
    fallbacks : risk profiles tried in this order when a solve fails; each attempt is recorded.
    limits : what every answer must keep.
    """

    engines: Annotated[Distinct[Member], Field(min_length=1)]
    profiles: Annotated[Distinct[Member], Field(min_length=1)]
    fallbacks: Distinct[Member]
    limits: LimitsSection


class RiskSection(Section):
    """Which risk profiles are shown (R-RSK-25).

    Parameters
    ----------
    primary : the one that makes headline and orders.
    anchors : those that are shown beside it.
    """

    primary: Member
    anchors: Distinct[Member]
