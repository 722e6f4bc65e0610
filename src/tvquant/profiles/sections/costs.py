"""Section `costs`: what trading and holding cost, and what cash earns; and rates that the lake holds."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator, model_validator

from tvquant.core.books import CostModel, FeeTier, Spread
from tvquant.core.quoting import shown
from tvquant.profiles.fields import Real, Section, Symbol, broken, pairs

type Unit = Literal["percent", "fraction"]
UNITS: tuple[str, ...] = get_args(Unit.__value__)


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


def rate(value: object) -> object:
    """Return the value if it is a rate or names a series, refused in one line where it does neither."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and -1 < value <= 1
    series = isinstance(value, Mapping) and set(value) == {"symbol", "unit"} and value["unit"] in UNITS
    if number or series or isinstance(value, RateSeries):
        return value
    raise broken(
        "expected a fraction per year (0.02 is 2 %), or the series {symbol: EXCHANGE:TICKER, unit: percent} (or "
        f"fraction), found {shown(value)}"
    )


type Rates = Annotated[tuple[tuple[Symbol, Real], ...], BeforeValidator(pairs), PlainSerializer(dict)]


class TierSection(Section):
    """Commission from a value traded on.

    Parameters
    ----------
    traded : of base currency in the last 30 days, from which this commission holds.
    maker_bps, taker_bps : of value that rested in the book, and of value that took from it; below 0 is a rebate.
    """

    traded: Real = Field(ge=0)
    maker_bps: Real = Field(ge=-100, le=10_000)
    taker_bps: Real = Field(ge=0, le=10_000)


class CostsSection(Section):
    """What trading and holding cost, and what cash earns.

    Parameters
    ----------
    slippage_bps : what a fill loses to the market, of its value.
    commission_bps : what the broker takes of a fill, of its value.
    spread : `flat` is `slippage_bps`; `corwin_schultz` or `abdi_ranaldo` put half of a spread in its place that is
        measured of each name's 20 bars to the decision.
    tiers : commission by value traded in 30 days, the first from 0; where there are any they replace `commission_bps`.
    maker_share : share of traded value that pays the maker's fee of its tier; an assumption, for bars do not tell.
    impact : k of the square-root law, k x sigma x sqrt(value / ADV) of the value; 0 is none.
    borrow_rate : fraction per year of the value of spot and stock shorts, and of borrowed cash.
    borrow_rates : symbol -> rate of shorts that cost another one.
    cash_yield : what cash earns: a fraction per year, or `{symbol: EXCHANGE:TICKER, unit: percent}` (or `fraction`), a
        series of the lake whose last close known before a row holds for it.
    """

    slippage_bps: Real = Field(ge=0, le=10_000)
    commission_bps: Real = Field(ge=0, le=10_000)
    spread: Spread
    tiers: tuple[TierSection, ...]
    maker_share: Real = Field(ge=0, le=1)
    impact: Real = Field(ge=0, le=10)
    borrow_rate: Real = Field(ge=0, le=1)
    borrow_rates: Rates
    cash_yield: Annotated[Annotated[Real, Field(gt=-1, le=1)] | RateSeries, BeforeValidator(rate)]

    @field_validator("tiers", mode="after")
    @classmethod
    def _ascending(cls, tiers: tuple[TierSection, ...]) -> object:
        traded = [tier.traded for tier in tiers]
        if traded and (traded[0] != 0.0 or sorted(set(traded)) != traded):
            raise broken(
                f"expected `traded` from 0 upwards, each once, found {', '.join(f'{one:g}' for one in traded)}"
            )
        return tiers

    @field_validator("borrow_rates", mode="after")
    @classmethod
    def _rates(cls, rates: tuple[tuple[str, float], ...]) -> object:
        for symbol, value in rates:
            if not 0.0 <= value <= 10.0:
                raise broken(f"{symbol}: expected a fraction per year from 0 to 10, found {value:g}")
        return rates

    @model_validator(mode="after")
    def _of_tiers(self) -> Self:
        if self.maker_share and not self.tiers:
            text = f"{self.maker_share:g} of a maker's fee, and costs.tiers is empty; set it to 0, or give tiers"
            raise broken(text, "costs.maker_share")
        return self

    def cost_model(self) -> CostModel:
        """Return the costs as simulation takes them; a yield that is a series is put in where its panel is known."""
        return CostModel(
            slippage_bps=self.slippage_bps,
            commission_bps=self.commission_bps,
            borrow_rate=self.borrow_rate,
            borrow_rates=self.borrow_rates,
            cash_yield=0.0 if isinstance(self.cash_yield, RateSeries) else self.cash_yield,
            spread=self.spread,
            tiers=tuple(
                FeeTier(traded=one.traded, maker_bps=one.maker_bps, taker_bps=one.taker_bps) for one in self.tiers
            ),
            maker_share=self.maker_share,
            impact=self.impact,
        )
