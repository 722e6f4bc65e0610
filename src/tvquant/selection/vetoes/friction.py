"""Soft veto on names whose expected return does not pay for moving their market (ECI, R-SEL-18).

The cost of impact is sigma x sqrt(notional / median traded value) per year, sigma per year as well. What is left of the
expected annual return must reach a hurdle. A return above 1 whose rest is at least 1.25 hurdles passes too: where the
hurdle is not negative that lets nobody pass who did not before.
"""

from functools import partial

import numpy as np
from pydantic import Field

from tvquant.profiles.fields import Real
from tvquant.profiles.options import Options
from tvquant.selection.contract import SelectionContext
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.contract import Judgement, Rule

TRADED = "adv_median_30"
LARGE, EASED = 1.0, 1.25
"""Expected annual return above which the hurdle is another one, and by which factor."""


class FrictionLimits(Options):
    """Options of `friction`.

    Parameters
    ----------
    hurdle : least expected annual return beyond the cost of impact; null is the model's own (v3 0.02, v3.1 to v3.4
        0.005, v4 0).
    impact_notional : value that is taken to be traded, in USD.
    """

    hurdle: Real | None = None
    impact_notional: Real = Field(default=1e6, gt=0)


def friction(own: float) -> Rule:
    """Return the rule of a model with this hurdle; the profile's goes before it."""
    return Rule(
        name="friction",
        meaning="What the cost of impact leaves of the expected annual return is below the hurdle.",
        hard=False,
        judge=partial(_judge, own),
        options=(FrictionLimits,),
    )


def _judge(own: float, context: SelectionContext, _: Relaxation) -> Judgement:
    """Return the judgement by value: the rest of the return, and the hurdle; or 0 traded, and the notional.

    Where the traded value or the rest is not known there is no judgement; `not_judged` counts these.
    """
    limits = context.parameters.options(FrictionLimits)
    hurdle = own if limits.hurdle is None else limits.hurdle
    traded, expected = context.of_instruments(TRADED), context.of_atoms("momentum")
    share = np.divide(limits.impact_notional, traded, out=np.full(len(traded), np.nan), where=traded > 0.0)
    rest, nothing = expected - context.of_atoms("volatility") * np.sqrt(share), traded == 0.0
    exempt = (expected > LARGE) & (rest >= EASED * hurdle)
    return Judgement(
        broken=((rest < hurdle) & ~exempt) | nothing,
        values=np.where(nothing, 0.0, rest),
        limits=np.where(nothing, limits.impact_notional, hurdle),
        thresholds={
            "hurdle": hurdle,
            "impact_notional": limits.impact_notional,
            "not_judged": float((np.isnan(rest) & ~nothing).sum()),
        },
    )


FRICTION = friction(0.0)
"""As v4 has it, where the profile puts it in force."""
