"""Stage 4: clusters of physical assets that move together (R-SEL-27)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tvquant.core.atoms import Atom, AtomPool
from tvquant.core.panel import Floats
from tvquant.profiles.sections.selection import SelectionSection
from tvquant.selection.contract import SelectionContext
from tvquant.statistics import Linkage, average_correlation, correlation_distance, effective_bets, partition


@dataclass(frozen=True, slots=True)
class PartitioningStage:
    """Clusters on correlations averaged over lookbacks, of the assets' own returns, by the profile's linkage.

    All atoms of one asset share its cluster, shorts as well. Assets are taken in the order of their keys: the order of
    the pool changes no cluster and no cluster number. An asset that does not move has no correlation with any: it is a
    cluster of its own, unless there would be more than `max_clusters` in all.
    """

    name: str = "partitioning"

    def run(self, context: SelectionContext) -> SelectionContext:
        """Return the context with the cluster number of each atom, and the correlations they are cut from."""
        keys, returns = _assets(context.pool)
        asked = context.parameters
        of_pool = ("correlation", asked.cluster_lookbacks)
        matrix = context.once(of_pool, lambda: average_correlation(returns, asked.cluster_lookbacks))
        cut = (*of_pool, asked.cluster_distance, asked.max_clusters, asked.linkage)
        of_asset = dict(zip(keys, context.once(cut, lambda: _labels(matrix, asked)), strict=True))
        clusters = tuple(of_asset[atom.physical_symbol] for atom in context.pool.atoms)
        return context.passed(self.name, clusters=clusters, assets=keys, correlation=matrix)


def bets(context: SelectionContext, winners: Sequence[Atom]) -> float:
    """Return the effective number of bets among winners, by the correlations that the clusters are cut from.

    Atoms of one asset are one bet, whatever their logics and directions.
    """
    keys, matrix = context.correlations()
    place = {key: k for k, key in enumerate(keys)}
    chosen = sorted(place[atom.physical_symbol] for atom in winners)  # so that their order changes no bit
    return effective_bets(matrix[np.ix_(chosen, chosen)])


def _assets(pool: AtomPool) -> tuple[tuple[str, ...], Floats]:
    """Return distinct physical assets in the order of their keys and their own returns."""
    place = {atom.physical_symbol: k for k, atom in enumerate(pool.atoms)}
    keys = tuple(sorted(place))
    return keys, pool.own[:, [place[key] for key in keys]]


def _labels(matrix: Floats, parameters: SelectionSection) -> tuple[int, ...]:
    """Return cluster numbers 1, 2 ... in order of first member."""
    return partition(
        correlation_distance(matrix),
        cut=parameters.cluster_distance,
        most=parameters.max_clusters,
        linkage=Linkage(parameters.linkage),
    )
