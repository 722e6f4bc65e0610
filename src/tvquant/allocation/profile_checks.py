"""What no data can mend: limits of a profile that cannot be kept by any names, and neutrality without a benchmark.

Names are assumed to be as many as the caps need, each its own cluster, on every side that the profile holds; where the
universe is a list of symbols, they are those. What a profile asks of names that are chosen (a least) is not assumed.
"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines.catalogue import ENGINES
from tvquant.allocation.infeasibility import conflict_of
from tvquant.allocation.risk.catalogue import BARBELL, RISK_PROFILES
from tvquant.allocation.risk.contract import GIVEN, Objective
from tvquant.core.problems import Covariance, Problem
from tvquant.profiles.sections.allocation import ADAPTIVE

if TYPE_CHECKING:
    from tvquant.profiles.schema import Profile


def complaints(profile: "Profile") -> Iterator[tuple[str, str]]:
    """Yield dotted key and text of what of the section `allocation` can never be done, whatever the data are."""
    yield from _neutral(profile)
    yield from _turnover(profile)
    yield from _costs(profile)
    yield from _impossible(profile)


def _neutral(profile: "Profile") -> Iterator[tuple[str, str]]:
    if profile.neutral and not profile.benchmark.symbols:
        name = profile.neutral[0]
        text = f"{name} keeps its beta to benchmark.market near 0, and that names no symbol; name one"
        yield "allocation.profiles", f"{text} (AMEX:SPY, BINANCE:BTCUSDT), or leave {name} out"
    for name in profile.allocation.neutrality.profiles:
        if name not in profile.weighing:
            yield "allocation.neutrality.profiles", f"{name} is not among allocation.profiles; add it there, or drop it"
        elif name in (BARBELL, ADAPTIVE):
            text = f"{name} is made of other risk profiles; name those that are to be neutral, or drop it"
            yield "allocation.neutrality.profiles", text
        elif name in RISK_PROFILES and RISK_PROFILES[name].objective in GIVEN:
            text = f"{name} cannot keep a beta: its weights are given, and cut at the limits; drop it"
            yield "allocation.neutrality.profiles", text


def _turnover(profile: "Profile") -> Iterator[tuple[str, str]]:
    """Yield who cannot keep a limit on turnover: who bounds no sum of trades, and who is only cut."""
    section, key = profile.allocation, "allocation.limits.turnover"
    if section.limits.turnover is None:
        return
    for name in section.engines:
        if not ENGINES[name].keeps_turnover:
            yield key, f"engine {name} bounds no turnover; leave it out of allocation.engines, or set this to null"
    for name in profile.weighing:
        if name in RISK_PROFILES and RISK_PROFILES[name].objective in GIVEN:
            text = f"{name} cannot keep it: its weights are given, and cut at the limits"
            yield key, f"{text}; leave it out of allocation.profiles and fallbacks, or set this to null"
    if section.layers == "two":
        yield key, "shares within clusters are given and leave it no room; set allocation.layers: one, or this to null"


def _costs(profile: "Profile") -> Iterator[tuple[str, str]]:
    """Yield who does not weigh costs, where the profile asks for it."""
    section, key = profile.allocation, "allocation.risk_aversion"
    if section.risk_aversion is None:
        return
    for name in section.engines:
        if not ENGINES[name].weighs_costs:
            yield key, f"engine {name} weighs no costs; leave it out of allocation.engines, or set this to null"
    least = [name for name, one in RISK_PROFILES.items() if one.objective is Objective.MIN_VARIANCE]
    if not set(least) & set(profile.weighing):
        yield key, f"only {' and '.join(least)} weigh costs against variance; name one of them, or set this to null"


def _impossible(profile: "Profile") -> Iterator[tuple[str, str]]:
    low, high = profile.allocation.limits.net
    if low <= 0.0 <= high:  # cash keeps every limit
        return
    given = _most_generous(profile)
    found = conflict_of(given, feasible_set(given))
    if found is not None:
        yield "allocation.limits.net", str(found)


def _most_generous(profile: "Profile") -> Problem:
    """Return the problem of names that leave a profile's limits the most room."""
    section, direction, listed = profile.allocation.limits, profile.universe.direction, profile.universe.symbols
    limits = section.limits().without_leasts
    enough = math.ceil(1.0 / min(limits.position, limits.cluster))
    sides = {"long": (1.0,), "short": (-1.0,)}.get(direction, (1.0, -1.0))
    if listed is None:
        held = [{f"{side:g} {i}": side} for side in sides for i in range(enough)]
    else:
        held = [{symbol: side} for symbol in listed for side in sides]
    n, keys = len(held), tuple(map(str, range(len(held))))
    return Problem(
        keys=keys,
        returns=np.zeros((2, n)),
        covariance=Covariance(
            matrix=np.eye(n), means=np.zeros(n), method="none", shrinkage=0.0, ridge=0.0, condition=1.0, observations=2
        ),
        composition=dict(zip(keys, held, strict=True)),
        clusters=tuple(range(n)),
        limits=limits,
        previous=np.zeros(n),
    )
