"""What a veto is, and by which of its two judges an atom is judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tvquant.core.panel import Bools, Floats
from tvquant.profiles.options import Options
from tvquant.selection.contract import SelectionContext
from tvquant.selection.relaxation import Relaxation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """How one rule judges K atoms.

    Parameters
    ----------
    broken : K, the atom breaks the rule. A statistic that is missing breaks no rule but those on missing statistics.
    values : K, the statistic.
    limits : K, the limit that it was held against; for a band the nearer edge.
    thresholds : limits in force, by name.
    """

    broken: Bools
    values: Floats
    limits: Floats
    thresholds: Mapping[str, float]


type Judge = Callable[[SelectionContext, Relaxation], Judgement]
"""From a context with atom features and a stage of relaxation to how the rule judges each atom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A veto: its name in responses, its meaning in one sentence, and how it judges.

    Parameters
    ----------
    hard : no stage of relaxation and no floor of winners overrides it (R-SEL-19).
    judge : by the profile's limits, or by what noise looks like.
    options : what it takes from the profile's section `selection`.
    specified : by the fixed figures of the specification, for `selection.thresholds: as_specified`; None where there is
        but one way to judge.
    """

    name: str
    meaning: str
    hard: bool
    judge: Judge
    options: tuple[type[Options], ...] = ()
    specified: Judge | None = None

    def judgement(self, context: SelectionContext, stage: Relaxation) -> Judgement:
        """Return how the rule judges under the profile's thresholds, with those of its other judge beside them."""
        if self.specified is None:
            return self.judge(context, stage)
        found = {"calibrated": self.judge(context, stage), "as_specified": self.specified(context, stage)}
        mine = found.pop(context.parameters.thresholds)
        ((other, its),) = found.items()
        beside = {f"{other}_{name}": value for name, value in its.thresholds.items()}
        return replace(mine, thresholds={**mine.thresholds, **beside})


def above(values: Floats, limit: float) -> Judgement:
    """Return which values are above the limit."""
    return Judgement(
        broken=values > limit, values=values, limits=np.full(len(values), limit), thresholds={"limit": limit}
    )


def below(values: Floats, limit: float) -> Judgement:
    """Return which values are below the limit."""
    return Judgement(
        broken=values < limit, values=values, limits=np.full(len(values), limit), thresholds={"limit": limit}
    )
