"""Stage 5: vetoes, ranking and recruitment, one stage of relaxation at a time."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace

import numpy as np

from tvquant.core.panel import Bools
from tvquant.core.selection import Veto
from tvquant.profiles.sections.selection import SelectionSection
from tvquant.selection.contract import SelectionContext
from tvquant.selection.eligibility import IDENTITY, MIN_MOMENTUM, one_per_identity, too_slow
from tvquant.selection.hardening import NOT_JUDGED, hardening
from tvquant.selection.places import Placing, top_n
from tvquant.selection.relaxation import CLUSTER_FLOOR, Candidates, Relaxation, recruit
from tvquant.selection.vetoes.catalogue import VETOES
from tvquant.selection.vetoes.contract import Judgement, Rule
from tvquant.selection.vetoes.predictability import ENTROPY

FLOOR_ENTROPY = 0.999
"""Entropy (order 3) up to which an atom may represent a cluster that is left empty; missing is above it (R-SEL-22)."""


type Rules = Callable[[SelectionSection], Mapping[str, Rule]]
"""From the profile's section to the vetoes that judge."""


def in_force(parameters: SelectionSection) -> Mapping[str, Rule]:
    """Return the vetoes that the profile leaves in force."""
    return {name: rule for name, rule in VETOES.items() if name in parameters.vetoes}


def in_force_with(rule: Rule) -> Rules:
    """Return the vetoes that the profile leaves in force, and one that is the model's own whatever it names."""
    return lambda parameters: {**in_force(parameters), rule.name: rule}


def no_vetoes(_: SelectionSection) -> Mapping[str, Rule]:
    """Return none."""
    return {}


@dataclass(frozen=True, slots=True)
class SelectionPolicyStage:
    """Takes the relaxation one stage further and recruits under its rules.

    It begins at the profile's `first_stage` (or the last that the model has), goes on after the stage that the context
    has reached, and reads features, scores and clusters as they are: nothing is computed again (R-SEL-03).

    Parameters
    ----------
    rules : the vetoes that judge.
    placing : how many of a cluster and direction win by rank.
    last : the stage of relaxation after which there is none.
    """

    name: str = "policy"
    rules: Rules = in_force
    placing: Placing = top_n
    last: Relaxation = Relaxation.ALPHA_FALLBACK

    def run(self, context: SelectionContext) -> SelectionContext:
        """Return the context one stage on, with vetoes in force, their thresholds, and who is recruited."""
        parameters, pool, places = context.parameters, context.pool, self.placing(context)
        stage = Relaxation(min(max(context.stage + 1, parameters.first_stage), self.last))
        hardened = hardening(context) if ENTROPY.name in self.rules(parameters) else NOT_JUDGED
        context = replace(context, flags=context.flags | hardened.flags)
        judgements, hard = self.judged(context, stage)
        vetoed, barred = _broken(len(pool.ids), judgements, hard)
        candidates = Candidates(
            ids=pool.ids,
            directions=tuple(atom.direction for atom in pool.atoms),
            scores=context.scored(),
            clusters=context.partitioned(),
            vetoed=vetoed,
            barred=barred,
            noise=~(context.of_atoms("floor_entropy") <= FLOOR_ENTROPY),
        )
        recruited = recruit(
            candidates,
            stage,
            places=places.of_cluster,
            floor=parameters.min_winners,
            ceiling=parameters.max_winners,
        )
        return context.passed(
            self.name,
            stage=int(stage),
            vetoes=_first_broken(pool.ids, judgements, hard, recruited)
            | self._noisy(context, stage, candidates, recruited),
            thresholds={
                **{name: judgement.thresholds for name, judgement in judgements.items()},
                **places.thresholds,
                **hardened.thresholds,
                **({CLUSTER_FLOOR: {"entropy": FLOOR_ENTROPY}} if stage >= Relaxation.CLUSTER_FLOOR else {}),
            },
            recruited=recruited,
        )

    def judged(self, context: SelectionContext, stage: Relaxation) -> tuple[Mapping[str, Judgement], Set[str]]:
        """Return how each rule in force judges the atoms at a stage, by name, and which of the rules are hard.

        Hard ones come first: the first that an atom breaks is the one on record. A hardened pool has its
        flag in the context.
        """
        rules, count = self.rules(context.parameters), len(context.pool.ids)
        judgements = {name: rule.judgement(context, stage) for name, rule in rules.items()} | too_slow(context)
        hard = {name for name, rule in rules.items() if rule.hard} | {MIN_MOMENTUM, IDENTITY}
        vetoed, barred = _broken(count, judgements, hard)
        judgements |= one_per_identity(context, vetoed=vetoed, barred=barred)
        return {name: judgements[name] for name in sorted(judgements, key=lambda name: name not in hard)}, hard

    @staticmethod
    def _noisy(
        context: SelectionContext, stage: Relaxation, candidates: Candidates, recruited: Mapping[str, str]
    ) -> dict[str, Veto]:
        """Return atom id -> why a cluster that is left empty did not get it, where noise is all that is against it."""
        if stage < Relaxation.CLUSTER_FLOOR:
            return {}
        won = {
            int(cluster)
            for symbol, cluster in zip(candidates.ids, candidates.clusters, strict=True)
            if symbol in recruited
        }
        entropy, alone = context.of_atoms("floor_entropy"), candidates.noise & ~candidates.barred
        return {
            candidates.ids[k]: Veto(rule=CLUSTER_FLOOR, value=float(entropy[k]), limit=FLOOR_ENTROPY, hard=False)
            for k in np.flatnonzero(alone & np.isfinite(entropy))
            if int(candidates.clusters[k]) not in won
        }

    def goes_on(self, context: SelectionContext) -> bool:
        """Return whether there are fewer winners than the floor, and a stage is left."""
        return len(context.recruited) < context.parameters.min_winners and context.stage < self.last


def _broken(count: int, judgements: Mapping[str, Judgement], hard: Set[str]) -> tuple[Bools, Bools]:
    """Return which of `count` atoms break a rule, and which a hard one."""
    any_rule, hard_rule = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for name, judgement in judgements.items():
        any_rule |= judgement.broken
        if name in hard:
            hard_rule |= judgement.broken
    return any_rule, hard_rule


def _first_broken(
    ids: tuple[str, ...], judgements: Mapping[str, Judgement], hard: Set[str], recruited: Mapping[str, str]
) -> dict[str, Veto]:
    """Return atom id -> the first rule it broke, overridden where the atom was recruited in spite of it."""
    vetoes: dict[str, Veto] = {}
    judged = np.zeros(len(ids), np.bool_)
    for name, judgement in judgements.items():
        first = np.flatnonzero(judgement.broken & ~judged)
        judged |= judgement.broken
        figures = (column[first].tolist() for column in (judgement.values, judgement.limits))
        for k, value, limit in zip(first.tolist(), *figures, strict=True):
            vetoes[ids[k]] = Veto(
                rule=name, value=value, limit=limit, hard=name in hard, overridden=ids[k] in recruited
            )
    return vetoes
