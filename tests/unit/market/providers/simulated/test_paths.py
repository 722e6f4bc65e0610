import numpy as np
import pytest

from tvquant.market.providers.simulated import paths
from tvquant.market.providers.simulated.paths import COINS, GARCH, STAY, STEPS, STOCKS


def rng(seed=3):
    return np.random.default_rng(seed)


def test_regimes_follow_their_chain():
    assert pytest.approx(1.0) == STAY.sum(axis=1)
    found = paths.regimes(rng(), 200_000)
    moves = np.zeros((3, 3))
    np.add.at(moves, (found[:-1], found[1:]), 1)
    assert moves / moves.sum(axis=1, keepdims=True) == pytest.approx(STAY, abs=0.006)
    assert found[0] == 0


def test_shocks_are_those_of_a_plain_garch():
    days, columns = 60, 3
    got = paths.shocks(rng(), days, columns)
    drawn = rng().standard_t(6.0, (days, STEPS, columns)) / np.sqrt(1.5 * STEPS)
    keep, persist = GARCH
    for column in range(columns):
        variance = 1.0
        for day in range(days):
            expected = drawn[day, :, column] * np.sqrt(variance)
            assert got[day, :, column] == pytest.approx(expected, rel=1e-12)
            variance = (1 - keep - persist) + keep * expected.sum() ** 2 + persist * variance


def test_days_have_unit_variance_and_cluster():
    days = paths.shocks(rng(), 20_000, 8).sum(axis=1)
    assert days.var() == pytest.approx(1.0, abs=0.1)
    squares = days**2 - (days**2).mean(axis=0)
    persistence = (squares[1:] * squares[:-1]).mean(axis=0) / squares.var(axis=0)
    assert persistence.min() > 0.05
    signs = (days[1:] * days[:-1]).mean(axis=0) / days.var(axis=0)
    assert np.abs(signs).max() < 0.1


def test_listings_share_the_market_and_peers_their_sector_too():
    regime = paths.regimes(rng(), 3000)
    sector = np.arange(30) % 3
    returns = paths.log_returns([1], COINS, regime, sector).sum(axis=1)
    correlation = np.corrcoef(returns.T)
    off = ~np.eye(30, dtype=bool)
    peers = sector[:, None] == sector
    assert correlation[~peers].mean() > 0.25
    assert correlation[peers & off].mean() > correlation[~peers].mean() + 0.03


def test_a_crisis_falls_and_moves_more():
    regime = np.repeat([0, 1, 2], 2000)
    returns = paths.log_returns([1], COINS, regime, np.zeros(10, np.int64)).sum(axis=1).mean(axis=1)
    calm, restless, crisis = returns.reshape(3, -1)
    assert calm.std() < restless.std() < crisis.std()
    assert crisis.mean() < calm.mean()


@pytest.mark.parametrize("character", [COINS, STOCKS])
def test_bars_hold_together(character):
    returns = paths.log_returns([2], character, paths.regimes(rng(), 300), np.array([0, 1, 1]))
    steps = paths.bars(rng(), character, returns)
    assert (steps.high >= np.maximum(steps.open, steps.close)).all()
    assert (steps.low <= np.minimum(steps.open, steps.close)).all()
    assert (steps.value > 0).all()
    assert np.log(steps.close) == pytest.approx(np.cumsum(returns.reshape(-1, 3), axis=0), abs=1e-9)
    jumps = np.log(steps.open[1:] / steps.close[:-1])
    of_day = np.zeros(len(jumps) + 1, bool)
    of_day[::STEPS] = True
    assert jumps[~of_day[1:]] == pytest.approx(0.0, abs=1e-9)
    assert jumps[of_day[1:]] == pytest.approx(character.gap * returns[1:, 0, :], abs=1e-9)


@pytest.mark.parametrize("sharpe", [-2.0, 0.0, 0.7, 3.0])
@pytest.mark.parametrize("periods", [252, 365])
def test_the_drift_makes_the_declared_sharpe_ratio(sharpe, periods):
    x = 0.04 * rng().standard_t(4, 700)
    simple = np.expm1(x + paths.drift_for(sharpe, x, periods))
    assert simple.mean() / simple.std(ddof=1) * np.sqrt(periods) == pytest.approx(sharpe, abs=1e-10)


def test_autoregression_keeps_what_it_should():
    noise = paths.autoregression(rng(), 50_000, 2, 0.9)
    assert noise.std(axis=0) == pytest.approx([1, 1], abs=0.06)
    kept = (noise[1:] * noise[:-1]).mean(axis=0) / noise.var(axis=0)
    assert kept == pytest.approx([0.9, 0.9], abs=0.01)
