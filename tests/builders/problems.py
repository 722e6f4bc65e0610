"""Allocation problems to order."""

from collections.abc import Mapping, Sequence

import numpy as np

from tvquant.core.neutrality import Beta
from tvquant.core.panel import Floats
from tvquant.core.problems import Covariance, GroupLimit, Limits, NameLimit, Problem
from tvquant.statistics import estimate


def limits(
    *,
    gross: float = 1.0,
    net: tuple[float, float] = (-1.0, 1.0),
    position: float = 0.25,
    cluster: float = 0.25,
    names: Mapping[str, tuple[float, float]] | None = None,
    groups: Mapping[str, tuple[Sequence[str], float]] | None = None,
    **sides: float,
) -> Limits:
    """Return the limits of the presets, but for those that are given: symbol -> (least, most); group -> who, most."""
    return Limits(
        gross=gross, net=net, position=position, cluster=cluster,
        names=tuple(NameLimit(symbol=s, least=low, most=high) for s, (low, high) in (names or {}).items()),
        groups=tuple(GroupLimit(name=g, symbols=tuple(who), most=most) for g, (who, most) in (groups or {}).items()),
        **sides,
    )  # fmt: skip


HOUSE = limits()
FREE = limits(position=1.0, cluster=1.0)


def covariance_of(matrix: Sequence[Sequence[float]] | Floats, means: Sequence[float] | Floats = ()) -> Covariance:
    """Return a covariance that nobody estimated; without means they are 0."""
    given = np.array(matrix, dtype=np.float64)
    return Covariance(
        matrix=given,
        means=np.array(means, dtype=np.float64) if len(means) else np.zeros(len(given)),
        method="given",
        shrinkage=0.0,
        ridge=0.0,
        condition=1.0,
        observations=100,
    )


def problem_of(
    covariance: Covariance,
    *,
    returns: Floats | None = None,
    clusters: Sequence[int] | None = None,
    limits: Limits = HOUSE,
    signs: Sequence[float] | Floats | None = None,
    betas: Sequence[float] | Floats | None = None,
) -> Problem:
    """Return the problem of a covariance: N000, N001 ..., each its own cluster and held long unless said otherwise.

    The user asks for the same weight of each.

    Without betas every name's is 0, so that any book is neutral.

    Without returns there are two rows of zeros, which no method of the house engine reads.
    """
    n = len(covariance.matrix)
    keys = tuple(f"N{i:03d}" for i in range(n))
    units = np.ones(n) if signs is None else signs
    return Problem(
        keys=keys,
        returns=np.zeros((2, n)) if returns is None else returns,
        covariance=covariance,
        composition={key: {f"X:{key}": float(unit)} for key, unit in zip(keys, units, strict=True)},
        clusters=tuple(range(n)) if clusters is None else tuple(clusters),
        limits=limits,
        previous=np.zeros(n),
        target=np.full(n, 1.0 / n),
        beta=Beta(values=np.zeros(n) if betas is None else np.array(betas, dtype=np.float64), benchmark="X:MARKET"),
    )


def estimated(
    returns: Floats,
    *,
    clusters: Sequence[int] | None = None,
    limits: Limits = HOUSE,
    signs: Sequence[float] | Floats | None = None,
) -> Problem:
    """Return the problem of T x N returns with their estimated covariance."""
    return problem_of(estimate(returns), returns=returns, clusters=clusters, limits=limits, signs=signs)
