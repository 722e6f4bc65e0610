"""Bands of noise: what they hold, and that they are the packaged ones."""

from datetime import date

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.profiles.regime_bands import packaged_bands
from tvquant.regime.noise import GRID, SEED, drawn, measured, noise_bands

DAY = date(2026, 11, 30)


@pytest.mark.requirement("R-REG-10")
def test_the_packaged_bands_are_what_the_command_makes_of_noise() -> None:
    packaged = packaged_bands()
    assert packaged.rows == GRID
    assert packaged.sample is None
    again = noise_bands(made=packaged.made, draws=packaged.draws, seed=packaged.seed, grid=(20, 252))
    for name in ("quiet", "turbulent", "crisis", "growth", "stress"):
        column = getattr(packaged, name)
        assert getattr(again, name) == pytest.approx((column[0], column[-1]), abs=1e-6), name


@pytest.mark.requirement("R-REG-04")
@pytest.mark.parametrize("rows", [24, 60, 110, 252])
def test_fresh_noise_is_beyond_each_band_as_often_as_it_says(rows: int) -> None:
    """The seed is another one; 110 rows lie between two of the grid."""
    bands, (score, growth, stress) = packaged_bands(), measured(drawn(rows, 4000, SEED + 1))
    grid = -1.0 / np.sqrt(np.array(bands.rows))

    def at(name: str) -> float:
        return float(np.interp(-1.0 / np.sqrt(rows), grid, getattr(bands, name)))

    assert (score < at("quiet")).mean() == pytest.approx(0.10, abs=0.02)
    assert (score > at("turbulent")).mean() == pytest.approx(0.10, abs=0.02)
    assert (score > at("crisis")).mean() == pytest.approx(0.01, abs=0.006)
    assert (growth > at("growth")).mean() == pytest.approx(0.50, abs=0.03)
    assert (stress > at("stress")).mean() == pytest.approx(0.20, abs=0.03)


def test_noise_of_a_market_has_its_tails_and_no_order() -> None:
    draw = np.random.default_rng(0)
    wild = draw.standard_t(2.2, 400) * 0.03
    bands = [
        noise_bands(made=DAY, returns=returns, draws=400, grid=(20, 252))
        for returns in (wild, wild[::-1].copy(), 0.1 * wild, draw.standard_normal(400))
    ]
    assert bands[0].crisis == bands[2].crisis, "its scale is no matter"
    assert bands[0].crisis[-1] == pytest.approx(bands[1].crisis[-1], abs=0.1), "nor is its order"
    assert bands[0].crisis[-1] > bands[3].crisis[-1] + 0.1


def test_too_few_returns_and_still_ones_are_refused() -> None:
    with pytest.raises(ModelError, match="252 returns at least, found 251"):
        noise_bands(made=DAY, returns=np.random.default_rng(0).standard_normal(251))
    with pytest.raises(ModelError, match="do not vary"):
        noise_bands(made=DAY, returns=np.full(252, 0.01))
