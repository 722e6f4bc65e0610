"""Simulators as parameters of tests: who needs a heavy library is played by the worker that has imported it."""

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

import pytest

from tvquant.core.books import CostModel, Execution, SimResult, WeightPath
from tvquant.core.panel import Panel
from tvquant.simulation import SIMULATORS
from tvquant.simulation.simulators.contract import Simulator

WORKERS = {"vectorbt": "documentation", "cvxportfolio": "engine libraries"}


def players(names: Iterable[str] = SIMULATORS) -> list[Any]:
    """Return the names as parameters; what is not installed is skipped with the name of its extra."""
    found = []
    for name in names:
        marks: list[Any] = []
        needs = SIMULATORS[name].needs if name in SIMULATORS else None
        if needs is not None:
            marks.append(pytest.mark.xdist_group(WORKERS.get(name, name)))
            marks.append(pytest.mark.skipif(find_spec(needs[0]) is None, reason=f"install tvquant[{needs[1]}]"))
        found.append(pytest.param(name, marks=marks))
    return found


def played(
    simulator: Simulator | str, panel: Panel, path: WeightPath, costs: CostModel, execution: Execution
) -> SimResult:
    """Return the book of a simulator with the defaults of its options."""
    one = SIMULATORS[simulator] if isinstance(simulator, str) else simulator
    return one.simulate(panel, path, tuple(declared() for declared in one.options), costs=costs, execution=execution)
