"""The one function that decides.

1. A `View` is everything known at a moment: a panel cut there. Nothing else of the outside reaches a decision.
2. A spec says how to decide: a strategy (eligible names -> covariance -> allocation) or one of the baselines.
3. `previous` is what was held, given explicitly.

`decide` is pure: select, run, tournament, replay and orders all call it, and scrambling what lies after the view
cannot change it (R-SIM-03).
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tvquant.allocation import allocate
from tvquant.core.allocations import Allocation, Attempt, Covariance, Limits, Problem, Status
from tvquant.core.decisions import Decision, SelectionFunnel
from tvquant.core.digests import canonical_array, digest_bytes
from tvquant.core.errors import ModelError
from tvquant.core.instruments import Instant
from tvquant.core.panel import Floats, Panel
from tvquant.core.stamps import Stamps
from tvquant.profiles.schema import DataSection, UniverseSection
from tvquant.statistics import common_returns, estimate
from tvquant.universe import Eligibility, eligible


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A panel as it was known at `as_of`; what is derived from it is computed once and shared by all who look."""

    panel: Panel
    as_of: Instant
    _known: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once[T](self, key: Hashable, compute: Callable[[], T]) -> T:
        """The value of `compute()` under `key`, computed at the first request."""
        if key not in self._known:
            self._known[key] = compute()
        value: T = self._known[key]
        return value


def look(panel: Panel, row: int) -> View:
    """What was known when row `row` closed: when the first of the names that have a bar there became known."""
    as_of = panel.known_at[row][panel.tradable[row]].min(initial=panel.known_at[row].max())
    return View(panel.until(as_of), as_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Who may be chosen, on how much data, and the caveats that this universe carries."""

    universe: UniverseSection
    data: DataSection
    train: int
    stamps: Stamps


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySpec:
    """A strategy: every eligible name, weighted by a risk profile of an engine within limits."""

    rules: Rules
    engine: str
    risk_profile: str
    fallbacks: tuple[str, ...]
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseUniverseSpec:
    """Baseline `base_universe_ew`: equal weight of every eligible name, without caps."""

    rules: Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSpec:
    """Baseline `market`: equal weight of the benchmark symbols that have a bar."""

    symbols: tuple[str, ...]


type Spec = StrategySpec | BaseUniverseSpec | MarketSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """What was decided last: net weights by key, none before the first decision."""

    weights: Mapping[str, float] = field(default_factory=dict)


def decide(view: View, spec: Spec, previous: Previous) -> Decision:
    """What `spec` holds from `view` on, and why; where the maths has no answer, the allocation says so and is cash."""
    match spec:
        case StrategySpec():
            return _strategy(view, spec, previous)
        case BaseUniverseSpec():
            seen = eligibility(view, spec.rules)
            weights = dict.fromkeys(seen.keys, 1.0 / len(seen.keys)) if seen.keys else {}
            return _decision(view, spec.rules, None, weights)
        case MarketSpec():
            return _market(view, spec)


def eligibility(view: View, rules: Rules) -> Eligibility:
    """Who may be chosen at this view under these rules."""
    return view.once(("eligible", rules), lambda: eligible(view.panel, rules.universe, rules.data, train=rules.train))


def _training_returns(view: View, rules: Rules) -> Floats:
    """Returns of the eligible names on their common training rows, at most train x N."""

    def compute() -> Floats:
        columns = view.panel.columns(eligibility(view, rules).keys)
        tail = slice(-rules.train - 1, None)
        block = view.panel.fields["total_return"][tail][:, columns]
        return common_returns(view.panel.tradable[tail][:, columns], block)

    return view.once(("returns", rules), compute)


def _covariance(view: View, rules: Rules) -> Covariance | ModelError:
    """The covariance of the eligible names, or why there is none; an error is a value, found once like the other."""

    def compute() -> Covariance | ModelError:
        try:
            return estimate(_training_returns(view, rules))
        except ModelError as error:
            return error

    return view.once(("covariance", rules), compute)


def _strategy(view: View, spec: StrategySpec, previous: Previous) -> Decision:
    seen = eligibility(view, spec.rules)
    if not seen.keys:
        return _decision(view, spec.rules, None, {})
    covariance = _covariance(view, spec.rules)
    if isinstance(covariance, ModelError):
        attempt = Attempt(what="covariance", outcome=str(covariance))
        failed = Allocation(
            weights={}, cash=1.0, engine=spec.engine, risk_profile=spec.risk_profile, status=Status.FAILED,
            attempts=(attempt,), constraints=(),
        )  # fmt: skip
        return _decision(view, spec.rules, failed, {})
    held = np.array([previous.weights.get(key, 0.0) for key in seen.keys])
    problem = Problem(
        keys=seen.keys,
        covariance=covariance,
        clusters=tuple(range(len(seen.keys))),
        limits=spec.limits,
        previous=held if previous.weights else None,
    )
    allocation = allocate(problem, engine=spec.engine, risk_profile=spec.risk_profile, fallbacks=spec.fallbacks)
    return _decision(view, spec.rules, allocation, allocation.weights)


def _decision(view: View, rules: Rules, allocation: Allocation | None, weights: Mapping[str, float]) -> Decision:
    seen = eligibility(view, rules)
    held = {key: float(w) for key, w in weights.items() if w != 0.0}
    return Decision(
        as_of=view.as_of,
        row=len(view.panel.times) - 1,
        funnel=seen.funnel,
        excluded=seen.excluded,
        allocation=allocation,
        weights=held,
        inputs=view.once(("inputs", rules), lambda: _inputs(view, rules)),
        stamps=rules.stamps | view.panel.stamps_of(tuple(held)),
    )


def _inputs(view: View, rules: Rules) -> str:
    """Digest of what a decision under these rules was computed from."""
    return digest_bytes(
        *(key.encode() for key in eligibility(view, rules).keys),
        canonical_array(view.panel.tradable[-rules.data.lookback :]),
        canonical_array(_training_returns(view, rules)),
    )


def _market(view: View, spec: MarketSpec) -> Decision:
    panel = view.panel
    members = [j for j, instrument in enumerate(panel.instruments) if instrument.symbol in spec.symbols]
    priced = [j for j in members if panel.tradable[-1, j]]
    weights = {panel.instruments[j].key: 1.0 / len(priced) for j in priced}
    counts = {"universe": len(members), "discovery": len(priced), "refined": len(priced), "selected": len(priced)}
    return Decision(
        as_of=view.as_of,
        row=len(panel.times) - 1,
        funnel=SelectionFunnel(**counts, vetoed={}),
        excluded={panel.instruments[j].key: "no_bar" for j in members if j not in priced},
        allocation=None,
        weights=weights,
        inputs=digest_bytes(*(key.encode() for key in weights), canonical_array(panel.tradable[-1:, members])),
        stamps=panel.stamps_of(tuple(weights)),
    )
