"""What a selection model is, and the one context that its stages hand on.

A context is given with the pool and what is known of its instruments; each stage returns a new one with its own fields
filled. Arrays are read-only, so no stage can alter the raw pool or what an earlier stage found (R-SEL-01).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from tvquant.core.atoms import Atom, AtomPool
from tvquant.core.features import FeatureSet
from tvquant.core.instruments import Instant
from tvquant.core.once import Once, alone
from tvquant.core.panel import Floats, frozen
from tvquant.core.selection import SelectionResponse, Veto
from tvquant.profiles.options import Options
from tvquant.profiles.sections.selection import SelectionSection


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionContext:
    """The state of one selection over a pool of K atoms.

    Parameters
    ----------
    pool : the K atoms with their streams over the lookback, in synthetic-long space.
    features : terms of the instruments, known at the decision.
    train : rows of the streams that momentum uses, the last ones.
    periods_per_year : A, of the calendar.
    once : keeps what several models find of the same pool; a value is that of the pool and of what its key names.
    identities : physical symbol -> what it is a price of, and where; a symbol that is not in it is a thing of its own.
    atom_features : feature engineering: one column per atom, keys are atom ids.
    probabilities : inference: feature in the score -> K values in (0, 1], in [0, 1] where the score is a sum.
    parts : inference: feature in the score -> K parts of the scores.
    scores : inference: K, higher is better; the sum of an atom's parts.
    absent : inference: feature -> why it is in no score.
    missing : inference: feature -> ids of atoms that lack it and have 0.5; a penalty takes nothing from them.
    clusters : partitioning: K cluster numbers, 1, 2 ...
    assets : partitioning: distinct physical assets in the order of their keys.
    correlation : partitioning: of the assets' own returns.
    stage : policy: the relaxation stage that was reached; 0 before the first.
    vetoes : policy: atom id -> the first rule it broke at that stage; overridden where it is recruited all the same.
    thresholds : policy: rule -> limits in force at that stage, by name.
    recruited : policy: winner id -> `ranked`, `cluster_floor` or `alpha_fallback`.
    winners : synthesis: best first.
    flags : policy: `hardened`; synthesis: `sparse`, `few_assets`.
    trace : names of the stages that ran, in order.
    """

    decided_at: Instant
    pool: AtomPool
    features: FeatureSet
    parameters: SelectionSection
    train: int
    periods_per_year: int
    once: Once = alone
    identities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    atom_features: FeatureSet | None = None
    probabilities: Mapping[str, Floats] = field(default_factory=dict)
    parts: Mapping[str, Floats] = field(default_factory=dict)
    scores: Floats | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    clusters: tuple[int, ...] = ()
    assets: tuple[str, ...] = ()
    correlation: Floats | None = None
    stage: int = 0
    vetoes: Mapping[str, Veto] = field(default_factory=dict)
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    recruited: Mapping[str, str] = field(default_factory=dict)
    winners: tuple[Atom, ...] = ()
    flags: frozenset[str] = frozenset()
    trace: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "pool", read_only(self.pool))
        for name in ("features", "atom_features"):
            given: FeatureSet | None = getattr(self, name)
            if given is not None and given.values.flags.writeable:
                object.__setattr__(self, name, replace(given, values=frozen(given.values)))
        for name in ("scores", "correlation"):
            found: Floats | None = getattr(self, name)
            if found is not None:
                object.__setattr__(self, name, frozen(found))
        for name in ("identities", "probabilities", "parts", "absent", "missing", "vetoes", "thresholds", "recruited"):
            filled: Mapping[str, Any] = getattr(self, name)
            if not isinstance(filled, MappingProxyType):  # else an earlier context of this selection made it so
                object.__setattr__(self, name, MappingProxyType(dict(filled)))

    def of_instruments(self, term: str) -> Floats:
        """Return values (K) of a term of the atoms' instruments; NaN where the feature set does not have the term."""
        return self.terms()(term)

    def terms(self) -> Callable[[str], Floats]:
        """Return `of_instruments` for many terms: the atoms' instruments are looked up once."""
        places = self.features.columns(tuple(atom.physical_symbol for atom in self.pool.atoms))
        absent = np.full(len(places), np.nan)
        return lambda term: self.features.row(term)[places] if term in self.features.names else absent.copy()

    def of_atoms(self, name: str) -> Floats:
        """Return values (K) of one atom feature; ValueError before feature engineering ran."""
        if self.atom_features is None:
            raise ValueError("atom features are not there yet: run feature_engineering first")
        values: Floats = self.atom_features.values[self.atom_features.names.index(name)]
        return values

    def scored(self) -> Floats:
        """Return the scores (K); ValueError before inference ran."""
        if self.scores is None:
            raise ValueError("scores are not there yet: run inference first")
        return self.scores

    def partitioned(self) -> NDArray[np.int64]:
        """Return cluster numbers (K); ValueError before partitioning ran."""
        if len(self.clusters) != len(self.pool.atoms):
            raise ValueError("clusters are not there yet: run partitioning first")
        return np.array(self.clusters, dtype=np.int64)

    def correlations(self) -> tuple[tuple[str, ...], Floats]:
        """Return distinct assets and their correlations; ValueError before partitioning ran."""
        if self.correlation is None:
            raise ValueError("correlations are not there yet: run partitioning first")
        return self.assets, self.correlation

    def passed(self, stage_name: str, /, **filled: object) -> Self:
        """Return the context after that stage, with the fields it filled and its name in the trace."""
        return replace(self, trace=(*self.trace, stage_name), **filled)  # type: ignore[arg-type]  # by the names of its fields


def read_only(pool: AtomPool) -> AtomPool:
    """Return the same pool with a composition that nobody can write to; arrays of streams are read-only already."""
    given = pool.streams.composition
    if isinstance(given, MappingProxyType):
        return pool
    composition = MappingProxyType({symbol: MappingProxyType(dict(held)) for symbol, held in given.items()})
    return replace(pool, streams=replace(pool.streams, composition=composition))


class Stage(Protocol):
    """One step of a pipeline: a new context from the old one, which it does not change."""

    @property
    def name(self) -> str:
        """Name in the trace."""
        ...

    def run(self, context: SelectionContext) -> SelectionContext:
        """Return the context with this stage's fields filled."""
        ...


class SelectionModel(Protocol):
    """A way to choose winners. Equal contexts get equal responses; a context is not changed."""

    @property
    def name(self) -> str:
        """Name in profiles."""
        ...

    @property
    def version(self) -> str:
        """Version of its formulas, written into every response."""
        ...

    @property
    def features(self) -> frozenset[str]:
        """Terms of instruments that it reads from the feature set."""
        ...

    @property
    def options(self) -> tuple[type[Options], ...]:
        """What it takes from the profile's section `selection`."""
        ...

    @property
    def contradicts(self) -> frozenset[str]:
        """Keys of that section that would cut what it holds: it reads none, so a profile may not set them."""
        ...

    def select(self, context: SelectionContext) -> SelectionResponse:
        """Return winners and the reasons; ModelError names an atom that cannot be judged at all."""
        ...
