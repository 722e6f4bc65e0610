"""The one function that decides.

1. A `View` is everything known at a moment: a panel cut there. Nothing else of the outside reaches a decision.
2. A spec says how to decide: a strategy (recruited atoms -> winners -> weights -> net weights) or a baseline.
3. `previous` is what was held, given explicitly.
4. What does not depend on `previous` or on the spec's engine is prepared once for all who share the rules (`prepare`),
   on whatever process, and lent to the view that is decided on.
5. Of `previous` a decision knows two things: whether its path has just lost so much that it is protected (`survival`),
   and, where the engine starts from them or trades are bounded or weighed, the weights held. Without either it is what
   it would be if nothing had ever been held, and needs no earlier decision (`needs_previous`).

`decide` is pure: select, run, tournament, leakcheck, replay and orders all call it, and scrambling what lies after the
view cannot change it (R-SIM-03, R-UNI-22).
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tvquant.allocation import ENGINES, allocate
from tvquant.allocation.caps import Family
from tvquant.allocation.expected import expected_of
from tvquant.allocation.risk.catalogue import BARBELL, FIXED
from tvquant.atoms import flatten, keep_caps
from tvquant.core.allocations import Allocation, Attempt, Constraint, Status, violated
from tvquant.core.atoms import Atom
from tvquant.core.decisions import Decision, Netting, Survival
from tvquant.core.digests import canonical_array, digest_bytes, digest_json
from tvquant.core.errors import ModelError
from tvquant.core.instruments import symbol_of
from tvquant.core.panel import Floats
from tvquant.core.problems import Limits, Problem
from tvquant.core.regimes import MarketRegime
from tvquant.core.selection import SelectionFunnel, SelectionResponse
from tvquant.core.stamps import NONE, Stamps
from tvquant.tournament.atom_figures import antifragility_of, scores_of
from tvquant.tournament.book_figures import drift
from tvquant.tournament.candidates import (
    SelectionOutcome,
    base_pool,
    candidate_atoms,
    choose,
    discovery,
    gates_of,
    health,
    held_units,
    unselected,
)
from tvquant.tournament.declared import above_caps, declared
from tvquant.tournament.market_regime import limits_at, market_regime, regime_key
from tvquant.tournament.neutrality import beta_of
from tvquant.tournament.quorum import quorum_view, quorum_view_by
from tvquant.tournament.specs import (
    BaseUniverseSpec,
    MarketSpec,
    Previous,
    RawPoolSpec,
    Rules,
    Spec,
    StrategySpec,
    WinnersSpec,
)
from tvquant.tournament.survival import BUDGET, L2, survival, told
from tvquant.tournament.training import Training, covariance_of, training, with_preparation
from tvquant.tournament.views import View

type Prepared = Mapping[Hashable, Any]
"""What a view with a quorum has computed once, by its keys."""


def decide(view: View, spec: Spec, previous: Previous) -> Decision:
    """Return the decision of `spec` by `view`, with its reasons; all cash where the maths has no answer.

    It is made on the view's last bar that has a quorum; weights become quantities at the view's last row all the same.
    """
    chosen = quorum_view(view, spec)
    guard = survival(chosen.view, previous) if isinstance(spec, StrategySpec) else None
    try:
        made = _decided(chosen.view, spec, previous, guard)
    except ModelError as error:
        stamps = NONE if isinstance(spec, MarketSpec) else spec.rules.stamps
        made = replace(_equal(chosen.view, (), {}, {}, stamps), failure=str(error))
    seen = market_regime(chosen.view, spec.rules) if isinstance(spec, StrategySpec) else None
    return replace(made, footing=chosen.footing, regime=seen, survival=guard)


def prepare(view: View, rules: Rules) -> Prepared:
    """Return what all decisions by these rules at the view share and what costs most: the winners and their training.

    A view of the same row that takes it decides the same, and sooner.
    """
    view = quorum_view_by(view, rules).view
    try:
        _pool(view, rules)
        market_regime(view, rules)
        winners = choose(view, rules).winners
    except ModelError:  # each decision says it
        winners = ()
    if winners:
        training(view, rules, winners)
    shared = ("pool", rules.judging), ("choice", rules.choosing), ("training", rules.training)
    return view.known(regime_key(rules), *shared)


def lend(view: View, rules: Rules, prepared: Prepared) -> None:
    """Give the view what `prepare` returned of another view of the same row."""
    quorum_view_by(view, rules).view.lend(prepared)


def needs_previous(view: View, spec: Spec, previous: Previous) -> bool:
    """Return whether the decision may differ from one that nothing was held before; else both are equal, to the bit."""
    if not isinstance(spec, StrategySpec):
        return False
    if starts_from_previous(spec) and previous.atoms:
        return True
    return survival(quorum_view(view, spec).view, previous) is not None


def starts_from_previous(spec: Spec) -> bool:
    """Return whether a spec is told what was held before: its engine starts from that, or it weighs its trades."""
    return isinstance(spec, StrategySpec) and (ENGINES[spec.engine].from_previous or weighs_trades(spec))


def weighs_trades(spec: StrategySpec) -> bool:
    """Return whether a decision bounds its turnover, or weighs the costs of it."""
    return spec.limits.turnover is not None or spec.cost > 0.0


def _decided(view: View, spec: Spec, previous: Previous, guard: Survival | None) -> Decision:
    match spec:
        case StrategySpec():
            return _strategy(view, spec, previous, guard)
        case BaseUniverseSpec():
            return _base_universe(view, spec.rules)
        case RawPoolSpec():
            return _raw_pool(view, spec)
        case WinnersSpec():
            return _winners(view, spec.rules)
        case MarketSpec():
            return _market(view, spec)


def _strategy(view: View, spec: StrategySpec, previous: Previous, guard: Survival | None) -> Decision:
    rules, regime = spec.rules, market_regime(view, spec.rules)
    held = previous.atoms if starts_from_previous(spec) else {}
    spec, adaptive = spec.weighed_in(regime.label), bool(spec.by_regime)
    choice = choose(view, rules)
    if choice.response is None or not choice.winners:
        return _decision(view, rules, choice, choice.inputs)
    known = training(view, rules, choice.winners)
    if isinstance(known, ModelError):
        return _decision(view, rules, choice, choice.inputs, _unsolved(spec, "covariance", known))
    ids = known.ids
    own, limits, fallbacks = declared(view, spec, choice, ids), limits_at(view, spec), spec.fallbacks
    declared_within = spec.limits  # no regime cuts what the user declares; what is held in its stead it does
    if own is not None and not own.in_force:
        if spec.risk_profile == FIXED:
            limits, declared_within = limits.without_leasts, declared_within.without_leasts
        else:  # nothing to fall back on yet, which no least may lift
            fallbacks = tuple(name for name in fallbacks if name != FIXED)
    asked = (spec.risk_profile, *fallbacks)
    try:
        beta = beta_of(view, spec, choice.winners, ids)
    except ModelError as error:
        return _decision(view, rules, choice, choice.inputs, _unsolved(spec, "neutrality", error))
    estimated = partial(covariance_of, view=view, rules=rules, hardened=known.hardened) if spec.two_layers else None
    try:
        problem = view.once(("streams", rules.training), lambda: _streams(known, spec.limits)).asked(
            limits=limits,
            own_limits=None if own is None or declared_within == limits else declared_within,
            previous=np.array([held.get(symbol, 0.0) for symbol in ids]),
            held=previous.weights if weighs_trades(spec) else {},
            cost=spec.cost,
            target=None if own is None else own.target,
            regime=regime,
            scores=scores_of(choice.response, ids),
            antifragility=None if BARBELL not in asked else antifragility_of(view, rules, choice.winners, ids),
            l2=_l2(spec, regime) + (L2 if guard else 0.0),
            budget=BUDGET if guard else 1.0,
            beta=beta,
            selection_clusters=tuple(choice.response.clusters[name] for name in ids),
        )
        made = allocate(
            problem,
            engine=spec.engine,
            risk_profile=spec.risk_profile,
            fallbacks=fallbacks,
            options=spec.options,
            estimated=estimated,
            once=lambda part, compute: view.once((part, rules.training), compute),
        )
    except ModelError as error:
        return _decision(view, rules, choice, choice.inputs, _unsolved(spec, "problem", error))
    if own is not None and made.risk_profile == FIXED and made.status is not Status.FAILED:
        made = replace(made, causes={**made.causes, **own.missing})
        if (above := above_caps(made, limits, regime)) is not None:
            made = replace(made, attempts=(above, *made.attempts))
    if adaptive:
        chosen = Attempt(what="adaptive", outcome=f"{spec.risk_profile}, as the market is {regime.label}")
        made = replace(made, attempts=(chosen, *made.attempts))
    made = with_preparation(made, known)
    if guard:
        made = replace(made, attempts=(told(guard), *made.attempts))
    neutral = () if beta is None else (canonical_array(beta.values),)
    before = (digest_json(dict(problem.held)).encode(),) if problem.held else ()
    inputs = digest_bytes(choice.inputs.encode(), known.digest.encode(), *neutral, *before)
    fields: dict[str, Any] = {"allocation": made}
    if made.weights:
        fields = _netted(view, problem, made, choice.response, rules.stamps)
    gates = view.once(("gates of winners", rules.choosing), lambda: gates_of(view, rules, choice.winners))
    return _decision(
        view, rules, choice, inputs, clusters=dict(zip(ids, known.clusters, strict=True)), gates=gates, **fields
    )


def _streams(known: Training, limits: Limits) -> Problem:
    """Return the problem of the streams of a training, of which nothing else is asked yet."""
    return Problem(
        keys=known.ids, returns=known.returns, covariance=known.covariance, composition=known.composition,
        clusters=known.clusters, limits=limits, previous=np.zeros(len(known.ids)),
    )  # fmt: skip


def _l2(spec: StrategySpec, regime: MarketRegime) -> float:
    """Return the coefficient of the quadrant; a risk profile that needs more raises it for itself."""
    return spec.l2.of(regime.quadrant) if spec.l2 else 0.0


def correlations(view: View, rules: Rules) -> tuple[tuple[str, ...], Floats] | None:
    """Return atom ids of winners that vary and their correlations (K x K) on the training rows.

    None where there are none.
    """
    view = quorum_view_by(view, rules).view
    try:
        winners = choose(view, rules).winners
    except ModelError:  # the decision itself says it
        return None
    known = training(view, rules, winners) if winners else None
    if known is None or isinstance(known, ModelError):
        return None
    return known.ids, known.correlation


def _netted(
    view: View, problem: Problem, made: Allocation, response: SelectionResponse, stamps: Stamps
) -> dict[str, Any]:
    """Return fields of a decision that holds: net weights, every limit verified on them; or that none keep these."""
    assets = {atom.physical_symbol: response.clusters[atom.symbol] for atom in response.winners}
    within = problem.declared if made.risk_profile == FIXED else problem
    netted = keep_caps(made.weights, problem.composition, assets, within.limits)
    traded = (
        Constraint(name=one.name, limit=one.limit, value=drift(problem.held, netted.net))
        for one in made.constraints
        if one.name == Family.TURNOVER
    )
    netted = replace(netted, constraints=(*netted.constraints, *traded))
    if broken := violated(netted.constraints):
        attempts = (*made.attempts, Attempt(what="netting", outcome="; ".join(map(str, broken))))
        failed = replace(
            made,
            weights={},
            cash=1.0,
            forced_cash=0.0,
            reference_cash=0.0,
            causes={},
            status=Status.FAILED,
            attempts=attempts,
            constraints=(),
        )
        return {"allocation": failed}
    weights = {key: w for key, w in netted.net.items() if w != 0.0}
    cancelled = {key: w for key, w in netted.gross.items() if w != abs(netted.net[key])}
    return {
        "allocation": replace(made, expected=expected_of(problem, netted.weights, made.risk_profile)),
        "atoms": {symbol: w for symbol, w in netted.weights.items() if w != 0.0},
        "netting": Netting(moved=netted.moved, gross=cancelled, constraints=netted.constraints),
        "weights": weights,
        "stamps": stamps | view.panel.stamps_of(tuple(weights)),
    }


def _unsolved(spec: StrategySpec, what: str, why: ModelError) -> Allocation:
    return Allocation(
        weights={}, cash=1.0, engine=spec.engine, risk_profile=spec.risk_profile, status=Status.FAILED,
        attempts=(Attempt(what=what, outcome=str(why)),), constraints=(),
    )  # fmt: skip


def _decision(
    view: View,
    rules: Rules,
    choice: SelectionOutcome,
    inputs: str,
    allocation: Allocation | None = None,
    **held: Any,
) -> Decision:
    """Return a strategy's decision: all cash, but for what is `held`, by fields of a decision."""
    return Decision(
        as_of=view.as_of,
        funnel=choice.funnel,
        excluded=choice.excluded,
        response=choice.response,
        inputs=inputs,
        **{"allocation": allocation, "weights": {}, "stamps": rules.stamps, **held},
    )


