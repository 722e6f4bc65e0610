"""Catalogue of logics: the signal families an atom may be held for."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.atoms.logics import pass_through
from tvquant.atoms.logics.breakout import BREAKOUT
from tvquant.atoms.logics.carry import CARRY
from tvquant.atoms.logics.contract import Logic
from tvquant.atoms.logics.momentum import MOMENTUM
from tvquant.atoms.logics.reversion import REVERSION
from tvquant.atoms.logics.trend_gated import TREND_GATED

MEMBERS: tuple[Logic, ...] = (
    pass_through.HOLD,
    pass_through.RATING_ALL,
    pass_through.RATING_MA,
    pass_through.RATING_OSC,
    pass_through.TREND,
    pass_through.MEAN_REVERSION,
    pass_through.MULTI_TIMEFRAME,
    MOMENTUM,
    TREND_GATED,
    REVERSION,
    BREAKOUT,
    CARRY,
)
LOGICS: Mapping[str, Logic] = MappingProxyType({logic.name: logic for logic in MEMBERS})
