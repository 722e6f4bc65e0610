"""A run of two simulators: how far apart their books are, computed again from its tables."""

from types import MappingProxyType

import numpy as np
import pytest

from builders.second_account import SecondAccount, halved
from tvquant.report.blocks import Figure, Table
from tvquant.report.run import read_run
from tvquant.report.sections.engines import ENGINES
from tvquant.report.sections.simulators import SIMULATORS
from tvquant.simulation import SIMULATORS as SIMULATORS_OF_THE_HOUSE

TWO = {"execution.simulators": ["custom", "second"], "execution.convention": "next_close", "costs.borrow_rate": 0.0}


@pytest.fixture
def cheap(monkeypatch):
    """A second simulator, which charges half of the costs."""
    among = MappingProxyType({**SIMULATORS_OF_THE_HOUSE, "second": SecondAccount(costs=halved)})
    for module in ("simulation", "simulation.simulators.catalogue", "tournament.cells", "tournament.walk_forward"):
        monkeypatch.setattr(f"tvquant.{module}.SIMULATORS", among)


def of(kind, blocks):
    return [block for block in blocks if isinstance(block, kind)]


def test_a_run_of_one_simulator_says_how_to_have_more(run):
    (said,) = SIMULATORS.draw(read_run(run))
    assert "Name several in execution.simulators" in said.text


@pytest.mark.requirement("R-SIM-10")
def test_what_simulators_differ_by_is_told_of_every_path_in_basis_points(cheap, build):
    data = read_run(build(TWO, lambda: 0.0))
    (table,) = of(Table, blocks := SIMULATORS.draw(data))
    paths = {cell.key.rpartition("/")[0] for cell in data.outcomes}
    assert {row[0] for row in table.rows} == paths
    assert len(data.outcomes) == 2 * len(paths)
    assert table.head[2:4] == ("custom", "second")
    for row in table.rows:
        one, other = (data.table("returns", f"{row[0]}/{name}")["equity"].to_numpy() for name in ("custom", "second"))
        years = len(one) / 252
        annual = [level[-1] ** (1.0 / years) - 1.0 for level in (one, other)]
        assert [cell.value for cell in row[2:4]] == pytest.approx(annual)
        assert other[-1] > one[-1]
        assert row[4].value == pytest.approx(1e4 * (annual[1] - annual[0]))
        assert row[5].value == pytest.approx(1e4 * (other[-1] / one[-1] - 1.0))
    (picture,) = of(Figure, blocks)
    (trace,) = picture.spec["data"]
    path = data.headline.key.rpartition("/")[0]
    one, other = (data.table("returns", f"{path}/{name}")["equity"].to_numpy() for name in ("custom", "second"))
    assert trace["name"] == "second"
    np.testing.assert_allclose(trace["y"], 1e4 * (other / one - 1.0), rtol=1e-4, atol=1e-9)


def test_engines_are_compared_in_one_simulator_of_a_run_of_two(cheap, build):
    (said,) = ENGINES.draw(read_run(build(TWO, lambda: 0.0)))
    assert "One engine made every book" in said.text
