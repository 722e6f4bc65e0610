"""Allocation problems of every awkward kind, from a seed: what an engine must survive, whoever wrote it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from builders.problems import HOUSE, estimated
from tvquant.core.panel import Floats
from tvquant.core.problems import Problem


def _returns(rng: np.random.Generator, n: int, rows: int = 60) -> Floats:
    """Return names that move with a market, each in its own size, most of which gain."""
    market = rng.normal(0.001, 0.01, (rows, 1)) * rng.uniform(0.3, 1.7, n)
    return market + rng.normal(0.0005, 1.0, (rows, n)) * rng.uniform(0.004, 0.02, n)


def _size(rng: np.random.Generator) -> int:
    return int(rng.integers(4, 25))


def _collinear(rng: np.random.Generator) -> Problem:
    n = _size(rng)
    twins = _returns(rng, n)[:, rng.integers(0, n, n)]
    return estimated(twins * rng.uniform(0.5, 2.0, n) + rng.normal(0.0, 1e-9, twins.shape))


def _almost_still(rng: np.random.Generator) -> Problem:
    n = _size(rng)
    return estimated(_returns(rng, n) * np.where(rng.random(n) < 0.3, 10.0 ** rng.uniform(-7.0, -4.0, n), 1.0))


def _one_name(rng: np.random.Generator) -> Problem:
    return estimated(_returns(rng, 1))


def _two_clusters(rng: np.random.Generator) -> Problem:
    n = _size(rng)
    return estimated(_returns(rng, n), clusters=(0, 1, *rng.integers(0, 2, n - 2).tolist()))


def _losing(rng: np.random.Generator) -> Problem:
    returns = _returns(rng, _size(rng))
    return estimated(returns - returns.mean(axis=0) - rng.uniform(1e-6, 1e-2, returns.shape[1]))


def _all_short(rng: np.random.Generator) -> Problem:
    n = _size(rng)
    net = (-1.0, float(rng.uniform(-0.6, 0.0)))
    return estimated(-_returns(rng, n), signs=-np.ones(n), limits=replace(HOUSE, net=net))


def _both_sides_of_an_asset(rng: np.random.Generator) -> Problem:
    """Streams in pairs that hold one asset, the second against the first, and clusters over all of them."""
    n = _size(rng)
    assets = _returns(rng, n)
    twice = np.hstack((assets, -assets + rng.normal(0.0, 1e-3, assets.shape)))
    given = estimated(twice, clusters=[int(c) for c in rng.integers(0, 5, 2 * n)], signs=np.repeat((1.0, -1.0), n))
    held = {key: {f"X:A{i % n:03d}": 1.0 if i < n else -1.0} for i, key in enumerate(given.keys)}
    return replace(given, composition=held)


def _net(rng: np.random.Generator) -> Problem:
    n = _size(rng)
    low, high = np.sort(rng.uniform(-0.9, 0.9, 2)).tolist()
    signs = rng.choice((1.0, -1.0), n)
    return estimated(_returns(rng, n) * signs, signs=signs, limits=replace(HOUSE, net=(low, high)))


def _more_names_than_rows(rng: np.random.Generator) -> Problem:
    n = int(rng.integers(30, 60))
    return estimated(_returns(rng, n, rows=int(rng.integers(5, 25))), clusters=rng.integers(0, 8, n).tolist())


def _scales(rng: np.random.Generator) -> Problem:
    n = _size(rng)
    given = estimated(_returns(rng, n), limits=replace(HOUSE, gross=float(rng.uniform(0.05, 1.0))))
    by, c = 10.0 ** rng.uniform(-8.0, 8.0), given.covariance
    scaled = replace(c, matrix=c.matrix * by**2, means=c.means * by)
    return replace(given, covariance=scaled, returns=given.returns * by)


KINDS: Mapping[str, Callable[[np.random.Generator], Problem]] = MappingProxyType(
    {
        "collinear": _collinear,
        "almost still": _almost_still,
        "one name": _one_name,
        "two clusters": _two_clusters,
        "losing": _losing,
        "all short": _all_short,
        "both sides of an asset": _both_sides_of_an_asset,
        "net": _net,
        "more names than rows": _more_names_than_rows,
        "scales": _scales,
    }
)


def generated(number: int) -> tuple[str, Problem]:
    """Return the kind and the problem of a number: every tenth is of one kind, and each kind differs by its seed."""
    kind = list(KINDS)[number % len(KINDS)]
    return kind, KINDS[kind](np.random.default_rng(number))
