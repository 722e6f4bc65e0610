"""Sections `execution`, `costs` and `benchmark`: how weights become holdings, at what cost, against what."""

import math
from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Discriminator, Field, PlainSerializer, Tag, field_validator

from tvquant.core.books import Convention, CostModel, Execution
from tvquant.core.quoting import shown
from tvquant.profiles.fields import Distinct, Member, Real, Section, Symbol, broken, pairs
from tvquant.profiles.options import FamilySection

REST = "cash"
"""Stands in weights of the benchmark for what is not invested."""
SUM_TOLERANCE = 1e-9

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
    simulators : who plays the books.
    """

    convention: Convention
    lag: int = Field(strict=True, ge=0)
    halt_limit: int = Field(strict=True, ge=1)
    delisting_haircut: Real = Field(ge=0, le=1)
    simulators: Annotated[Distinct[Member], Field(min_length=1)]

    def execution(self) -> Execution:
        """Return the rules as simulation takes them."""
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
    slippage_bps : what a fill loses to the market, of its value.
    commission_bps : what the broker takes of a fill, of its value.
    borrow_rate : fraction per year of the value of spot and stock shorts, and of borrowed cash.
    """

    slippage_bps: Real = Field(ge=0, le=10_000)
    commission_bps: Real = Field(ge=0, le=10_000)
    borrow_rate: Real = Field(ge=0, le=1)

    def cost_model(self) -> CostModel:
        """Return the costs as simulation takes them."""
        return CostModel(
            slippage_bps=self.slippage_bps, commission_bps=self.commission_bps, borrow_rate=self.borrow_rate
        )


type Unit = Literal["percent", "fraction"]
UNITS: tuple[str, ...] = get_args(Unit.__value__)


ZERO_RATE = "a zero rate"
"""How the risk-free rate is named where there is none."""


class RateSeries(Section):
    """A rate that the lake holds.

    Parameters
    ----------
    symbol : its closes are the rate per year.
    unit : `percent`, 5.25 is 5.25 % per year, or `fraction`, .0525 is.
    """

    symbol: Symbol
    unit: Unit

    @property
    def scale(self) -> float:
        """What a close is multiplied with to be a fraction."""
        return 0.01 if self.unit == "percent" else 1.0


def _rate(value: object) -> object:
    """Return the value if it is a rate or names a series, refused in one line where it does neither."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and -1 < value <= 1
    series = isinstance(value, Mapping) and set(value) == {"symbol", "unit"} and value["unit"] in UNITS
    if number or series or isinstance(value, RateSeries):
        return value
    raise broken(
        "expected a fraction per year (0.02 is 2 %), or the series {symbol: EXCHANGE:TICKER, unit: percent} (or "
        f"fraction), found {shown(value)}"
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
    risk_free: Annotated[Annotated[Real, Field(gt=-1, le=1)] | RateSeries, BeforeValidator(_rate)]

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
