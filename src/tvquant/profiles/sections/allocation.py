"""Sections `allocation` and `risk`: who turns streams into weights, within which limits."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator, model_validator

from tvquant.core.problems import GroupLimit, Limits, NameLimit
from tvquant.core.quoting import shown
from tvquant.core.regimes import Quadrant, Regime
from tvquant.profiles.fields import Distinct, Member, Name, Real, Section, Symbol, broken, pairs
from tvquant.profiles.options import FamilySection

ADAPTIVE = "adaptive"
"""Risk profile that is another one in each regime of the market."""
NOT_CHOSEN = (ADAPTIVE, "fixed")
"""Risk profiles that no regime chooses: itself, and weights that are declared beside it."""


def _interval_of(value: object) -> object:
    """Return [least, most] of a limit that names the most alone."""
    if isinstance(value, list | tuple) and len(value) != 2:
        raise broken(f"expected the most, or [least, most], found {shown(value)}")
    return value if isinstance(value, list | tuple) else (0.0, value)


class GroupSection(Section):
    """A group of names with a limit of its own.

    Parameters
    ----------
    symbols : the names.
    max : most that they hold together, longs and shorts without their signs.
    """

    symbols: Annotated[Distinct[Symbol], Field(min_length=1)]
    max: Real = Field(gt=0, le=10)


type NameLimits = Annotated[
    tuple[tuple[Symbol, Annotated[tuple[Real, Real], BeforeValidator(_interval_of)]], ...],
    BeforeValidator(pairs),
    PlainSerializer(lambda items: {symbol: list(interval) for symbol, interval in items}),
]
type GroupLimits = Annotated[
    tuple[tuple[Name, GroupSection], ...],
    BeforeValidator(pairs),
    PlainSerializer(lambda items: {name: group.model_dump(mode="json") for name, group in items}),
]


class LimitsSection(Section):
    """Portfolio limits as fractions of equity.

    Parameters
    ----------
    gross : most of all weights without their signs.
    net : least and most of longs less shorts.
    position : most of one instrument.
    cluster : most of one cluster.
    long : most of all longs; null where gross and net alone bind them.
    short : most of all shorts, without sign; null where gross and net alone bind them.
    reference : times its own weight without limits that a risk profile may give one atom (or 1 / N of N atoms, where
        that is more); null where caps may fill any atom up to `position`. Declared weights are not bounded by it.
    turnover : most that one decision buys, and most that it sells, from the weights before: a full switch is 1; null
        where nothing bounds it. The first book is bought whole; names that are gone and the limits above come first.
    names : symbol -> the most of it, or [least, most], on the side it is held on; it binds beside `position`. A least
        binds a name that is chosen.
    groups : name -> `symbols` and the `max` that they hold together, longs and shorts without their signs.
    """

    gross: Real = Field(gt=0, le=10)
    net: tuple[Real, Real]
    position: Real = Field(gt=0, le=1)
    cluster: Real = Field(gt=0, le=1)
    long: Annotated[Real, Field(ge=0, le=10)] | None
    short: Annotated[Real, Field(ge=0, le=10)] | None
    reference: Annotated[Real, Field(ge=1, le=100)] | None
    turnover: Annotated[Real, Field(gt=0, le=10)] | None
    names: NameLimits
    groups: GroupLimits

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

    @model_validator(mode="after")
    def _of_names(self) -> Self:
        key, least = "allocation.limits.names", dict[str, float]()
        for symbol, (low, high) in self.names:
            if not 0.0 <= low <= high or high == 0.0:
                raise broken(
                    f"{symbol}: expected 0 <= least <= most and a most above 0, found [{low:g}, {high:g}]", key
                )
            for other, cap in (("position", self.position), ("cluster", self.cluster)):
                if high > cap:
                    text = (
                        f"{symbol}: its most, {high:g}, never binds: allocation.limits.{other} is {cap:g}; raise that"
                    )
                    raise broken(f"{text}, or lower this", key)
            least[symbol] = low
        if (total := math.fsum(least.values())) > min(1.0, self.gross):
            text = f"the least of all names is {total:g} together, above {min(1.0, self.gross):g}"
            raise broken(f"{text}; lower some", key)
        for name, group in self.groups:
            if (total := math.fsum(least.get(symbol, 0.0) for symbol in group.symbols)) > group.max:
                text = f"group {name}: its names hold at least {total:g} by allocation.limits.names, above its max"
                raise broken(f"{text}, {group.max:g}; raise that, or lower a least", "allocation.limits.groups")
        return self

    @property
    def named(self) -> tuple[tuple[str, str, str], ...]:
        """Dotted key, what names it, and symbol, of every symbol that has a limit by name."""
        names = [("allocation.limits.names", "", symbol) for symbol, _ in self.names]
        groups = [
            ("allocation.limits.groups", f"group {name} ", symbol)
            for name, group in self.groups
            for symbol in group.symbols
        ]
        return (*names, *groups)

    def limits(self) -> Limits:
        """Return the limits as allocation takes them."""
        return Limits(
            gross=self.gross,
            net=self.net,
            position=self.position,
            cluster=self.cluster,
            long=self.long,
            short=self.short,
            reference=self.reference,
            turnover=self.turnover,
            names=tuple(NameLimit(symbol=symbol, least=low, most=high) for symbol, (low, high) in self.names),
            groups=tuple(GroupLimit(name=name, symbols=one.symbols, most=one.max) for name, one in self.groups),
        )


class CovarianceSection(FamilySection):
    """How the covariance of streams is estimated; options of estimators are declared in `allocation.covariance`.

    Parameters
    ----------
    estimator : of the covariance. Whatever it is, a ridge of .01 of the mean variance is added, or as much more as the
        condition number 5000 needs.
    """

    estimator: Member


class MeansSection(Section):
    """How expected returns are estimated, for risk profiles that read them.

    Parameters
    ----------
    estimator : of the expected returns.
    risk_free : riskless rate that is taken off them; books are measured against `benchmark.risk_free`, which may be a
        series and is none of this.
    """

    estimator: Member
    risk_free: Real = Field(gt=-1, le=1)


class L2Section(Section):
    """What is added to the variance for each unit of squared weight, in mean variances, by the quadrant of the market.

    It spreads the books of min_variance, market_neutral and max_sharpe; for max_sharpe it is at least .10 unless the
    quadrant has 0, which adds nothing.

    Parameters
    ----------
    expansion : coefficient where the market rises calmly.
    normal : coefficient where neither growth nor stress stands out, and where too few rows are there to say.
    inflationary_trend : coefficient where it rises under stress.
    stagnation : coefficient where it falls calmly.
    crisis : coefficient where it falls under stress.
    """

    expansion: Real = Field(ge=0, le=10)
    normal: Real = Field(ge=0, le=10)
    inflationary_trend: Real = Field(ge=0, le=10)
    stagnation: Real = Field(ge=0, le=10)
    crisis: Real = Field(ge=0, le=10)

    def of(self, quadrant: Quadrant) -> float:
        """Return the coefficient in a quadrant."""
        found: float = getattr(self, quadrant.value)
        return found


class NeutralitySection(Section):
    """How far a book that is to be neutral may move with the benchmark (`benchmark.market`).

    Parameters
    ----------
    tolerances : most of the book's beta per unit of equity, without its sign; where no book keeps the first, the next
        one is tried, and after the last risk_parity, which is flagged as not neutral.
    profiles : risk profiles that keep them too; `market_neutral` always does.
    """

    tolerances: Annotated[tuple[Annotated[Real, Field(gt=0, le=10)], ...], Field(min_length=1)]
    profiles: Distinct[Member]

    @field_validator("tolerances", mode="after")
    @classmethod
    def _wider(cls, tolerances: tuple[float, ...]) -> tuple[float, ...]:
        if any(later <= earlier for earlier, later in pairwise(tolerances)):
            raise broken(f"expected each wider than the one before, found {list(tolerances)}; sort them")
        return tolerances


class AllocationSection(FamilySection):
    """Who turns streams into weights.

    Parameters
    ----------
    engines : optimisers; the first one makes the headline. What one does not solve is no cell of it, and is noted.
    profiles : risk profiles, what is asked of a portfolio; each one with each engine is a cell.
    fallbacks : risk profiles tried in this order when a solve fails; each attempt is recorded.
    layers : `one`: an engine weighs the streams of winners. `two`: it weighs clusters of them, each held by inverse
        variance; every limit is kept by what is held in the end. `equal_names` and `fixed` weigh streams in either.
    risk_aversion : g of what min_variance and market_neutral minimise, g / 2 x variance per bar + costs of what a
        decision trades, at `costs.slippage_bps` and `commission_bps`; null leaves costs out of it.
    limits : what every answer must keep.
    neutrality : how far a book that is to be neutral may move with the benchmark.
    """

    engines: Annotated[Distinct[Member], Field(min_length=1)]
    profiles: Annotated[Distinct[Member], Field(min_length=1)]
    fallbacks: Distinct[Member]
    covariance: CovarianceSection
    means: MeansSection
    l2: L2Section
    layers: Literal["one", "two"]
    risk_aversion: Annotated[Real, Field(gt=0, le=1e6)] | None
    limits: LimitsSection
    neutrality: NeutralitySection


class AdaptiveSection(Section):
    """By which risk profile `adaptive` weighs in each regime of the market (R-RSK-03).

    Parameters
    ----------
    quiet : where its label is Quiet; null is `risk.primary`.
    normal : where it is Normal, or not known; null is `risk.primary`.
    turbulent : where it is Turbulent.
    crisis : where it is Crisis.
    """

    quiet: Member | None
    normal: Member | None
    turbulent: Member
    crisis: Member


class RiskSection(Section):
    """Which risk profiles are shown (R-RSK-25), and which one `adaptive` is in each regime.

    Parameters
    ----------
    primary : the one that makes headline and orders.
    anchors : those that are shown beside it.
    """

    primary: Member
    anchors: Distinct[Member]
    adaptive: AdaptiveSection

    @property
    def by_regime(self) -> Mapping[Regime, str]:
        """Risk profile of `adaptive` in each regime."""
        table = self.adaptive
        return {
            Regime.QUIET: table.quiet or self.primary,
            Regime.NORMAL: table.normal or self.primary,
            Regime.TURBULENT: table.turbulent,
            Regime.CRISIS: table.crisis,
        }

    def refuse_adaptive(self) -> None:
        """Refuse a table by which `adaptive` would not weigh by another risk profile."""
        for regime, name in self.by_regime.items():
            if name in NOT_CHOSEN:
                key = f"risk.adaptive.{regime}"
                raise broken(f"adaptive cannot weigh by {name!r}; name another risk profile for this regime", key)
