"""Specs: how a cell decides, as values."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tvquant.allocation.risk.fixed import FixedWeights
from tvquant.core.instruments import Instant
from tvquant.core.problems import Limits
from tvquant.core.regimes import Regime
from tvquant.core.stamps import Stamps
from tvquant.profiles.options import Options
from tvquant.profiles.sections.allocation import L2Section
from tvquant.profiles.sections.data import DataSection
from tvquant.profiles.sections.regime import RegimeSection
from tvquant.profiles.sections.selection import SelectionSection
from tvquant.profiles.sections.universe import UniverseSection
from tvquant.statistics.covariance import HOUSE, Estimates


class Parts(tuple[Hashable, ...]):
    """What decides a value that several share, as a key that is hashed once."""

    _hash: int

    def __hash__(self) -> int:
        if not hasattr(self, "_hash"):
            self._hash = super().__hash__()
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        """Hashes of words are another process's own."""
        return Parts, (tuple(self),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Who may be chosen, how, on how much data, what is estimated of them, and the caveats that this universe carries.

    `logics` are the values of what the logics of its scanners declare.
    `sides` are declared weights by whose signs names are held that no scanner recruits; None: all on one side.

    `answering`, `recruiting`, `judging`, `watching`, `choosing` and `training` are the parts of them that decide which
    bar answers, who is recruited, whose data may be used, the regime, who wins, and what is estimated of the winners:
    rules that differ elsewhere share these.
    """

    universe: UniverseSection
    data: DataSection
    selection: SelectionSection
    regime: RegimeSection
    train: int
    stamps: Stamps
    estimates: Estimates = HOUSE
    logics: tuple[Options, ...] = ()
    sides: FixedWeights | None = None
    answering: Parts = field(init=False, compare=False, repr=False)
    recruiting: Parts = field(init=False, compare=False, repr=False)
    judging: Parts = field(init=False, compare=False, repr=False)
    watching: Parts = field(init=False, compare=False, repr=False)
    choosing: Parts = field(init=False, compare=False, repr=False)
    training: Parts = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        recruiting = Parts((self.universe, self.data, self.sides))
        judging = Parts((recruiting, self.train))
        choosing = Parts((judging, self.selection, self.logics))
        object.__setattr__(self, "answering", Parts((self.universe, self.data.quorum)))
        object.__setattr__(self, "recruiting", recruiting)
        object.__setattr__(self, "judging", judging)
        object.__setattr__(self, "watching", Parts((judging, self.regime)))
        object.__setattr__(self, "choosing", choosing)
        object.__setattr__(self, "training", Parts((choosing, self.estimates)))

    def __hash__(self) -> int:
        return hash(self.training)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neutral:
    """Which risk profiles keep their beta near 0, to which benchmark: symbols in equal parts, or with weights."""

    symbols: tuple[str, ...]
    weights: tuple[float, ...] | None
    tolerances: tuple[float, ...]
    profiles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySpec:
    """A strategy: the winners of a selection model, weighted by a risk profile of an engine within limits.

    `options` are the values of what the engine, the risk profile and the fallbacks declare; `l2` is None where nothing
    is added to the variance; `two_layers`: clusters are weighed, and in them streams. Of one that is another risk
    profile in each regime of the market, `by_regime` says which, and `options` are those of all of these. `neutral` is
    None where none of these risk profiles keeps its beta near 0; `cost` is as a problem has it.
    """

    rules: Rules
    engine: str
    risk_profile: str
    fallbacks: tuple[str, ...]
    limits: Limits
    options: tuple[Options, ...] = ()
    l2: L2Section | None = None
    two_layers: bool = False
    neutral: Neutral | None = None
    cost: float = 0.0
    by_regime: tuple[tuple[Regime, str], ...] = ()

    def weighed_in(self, regime: Regime) -> "StrategySpec":
        """Return the strategy as it is in a regime of the market."""
        return replace(self, risk_profile=dict(self.by_regime)[regime]) if self.by_regime else self


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseUniverseSpec:
    """Baseline `base_universe_ew`: equal weight of every healthy name of the base pool, no signal, without caps."""

    rules: Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPoolSpec:
    """Baseline `raw_pool_ew`: one Nth of every atom that scanners recruit and health lets pass, nobody selected.

    The symbols of the benchmark are left out. It is the same whatever the selection model (R-UNI-23).
    """

    rules: Rules
    benchmark: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WinnersSpec:
    """Baseline `benchmark`: one Nth of every winner of the selection, without caps: what weighing them must beat."""

    rules: Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSpec:
    """Baseline `market`: the benchmark symbols that have a bar, where so many of them have it.

    Without `weights` these share equally; with them each has its own, and the part of one without a bar is cash.
    """

    symbols: tuple[str, ...]
    quorum: float
    weights: tuple[float, ...] | None = None


type Spec = StrategySpec | BaseUniverseSpec | RawPoolSpec | WinnersSpec | MarketSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class NettedSpec:
    """What one account holds of several sleeves: decided of their decisions (`tournament.sleeves`), by no view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """What was decided last, nothing before the first decision.

    Parameters
    ----------
    atoms, weights : weights by atom id, and net physical weights by instrument key.
    since : stamp of the bar at whose close they became quantities.
    protected : rebalances that were protected at that decision, it among them (`survival`).
    """

    atoms: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    since: Instant | None = None
    protected: int = 0
