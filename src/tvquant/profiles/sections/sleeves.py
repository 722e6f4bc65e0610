"""Sections of a meta-profile: its sleeves, how they are joined and judged, weighed, netted and kept in limits."""

import math
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from tvquant.core.calendar_steps import CalendarStep
from tvquant.core.problems import Limits
from tvquant.core.quoting import shown
from tvquant.profiles.fields import Distinct, Member, Name, Real, Section, broken
from tvquant.profiles.options import FamilySection
from tvquant.profiles.sections.allocation import CovarianceSection, MeansSection
from tvquant.profiles.sections.data import Step, rule_of

EQUAL = "equal"
"""Mix of equal weights, which is always there."""
SUM_TOLERANCE = 1e-9
type RunId = Annotated[str, Field(strict=True, pattern=r"^\d{8}T\d{6}-[a-z0-9_]+-[0-9a-f]{6}$")]
type Share = Annotated[Real, Field(ge=0, le=1)]
type Interval = tuple[Real, Real]


def _interval(value: object) -> object:
    """Return [least, most], refused in one line where it is no pair or is upside down."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise broken(f"expected [least, most], found {shown(value)}")
    if all(isinstance(one, int | float) for one in value) and value[0] > value[1]:
        raise broken(f"expected [least, most], found {list(value)}; swap them")
    return value


class SleeveSection(Section):
    """A sleeve: a profile that is played by itself.

    Parameters
    ----------
    profile : a profile, or a meta-profile.
    run : id of the run that is taken; null is the finished run of its plan, which is played where there is none.
    """

    profile: Name
    run: RunId | None = None


def _named(sleeves: object) -> object:
    """Return sleeves in the order of their names, each with its profile: its own name where it says no other."""
    if not isinstance(sleeves, Mapping):
        raise broken(f"expected a mapping of a name to profile and run, found {shown(sleeves)}")
    whole = {}
    for name in sorted(sleeves, key=str):
        given = sleeves[name]
        if given is None or (isinstance(given, Mapping) and "profile" not in given):
            given = {"profile": name, **(given or {})}
        whole[name] = given
    return whole


type Sleeves = Annotated[Mapping[Name, SleeveSection], Field(min_length=1), BeforeValidator(_named)]


class StreamsSection(Section):
    """Which cell of a sleeve's run is its stream; the selection is the sleeve's own, the risk profile the meta's.

    Parameters
    ----------
    engine : optimiser of that cell.
    simulator : who played its book.
    """

    engine: Member
    simulator: Member


class JoinSection(Section):
    """Where the sleeves meet: at the dates that all of them have.

    Parameters
    ----------
    span : common rows, the last ones, or `all`; the first `windows.train` of them are only trained on.
    dropped : share of a sleeve's own rows that the join may leave out; above it the sparsest sleeve's is warned of.
    """

    span: Annotated[int, Field(strict=True, ge=2)] | Literal["all"]
    dropped: Share


class GatesSection(Section):
    """What a sleeve must be to be weighed; each is judged and recorded before anything is weighed.

    Parameters
    ----------
    solved : least share of a sleeve's optimisations that were solved as asked; windows without candidates count for
        nothing, and a sleeve without a record fails.
    drop : whether a sleeve that fails is left out; else it aborts the run.
    exceptions : dotted keys of profiles in which the sleeves may differ, of those that they must have alike.
    parity : whether each sleeve's run needs evidence of `tvquant parity` by the code as it is.
    mirror : correlation, without its sign, from which two sleeves are taken for one or for its mirror image; it is a
        finding, and stops `tvquant promote`.
    """

    solved: Share
    drop: bool = Field(strict=True)
    exceptions: Distinct[Annotated[str, Field(strict=True)]]
    parity: bool = Field(strict=True)
    mirror: Real = Field(gt=0, le=1)


class MetaWindowsSection(Section):
    """When the sleeves are weighed, in common rows.

    Parameters
    ----------
    train : common rows that covariance and means of the streams are estimated on.
    step : common rows between decisions, or the close that decides: `month_end`, `quarter_end`, `year_end`, or
        `{week: friday}` (any weekday).
    """

    train: int = Field(strict=True, ge=2)
    step: Step

    @property
    def rule(self) -> int | CalendarStep:
        """The step as schedules take it."""
        return rule_of(self.step)


class SleeveAllocationSection(FamilySection):
    """Who weighs the sleeves.

    Parameters
    ----------
    engine : optimiser of the sleeves.
    profiles : risk profiles; the first one makes the headline. Each weighs the sleeves' own cells of its name.
    fallbacks : risk profiles tried in this order when a solve fails; each attempt is recorded.
    bounds : least and most of one sleeve. Where the most of all is less than 1, the rest is cash.
    mixes : name -> weight of each sleeve, restored at every decision and shown beside the headline; what is missing to
        1 is cash. `equal` is always there.
    """

    engine: Member
    profiles: Annotated[Distinct[Member], Field(min_length=1)]
    fallbacks: Distinct[Member]
    covariance: CovarianceSection
    means: MeansSection
    bounds: Annotated[Interval, BeforeValidator(_interval)]
    mixes: Mapping[Name, Annotated[Mapping[Name, Share], Field(min_length=1)]]

    @field_validator("fallbacks", mode="after")
    @classmethod
    def _no_headline(cls, fallbacks: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        only = info.data.get("profiles", ())
        if len(only) == 1 and only[0] in fallbacks:
            raise broken(f"{only[0]} is what fails; name another, or drop it")
        return fallbacks

    @field_validator("bounds", mode="after")
    @classmethod
    def _fractions(cls, bounds: tuple[float, float]) -> tuple[float, float]:
        least, most = bounds
        if not (0.0 <= least <= most <= 1.0 and most > 0.0):
            raise broken(f"expected 0 <= least <= most <= 1 and a most above 0, found {list(bounds)}")
        return bounds

    @field_validator("mixes", mode="after")
    @classmethod
    def _whole(cls, mixes: Mapping[str, Mapping[str, float]]) -> Mapping[str, Mapping[str, float]]:
        for name, weights in mixes.items():
            if name == EQUAL:
                raise broken(f"{EQUAL} is the mix of equal weights, which is always there; give this one another name")
            if (total := math.fsum(weights.values())) > 1.0 + SUM_TOLERANCE or total == 0.0:
                raise broken(f"{name}: the weights are {total:g} together, expected at most 1, and more than 0")
        return mixes


class BookLimitsSection(Section):
    """Limits of the netted book as fractions of equity, on gross over all instruments of all sleeves.

    Parameters
    ----------
    gross : most of all weights without their signs.
    net : least and most of longs less shorts.
    position : most of one instrument.
    cluster : most of one cluster; spot and perpetual of one base are in one.
    """

    gross: Real = Field(gt=0, le=10)
    net: Annotated[Interval, BeforeValidator(_interval)]
    position: Real = Field(gt=0, le=1)
    cluster: Real = Field(gt=0, le=1)

    def limits(self) -> Limits:
        """Return the limits as netting takes them."""
        return Limits(
            gross=self.gross,
            net=self.net,
            position=self.position,
            cluster=self.cluster,
            position_key="limits.position",
            cluster_key="limits.cluster",
        )

    @model_validator(mode="after")
    def _admits_cash(self) -> Self:
        if not self.net[0] <= 0.0 <= self.net[1]:
            text = f"expected an interval that holds 0, found {list(self.net)}: what caps take is cash"
            raise broken(text, "limits.net")
        return self


class UnionClustersSection(Section):
    """Clusters of the instruments of all sleeves, found anew at each decision as those of a selection are.

    Parameters
    ----------
    distance : height at which the tree of correlation distances is cut.
    linkage : how the tree is built; `average` joins at mean distances, whatever the sizes.
    max : most clusters that a cut leaves; above it the tree is cut higher.
    lookbacks : rows over which correlations are averaged before the distance is taken.
    """

    distance: Real = Field(gt=0, le=1)
    linkage: Literal["ward", "average"]
    max: int = Field(strict=True, ge=1)
    lookbacks: Annotated[Distinct[Annotated[int, Field(strict=True, ge=20)]], Field(min_length=1)]
