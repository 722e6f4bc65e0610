"""The score: a weighted sum of components, damped where hardly anything moves."""

import numpy as np
import pytest

from tvquant.regime.components import deviation
from tvquant.regime.score import AS_SPECIFIED, CALIBRATED, TOTAL, measure, score_of, stress_of

DRAW = np.random.default_rng(8).standard_t(4, (252, 3)) * 0.01


def of_ratio(ratio: float, *, recent: float = 0.01, turbulence: float = 0.9, tails: float = 0.0) -> float:
    values = {name: np.array([0.0]) for name in CALIBRATED}
    values |= {
        "volatility_ratio": np.array([ratio]), "turbulence": np.array([turbulence]), "hurst": np.array([0.5]),
        "excess_kurtosis": np.array([tails]),
    }  # fmt: skip
    return float(score_of(values, np.array([recent]), CALIBRATED, total=1.0)[0])


@pytest.mark.requirement("R-REG-02")
def test_the_score_is_the_weighted_sum_of_the_specification() -> None:
    values = measure(DRAW, AS_SPECIFIED)
    v = {name: value[1] for name, value in values.items()}
    expected = (
        0.35 * v["volatility_ratio"] + 0.25 * v["turbulence"] + 0.15 * v["autocorrelation"] + 0.10 * v["entropy"]
        + 0.10 * 2.0 * abs(v["hurst"] - 0.5) + 0.05 * v["unit_root"] + 0.15 * min(1.0, v["excess_kurtosis"] / 10.0)
    )  # fmt: skip
    recent = deviation(DRAW[-10:])
    assert score_of(values, recent, AS_SPECIFIED, total=1.0)[1] == pytest.approx(expected, rel=1e-12)
    assert score_of(values, recent, AS_SPECIFIED, total=TOTAL)[1] == pytest.approx(expected / 1.15, rel=1e-12)
    assert stress_of(values)[1] == pytest.approx(0.7 * v["volatility_ratio"] + 0.6 * v["turbulence"], rel=1e-12)


@pytest.mark.requirement("R-REG-02")
def test_a_calm_market_is_damped() -> None:
    assert of_ratio(0.21) == pytest.approx(0.35 * 0.21 + 0.225)
    assert of_ratio(0.2) == pytest.approx(0.35 * 0.2 + 0.225)
    assert of_ratio(0.19) == pytest.approx(0.5 * (0.35 * 0.19 + 0.225))
    assert of_ratio(1.0, recent=0.0009) == pytest.approx(0.01 * (0.35 + 0.225))
    assert of_ratio(1.0, recent=0.001) == pytest.approx(0.35 + 0.225)
    assert of_ratio(0.49, turbulence=3.0) == 0.6
    assert of_ratio(0.5, turbulence=3.0) == pytest.approx(0.175 + 0.75)
    assert of_ratio(9.0) == 2.5


@pytest.mark.requirement("R-REG-07")
def test_tails_raise_the_score_up_to_ten_and_thin_ones_lower_nothing() -> None:
    scores = [of_ratio(1.0, tails=kurtosis) for kurtosis in (-1.5, 0.0, 1.0, 9.0, 10.0, 30.0)]
    assert scores[0] == scores[1] < scores[2] < scores[3] < scores[4] == scores[5]
    assert scores[4] - scores[1] == pytest.approx(0.15)


def test_a_component_without_a_value_adds_nothing() -> None:
    values = measure(DRAW[-31:], CALIBRATED)
    assert np.isnan(values["hurst"]).all()
    known = {**values, "hurst": np.full(3, 0.5)}
    recent = deviation(DRAW[-10:])
    assert (score_of(values, recent, CALIBRATED, total=1.0) == score_of(known, recent, CALIBRATED, total=1.0)).all()
