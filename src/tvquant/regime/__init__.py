"""The market's regime: how rough a market is against what chance gives, from its returns alone."""

from tvquant.regime.detector import MarketRegimeDetector
from tvquant.regime.noise import noise_bands
from tvquant.regime.options import Detection

__all__ = ["Detection", "MarketRegimeDetector", "noise_bands"]
