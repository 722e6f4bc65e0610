"""Stage 4: clusters of physical assets that move together (R-SEL-27)."""

from dataclasses import dataclass

from tvquant.core.atoms import AtomPool
from tvquant.core.panel import Floats
from tvquant.profiles.sections.selection import SelectionSection
from tvquant.selection.contract import SelectionContext
from tvquant.statistics import average_correlation, correlation_distance, partition


@dataclass(frozen=True, slots=True)
class PartitioningStage:
    """Ward clusters on correlations averaged over lookbacks, of the assets' own returns.

    All atoms of one asset share its cluster, shorts as well. Assets are taken in the order of their keys: the order of
    the pool changes no cluster and no cluster number. An asset that does not move has no correlation with any: it is a
    cluster of its own, unless there would be more than `max_clusters` in all.
    """

    name: str = "partitioning"

    def run(self, context: SelectionContext) -> SelectionContext:
        """Return the context with the cluster number of each atom."""
        keys, matrix = correlations(context)
        of_asset = dict(zip(keys, _labels(matrix, context.parameters), strict=True))
        return context.passed(self.name, clusters=tuple(of_asset[atom.physical_symbol] for atom in context.pool.atoms))


def correlations(context: SelectionContext) -> tuple[tuple[str, ...], Floats]:
    """Return distinct physical assets in the order of their keys, and the correlations of their own returns."""
    keys, returns = _assets(context.pool)
    return keys, average_correlation(returns, context.parameters.cluster_lookbacks)


def _assets(pool: AtomPool) -> tuple[tuple[str, ...], Floats]:
    """Return distinct physical assets in the order of their keys and their own returns."""
    place = {atom.physical_symbol: k for k, atom in enumerate(pool.atoms)}
    keys = tuple(sorted(place))
    return keys, pool.own[:, [place[key] for key in keys]]


def _labels(matrix: Floats, parameters: SelectionSection) -> tuple[int, ...]:
    """Return cluster numbers 1, 2 ... in order of first member."""
    return partition(correlation_distance(matrix), cut=parameters.cluster_distance, most=parameters.max_clusters)
