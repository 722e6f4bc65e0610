"""Flattening: weights of atoms back into net physical weights, and the caps proven again on what is really held.

1. An asset's net weight is the sum over atoms of weight times signed units; its gross weight is the same sum of
   absolute parts, before opposite atoms cancel (R-SYN-10).
2. Caps that held for atoms need not hold for assets: two atoms may hold one asset. `keep_caps` scales down the atoms
   behind a breach in proportion; what they give up is cash (R-RSK-12).
3. Gross bounds net from above, so it is gross that is scaled to a cap. Gross only ever falls when an atom is scaled
   down: assets, then clusters, then names and groups, then the whole are visited once each, and what held before still
   holds.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from tvquant.core.allocations import CAP_TOLERANCE, Constraint, violated
from tvquant.core.errors import ModelError
from tvquant.core.problems import Limits
from tvquant.core.streams import Composition


@dataclass(frozen=True, slots=True, kw_only=True)
class Flattened:
    """Weight of each asset that an atom holds, after (`net`) and before (`gross`) opposite atoms cancel."""

    net: Mapping[str, float]
    gross: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Netted:
    """Atom weights that keep the caps, and what is held by them.

    Parameters
    ----------
    weights : atom id -> weight, never above the one that was asked for.
    net, gross : of each asset, by these weights.
    constraints : every cap as verified on them.
    moved : sum of the atom weight that was taken away.
    """

    weights: Mapping[str, float]
    net: Mapping[str, float]
    gross: Mapping[str, float]
    constraints: tuple[Constraint, ...]
    moved: float


def flatten(weights: Mapping[str, float], composition: Composition) -> Flattened:
    """Return net and gross physical weights of atom weights.

    Parameters
    ----------
    weights : atom id -> weight, not negative: a short is its atom's direction (R-SYN-03).
    composition : atom id -> asset -> signed units.

    Raises
    ------
    ModelError : an atom without composition, or a weight that is negative or not finite.
    """
    parts: dict[str, list[float]] = {}
    for atom, weight in weights.items():
        if atom not in composition:
            raise ModelError(f"atom {atom}: it has a weight and no entry in the composition map")
        if not 0.0 <= weight < math.inf:
            raise ModelError(f"atom {atom}: expected a weight of 0 or more, found {weight!r}")
        for asset, units in composition[atom].items():
            parts.setdefault(asset, []).append(weight * units)
    if all(len(held) == 1 for held in parts.values()):  # each is one atom's: the sum has no sign of a zero either
        alone = {asset: part + 0.0 for asset, (part,) in parts.items()}
        return Flattened(net=alone, gross={asset: abs(part) for asset, part in alone.items()})
    return Flattened(
        net={asset: math.fsum(held) for asset, held in parts.items()},
        gross={asset: math.fsum(map(abs, held)) for asset, held in parts.items()},
    )


def keep_caps(
    weights: Mapping[str, float], composition: Composition, clusters: Mapping[str, int], limits: Limits
) -> Netted:
    """Scale down the atoms behind every breach of a limit on physical weights.

    Parameters
    ----------
    weights : atom id -> weight, not negative.
    composition : atom id -> asset -> signed units.
    clusters : asset -> selection cluster.
    limits : position caps bind each asset, cluster caps each selection cluster and limits by name theirs, on gross and
        so on net; gross, net, long and short bind the whole. A net interval or a least that can only be reached by
        growing is left broken and shows in `constraints`, and so do longs or shorts above theirs.

    Raises
    ------
    ModelError : as `flatten`, or an asset without a cluster.
    """
    held = flatten(weights, composition)
    for asset in held.net:
        if asset not in clusters:
            raise ModelError(f"asset {asset}: it is held and has no selection cluster")
    found = _verified(held, clusters, limits)
    if not violated(found):  # as good as always, since the allocation kept the same limits
        return Netted(weights=weights, net=held.net, gross=held.gross, constraints=found, moved=0.0)
    together: dict[int, set[str]] = {}
    for asset in held.net:
        together.setdefault(clusters[asset], set()).add(asset)
    groups = [
        *(({asset}, limits.position) for asset in held.net),
        *((members, limits.cluster) for members in together.values()),
        *((set(one.assets), one.most) for one in limits.named(held.net)),
        (set(held.net), limits.gross),
    ]
    kept = _within_net(_within_groups(weights, composition, groups), composition, limits.net)
    final = flatten(kept, composition)
    return Netted(
        weights=kept,
        net=final.net,
        gross=final.gross,
        constraints=_verified(final, clusters, limits),
        moved=math.fsum(weights.values()) - math.fsum(kept.values()),
    )


def _within_groups(
    weights: Mapping[str, float], composition: Composition, groups: Sequence[tuple[set[str], float]]
) -> Mapping[str, float]:
    """Return weights with the holders of each group of assets scaled by one factor, so that its gross keeps its cap."""
    kept = dict(weights)
    holders: dict[str, list[tuple[str, float]]] = {}
    for atom in kept:
        for asset, units in composition[atom].items():
            holders.setdefault(asset, []).append((atom, abs(units)))
    parts = {asset: [kept[atom] * units for atom, units in held] for asset, held in holders.items()}
    for members, cap in groups:
        # fsum is exact, so the order of a set changes nothing.
        gross = math.fsum(chain.from_iterable(map(parts.__getitem__, members)))
        if gross > cap + CAP_TOLERANCE:
            behind = dict.fromkeys(atom for asset in members for atom, _ in holders[asset])
            kept |= {atom: kept[atom] * (cap / gross) for atom in behind}
            touched = dict.fromkeys(asset for atom in behind for asset in composition[atom])
            parts |= {asset: [kept[atom] * units for atom, units in holders[asset]] for asset in touched}
    return kept


def _within_net(
    weights: Mapping[str, float], composition: Composition, interval: tuple[float, float]
) -> Mapping[str, float]:
    """Return weights with the side that pushes net out of its interval scaled down, where that alone can mend it."""
    pushed = {atom: w * math.fsum(composition[atom].values()) for atom, w in weights.items()}
    net = math.fsum(pushed.values())
    side = 1.0 if net > interval[1] + CAP_TOLERANCE else -1.0 if net < interval[0] - CAP_TOLERANCE else 0.0
    total = math.fsum(abs(part) for part in pushed.values() if part * side > 0.0)
    excess = net - interval[1] if side > 0.0 else interval[0] - net
    if side == 0.0 or excess > total:
        return weights
    factor = (total - excess) / total
    return {atom: w * factor if pushed[atom] * side > 0.0 else w for atom, w in weights.items()}


def _verified(held: Flattened, clusters: Mapping[str, int], limits: Limits) -> tuple[Constraint, ...]:
    """Return every limit with its value on the final physical weights."""
    net = {asset: abs(weight) for asset, weight in held.net.items()}
    total, gross = math.fsum(held.net.values()), math.fsum(held.gross.values())
    together = _largest(held.gross, clusters)
    left = together if net == held.gross else _largest(net, clusters)
    return (
        Constraint(name="net_position", limit=limits.position, value=max(net.values(), default=0.0)),
        Constraint(name="gross_position", limit=limits.position, value=max(held.gross.values(), default=0.0)),
        Constraint(name="net_cluster", limit=limits.cluster, value=left),
        Constraint(name="gross_cluster", limit=limits.cluster, value=together),
        Constraint(name="gross", limit=limits.gross, value=gross),
        Constraint(name="net_high", limit=limits.net[1], value=total),
        Constraint(name="net_low", limit=-limits.net[0], value=0.0 - total),
        *(
            Constraint(name=name, limit=most, value=0.5 * (gross + sign * total))
            for name, most, sign in (("long", limits.long, 1.0), ("short", limits.short, -1.0))
            if most is not None
        ),
        *_by_name(net, held.gross, limits),
    )


def _by_name(net: Mapping[str, float], gross: Mapping[str, float], limits: Limits) -> Iterator[Constraint]:
    """Yield limits by name: the most of what is held gross, the least of what is left net."""
    for one in limits.named(net):
        yield Constraint(name=one.label, limit=one.most, value=math.fsum(gross[asset] for asset in one.assets))
        if one.least > 0.0:
            left = math.fsum(net[asset] for asset in one.assets)
            yield Constraint(name=one.least_label, limit=-one.least, value=0.0 - left)


def _largest(sizes: Mapping[str, float], clusters: Mapping[str, int]) -> float:
    """Return the largest sum of sizes in one cluster; 0 of nothing."""
    parts: dict[int, list[float]] = {}
    for asset, size in sizes.items():
        parts.setdefault(clusters[asset], []).append(size)
    return max(map(math.fsum, parts.values()), default=0.0)
