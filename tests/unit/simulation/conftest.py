"""Small markets by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from tvquant.core.books import Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.instruments import Fact, Instrument, Kind
from tvquant.core.panel import Basis, Panel
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
        prices = np.column_stack([np.array(column, float) for column in close.values()])
        rows, names = prices.shape
        times = np.datetime64("2024-01-01", "us") + np.array(days or range(rows)) * DAY
        facts = {
            name: (Fact(field="delisted_at", value=times[row], known_at=times[row]),)
            for name, row in (delisted or {}).items()
        }
        instruments = tuple(
            Instrument(
                symbol=f"X:{name}", kinds=frozenset({kind}), currency="USD", calendar="24x7", facts=facts.get(name, ())
            )
            for name in close
        )
        blank = {"dividend": 0.0, "split": 1.0}
        columns = {
            field: np.column_stack([given.get(name, [blank.get(field, np.nan)] * rows) for name in close])
            for field, given in fields.items()
        }
        return Panel(
            times=times,
            instruments=instruments,
            fields={"close": prices, **columns},
            known_at=np.broadcast_to((times + DAY)[:, None], prices.shape),
            tradable=~np.isnan(prices),
            bases=(Basis.RAW,) * names,
            stamps=(frozenset(),) * names,
            calendar="24x7",
        )

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
