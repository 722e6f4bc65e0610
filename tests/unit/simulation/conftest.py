"""Small markets by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from builders.panels import instrument, market_of
from tvquant.core.books import Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.instruments import Fact, Kind
from tvquant.core.panel import Panel
from tvquant.simulation import SIMULATORS

DAY = np.timedelta64(1, "D")
FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)


@pytest.fixture
def market() -> Callable[..., Panel]:
    """A panel of daily closes by name (NaN is a row without a bar); other fields and kinds by keyword."""

    def make(
        close: dict[str, list[float]],
        *,
        kind: Kind = Kind.STOCK,
        delisted: dict[str, int] | None = None,
        days: list[int] | None = None,
        **fields: dict[str, list[float]],
    ) -> Panel:
        rows = len(next(iter(close.values())))
        times = np.datetime64("2024-01-01", "us") + np.array(days or range(rows)) * DAY
        facts = {
            name: (Fact(field="delisted_at", value=times[row], known_at=times[row]),)
            for name, row in (delisted or {}).items()
        }
        by_name = {name: instrument(name, kind=kind, facts=facts.get(name, ())) for name in close}
        columns = {field: {by_name[name]: column for name, column in given.items()} for field, given in fields.items()}
        return market_of(
            {by_name[name]: column for name, column in close.items()},
            times=times, blanks={"dividend": 0.0, "split": 1.0}, **columns,
        )  # fmt: skip

    return make


@pytest.fixture
def play() -> Callable[..., SimResult]:
    """Simulate weights (row -> name -> weight) on a panel, free and at the same close when nothing else is said."""

    def run(panel: Panel, weights: dict[int, dict[str, float]], costs: CostModel = FREE, **rules) -> SimResult:
        names = [key.removeprefix("X:") for key in panel.keys]
        net = np.array([[chosen.get(name, 0.0) for name in names] for chosen in weights.values()], float)
        path = WeightPath(keys=panel.keys, decided=np.array(list(weights)), net=net)
        execution = Execution(**{"convention": Convention.SAME_CLOSE} | rules)
        return SIMULATORS["custom"].simulate(panel, path, costs=costs, execution=execution)

    return run
