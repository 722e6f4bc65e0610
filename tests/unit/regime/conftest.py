"""Detectors and markets to order."""

from typing import Any

import pytest

from builders.profiles import profile_of
from tvquant.core.panel import Floats
from tvquant.core.regimes import MarketRegime
from tvquant.regime import MarketRegimeDetector


@pytest.fixture(scope="session")
def detector():
    """Return a function: keys of `regime` -> detector."""

    def made(**keys: Any) -> MarketRegimeDetector:
        return MarketRegimeDetector.of(profile_of(**{f"regime__{name}": value for name, value in keys.items()}).regime)

    return made


@pytest.fixture(scope="session")
def detect(detector):
    """Return a function: returns, keys of `regime` -> regime, 252 rows a year."""

    def found(returns: Floats, **keys: Any) -> MarketRegime:
        return detector(**keys).detect(returns, periods_per_year=252)

    return found
