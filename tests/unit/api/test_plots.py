import inspect

import numpy as np
import pytest

import tvquant as tv
from tvquant.api.plots import Plots
from tvquant.report.interactive import block_of
from tvquant.report.run import read_run

NAMES = [name for name, one in inspect.getmembers(Plots, inspect.isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_those_of_the_report(run: tv.Run, name: str) -> None:
    figure = getattr(run.plot, name)()
    assert type(figure).__module__.startswith("plotly")
    assert figure.layout.title.text
    assert figure.layout.height >= 300
    assert len(figure.data)


def test_a_drawdown_stands_alone_with_its_own_axis_and_legend(run: tv.Run) -> None:
    figure = run.plot.drawdown()
    whole = run.plot.equity()
    lower = [trace for trace in whole.data if trace.yaxis == "y2"]
    assert [trace.name for trace in figure.data] == [trace.name for trace in lower]
    headline = next(trace for trace in figure.data if trace.name == run.headline["cell"])
    np.testing.assert_allclose(headline.y, 100 * run.equity()["drawdown"].to_numpy(), rtol=1e-5, atol=1e-9)
    assert figure.layout.yaxis.title.text == "drawdown, %"
    assert all(trace.yaxis is None and trace.showlegend is None for trace in figure.data)


def test_what_cannot_be_drawn_is_said(run: tv.Run) -> None:
    with pytest.raises(tv.DataError, match="has no figure 'none'"):
        block_of(read_run(run.folder), "weights", "none")
