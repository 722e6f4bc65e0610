"""What every metric keeps for any series of returns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from builders.simulated_books import scenario
from tvquant.core.books import Convention
from tvquant.statistics.metrics import drawdown_series, monthly_returns, performance, wealth

RETURNS = arrays(np.float64, st.integers(2, 80), elements=st.floats(-0.5, 0.5, allow_subnormal=False))


@settings(deadline=None)
@given(RETURNS, st.integers(1, 20))
@pytest.mark.requirement("R-MET-03")
def test_window_returns_chain_to_the_whole(returns, window):
    pieces = [returns[i : i + window] for i in range(0, len(returns), window)]
    chained = np.prod([1.0 + performance(p, periods_per_year=252).total_return for p in pieces])
    whole = performance(returns, periods_per_year=252)
    assert whole.total_return == pytest.approx(chained - 1.0, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("convention", list(Convention))
@pytest.mark.requirement("R-MET-03")
@pytest.mark.requirement("R-MET-06")
def test_windows_of_a_book_chain_to_what_its_rows_compound_to_and_metrics_stop_at_its_ruin(convention):
    """A window owns what lies between its fill and the next; a ruined book has zeros behind, which no metric counts."""
    ruined = 0
    for seed in range(40):
        book = scenario(seed, convention, gross=4.0).play()
        bounds = np.append(book.fill_equity, book.equity[-1])
        chained = np.prod(bounds[1:] / bounds[:-1])
        got = performance(book.returns, periods_per_year=365)
        assert bounds[0] == 1.0
        assert 1.0 + got.total_return == pytest.approx(chained, rel=1e-9, abs=1e-12)
        assert chained == pytest.approx(np.cumprod(1.0 + book.returns)[-1], rel=1e-9, abs=1e-12)
        if book.failure:
            end = int(np.argmax(book.equity == 0.0))
            ruined += 1
            assert (got.ruin_rows, got.n, got.bankrupt) == ((end,), end + 1, True)
            assert not book.returns[end + 1 :].any()
            assert got == performance(book.returns[: end + 1], periods_per_year=365)
    assert ruined >= 3


@settings(deadline=None)
@given(RETURNS)
def test_order_of_magnitude(returns):
    p = performance(returns, periods_per_year=252)
    assert -1.0 <= p.max_drawdown <= 0.0
    assert p.max_drawdown <= min(0.0, p.total_return) + 1e-12
    assert p.worst <= p.cvar95 + 1e-12
    assert p.cvar95 <= p.var95 + 1e-12 or p.cvar95_n < p.n
    assert p.var95 <= p.best
    for value in (p.sharpe, p.sharpe_se, p.psr, p.sortino, p.calmar, p.omega, p.volatility):
        assert value is None or np.isfinite(value)
    assert p.psr is None or 0.0 <= p.psr <= 1.0
    assert p.sharpe is None or p.psr is None or (p.sharpe > 0.0) == (p.psr > 0.5) or abs(p.psr - 0.5) < 1e-9


@settings(deadline=None)
@given(RETURNS)
def test_rows_of_the_drawdown_give_its_depth(returns):
    p = performance(returns, periods_per_year=252)
    level = np.concatenate(([1.0], wealth(returns)))
    if p.drawdown_start is None:
        assert (np.diff(level) >= 0.0).all()
        return
    peak, trough = level[p.drawdown_start], level[p.drawdown_trough + 1]
    assert trough / peak - 1.0 == pytest.approx(p.max_drawdown, rel=1e-12)
    assert returns[p.drawdown_start] < 0.0
    if p.drawdown_recovery is not None:
        assert level[p.drawdown_recovery + 1] >= peak
        assert (level[p.drawdown_start + 1 : p.drawdown_recovery + 1] < peak).all()


@settings(deadline=None)
@given(RETURNS, st.floats(0.01, 1.0))
def test_leverage_does_not_change_a_ratio(returns, factor):
    plain = performance(returns, periods_per_year=252)
    scaled = performance(returns * factor, periods_per_year=252)
    if plain.sharpe is not None and scaled.sharpe is not None:
        assert scaled.sharpe == pytest.approx(plain.sharpe, rel=1e-6, abs=1e-6)


@settings(deadline=None)
@given(RETURNS, st.integers(0, 20_000))
def test_months_chain_to_the_whole(returns, first_day):
    times = (first_day + np.arange(len(returns))).astype("datetime64[D]").astype("datetime64[us]")
    years, table = monthly_returns(times, returns)
    assert table.shape == (len(years), 12)
    assert np.nanprod(1.0 + table) == pytest.approx(wealth(returns)[-1], rel=1e-9)


@settings(deadline=None)
@given(RETURNS)
def test_cutting_the_future_changes_no_drawdown(returns):
    half = len(returns) // 2 + 1
    np.testing.assert_array_equal(drawdown_series(returns)[:half], drawdown_series(returns[:half]))
