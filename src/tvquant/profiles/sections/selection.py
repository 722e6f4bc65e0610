"""Section `selection`: how candidates become winners."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from tvquant.core.stamps import NONE, Stamp, Stamps
from tvquant.profiles.fields import Distinct, Member, Real, broken
from tvquant.profiles.options import FamilySection


class SelectionSection(FamilySection):
    """How candidates become winners; options of models and vetoes are declared in `selection`.

    Parameters
    ----------
    model : selection model.
    top_n : best of each cluster and direction that win.
    min_winners : the floor of the scarcity protocol; vetoes are relaxed in stages until it is reached (R-SEL-24).
    max_winners : the best of them that are kept.
    first_stage : stage of relaxation at which to begin: 1 strict, 2 spectral, 3 cluster floor, 4 alpha fallback.
    min_momentum : least return of an atom's own stream on its last 60 rows, for recruits and fills alike; null is none.
    cluster_distance : height at which the tree of correlation distances is cut, here and for allocation.
    linkage : how the tree of clusters is built, here and for allocation; `average` joins at mean distances, whatever
        the sizes, so a distance leaves fewer clusters than under `ward`.
    max_clusters : most clusters that a cut leaves; above it the tree is cut higher.
    cluster_lookbacks : rows over which correlations are averaged before the distance is taken (R-SEL-27).
    thresholds : `calibrated`: soft vetoes judge by what noise of as many values looks like. `as_specified`: by fixed
        figures of the specification, on the statistics that it names; results are stamped `as_specified`.
    vetoes : rules in force; those left out are switched off (R-SEL-15).
    """

    model: Member
    top_n: int = Field(strict=True, ge=1)
    min_winners: int = Field(strict=True, ge=1)
    max_winners: int = Field(strict=True, ge=1)
    first_stage: int = Field(strict=True, ge=1, le=4)
    min_momentum: Real | None
    cluster_distance: Real = Field(gt=0, le=1)
    linkage: Literal["ward", "average"]
    max_clusters: int = Field(strict=True, ge=1)
    cluster_lookbacks: Annotated[Distinct[Annotated[int, Field(strict=True, ge=20)]], Field(min_length=1)]
    thresholds: Literal["calibrated", "as_specified"]
    vetoes: Distinct[Member]

    @field_validator("max_winners", mode="after")
    @classmethod
    def _above_the_floor(cls, most: int, info: ValidationInfo) -> int:
        floor = info.data.get("min_winners", most)
        if most < floor:
            raise broken(f"expected at least selection.min_winners ({floor}), found {most}")
        return most

    @property
    def stamps(self) -> Stamps:
        """Caveats that every result of this selection bears."""
        return frozenset({Stamp.AS_SPECIFIED}) if self.thresholds == "as_specified" else NONE
