"""NautilusTrader, version 1: where its names are, and how its engine is made."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from tvquant.simulation.simulators.nautilus.strategy import NautilusRebalanceStrategy


def library() -> SimpleNamespace:
    """Return the names that both versions have, all that is asked of them."""
    from nautilus_trader.model import data, enums, identifiers, instruments, objects

    return SimpleNamespace(
        Bar=data.Bar,
        BarType=data.BarType,
        BarSpecification=data.BarSpecification,
        QuoteTick=data.QuoteTick,
        AccountType=enums.AccountType,
        AggregationSource=enums.AggregationSource,
        BarAggregation=enums.BarAggregation,
        CurrencyType=enums.CurrencyType,
        OmsType=enums.OmsType,
        OrderSide=enums.OrderSide,
        PriceType=enums.PriceType,
        InstrumentId=identifiers.InstrumentId,
        Symbol=identifiers.Symbol,
        Venue=identifiers.Venue,
        CryptoPerpetual=instruments.CryptoPerpetual,
        Currency=objects.Currency,
        Money=objects.Money,
        Price=objects.Price,
        Quantity=objects.Quantity,
        digits=objects.FIXED_PRECISION,
    )


def instrument_fee(rate: Decimal) -> dict[str, Decimal]:
    """Return what an instrument is told of fees."""
    return {"maker_fee": rate, "taker_fee": rate}


def fee_model(_: Decimal) -> Any:
    """Return the fee model: rates are the instruments'."""
    from nautilus_trader.backtest.models import MakerTakerFeeModel

    return MakerTakerFeeModel()


def engine() -> Any:
    """Return a silent engine without checks of its own."""
    from nautilus_trader.backtest.config import BacktestEngineConfig
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.common.config import LoggingConfig
    from nautilus_trader.risk.config import RiskEngineConfig

    made = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True), risk_engine=RiskEngineConfig(bypass=True), run_analysis=False
        )
    )
    # Its analyst copies all earlier trades at each: nobody asks him, and he takes most of a long run's time.
    made.portfolio.analyzer.record_trade = lambda *_, **__: None
    return made


def strategy() -> NautilusRebalanceStrategy:
    """Return the strategy as one of this version."""
    from nautilus_trader.trading.config import StrategyConfig
    from nautilus_trader.trading.strategy import Strategy

    kind = type(NautilusRebalanceStrategy.__name__, (NautilusRebalanceStrategy, Strategy), {})
    made: NautilusRebalanceStrategy = kind(StrategyConfig(log_events=False, log_commands=False))
    return made
