"""Each component against a closed form, or the same figure by another way."""

import numpy as np
import pytest

from tvquant.core.panel import Floats
from tvquant.regime import components as measured

DRAW = np.random.default_rng(5).standard_t(4, (300, 6)) * 0.01


def haar_details(values: list[float], levels: int) -> tuple[float, float]:
    """Return energy of the details of a Haar pyramid and of all, step by step."""
    whole, details = sum(v * v for v in values), 0.0
    for _ in range(levels):
        pairs = list(zip(values[::2], values[1::2], strict=True))
        details += sum((a - b) ** 2 / 2.0 for a, b in pairs)
        values = [(a + b) / 2.0**0.5 for a, b in pairs]
    return details, whole


@pytest.mark.requirement("R-REG-02")
def test_volatility_ratio_is_ten_rows_over_252() -> None:
    column = DRAW[:, 0]
    expected = np.std(column[-10:], ddof=1) / np.std(column[-252:], ddof=1)
    assert measured.volatility_ratio(DRAW)[0] == pytest.approx(expected, rel=1e-12)
    older = DRAW.copy()
    older[:48] *= 9.0
    assert measured.volatility_ratio(older)[0] == pytest.approx(expected, rel=1e-12)
    older[-10:] = 0.01
    assert measured.volatility_ratio(older).tolist() == pytest.approx([0.0] * 6, abs=1e-12), "a still end is no hole"
    assert np.isnan(measured.volatility_ratio(np.full((252, 1), 0.01))).all()


@pytest.mark.requirement("R-REG-02")
@pytest.mark.parametrize(("rows", "used"), [(300, 64), (63, 56), (20, 16)])
def test_turbulence_is_the_detail_energy_of_a_haar_pyramid(rows: int, used: int) -> None:
    details, whole = haar_details(DRAW[-used:, 1].tolist(), 3)
    assert measured.turbulence(DRAW[-rows:])[1] == pytest.approx(details / whole, rel=1e-12)


def test_turbulence_has_its_closed_forms() -> None:
    """A constant is all drift, alternation none, one spike leaves an eighth; nothing at all has no energy to share."""
    spike = np.zeros(64)
    spike[13] = 0.2
    series = np.column_stack([np.full(64, 0.01), np.tile([0.01, -0.01], 32), spike, np.zeros(64)])
    assert measured.turbulence(series) == pytest.approx([0.0, 1.0, 7.0 / 8.0, np.nan], abs=1e-12, nan_ok=True)
    assert np.isnan(measured.turbulence(series[:7])).all()


@pytest.mark.requirement("R-REG-02")
def test_autocorrelation_is_of_the_sizes_of_the_last_sixty() -> None:
    sizes = np.abs(DRAW[-60:, 2])
    centred = sizes - sizes.mean()
    expected = sum(a * b for a, b in zip(centred[1:], centred[:-1], strict=True)) / sum(c * c for c in centred)
    assert measured.autocorrelation(DRAW)[2] == pytest.approx(expected, rel=1e-12)
    assert np.isnan(measured.autocorrelation(np.tile([[0.01], [-0.01]], (30, 1)))).all()
    clustered = np.repeat([0.001, 0.05], 30) * np.tile([1.0, -1.0], 30)
    assert measured.autocorrelation(clustered[:, None])[0] > 0.9


@pytest.mark.requirement("R-REG-02")
@pytest.mark.parametrize(
    ("measure", "of_a_trend"),
    [(measured.entropy, 0.0), (measured.hurst_exponent, None), (measured.raw_hurst_exponent, None),
     (measured.unit_root, None), (measured.excess_kurtosis, -1.2)],
)  # fmt: skip
def test_the_other_components_read_the_last_sixty_rows(measure, of_a_trend: float | None) -> None:
    older, newer = DRAW.copy(), DRAW.copy()
    older[:-60] += np.random.default_rng(1).standard_normal((240, 6))
    newer[-56:-50] = np.linspace(0.3, 0.1, 6)[:, None]
    assert measure(older).tolist() == measure(DRAW).tolist()
    assert (measure(newer) != measure(DRAW)).any()
    if of_a_trend is not None:
        rising: Floats = np.linspace(0.001, 0.06, 60)[:, None]
        assert measure(rising)[0] == pytest.approx(of_a_trend, abs=0.01)


def test_the_exponent_of_noise_is_a_half_where_it_is_corrected_only() -> None:
    noise = np.random.default_rng(2).standard_normal((60, 2000))
    assert np.median(measured.hurst_exponent(noise)) == pytest.approx(0.5, abs=0.03)
    assert np.median(measured.raw_hurst_exponent(noise)) == pytest.approx(0.61, abs=0.03)