def _base_universe(view: View, rules: Rules) -> Decision:
    names, out, vetoed = _pool(view, rules)
    return _equal(view, names, out, vetoed, rules.stamps)


def _winners(view: View, rules: Rules) -> Decision:
    """Return one Nth of every winner, no limit in force."""
    choice = choose(view, rules)
    return _one_nth(view, rules, choice.winners, _decision(view, rules, choice, choice.inputs))


def _raw_pool(view: View, spec: RawPoolSpec) -> Decision:
    """Return one Nth of every atom that a selection model would choose from, no limit in force."""
    rules = spec.rules
    atoms = tuple(one for one in candidate_atoms(view, rules) if symbol_of(one.physical_symbol) not in spec.benchmark)
    raw = unselected(view, rules, atoms)
    return _one_nth(view, rules, atoms, _decision(view, rules, raw, raw.inputs))


def _one_nth(view: View, rules: Rules, atoms: tuple[Atom, ...], decision: Decision) -> Decision:
    """Return the decision with equal weights on these atoms; as it is where there are none."""
    if not atoms:
        return decision
    shares = {atom.symbol: 1.0 / len(atoms) for atom in atoms}
    units = held_units(view, rules, atoms).tolist()
    held = {a.symbol: {a.physical_symbol: a.direction.sign * unit} for a, unit in zip(atoms, units, strict=True)}
    net = flatten(shares, held).net
    weights = {key: weight for key, weight in net.items() if weight != 0.0}
    stamps = decision.stamps | view.panel.stamps_of(tuple(weights))
    return replace(decision, atoms=shares, gates=gates_of(view, rules, atoms), weights=weights, stamps=stamps)


