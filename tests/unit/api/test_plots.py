import inspect

import numpy as np
import pytest

import tvquant as tv
from tvquant.api.plots import Plots
from tvquant.statistics import rolling

NAMES = [name for name, _ in inspect.getmembers(Plots, inspect.isfunction) if not name.startswith("_")]
ROLLING = [name for name in NAMES if name.startswith("rolling")]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (*ROLLING, "of")])
def test_figures_are_those_of_the_report(run: tv.Run, name: str) -> None:
    figure = getattr(run.plot, name)()
    assert type(figure).__module__.startswith("plotly")
    assert figure.layout.title.text
    assert len(figure.data)


def test_numbers_are_those_of_the_frames(run: tv.Run) -> None:
    falls = next(trace for trace in run.plot.drawdown().data if trace.name == run.headline["cell"])
    np.testing.assert_allclose(falls.y, 100 * run.equity()["drawdown"].to_numpy(), rtol=1e-5, atol=1e-9)
    returns = run.returns()["return"].to_numpy()
    volatility, sharpe = rolling(returns, window=30, periods_per_year=365)
    for name, wanted in (("rolling_sharpe", sharpe), ("rolling_volatility", 100 * volatility)):
        line = getattr(run.plot, name)(30).data[-1]
        np.testing.assert_allclose(np.array(line.y, float), wanted, rtol=1e-5)
    beta = {trace.name: trace.y[-1] for trace in run.plot.rolling_beta(30).data}
    market = run.returns("market/custom")["return"].to_numpy()
    moment = np.cov(returns[-30:], market[-30:])
    assert next(v for name, v in beta.items() if "market" in name) == pytest.approx(
        moment[0, 1] / moment[1, 1], rel=1e-4
    )


def test_another_cell_may_stand_in_the_headlines_place(run: tv.Run) -> None:
    other = run.metrics["cell"][1] if run.metrics["cell"][0] == run.headline["cell"] else run.metrics["cell"][0]
    assert other in run.plot.of(other).weights().layout.title.text
    assert run.headline["cell"] in run.plot.weights().layout.title.text
    with pytest.raises(tv.ProfileError, match="unknown cell 'x'"):
        run.plot.of("x")


def test_what_cannot_be_drawn_is_said(run: tv.Run) -> None:
    with pytest.raises(tv.DataError, match="rows are too few for a rolling measure; say window="):
        run.plot.rolling_sharpe()
    with pytest.raises(tv.ProfileError, match=r"window: expected 2 to \d+ rows, which the cell has, found 1"):
        run.plot.rolling_volatility(1)
    with pytest.raises(tv.ProfileError, match=r"window: expected 3 to \d+ rows, which the cell has, found 2"):
        run.plot.rolling_beta(2)
    with pytest.raises(tv.DataError):
        run.plot.of("market/custom").vetoes()
