"""Sections `execution` and `benchmark`: how weights become holdings, and what results are compared with."""

import math
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, PlainSerializer, Tag, field_validator

from tvquant.core.books import Convention, Execution, Rebalancing
from tvquant.profiles.fields import Distinct, Member, Real, Section, Symbol, broken, pairs
from tvquant.profiles.options import FamilySection
from tvquant.profiles.sections.costs import RateSeries, rate

REST = "cash"
"""Stands in weights of the benchmark for what is not invested."""
SUM_TOLERANCE = 1e-9

ZERO_RATE = "a zero rate"
"""How the risk-free rate is named where there is none."""

type Shares = Annotated[
    tuple[tuple[Annotated[str, Field(strict=True, pattern=rf"^({REST}|[^\s:#]+:[^\s:#]+)$")], Real], ...],
    BeforeValidator(pairs),
    PlainSerializer(dict),
]


class ExecutionSection(FamilySection):
    """How decided weights become holdings, and by which simulators; the fields are those of `core` Execution.

    Parameters
    ----------
    convention : filled at the next open, the next close, or the same close (stamped `optimistic_execution`).
    lag : extra rows between decision and fill.
    halt_limit : rows without a bar after which a holding is closed.
    delisting_haircut : share of the last price that this costs.
    rebalancing : `window` lets weights drift between decisions, `daily` restores them at every row.
    band : a weight within this distance of its target is left alone at a rebalance; entries, exits and flips are not.
    partial : share of the way to the target that one rebalance goes.
    lots : cut quantities to lots, and leave out orders below the minimum notional.
    nav : equity in base currency that the book starts with; lots, fee tiers, impact and participation need it.
    buffer : share of every weight that is kept in cash.
    maintenance_margin : below this share of gross the equity at a mark has everything closed; 0 is no such rule.
    participation : most that a fill may be of a name's mean traded value of 20 bars; null is no limit.
    simulators : who plays the books.
    """

    convention: Convention
    lag: int = Field(strict=True, ge=0)
    halt_limit: int = Field(strict=True, ge=1)
    delisting_haircut: Real = Field(ge=0, le=1)
    rebalancing: Rebalancing
    band: Real = Field(ge=0, lt=1)
    partial: Real = Field(gt=0, le=1)
    lots: bool = Field(strict=True)
    nav: Annotated[Real, Field(gt=0)] | None
    buffer: Real = Field(ge=0, lt=1)
    maintenance_margin: Real = Field(ge=0, lt=1)
    participation: Annotated[Real, Field(gt=0, le=1)] | None
    simulators: Annotated[Distinct[Member], Field(min_length=1)]

    def execution(self) -> Execution:
        """Return the rules as simulation takes them."""
        return Execution(
            convention=self.convention,
            lag=self.lag,
            halt_limit=self.halt_limit,
            delisting_haircut=self.delisting_haircut,
            rebalancing=self.rebalancing,
            band=self.band,
            partial=self.partial,
            lots=self.lots,
            nav=self.nav,
            buffer=self.buffer,
            maintenance_margin=self.maintenance_margin,
            participation=self.participation,
        )


def _written_as(market: object) -> str:
    """Return which of the two a benchmark is, so that what is wrong with it is said of that one."""
    weighted = isinstance(market, tuple) and any(isinstance(one, tuple) for one in market)
    return "weights" if weighted or isinstance(market, Mapping) else "parts"


class BenchmarkSection(Section):
    """What results are compared with.

    Parameters
    ----------
    market : symbols that make up the baseline `market` in equal parts, or symbol -> weight, of sum 1, in which `cash`
        is what is not invested; rebalanced at every decision, at the costs of the others. None is no such baseline.
    risk_free : what money earns without risk, for the Sharpe ratio, its error and probability, the Sortino ratio and
        alpha: a fraction per year, or `{symbol: EXCHANGE:TICKER, unit: percent}` (or `fraction`), a series of the lake
        whose last close known before a row holds for it. It measures; it decides nothing.
    """

    market: Annotated[
        Annotated[Distinct[Symbol], Tag("parts")] | Annotated[Shares, Tag("weights")], Discriminator(_written_as)
    ]
    risk_free: Annotated[Annotated[Real, Field(gt=-1, le=1)] | RateSeries, BeforeValidator(rate)]

    @property
    def rate(self) -> str:
        """The risk-free rate in words."""
        if isinstance(self.risk_free, RateSeries):
            return f"the risk-free rate {self.risk_free.symbol}, in {self.risk_free.unit} per year"
        return f"a risk-free rate of {100 * self.risk_free:g} % per year" if self.risk_free else ZERO_RATE

    @field_validator("market", mode="after")
    @classmethod
    def _whole(cls, market: tuple[str, ...] | tuple[tuple[str, float], ...]) -> object:
        shares = {one[0]: one[1] for one in market if isinstance(one, tuple)}
        for name, share in shares.items():
            if not share > 0.0:
                raise broken(f"{name}: expected a weight above 0, found {share:g}; leave it out")
        total = math.fsum(shares.values())
        if shares and abs(total - 1.0) > SUM_TOLERANCE:
            rest = f"; add {REST}: {1.0 - total:g} if the rest is cash" if total < 1.0 else ""
            raise broken(f"the weights are {total:g} together, expected 1{rest}")
        if tuple(shares) == (REST,):
            raise broken("names cash alone; name a symbol, or [] for no benchmark")
        return market

    @property
    def symbols(self) -> tuple[str, ...]:
        """Those that must be in the lake."""
        names = (one if isinstance(one, str) else one[0] for one in self.market)
        return tuple(name for name in names if name != REST)

    @property
    def weights(self) -> tuple[float, ...] | None:
        """Their weights; None where they have equal parts."""
        shares = [one for one in self.market if isinstance(one, tuple)]
        return tuple(share for name, share in shares if name != REST) if shares else None
