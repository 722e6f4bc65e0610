"""Intervals of correlations: closed forms, and how often they hold the truth."""

import math
import os

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.statistics import correlation_intervals
from tvquant.statistics.correlation_intervals import Correlation, correlation

PROOF = bool(os.environ.get("TVQUANT_PROOF"))


def pair(rng: np.random.Generator, rows: int, rho: float, *, phi: float = 0.0, tails: float = 0.0) -> Floats:
    """Return returns of correlation rho that remember the share phi of the last, of `tails` degrees of freedom."""
    noise = rng.normal(size=(rows + 30, 2))
    noise[:, 1] = rho * noise[:, 0] + math.sqrt(1.0 - rho**2) * noise[:, 1]
    if tails:
        noise /= np.sqrt(rng.chisquare(tails, (rows + 30, 1)) / tails)
    for k in range(1, len(noise)):
        noise[k] += phi * noise[k - 1]
    return 0.01 * noise[30:]


def of(returns: Floats, **how: float) -> Correlation:
    found = correlation(*returns.T, **how)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_of_many_normal_rows_it_is_fishers_interval() -> None:
    returns = pair(np.random.default_rng(1), 20_000, 0.6)
    found = of(returns)
    rho = float(np.corrcoef(returns.T)[0, 1])
    assert (found.rho, found.rows) == (pytest.approx(rho, abs=1e-12), 20_000)
    z, reach = math.atanh(rho), 1.96 / math.sqrt(20_000 - 3)
    assert (found.low, found.high) == pytest.approx((math.tanh(z - reach), math.tanh(z + reach)), abs=0.0008)
    wider = of(returns, confidence=0.99)
    assert math.atanh(wider.high or 0.0) - z == pytest.approx(reach * 2.576 / 1.96, rel=0.1)


def test_scale_sign_and_order_change_nothing_else() -> None:
    returns = pair(np.random.default_rng(2), 250, 0.4, tails=4)
    one, other = of(returns), of(returns[:, ::-1] * [-3.0, 1.0] + 0.01)
    assert (other.rho, other.low, other.high) == pytest.approx((-one.rho, -(one.high or 0), -(one.low or 0)), rel=1e-9)
    assert of(returns) == one
    assert of(returns, seed=1) != one


@pytest.mark.requirement("R-META-10")
@pytest.mark.parametrize(("phi", "tails"), [(0.0, 0.0), (0.5, 0.0), (0.0, 4.0)])
@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_interval_of_two_sleeves_of_known_correlation_holds_it_at_its_level(
    monkeypatch: pytest.MonkeyPatch, rho: float, phi: float, tails: float
) -> None:
    """Where the textbook's interval holds it in 70 to 90 of 100."""
    samples, rows = (400, 250) if PROOF else (80, 120)
    monkeypatch.setattr(correlation_intervals, "DRAWS", 499 if PROOF else 199)
    rng = np.random.default_rng(7)
    made = [of(pair(rng, rows, rho, phi=phi, tails=tails)) for _ in range(samples)]
    held = sum((one.low or 0.0) <= rho <= (one.high or 0.0) for one in made) / samples
    assert held == pytest.approx(0.95, abs=3.5 * math.sqrt(0.95 * 0.05 / samples))
    textbook = [(math.atanh(one.rho), 1.96 / math.sqrt(rows - 3)) for one in made]
    theirs = sum(abs(z - math.atanh(rho)) <= reach for z, reach in textbook) / samples
    assert theirs < 0.95 if tails or phi else theirs > 0.9


def test_equal_series_have_no_doubt_and_still_ones_no_correlation() -> None:
    one = pair(np.random.default_rng(3), 100, 0.0)[:, 0]
    for scale in (1.0, 2.0, -0.5):
        assert correlation(one, scale * one) == Correlation(
            rho=math.copysign(1.0, scale), low=math.copysign(1.0, scale), high=math.copysign(1.0, scale), rows=100
        )
    assert correlation(one, np.full(100, 0.001)) is None
    assert correlation(np.full(100, 0.001), np.full(100, 0.001)) is None
    assert correlation(one[:2], one[1:3]) is None


def test_few_rows_have_a_correlation_without_an_interval() -> None:
    returns = pair(np.random.default_rng(4), 40, 0.5)
    assert of(returns[:29]).low is None  # nine blocks of three
    assert of(returns[:30]).low is not None
    # All of the correlation is in one row: most draws do not have it twice, some not at all.
    once = pair(np.random.default_rng(5), 60, 0.0)
    once[:, 1] = 0.0
    once[30] = 0.5
    assert (of(once).low, of(once).high) == (None, None)
    assert of(once).rho > 0.9
    with pytest.raises(ModelError, match=r"two series of one length, got shapes \(3,\) and \(4,\)"):
        correlation(np.zeros(3), np.zeros(4))
    with pytest.raises(ModelError, match="finite returns on every row"):
        correlation(np.array([0.1, np.nan, 0.2]), np.array([0.1, 0.3, 0.2]))
