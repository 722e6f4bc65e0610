"""Sleeves whose stream is what the simulator made of their decisions, so that both belong together."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from builders.panels import days, instrument, market_of
from builders.sleeves import sleeve
from tvquant.core.atoms import Direction
from tvquant.core.books import CostModel, Execution, WeightPath
from tvquant.core.panel import Panel
from tvquant.core.sleeves import HeldAtom, Sleeve, SleeveDecision, Solves
from tvquant.simulation import SIMULATORS

type Sizes = Mapping[str, float]
"""Atom as `SYMBOL LONG` or `SYMBOL SHORT` -> its size."""


def moving_market(
    names: int, rows: int, *, seed: int = 0, common: float = 0.5, gap: float = 0.004, market: str = "24x7"
) -> Panel:
    """Return prices of X:N0, X:N1 ... that share a part of their moves; opens are a `gap` from the close before."""
    rng = np.random.default_rng(seed)
    moves = 0.02 * (common * rng.standard_t(4, (rows, 1)) + rng.standard_t(4, (rows, names))).clip(-8.0, 8.0)
    close = 100.0 * np.cumprod(1.0 + moves, axis=0)
    opened = np.vstack([close[:1], close[:-1]]) * (1.0 + rng.normal(0.0, gap, (rows, names)))
    traded = [instrument(f"N{j}", calendar=market) for j in range(names)]
    return market_of(
        dict(zip(traded, close.T, strict=True)),
        open=dict(zip(traded, opened.T, strict=True)),
        times=days(rows, start="2024-01-01", calendar=market),
    )


def held_sleeve(
    name: str,
    panel: Panel,
    decided: Mapping[int, Sizes],
    *,
    turned: frozenset[str] = frozenset(),
    costs: CostModel | None = None,
    execution: Execution | None = None,
    **changed: Any,
) -> Sleeve:
    """Return a sleeve that held these atoms from these rows on; the book held `turned` atoms the other way round."""
    net = np.zeros((len(decided), len(panel.keys)))
    decisions = []
    for k, (row, sizes) in enumerate(decided.items()):
        atoms = []
        for atom, size in sizes.items():
            symbol, side = atom.split()
            atoms.append(HeldAtom(f"{symbol}_trend_{side}", symbol, Direction(side), size))
            net[k, panel.keys.index(symbol)] += atoms[-1].signed * (-1.0 if atom in turned else 1.0)
        decisions.append(SleeveDecision(at=panel.times[row], atoms=tuple(atoms)))
    rows = list(decided)
    found = SIMULATORS["custom"].simulate(
        panel,
        WeightPath(keys=panel.keys, decided=np.array(rows), net=net),
        costs=costs or CostModel(),
        execution=execution or Execution(),
    )
    first = len(panel.times) - len(found.times)
    times = np.concatenate([panel.times[rows[0] : first], found.times])
    levels = np.concatenate([np.ones(first - rows[0]), found.equity])
    fields: dict[str, Any] = {
        "times": times,
        "decisions": tuple(decisions),
        "solves": Solves(solved=len(rows), asked=len(rows)),
        "calendar": panel.calendar,
    }
    return sleeve(name, levels.tolist(), decided=(), **fields | changed)
