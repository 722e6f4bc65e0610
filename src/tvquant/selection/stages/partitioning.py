"""Stage 4: clusters of physical assets that move together (R-SEL-27)."""

from dataclasses import dataclass

import numpy as np

from tvquant.core.atoms import Direction, Streams
from tvquant.core.panel import Bools, Floats
from tvquant.profiles.schema import SelectionSection
from tvquant.selection.contract import SelectionContext
from tvquant.statistics import average_correlation, correlation_distance, partition
from tvquant.statistics.precision import rounding_floor

FEWEST_ROWS = 20
"""Returns that an asset needs to have a correlation with anything."""


@dataclass(frozen=True, slots=True)
class PartitioningStage:
    """Ward clusters on correlations averaged over lookbacks, of the assets' own returns.

    A short is turned back to its asset, so all atoms of one asset share its cluster. Assets are taken in the order of
    their keys: the order of the pool changes no cluster and no cluster number. An asset that does not move has no
    correlation and is a cluster of its own, beside the `max_clusters` of the others.
    """

    name: str = "partitioning"

    def run(self, context: SelectionContext) -> SelectionContext:
        """The context with the cluster number of each atom."""
        keys, returns = _assets(context.pool)
        of_asset = dict(zip(keys, _labels(returns, context.parameters), strict=True))
        return context.passed(self.name, clusters=tuple(of_asset[atom.physical_symbol] for atom in context.pool.atoms))


def _assets(pool: Streams) -> tuple[tuple[str, ...], Floats]:
    """Distinct physical assets in the order of their keys and their own returns, from a long where there is one."""
    order = sorted(
        range(len(pool.atoms)), key=lambda k: (pool.atoms[k].direction is Direction.SHORT, pool.atoms[k].symbol)
    )
    chosen: dict[str, int] = {}
    for k in order:
        chosen.setdefault(pool.atoms[k].physical_symbol, k)
    keys = tuple(sorted(chosen))
    columns = [chosen[key] for key in keys]
    sign = np.array([float(pool.atoms[k].direction.sign) for k in columns])
    return keys, pool.returns[:, columns] * sign


def _labels(returns: Floats, parameters: SelectionSection) -> list[int]:
    """Cluster numbers 1, 2 ... in order of first member."""
    moving = np.flatnonzero(_moves(returns, min(parameters.cluster_lookbacks)))
    raw = [-(j + 1) for j in range(returns.shape[1])]
    if len(moving):
        correlation = average_correlation(returns[:, moving], parameters.cluster_lookbacks)
        distance = correlation_distance(correlation)
        found = partition(distance, cut=parameters.cluster_distance, most=parameters.max_clusters)
        for j, label in zip(moving, found, strict=True):
            raw[j] = label
    number = {label: place for place, label in enumerate(dict.fromkeys(raw), start=1)}
    return [number[label] for label in raw]


def _moves(returns: Floats, rows: int) -> Bools:
    """Columns with returns enough, which vary within the last `rows` rows beyond rounding."""
    recent = returns[-rows:]
    there = np.isfinite(recent)
    spread = np.fmax.reduce(recent, axis=0, initial=-np.inf) - np.fmin.reduce(recent, axis=0, initial=np.inf)
    floor = rounding_floor(np.where(there, recent, 0.0))
    enough = np.isfinite(returns).sum(axis=0) >= FEWEST_ROWS
    return np.asarray(enough & there.any(axis=0) & (spread > floor))
