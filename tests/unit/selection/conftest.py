"""Small pools, whole contexts, and contexts whose later fields are given by hand."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from builders.profiles import selection_of
from tvquant.core.atoms import Atom, AtomPool, Direction
from tvquant.core.features import FeatureSet
from tvquant.core.panel import Floats
from tvquant.core.streams import Streams
from tvquant.selection import SelectionContext
from tvquant.selection.stages.feature_engineering import TERMS


@pytest.fixture
def pool() -> Callable[..., AtomPool]:
    """Pool of atoms with streams (T x K).

    Each is of one asset unless `assets` says otherwise; all are long unless `directions` does. `own` are returns of
    the assets where a short has lost more than everything.
    """

    def make(
        streams: Floats,
        *,
        assets: Sequence[str] = (),
        directions: str = "",
        logics: Sequence[str] = (),
        own: Floats | None = None,
    ) -> AtomPool:
        rows, count = streams.shape
        assets = assets or [f"X:N{k:03d}" for k in range(count)]
        sides = [Direction.SHORT if letter == "S" else Direction.LONG for letter in directions or "L" * count]
        atoms = tuple(
            Atom(physical_symbol=asset, logic=logic, direction=side)
            for asset, logic, side in zip(assets, logics or ["hold"] * count, sides, strict=True)
        )
        return AtomPool(
            atoms=atoms,
            streams=Streams(
                ids=tuple(atom.symbol for atom in atoms),
                times=np.datetime64("2024-01-01", "us") + np.arange(rows) * np.timedelta64(1, "D"),
                returns=streams,
                composition={a.symbol: {a.physical_symbol: float(a.direction.sign)} for a in atoms},
            ),
            own=streams * [float(side.sign) for side in sides] if own is None else own,
        )

    return make


@pytest.fixture
def context(pool: Callable[..., AtomPool]) -> Callable[..., SelectionContext]:
    """A context over streams; `terms` are values per asset in order of their keys, `settings` change the profile."""

    def make(
        streams: Floats, *, terms: Mapping[str, Sequence[float]] | None = None, train: int = 60, periods: int = 365,
        assets: Sequence[str] = (), directions: str = "", logics: Sequence[str] = (), own: Floats | None = None,
        **settings: Any,
    ) -> SelectionContext:  # fmt: skip
        given = pool(streams, assets=assets, directions=directions, logics=logics, own=own)
        keys = tuple(sorted({atom.physical_symbol for atom in given.atoms}))
        values = dict(terms) if terms is not None else {name: [np.nan] * len(keys) for name in sorted(TERMS)}
        return SelectionContext(
            decided_at=given.streams.times[-1],
            pool=given,
            features=FeatureSet(
                names=tuple(values),
                keys=keys,
                values=np.array(list(values.values()), dtype=np.float64).reshape(len(values), len(keys)),
                known_at=given.streams.times[-1],
                absent={} if terms is not None else dict.fromkeys(TERMS, "the data have no volume"),
            ),
            parameters=selection_of(**settings),
            train=train,
            periods_per_year=periods,
        )

    return make


@pytest.fixture
def judged(context: Callable[..., SelectionContext]) -> Callable[..., SelectionContext]:
    """A context whose atom features are given by name, as a veto sees it; `observations` is 200 unless given."""

    def make(
        *, settings: Mapping[str, Any] | None = None, absent: Mapping[str, str] | None = None, directions: str = "",
        logics: Sequence[str] = (), periods: int = 365, **columns: Sequence[float],
    ) -> SelectionContext:  # fmt: skip
        count = len(next(iter(columns.values())))
        given = context(np.zeros((1, count)), directions=directions, logics=logics, periods=periods, **(settings or {}))
        calm = {
            "observations": [200.0] * count, "kurtosis": [0.0] * count, "volatility": [0.5] * count,
            "momentum": [0.1] * count, "entropy": [0.5] * count, "efficiency": [0.9] * count, "hurst": [0.9] * count,
            "survival": [1.0] * count, "roc": [5.0] * count, "volatility_d": [4.0] * count,
            "metadata_known": [1.0] * count,
            "adx": [50.0] * count,
            "own_di": [30.0] * count, "other_di": [10.0] * count, "floor_entropy": [0.9] * count,
        }  # fmt: skip
        columns = {**calm, **columns}
        features = FeatureSet(
            names=tuple(columns),
            keys=given.pool.ids,
            values=np.array(list(columns.values()), dtype=np.float64),
            known_at=given.decided_at,
            absent=absent or {},
        )
        return given.passed("given", atom_features=features)

    return make
