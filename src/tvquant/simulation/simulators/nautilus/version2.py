"""NautilusTrader, version 2: where its names are, and how its engine is made."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from tvquant.simulation.simulators.nautilus.strategy import NautilusRebalanceStrategy


def library() -> SimpleNamespace:
    """Return the names that both versions have, all that is asked of them."""
    from nautilus_trader import model

    return SimpleNamespace(**vars(model), digits=model.FIXED_PRECISION)


def instrument_fee(_: Decimal) -> dict[str, Decimal]:
    """Return what an instrument is told of fees: nothing."""
    return {}


def fee_model(rate: Decimal) -> Any:
    """Return the fee model with its rates."""
    from nautilus_trader.execution import MakerTakerFeeModel

    return MakerTakerFeeModel(rate, rate)


def engine() -> Any:
    """Return a silent engine without checks of its own."""
    from nautilus_trader.backtest import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.common import LoggerConfig
    from nautilus_trader.risk import RiskEngineConfig

    return BacktestEngine(
        BacktestEngineConfig(
            bypass_logging=True,
            logging=LoggerConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(bypass=True),
            run_analysis=False,
        )
    )


def strategy() -> NautilusRebalanceStrategy:
    """Return the strategy as one of this version."""
    from nautilus_trader.trading import Strategy, StrategyConfig

    kind = type(NautilusRebalanceStrategy.__name__, (NautilusRebalanceStrategy, Strategy), {})
    made: NautilusRebalanceStrategy = kind(StrategyConfig(log_events=False, log_commands=False))
    return made
