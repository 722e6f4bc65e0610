"""The schema of a resolved profile, version 1.

Every key is required here: its default stands in `presets/defaults.yaml` and nowhere else. A room gets the section it
works by, never the profile. Fractions are fractions (0.25 is 25 %), `_bps` are basis points, rows are bars.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tvquant.core.allocations import Limits
from tvquant.core.books import Convention, CostModel, Execution
from tvquant.core.instruments import Kind
from tvquant.core.quoting import shown
from tvquant.core.stamps import NONE, Stamp, Stamps
from tvquant.profiles.fields import VERSION, Distinct, Member, Name, OneLine, Real, Section, Symbol, broken
from tvquant.profiles.messages import unknown
from tvquant.profiles.scanner_schema import Recruiter

SWEPT = (60, 20, 20)
"""Train, test, step that were picked as the best of a sweep on related history (R-SIM-01)."""


def _grouped(value: object) -> object:
    """A mapping as pairs: a section is hashable."""
    return tuple(value.items()) if isinstance(value, Mapping) else value


type Strategies = Annotated[
    tuple[tuple[Name, Annotated[Distinct[Name], Field(min_length=1)]], ...],
    BeforeValidator(_grouped),
    PlainSerializer(lambda pairs: {name: list(scanners) for name, scanners in pairs}),
]


class UniverseSection(Section):
    """Which instruments of the lake may be held.

    Parameters
    ----------
    kinds : an instrument must be of one of these.
    exclude_kinds : and of none of these.
    symbols : and be one of these `EXCHANGE:TICKER`, when given; null is every symbol.
    exclude_symbols : and none of these.
    membership : `current`: the list is today's, results are stamped `current_only`. `dated`: the author states that the
        data hold every name that was listed at any time, those that failed included; nothing is stamped.
    direction : `long` and `short` refuse scanners of the other side (R-SEL-30); without scanners `short` holds short.
    research : whether scanners that are for research only may recruit.
    rating_band : takes the place of the neutral band of +-0.1 in the filters of rating scanners (R-UNI-14); null leaves
        it.
    max_atoms : the most traded atoms that are kept (R-UNI-21).
    scanners : who recruits; none is everything of these kinds, held on the side of `direction`, long where that is
        both. A file names them, a resolved profile has the whole definitions of these and of those under `strategies`.
    strategies : strategy -> names of its scanners; one without a logic gets the strategy's name (R-CFG-02).
    """

    kinds: Annotated[Distinct[Kind], Field(min_length=1)]
    exclude_kinds: Distinct[Kind]
    symbols: Annotated[Distinct[Symbol], Field(min_length=1)] | None
    exclude_symbols: Distinct[Symbol]
    membership: Literal["current", "dated"]
    direction: Literal["both", "long", "short"]
    research: bool = Field(strict=True)
    rating_band: Annotated[Real, Field(ge=0, le=1)] | None
    max_atoms: int = Field(strict=True, ge=1)
    scanners: tuple[Recruiter, ...]
    strategies: Strategies

    @field_validator("scanners", mode="after")
    @classmethod
    def _each_once(cls, scanners: tuple[Recruiter, ...]) -> tuple[Recruiter, ...]:
        names = [scanner.name for scanner in scanners]
        for name in names:
            if names.count(name) > 1:
                raise broken(f"names {shown(name)} more than once; name it once")
        return scanners

    @field_validator("scanners", mode="after")
    @classmethod
    def _of_this_profile(cls, scanners: tuple[Recruiter, ...], info: ValidationInfo) -> tuple[Recruiter, ...]:
        direction, research = info.data.get("direction", "both"), info.data.get("research", True)
        for scanner in scanners:
            if direction != "both" and str(scanner.direction).lower() != direction:
                raise broken(
                    f"scanner {scanner.name} is {scanner.direction}, and universe.direction is {direction}; drop one"
                )
            if scanner.research and not research:
                raise broken(f"scanner {scanner.name} is for research only; set universe.research: true, or drop it")
        return scanners

    @field_validator("exclude_kinds", "exclude_symbols", mode="after")
    @classmethod
    def _not_wanted_too(cls, excluded: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        wanted_key = str(info.field_name).removeprefix("exclude_")
        both = sorted(set(excluded) & set(info.data.get(wanted_key) or ()))
        if both:
            raise broken(f"excludes {both[0]}, which universe.{wanted_key} asks for; drop it from one of them")
        return excluded

    @property
    def stamps(self) -> Stamps:
        """What every result on this universe must say."""
        lists = [scanner.members for scanner in self.scanners if scanner.members]
        today = self.membership == "current" or not all(members.dated for members in lists)
        return frozenset({Stamp.CURRENT_ONLY}) if today else NONE


class DataSection(Section):
    """Which rows are used and what an asset's history must satisfy.

    Parameters
    ----------
    interval : bar length.
    span : rows walked forward, the last ones, or `all`.
    lookback : bars that a decision's statistics may use.
    min_history : valid bars an asset needs before it can be chosen; 90 or more (R-DAT-02).
    max_missing : largest share of missing bars.
    max_abs_return : largest absolute simple return of one bar that is believed.
    quorum : share of the names alive in the last five sessions that must have a bar for it to be decided on; else the
        last bar that has them is.
    rating_min_bars : bars an instrument needs before it has a technical rating.
    rating_rules : which of the published technical ratings is meant.
    rating_adx : how the ADX votes in it; null is as these rules say.
    """

    interval: Literal["1d"]
    span: Annotated[int, Field(strict=True, ge=1)] | Literal["all"]
    lookback: int = Field(strict=True, ge=2)
    min_history: int = Field(strict=True, ge=90)
    max_missing: Real = Field(ge=0, lt=1)
    max_abs_return: Real = Field(gt=0)
    quorum: Real = Field(gt=0, le=1)
    rating_min_bars: int = Field(strict=True, ge=1)
    rating_rules: Literal["library_v3", "classic", "screener"]
    rating_adx: Literal["rising", "cross"] | None

    @property
    def ratings(self) -> tuple[str, str | None]:
        """The rules of technical ratings, and the vote of the ADX where it departs from them."""
        return self.rating_rules, self.rating_adx


class WindowsSection(Section):
    """Walk-forward windows in rows.

    Parameters
    ----------
    train : rows that momentum, covariance and the clusters of allocation use.
    step : rows between decisions.
    test : rows of a window's own diagnostics; `step` where a profile leaves it null.
    """

    train: int = Field(strict=True, ge=2)
    step: int = Field(strict=True, ge=1)
    test: int = Field(strict=True, ge=1)

    @field_validator("test", mode="after")
    @classmethod
    def _covers_the_step(cls, test: int, info: ValidationInfo) -> int:
        step = info.data.get("step", test)
        if test < step:
            raise broken(f"expected at least windows.step ({step}), found {test}; rows between would never be tested")
        return test

    @property
    def stamps(self) -> Stamps:
        """What every result on these windows must say."""
        swept = (self.train, self.test, self.step) == SWEPT
        return frozenset({Stamp.SWEPT_WINDOWS}) if swept else NONE


class SelectionSection(Section):
    """How candidates become winners.

    Parameters
    ----------
    model : selection model.
    weights : feature weights of its score.
    top_n : best of each cluster and direction that win.
    min_winners : the floor of the scarcity protocol; vetoes are relaxed in stages until it is reached (R-SEL-24).
    max_winners : the best of them that are kept.
    cluster_distance, max_clusters : where the tree of correlation distances is cut, here and for allocation.
    cluster_lookbacks : rows over which correlations are averaged before the distance is taken (R-SEL-27).
    thresholds : `calibrated`: soft vetoes judge by what noise of as many values looks like. `as_specified`: by fixed
        figures of the specification, on the statistics that it names; results are stamped `as_specified`.
    vetoes : rules in force; those left out are switched off (R-SEL-15).
    null_share : share of noise that each calibrated soft veto rejects.
    max_kurtosis : largest excess kurtosis; a hard veto.
    max_volatility : largest annual volatility; a hard veto.
    min_roc, max_roc : smallest and largest change over 9 bars, in percent; a hard veto.
    max_volatility_d : largest range of the last bar, in percent of its low; a hard veto.
    min_survival : smallest survival score; a hard veto.
    """

    model: Member
    weights: Literal["v4_tuned", "v4_round"]
    top_n: int = Field(strict=True, ge=1)
    min_winners: int = Field(strict=True, ge=1)
    max_winners: int = Field(strict=True, ge=1)
    cluster_distance: Real = Field(gt=0, le=1)
    max_clusters: int = Field(strict=True, ge=1)
    cluster_lookbacks: Annotated[Distinct[Annotated[int, Field(strict=True, ge=20)]], Field(min_length=1)]
    thresholds: Literal["calibrated", "as_specified"]
    vetoes: Distinct[Member]
    null_share: Real = Field(gt=0, lt=0.5)
    max_kurtosis: Real = Field(gt=0)
    max_volatility: Real = Field(gt=0)
    min_roc: Real = Field(ge=-100, lt=0)
    max_roc: Real = Field(gt=0)
    max_volatility_d: Real = Field(gt=0)
    min_survival: Real = Field(ge=0, le=1)

    @field_validator("max_winners", mode="after")
    @classmethod
    def _above_the_floor(cls, most: int, info: ValidationInfo) -> int:
        floor = info.data.get("min_winners", most)
        if most < floor:
            raise broken(f"expected at least selection.min_winners ({floor}), found {most}")
        return most

    @property
    def stamps(self) -> Stamps:
        """What every result of this selection must say."""
        return frozenset({Stamp.AS_SPECIFIED}) if self.thresholds == "as_specified" else NONE


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
        """The limits as allocation takes them."""
        return Limits(gross=self.gross, net=self.net, position=self.position, cluster=self.cluster)


class AllocationSection(Section):
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


class ExecutionSection(Section):
    """How decided weights become holdings, and which simulators say so; the fields are those of `core` Execution.

    Parameters
    ----------
    convention : filled at the next open, the next close, or the same close (stamped `optimistic_execution`).
    lag : extra rows between decision and fill.
    halt_limit : rows without a bar after which a holding is closed.
    delisting_haircut : share of the last price that this costs.
    simulators : who plays the books.
    """

    convention: Convention
    lag: int = Field(strict=True, ge=0)
    halt_limit: int = Field(strict=True, ge=1)
    delisting_haircut: Real = Field(ge=0, le=1)
    simulators: Annotated[Distinct[Member], Field(min_length=1)]

    def execution(self) -> Execution:
        """The rules as simulation takes them."""
        return Execution(
            convention=self.convention,
            lag=self.lag,
            halt_limit=self.halt_limit,
            delisting_haircut=self.delisting_haircut,
        )


class CostsSection(Section):
    """What trading and holding cost.

    Parameters
    ----------
    slippage_bps, commission_bps : of the value of each fill.
    borrow_rate : fraction per year of the value of spot and stock shorts, and of borrowed cash.
    """

    slippage_bps: Real = Field(ge=0, le=10_000)
    commission_bps: Real = Field(ge=0, le=10_000)
    borrow_rate: Real = Field(ge=0, le=1)

    def cost_model(self) -> CostModel:
        """The costs as simulation takes them."""
        return CostModel(
            slippage_bps=self.slippage_bps, commission_bps=self.commission_bps, borrow_rate=self.borrow_rate
        )


class BenchmarkSection(Section):
    """What results are compared with.

    Parameters
    ----------
    market : symbols that make up the baseline `market`; none is no such baseline.
    """

    market: Distinct[Symbol]


class Profile(Section):
    """A resolved profile: every key has its value, every rule between keys holds.

    Parameters
    ----------
    description : one line for people.
    seed : of every random draw.
    """

    version: int = Field(strict=True, ge=VERSION, le=VERSION)
    name: Name
    description: OneLine
    universe: UniverseSection
    data: DataSection
    windows: WindowsSection
    selection: SelectionSection
    allocation: AllocationSection
    risk: RiskSection
    execution: ExecutionSection
    costs: CostsSection
    benchmark: BenchmarkSection
    seed: int = Field(strict=True, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _rules(self) -> Self:
        named = self.allocation.profiles
        for key, chosen in (("risk.primary", (self.risk.primary,)), ("risk.anchors", self.risk.anchors)):
            for name in chosen:
                if name not in named:
                    raise broken(f"{unknown('member of allocation.profiles', name, named)}; add it there", key)
        train, span = self.windows.train, self.data.span
        if train > self.data.lookback:
            raise broken(f"expected at most data.lookback ({self.data.lookback}), found {train}", "windows.train")
        if span != "all" and span <= train:
            raise broken(f"expected more rows than windows.train ({train}), or all, found {span}", "data.span")
        return self

    def values(self) -> dict[str, Any]:
        """All keys as plain JSON values, in the order of the schema."""
        return self.model_dump(mode="json")


def _keys(model: type[BaseModel], prefix: str = "") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Dotted keys of a model that hold values, and those that hold further keys."""
    leaves: list[str] = []
    branches: list[str] = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            deeper = _keys(inner, f"{prefix}{name}.")
            leaves += deeper[0]
            branches += [f"{prefix}{name}", *deeper[1]]
        else:
            leaves.append(f"{prefix}{name}")
    return tuple(leaves), tuple(branches)


_LEAVES, BRANCHES = _keys(Profile)
LEAVES = tuple(key for key in _LEAVES if key not in ("version", "name"))
"""Keys that a layer may set; version and name belong to the file."""
