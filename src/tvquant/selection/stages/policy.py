"""Stage 5: vetoes, ranking and recruitment, one stage of relaxation at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tvquant.core.selection import Veto
from tvquant.selection.contract import SelectionContext
from tvquant.selection.relaxation import Candidates, Relaxation, recruit
from tvquant.selection.vetoes.catalogue import VETOES
from tvquant.selection.vetoes.contract import Judgement, Rule


@dataclass(frozen=True, slots=True)
class SelectionPolicyStage:
    """Takes the relaxation one stage further and recruits under its rules.

    It starts after the stage that the context has reached (0 before the first) and reads features, scores and clusters
    as they are: nothing is computed again (R-SEL-03).
    """

    name: str = "policy"

    def run(self, context: SelectionContext) -> SelectionContext:
        """The context one stage on, with vetoes in force, their thresholds, and who is recruited."""
        stage, parameters, pool = Relaxation(context.stage + 1), context.parameters, context.pool
        verdicts = {name: rule.judge(context, _share(context, rule, stage)) for name, rule in VETOES.items()}
        candidates = Candidates(
            ids=pool.ids,
            directions=tuple(atom.direction for atom in pool.atoms),
            scores=context.scored(),
            clusters=context.partitioned(),
            vetoed=np.logical_or.reduce([v.broken for v in verdicts.values()]),
            barred=np.logical_or.reduce([v.broken for name, v in verdicts.items() if VETOES[name].hard]),
        )
        recruited = recruit(
            candidates,
            stage,
            top_n=parameters.top_n,
            floor=parameters.min_winners,
            ceiling=parameters.max_winners,
        )
        return context.passed(
            self.name,
            stage=int(stage),
            vetoes=_first_broken(pool.ids, verdicts, recruited),
            thresholds={name: verdict.thresholds for name, verdict in verdicts.items()},
            recruited=recruited,
        )

    def goes_on(self, context: SelectionContext) -> bool:
        """There are fewer winners than the floor, and a stage is left."""
        return len(context.recruited) < context.parameters.min_winners and context.stage < max(Relaxation)


def _share(context: SelectionContext, rule: Rule, stage: Relaxation) -> float:
    """Share of noise that the rule rejects at this stage."""
    share = context.parameters.null_share
    return share / 2.0 if rule.spectral and stage >= Relaxation.SPECTRAL else share


def _first_broken(
    ids: tuple[str, ...], verdicts: Mapping[str, Judgement], recruited: Mapping[str, str]
) -> dict[str, Veto]:
    """Atom id -> the first rule it broke, for atoms that were not recruited in spite of it."""
    vetoes: dict[str, Veto] = {}
    for name, verdict in verdicts.items():
        for k in np.flatnonzero(verdict.broken):
            if ids[k] not in recruited and ids[k] not in vetoes:
                value, limit = float(verdict.values[k]), float(verdict.limits[k])
                vetoes[ids[k]] = Veto(rule=name, value=value, limit=limit, hard=VETOES[name].hard)
    return vetoes
