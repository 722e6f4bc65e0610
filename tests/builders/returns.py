"""Returns to order, as columns of names."""

import numpy as np

from tvquant.core.panel import Floats


def one_factor(rows: int, columns: int, *, noise: float = 0.01, seed: int = 0) -> Floats:
    """Return a market that all follow, by betas of .5 to 1.5, with noise of their own."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0005, 0.01, (rows, 1))
    return market * rng.uniform(0.5, 1.5, columns) + rng.normal(0.0, noise, (rows, columns))


def factors(rows: int, columns: int, count: int, *, seed: int = 0) -> Floats:
    """Return returns of so many equally strong factors; deviations range from .01 to .1."""
    rng = np.random.default_rng(seed)
    loadings = rng.choice([-1.0, 1.0], (count, columns))
    common = rng.normal(size=(rows, count)) @ loadings
    return 0.01 * (common + rng.normal(size=(rows, columns))) * np.linspace(0.5, 5.0, columns)
