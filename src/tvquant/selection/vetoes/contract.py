"""What a veto is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tvquant.core.panel import Bools, Floats
from tvquant.selection.contract import SelectionContext


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judgement:
    """How one rule judges K atoms.

    Parameters
    ----------
    broken : K, the atom breaks the rule. A statistic that is missing breaks no rule but `no_statistics`.
    values : K, the statistic.
    limits : K, the limit that it was held against; for a band the nearer edge.
    thresholds : limits in force, by name.
    """

    broken: Bools
    values: Floats
    limits: Floats
    thresholds: Mapping[str, float]


type Judge = Callable[[SelectionContext, float], Judgement]
"""From a context with atom features, and the share of noise that a soft rule rejects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A veto: its name in responses, its meaning in one sentence, and how it judges.

    Parameters
    ----------
    hard : no stage of relaxation and no floor of winners overrides it (R-SEL-19).
    spectral : stage 2 of the relaxation halves its share of noise (R-SEL-21).
    """

    name: str
    meaning: str
    hard: bool
    spectral: bool = False
    judge: Judge
