"""Weighing: what each sleeve is given, walk-forward on the common rows.

1. The first decision is at common row `train`, where there are `train` returns to look at, and one follows every `step`
   rows, or at each close that the calendar's step names. None is at the last row: nothing would come of it.
2. A decision sees the last `train` returns of the streams until its row, and nothing behind it (R-META-08). Each stream
   is one unit of its own; covariance, engines, bounds and projection are those of `allocation` (R-META-07).
3. A sleeve that does not move on these rows has no covariance and is given nothing, said in the attempts.
4. An allocation that fails is all cash, with its attempts.

A mix is a path of the same form on the same rows: weights that somebody fixed, restored at each.
"""

import math
from dataclasses import replace

import numpy as np

from tvquant.allocation import allocate
from tvquant.core.allocations import CAP_TOLERANCE, Allocation, Attempt, Status
from tvquant.core.calendars import calendar
from tvquant.core.errors import DataError, ModelError
from tvquant.core.panel import Floats
from tvquant.core.problems import Limits, NameLimit, Problem
from tvquant.core.rates import RiskFree
from tvquant.statistics import estimate
from tvquant.statistics.precision import without_variance
from tvquant.tournament.sleeves.join import Joined
from tvquant.tournament.sleeves.shares import MetaDecision, MetaPath, drifted
from tvquant.tournament.sleeves.specs import META, MIX, MetaSpec, Mix

BOUNDS = "allocation.bounds"
"""Key of the profile that holds least and most of one sleeve."""


def decision_rows(joined: Joined, spec: MetaSpec, market: str) -> tuple[int, ...]:
    """Return the common rows at which sleeves are weighed; `market` is the calendar of the common dates.

    Raises
    ------
    DataError : there is none: the sleeves have too few dates in common.
    """
    last = len(joined.times) - 1
    if isinstance(spec.step, int):
        rows = tuple(range(spec.train, last, spec.step))
    else:
        ends = spec.step.ends(joined.times, calendar(market))
        rows = tuple(row for row in range(spec.train, last) if ends[row])
    if not rows:
        raise DataError(
            f"sleeves {', '.join(joined.names)} have {last + 1} dates in common and windows.train is {spec.train}: "
            "no decision can be made and held; play them on more history or shorten windows.train"
        )
    return rows


def weighed(joined: Joined, spec: MetaSpec, market: str) -> MetaPath:
    """Return the meta decisions of a spec; `market` is the calendar of the common dates.

    Raises
    ------
    DataError : as `decision_rows`.
    ProfileError : the engine is unknown, or does not solve one of the risk profiles.
    """
    periods = calendar(market).periods_per_year
    rate = RiskFree.yearly(spec.estimates.risk_free, periods_per_year=periods)
    made: list[MetaDecision] = []
    held = np.zeros(len(joined.names))
    for row in decision_rows(joined, spec, market):
        if made:
            growth = joined.levels[row] / joined.levels[made[-1].row]
            held = drifted(held[None], growth[None])[0]
        returns = joined.returns[row - spec.train : row]
        found = _allocated(joined.names, returns, spec, float(rate.per_row), held)
        shares = {name: found.weights.get(name, 0.0) for name in joined.names}
        held = np.array(list(shares.values()))
        moving = int((~without_variance(returns)).sum())
        made.append(MetaDecision(row=row, at=joined.times[row], shares=shares, allocation=found, moving=moving))
    return MetaPath(key=f"{META}/{spec.engine}/{spec.risk_profile}", names=joined.names, decisions=tuple(made))


def mixed(joined: Joined, mix: Mix, spec: MetaSpec, market: str) -> MetaPath:
    """Return the path of a fixed mix, restored at the rows at which a spec decides.

    Raises
    ------
    DataError : as `decision_rows`.
    ModelError : a sleeve that is not there or named twice, a weight below 0, or more than 1 in all.
    """
    given = dict(mix.weights)
    if unknown := sorted(set(given) - set(joined.names)):
        raise ModelError(f"mix {mix.name}: there is no sleeve {unknown[0]}; there are {', '.join(joined.names)}")
    total = math.fsum(given.values())
    if len(given) < len(mix.weights) or not (all(one >= 0.0 for one in given.values()) and total <= 1.0 + 1e-9):
        raise ModelError(
            f"mix {mix.name}: expected weights of 0 or more, once each and 1 at most in all, found {given}"
        )
    shares = {name: given.get(name, 0.0) for name in joined.names}
    rows = decision_rows(joined, spec, market)
    made = tuple(MetaDecision(row=row, at=joined.times[row], shares=shares) for row in rows)
    return MetaPath(key=f"{MIX}/{mix.name}", names=joined.names, decisions=made)


def _allocated(names: tuple[str, ...], returns: Floats, spec: MetaSpec, rate: float, held: Floats) -> Allocation:
    """Return an allocation across the sleeves by their T x K returns; all cash where the maths has no answer."""
    flat = without_variance(returns)
    moving = tuple(name for name, still in zip(names, flat.tolist(), strict=True) if not still)
    still = tuple(name for name in names if name not in moving)
    before: tuple[Attempt, ...] = ()
    if still:
        what = f"{', '.join(still)} given nothing: constant on the {len(returns)} training rows"
        before = (Attempt(what="zero variance", outcome=what),)
    try:
        if not moving:
            raise ModelError("no sleeve moves on the training rows")
        problem = _problem(moving, returns[:, ~flat], spec, rate, held[~flat])
        found = allocate(
            problem, engine=spec.engine, risk_profile=spec.risk_profile, fallbacks=spec.fallbacks, options=spec.options
        )
    except ModelError as error:
        found = Allocation(
            weights={}, cash=1.0, engine=spec.engine, risk_profile=spec.risk_profile, status=Status.FAILED,
            attempts=(Attempt(what="problem", outcome=str(error)),), constraints=(),
        )  # fmt: skip
    return replace(found, attempts=(*before, *found.attempts))


def _problem(names: tuple[str, ...], returns: Floats, spec: MetaSpec, rate: float, held: Floats) -> Problem:
    """Return the problem of K sleeves: each is one unit of itself and a cluster of its own, within the bounds."""
    least, most = spec.bounds
    if least * len(names) > 1.0 + CAP_TOLERANCE:
        raise ModelError(f"{BOUNDS}: {len(names)} sleeves of at least {least:g} each need more than all; lower it")
    asked = tuple(NameLimit(symbol=name, least=least, most=most) for name in names) if least > 0.0 else ()
    return Problem(
        keys=names,
        returns=returns,
        covariance=estimate(returns, spec.estimates, rate=rate),
        composition={name: {name: 1.0} for name in names},
        clusters=tuple(range(1, len(names) + 1)),
        limits=Limits(gross=1.0, net=(0.0, 1.0), position=most, cluster=1.0, names=asked, position_key=BOUNDS),
        previous=held,
    )
