"""Differences of paired books: against closed forms, and by what dependence does to them."""

import math

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.statistics import paired_differences, performance
from tvquant.statistics.paired_differences import PairedDifference, paired_difference


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired_differences, "DRAWS", 499)


def pair(rows: int, *, rho: float = 0.8, phi: float = 0.0, means: tuple[float, float] = (0.002, 0.0)) -> Floats:
    """Return (rows, 2) returns of deviation .01, correlated by rho, each remembering the share phi of the last."""
    noise = np.random.default_rng(3).normal(size=(rows + 50, 2))
    noise[:, 1] = rho * noise[:, 0] + math.sqrt(1 - rho**2) * noise[:, 1]
    for k in range(1, len(noise)):
        noise[k] = phi * noise[k - 1] + math.sqrt(1 - phi**2) * noise[k]
    return 0.01 * noise[50:] + np.array(means)


def compare(returns: Floats, statistic: str = "sharpe_difference", *, block: int = 1, level: float = 0.95,
            seed: int = 0) -> PairedDifference:  # fmt: skip
    return paired_difference(
        returns, statistic=statistic, periods_per_year=365, confidence=level, block=block, seed=seed
    )


def test_the_error_for_independent_normal_returns_is_that_of_jobson_korkie_and_memmel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """V = 2 - 2 rho + (a^2 + b^2 - 2 a b rho^2) / 2 over n, of ratios per row (Memmel 2003, equation 2)."""
    monkeypatch.setattr(paired_differences, "DRAWS", 1)
    n, rho, (a, b) = 40_000, 0.6, (1.0, 0.5)
    found = compare(pair(n, rho=rho, means=(0.01 * a, 0.01 * b)))
    variance = (2 - 2 * rho + 0.5 * (a**2 + b**2 - 2 * a * b * rho**2)) / n
    assert found.standard_error == pytest.approx(math.sqrt(365 * variance), rel=0.02)
    assert found.difference == pytest.approx((a - b) * math.sqrt(365), abs=4 * found.standard_error)


def test_ratios_are_those_of_the_report_and_the_interval_is_normal_where_returns_are() -> None:
    returns = pair(1_000)
    found = compare(returns)
    own, other = (performance(column, periods_per_year=365).sharpe for column in returns.T)
    assert (found.first, found.second) == pytest.approx((own, other), rel=1e-12)
    assert found.difference == pytest.approx(own - other, rel=1e-9)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * found.standard_error, rel=0.12)
    assert (found.high + found.low) / 2 == pytest.approx(found.difference)
    blocks = compare(returns, block=10)
    assert 1.7 < (blocks.high - blocks.low) / 2 / blocks.standard_error < 2.4
    wider = compare(returns, level=0.99)
    assert (wider.high - wider.low) / 2 == pytest.approx(2.576 * found.standard_error, rel=0.15)


def test_pairs_stay_pairs_and_blocks_see_dependence() -> None:
    """The mean of an autoregression has sqrt((1 + phi) / (1 - phi)) times the error of independent returns."""
    assert compare(pair(400, rho=0.95)).standard_error < 0.5 * compare(pair(400, rho=0.0)).standard_error
    returns = pair(4_000, phi=0.5)
    alone, blocks = (compare(returns, "mean_difference", block=block) for block in (1, 40))
    assert alone.standard_error == pytest.approx(365 * (returns[:, 0] - returns[:, 1]).std() / math.sqrt(4_000))
    assert blocks.standard_error / alone.standard_error == pytest.approx(math.sqrt(3), rel=0.1)
    assert blocks.blocks == 100


def test_a_draw_is_repeated_by_its_seed_and_turning_the_pair_turns_the_sign() -> None:
    returns = pair(250)
    assert compare(returns, block=10) == compare(returns, block=10)
    assert compare(returns, block=10) != compare(returns, block=10, seed=1)
    one, other = compare(returns, block=10), compare(returns[:, ::-1], block=10)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_equal_books_do_not_differ_and_what_cannot_be_compared_is_refused() -> None:
    returns = pair(200)
    found = compare(np.stack([returns[:, 0], returns[:, 0]], axis=1))
    assert (found.difference, found.low, found.high) == (0.0, 0.0, 0.0)
    with pytest.raises(ModelError, match="99 rows in blocks of 10 are fewer than 10 blocks"):
        compare(returns[:99], block=10)
    assert compare(returns[:100], block=10).blocks == 10
    with pytest.raises(ModelError, match="the second returns do not vary"):
        compare(returns * [1, 0])


def test_books_that_differ_in_a_few_blocks_have_no_interval_and_twice_a_book_has_its_ratio() -> None:
    one = pair(300)[:, 0]
    other = one.copy()
    other[5] += 0.01
    for statistic in ("sharpe_difference", "mean_difference"):
        with pytest.raises(ModelError, match=r"differ in so few blocks of 10 rows that draws of 30 often miss them"):
            compare(np.stack([other, one], axis=1), statistic, block=10)
    found = compare(np.stack([2.0 * one, one], axis=1), block=10)
    assert (found.low, found.difference, found.high) == (0.0, 0.0, 0.0)