def _pool(view: View, rules: Rules) -> tuple[tuple[str, ...], Mapping[str, str], Mapping[str, int]]:
    """Return healthy names of the base pool, why the others are out, and how many fell by each reason of health."""

    def compute() -> tuple[tuple[str, ...], Mapping[str, str], Mapping[str, int]]:
        seen, failed = discovery(view, rules), health(view, rules).failed
        pool = frozenset(seen.pool)
        out = {key: why for key, why in seen.excluded.items() if key not in pool} | dict(failed)
        return base_pool(view, rules), out, Counter(failed.values())

    return view.once(("pool", rules.judging), compute)


def _market(view: View, spec: MarketSpec) -> Decision:
    panel = view.panel
    members = [j for j, instrument in enumerate(panel.instruments) if instrument.symbol in spec.symbols]
    priced = tuple(panel.instruments[j].key for j in members if panel.tradable[-1, j])
    out = {panel.instruments[j].key: "no_bar" for j in members if not panel.tradable[-1, j]}
    even = _equal(view, priced, out, {}, NONE)
    if spec.weights is None:
        return even
    shares = dict(zip(spec.symbols, spec.weights, strict=True))
    there = Counter(map(symbol_of, priced))
    return replace(even, weights={key: shares[symbol_of(key)] / there[symbol_of(key)] for key in priced})


def _equal(
    view: View, names: tuple[str, ...], excluded: Mapping[str, str], vetoed: Mapping[str, int], stamps: Stamps
) -> Decision:
    """Return a baseline: equal weights of names that nothing was selected from."""
    held, lost = len(names), sum(vetoed.values())
    return Decision(
        as_of=view.as_of,
        funnel=SelectionFunnel(
            universe=held + len(excluded), discovery=held + lost, refined=held, selected=held,
            atoms_discovery=held + lost, atoms_refined=held, atoms_selected=held, vetoed=dict(sorted(vetoed.items())),
        ),
        excluded=excluded,
        weights=dict.fromkeys(names, 1.0 / held) if names else {},
        inputs=digest_bytes(*(key.encode() for key in names), canonical_array(view.panel.tradable[-1:])),
        stamps=stamps | view.panel.stamps_of(names),
    )  # fmt: skip
