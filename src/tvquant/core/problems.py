"""What an optimiser is asked: one `Problem` for every engine, of the same covariance and the same limits.

Weights are signed fractions of equity. What comes of it is in `allocations`.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.instruments import symbol_of
from tvquant.core.neutrality import Beta
from tvquant.core.panel import Bools, Floats, frozen
from tvquant.core.regimes import UNKNOWN, MarketRegime
from tvquant.core.streams import Composition
from tvquant.core.units import Units, units_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Covariance:
    """An estimated covariance of simple returns per period (N x N), their means, and how both were made.

    Parameters
    ----------
    method, shrinkage, factors : name of the estimator, the part of the matrix that is the target of a shrinkage, and
        the number of factors where it has any.
    ridge : what was added to the diagonal, in mean variances before it.
    condition : largest eigenvalue by the smallest.
    observations, effective : rows, and equally weighted rows that would know as much (None: as many).
    means_method, means_shrinkage : name of the estimator, and the part of the means that is what they are drawn to.
    """

    matrix: Floats
    means: Floats
    method: str
    shrinkage: float
    ridge: float
    condition: float
    observations: int
    effective: float | None = None
    factors: int | None = None
    means_method: str = "sample"
    means_shrinkage: float = 0.0
    _definite: bool | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", frozen(self.matrix))
        object.__setattr__(self, "means", frozen(self.means))

    @property
    def definite(self) -> bool:
        """Whether the matrix is positive definite; found once for all who ask."""
        if self._definite is None:
            object.__setattr__(self, "_definite", positive_definite(self.matrix))
        return bool(self._definite)


def positive_definite(matrix: Floats) -> bool:
    """Return whether a symmetric N x N matrix is; given one that is not, solvers may report a saddle as solved."""
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class NameLimit:
    """Least and most of one symbol, as fractions of equity on the side it is held on."""

    symbol: str
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLimit:
    """Most that these symbols hold together, longs and shorts without their signs, as a fraction of equity."""

    name: str
    symbols: tuple[str, ...]
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLimit:
    """A limit by name on assets that are there: one asset, or those of a group; `least` is 0 where there is none."""

    label: str
    assets: tuple[str, ...]
    least: float
    most: float

    @property
    def least_label(self) -> str:
        """Name of the limit from below in the report of constraints."""
        return f"{LEAST}{self.label}"


LEAST = "least of "
"""How the name of a limit by name from below begins; it is recorded with both sides negated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Portfolio limits as fractions of equity: gross, net interval, one position, one cluster, names and groups.

    `long` and `short` are the most of all longs and of all shorts, without signs; None where only gross and net bind.
    `turnover` is the most of what is bought, and of what is sold, from the book before; None where nothing bounds it.
    `reference` is how many times a risk profile's own weight without limits a stream may hold (`allocation.reference`).
    `position_key` and `cluster_key` are the keys of the profile that hold the caps in force.
    """

    gross: float
    net: tuple[float, float]
    position: float
    cluster: float
    names: tuple[NameLimit, ...] = ()
    groups: tuple[GroupLimit, ...] = ()
    long: float | None = None
    short: float | None = None
    reference: float | None = None
    turnover: float | None = None
    position_key: str = "allocation.limits.position"
    cluster_key: str = "allocation.limits.cluster"

    @property
    def without_leasts(self) -> "Limits":
        """The same limits, from above alone."""
        return replace(self, names=tuple(replace(one, least=0.0) for one in self.names))

    def named(self, assets: Collection[str]) -> Iterator[NamedLimit]:
        """Yield the limits by name on those of the assets (instrument keys) that they concern.

        A least binds a name that is there: who was not chosen is not held at all.
        """
        for one in self.names:
            for asset in assets:
                if symbol_of(asset) == one.symbol:
                    yield NamedLimit(label=f"name {asset}", assets=(asset,), least=one.least, most=one.most)
        for group in self.groups:
            members = tuple(asset for asset in assets if symbol_of(asset) in group.symbols)
            if members:
                yield NamedLimit(label=f"group {group.name}", assets=members, least=0.0, most=group.most)


UNLIMITED = Limits(gross=1.0, net=(-1.0, 1.0), position=1.0, cluster=1.0)
"""Limits that keep nothing from who invests all equity without borrowing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """One allocation to solve: what is known of N return streams, and what their weights must keep.

    Parameters
    ----------
    keys : N stream ids, in the order of every array.
    returns : T x N simple returns per period, good when high: the streams of shorts are turned over.
    covariance : of these returns, with their means.
    composition : stream id -> asset -> signed units held per unit of weight.
    clusters : N cluster ids (each stream its own until clusters exist).
    selection_clusters : N ids of the clusters that the selection found; empty where there was none.
    limits : what the answer must keep.
    own_limits : what `target` keeps in their place; None: the same.
    previous : N weights held before; 0 for a stream that was not held.
    held : asset -> net weight before, of every asset that was held; the rest was cash. Empty where nothing was.
    target : N weights that the user asks for, each on the side of its stream; None where nobody asks.
    l2 : coefficient of the squared weights, in mean variances, that is added to what min_variance and max_sharpe
        minimise, beside the ridge that the covariance has (R-RSK-07).
    cost : of trading a unit of equity, over the aversion to variance: what is added per unit that is traded from `held`
        to half the variance that min_variance and market_neutral minimise.
    budget : most of equity that may be invested, from 0 to 1.
    regime : of the market at the decision.
    scores : N scores at selection, NaN where a stream has none; None where nothing was selected.
    antifragility : N, of the streams' own returns, NaN where it is not known.
    beta : what some risk profiles must keep near 0; None where none of those asked for does.
    units : derived: what each stream holds per unit of weight. Net limits bind the sum of weight x net units.

    Raises
    ------
    ModelError : shapes that do not fit, figures that are not finite or out of range, a variance that is not positive,
        or a stream that is not in the composition.
    """

    keys: tuple[str, ...]
    returns: Floats
    covariance: Covariance
    composition: Composition
    clusters: tuple[int, ...]
    limits: Limits
    previous: Floats
    target: Floats | None = None
    own_limits: Limits | None = None
    selection_clusters: tuple[int, ...] = ()
    held: Mapping[str, float] = field(default_factory=dict)
    l2: float = 0.0
    cost: float = 0.0
    budget: float = 1.0
    regime: MarketRegime = UNKNOWN
    scores: Floats | None = None
    antifragility: Floats | None = None
    beta: Beta | None = None
    units: Units = field(init=False)

    def __post_init__(self) -> None:
        n = len(self.keys)
        if n == 0 or len(set(self.keys)) != n:
            unique = len(set(self.keys))
            raise ModelError(f"allocation needs at least one name and none twice, got {n} with {unique} unique")
        shape = self.returns.shape
        if shape[1:] != (n,):
            raise _misfit(n, "returns", ("T", n), ("T", *shape[1:]) if len(shape) == 2 else shape)
        self._refuse_shapes(
            a_covariance=self.covariance.matrix, means=self.covariance.means, clusters=np.empty(len(self.clusters))
        )
        object.__setattr__(self, "units", units_of(self.keys, self.composition))
        object.__setattr__(self, "returns", frozen(self.returns))
        self._refuse_values(
            ("its returns are not all finite", np.isfinite(self.returns)),
            ("its mean is not finite", np.isfinite(self.covariance.means)),
            ("its covariance is not finite with a positive variance", np.isfinite(self.covariance.matrix)),
            ("its covariance is not finite with a positive variance", self.covariance.matrix.diagonal() > 0.0),
            ("its net exposure is not finite", np.isfinite(self.units.net)),
        )
        self._refuse_asked()

    def asked(self, **changed: object) -> "Problem":
        """Return the problem of the same streams with these fields; what is asked of them is checked, they have been.

        Raises
        ------
        ModelError : as when a problem is made, of what is no part of the streams.
        """
        made = self._with(**changed)
        made._refuse_asked()
        return made

    @property
    def unlimited(self) -> "Problem":
        """The same streams without any limit and costs, of the whole budget."""
        return self._with(limits=UNLIMITED, selection_clusters=(), budget=1.0, beta=None, cost=0.0)

    @property
    def declared(self) -> "Problem":
        """The same streams within the limits that weights of the user's own keep."""
        return self if self.own_limits is None else self._with(limits=self.own_limits, own_limits=None)

    def with_l2_in(self, covariance: Covariance) -> "Problem":
        """Return the problem by this covariance of it, which the L2 is in and none is left beside."""
        return self._with(covariance=covariance, l2=0.0)

    def _with(self, **changed: object) -> "Problem":
        """Return the problem with these fields; it was checked when it was made, and they are known to be sound."""
        made = object.__new__(Problem)
        for one in fields(self):
            object.__setattr__(made, one.name, changed[one.name] if one.name in changed else getattr(self, one.name))
        return made

    def of(self, streams: Bools) -> "Problem":
        """Return the problem of those of the N streams alone, without what is asked of a beta."""
        at = np.flatnonzero(streams)

        def own(array: Floats | None) -> Floats | None:
            return None if array is None else array[at]

        known = self.covariance
        return replace(
            self,
            keys=tuple(self.keys[i] for i in at),
            returns=self.returns[:, at],
            covariance=replace(known, matrix=known.matrix[np.ix_(at, at)], means=known.means[at]),
            clusters=tuple(self.clusters[i] for i in at),
            previous=self.previous[at],
            target=own(self.target),
            selection_clusters=tuple(self.selection_clusters[i] for i in at) if self.selection_clusters else (),
            scores=own(self.scores),
            antifragility=own(self.antifragility),
            beta=None,
        )

    def _refuse_asked(self) -> None:
        """Refuse what is asked of the streams where it does not fit them, or is no number in its range."""
        beta = None if self.beta is None else self.beta.values
        self._refuse_shapes(
            selection_clusters=np.empty(len(self.selection_clusters or self.clusters)),
            previous_weights=self.previous,
            target_weights=self.target,
            scores=self.scores,
            antifragilities=self.antifragility,
            betas=beta,
        )
        for name, value, most in (
            ("an L2 coefficient", self.l2, math.inf),
            ("a cost", self.cost, math.inf),
            ("a budget", self.budget, 1.0),
        ):
            if not 0.0 <= value <= most or math.isinf(value):
                raise ModelError(f"allocation: expected {name} from 0 to {most:g}, found {value:g}")
        for asset, weight in self.held.items():
            if not math.isfinite(weight):
                raise ModelError(f"allocation: {asset} was held at {weight!r}, which is no weight")
        for name in ("previous", "target", "scores", "antifragility"):
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, frozen(array))
        target = self.target
        self._refuse_values(
            ("its previous weight is not finite", np.isfinite(self.previous)),
            ("its target is negative or not finite", None if target is None else (target >= 0.0) & (target < math.inf)),
            ("its beta is not finite", None if beta is None else np.isfinite(beta)),
        )

    def _refuse_shapes(self, **arrays: Floats | None) -> None:
        """Refuse arrays of N (a covariance: N x N), by what they are, that have another shape."""
        n = len(self.keys)
        for what, array in arrays.items():
            expected = (n, n) if what == "a_covariance" else (n,)
            if array is not None and array.shape != expected:
                raise _misfit(n, what.replace("_", " "), expected, array.shape)

    def _refuse_values(self, *every: tuple[str, Bools | None]) -> None:
        """Refuse the first of the streams for which something does not hold (N or R x N)."""
        for what, usable in every:
            if usable is not None and not usable.all():
                first = int(np.argmin(np.atleast_2d(usable).all(axis=0)))
                raise ModelError(f"allocation: {self.keys[first]} cannot be weighed: {what}")


def _misfit(n: int, what: str, expected: Sequence[int | str], found: Sequence[int | str]) -> ModelError:
    """Return the refusal of an array whose shape is not that of N names."""
    shapes = (" x ".join(map(str, one)) or "a scalar" for one in (expected, found))
    return ModelError("allocation of {} names needs {} of shape {}, got {}".format(n, what, *shapes))
