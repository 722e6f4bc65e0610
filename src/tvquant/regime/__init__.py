"""The market's regime: how rough a market is against what chance gives, from its returns alone."""

from tvquant.regime.detector import MarketRegimeDetector
from tvquant.regime.noise import noise_bands

__all__ = ["MarketRegimeDetector", "noise_bands"]
