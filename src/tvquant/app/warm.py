"""Compile the kernels once into the cache: `python -m tvquant.app.warm`."""

import numpy as np

from tvquant.core.books import CostModel, Execution, WeightPath
from tvquant.core.calendars import CRYPTO, calendar
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Panel
from tvquant.core.stamps import NONE
from tvquant.simulation import SIMULATORS


def main() -> None:
    """Run the smallest book there is."""
    times = np.arange("2024-01-01", "2024-01-05", dtype="datetime64[D]").astype("datetime64[us]")
    close = np.ones((4, 1))
    panel = Panel(
        times=times,
        instruments=(Instrument(symbol="A:B", kinds=frozenset({Kind.SPOT}), currency="USD", calendar=CRYPTO),),
        fields={"open": close, "close": close},
        known_at=calendar(CRYPTO).close_of(times)[:, None],
        tradable=np.ones((4, 1), dtype=bool),
        bases=(Basis.RAW,),
        stamps=(NONE,),
        calendar=CRYPTO,
    )
    path = WeightPath(keys=panel.keys, decided=np.array([0]), net=np.ones((1, 1)))
    for simulator in SIMULATORS.values():
        simulator.simulate(panel, path, costs=CostModel(), execution=Execution())


if __name__ == "__main__":
    main()
