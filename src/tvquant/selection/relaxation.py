"""Hierarchical threshold relaxation: who is recruited at a stage, given scores, clusters and vetoes (R-SEL-20 to 26).

1. `strict`: of the atoms without a veto, the best of each cluster and direction, as many as it has places.
2. `spectral`: the same under looser limits of entropy and efficiency, which stay so.
3. `cluster_floor`: and the best of each cluster that is left empty, hard vetoes kept, unless it is noise.
4. `alpha_fallback`: and the best of all that remain until there are enough, hard vetoes kept.

Long and short are counted apart and no direction is limited (R-SEL-29).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tvquant.core.atoms import Direction
from tvquant.core.panel import Bools, Floats


class Relaxation(IntEnum):
    """Stages of relaxation, in order."""

    STRICT = 1
    SPECTRAL = 2
    CLUSTER_FLOOR = 3
    ALPHA_FALLBACK = 4


RANKED, CLUSTER_FLOOR, ALPHA_FALLBACK = "ranked", "cluster_floor", "alpha_fallback"
"""How a winner came in."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """K atoms to recruit from: ids, directions, scores, clusters, and which rules each breaks.

    Parameters
    ----------
    vetoed : K, any rule of the stage is broken, a hard one included.
    barred : K, a hard rule is broken.
    noise : K, too unpredictable to represent a cluster that is left empty (R-SEL-22).
    """

    ids: tuple[str, ...]
    directions: tuple[Direction, ...]
    scores: Floats
    clusters: NDArray[np.int64]
    vetoed: Bools
    barred: Bools
    noise: Bools

    def ranking(self) -> list[int]:
        """Return all atoms, best score first, ties by id."""
        worse = (-self.scores).tolist()
        return sorted(range(len(self.ids)), key=lambda k: (worse[k], self.ids[k]))


def recruit(
    candidates: Candidates, stage: Relaxation, *, places: Mapping[int, int], floor: int, ceiling: int
) -> dict[str, str]:
    """Return winner id -> how it came in at this stage, at most `ceiling`, the best kept.

    `places` says by cluster how many of each direction win by rank. At the last stage there are `floor` winners, or all
    that no hard veto bars when those are fewer.
    """
    ranking = candidates.ranking()
    how = dict.fromkeys(_best(candidates, ranking, places), RANKED)
    if stage >= Relaxation.CLUSTER_FLOOR:
        how |= dict.fromkeys(_first_of_empty(candidates, ranking, how), CLUSTER_FLOOR)
    if stage >= Relaxation.ALPHA_FALLBACK:
        rest = [k for k in ranking if not candidates.barred[k] and k not in how]
        how |= dict.fromkeys(rest[: max(0, floor - len(how))], ALPHA_FALLBACK)
    kept = [k for k in ranking if k in how][:ceiling]
    return {candidates.ids[k]: how[k] for k in kept}


def _best(candidates: Candidates, ranking: Sequence[int], places: Mapping[int, int]) -> list[int]:
    """Return the best of each cluster and direction that no rule vetoes, as many as there are places."""
    taken: dict[tuple[int, Direction], int] = {}
    best = []
    for k in ranking:
        group = (int(candidates.clusters[k]), candidates.directions[k])
        if not candidates.vetoed[k] and taken.get(group, 0) < places[group[0]]:
            taken[group] = taken.get(group, 0) + 1
            best.append(k)
    return best


def _first_of_empty(candidates: Candidates, ranking: Sequence[int], won: Iterable[int]) -> list[int]:
    """Return the best atom without a hard veto, and not noise, of each cluster that has no winner."""
    filled = {int(candidates.clusters[k]) for k in won}
    first = []
    for k in ranking:
        cluster = int(candidates.clusters[k])
        if cluster not in filled and not (candidates.barred[k] or candidates.noise[k]):
            filled.add(cluster)
            first.append(k)
    return first
