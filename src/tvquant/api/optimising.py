"""`optimise`: weights for a frame of returns, by the house engine and within limits that are verified."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tvquant.api import frames
from tvquant.core.errors import ProfileError
from tvquant.core.quoting import shown

if TYPE_CHECKING:
    import polars as pl

    from tvquant.core.allocations import Allocation
    from tvquant.core.problems import Limits

BINDING = 1e-6
"""A limit whose value is no further below it binds: what an interior point leaves."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Optimised:
    """Weights and how they were found.

    Parameters
    ----------
    weights : `symbol`, `weight` (a fraction of equity, not negative), in the order of returns; none where it failed.
    cash : what is missing to 1; `forced_cash`: the part of it that position and cluster limits leave no room for;
        `reference_cash`: the part that is kept because no name holds much more than the method's own weight.
    status : `solved`, `fell_back` (a later attempt made the weights) or `failed` (all is cash).
    profile : the risk profile that made the weights.
    attempts : `what`, `outcome`, in the order they were made.
    limits : `name`, `limit`, `value` as verified on the final weights, `binding`.
    """

    weights: "pl.DataFrame"
    cash: float
    forced_cash: float
    reference_cash: float
    status: str
    profile: str
    attempts: "pl.DataFrame"
    limits: "pl.DataFrame"


def optimise(
    returns: Any,
    profile: str = "min_variance",
    limits: Mapping[str, Any] | None = None,
    *,
    fallbacks: tuple[str, ...] = (),
    clusters: Mapping[str, Hashable] | None = None,
) -> Optimised:
    """Return long weights for T x N returns; the covariance is Ledoit and Wolf's, with the ridge that a run has.

    Parameters
    ----------
    returns : pandas or polars frame of dates x names: simple returns as fractions, none of them NaN.
    profile : risk profile: `equal_weight`, `equal_names`, `inverse_volatility`, `min_variance`, `max_diversification`,
        `risk_parity`, `hrp`, `herc`, `nco`, `cvar_min` (at .95), `max_sharpe`.
    limits : those of `gross`, `net`, `position`, `cluster` that differ from the house's 1, (-1, 1), .25 and .25
        (without clusters `cluster` is as `position`); `names` and `groups` as a profile has them, of names that are
        EXCHANGE:TICKER. They are never lifted: what has no room is cash.
    fallbacks : risk profiles to try in this order where a solve fails.
    clusters : name -> group that shares the limit `cluster`; where nothing is said each name is its own.

    Raises
    ------
    ProfileError : the frame cannot be read or has a NaN, or profile, limits or clusters are none.
    ModelError : returns that have no covariance: fewer than two rows, or a name that does not vary.
    """
    from tvquant.allocation import RISK_PROFILES, allocate
    from tvquant.allocation.risk.catalogue import FIXED
    from tvquant.core.problems import Problem
    from tvquant.profiles.options import declared_by
    from tvquant.statistics import estimate

    given = frames.wide(returns, "returns")
    _refuse_unusable(given)
    if isinstance(fallbacks, str):
        raise ProfileError(
            f"fallbacks: expected risk profiles in order, found {shown(fallbacks)}; write ({fallbacks!r},)"
        )
    if FIXED in (profile, *fallbacks):
        raise ProfileError(f"profile: {FIXED} holds weights of your own, so there is nothing to find; simulate them")
    for name, one in (("limits", limits), ("clusters", clusters)):
        if not isinstance(one, Mapping | None):
            raise ProfileError(f"{name}: expected a mapping, key: value, found {shown(one)}")
    asked = dict(limits or {})
    if not clusters and "position" in asked:
        asked.setdefault("cluster", asked["position"])
    made = allocate(
        Problem(
            keys=given.names,
            returns=given.values,
            covariance=estimate(given.values),
            composition={name: {name: 1.0} for name in given.names},
            clusters=_groups(given.names, clusters),
            limits=_limits(asked, given.names),
            previous=np.zeros(len(given.names)),
        ),
        engine="custom",
        risk_profile=profile,
        fallbacks=fallbacks,
        options=tuple(declared() for declared in declared_by(RISK_PROFILES.values())),
    )
    return _optimised(made)


def _refuse_unusable(given: frames.Wide) -> None:
    """Refuse cells that are empty, and returns that no price could have: percents, or prices themselves."""
    for bad, why in (
        (np.isnan(given.values), "is empty; drop the row, or the name"),
        (given.values < -1.0, "loses more than everything; returns are fractions: -2 % is -0.02"),
    ):
        if bad.any():
            t, j = np.argwhere(bad)[0]
            raise ProfileError(f"returns: {given.names[j]} on {frames.day(given.times[t])} {why}")
    frames.refuse_prices(given)
    names = [name for j, name in enumerate(given.names) if len(given.times) > 1 and not np.ptp(given.values[:, j])]
    if names:
        raise ProfileError(f"returns: {names[0]} does not vary; leave it out")


def _groups(names: tuple[str, ...], clusters: Mapping[str, Hashable] | None) -> tuple[int, ...]:
    """Return a number for each name's cluster; a name that is in none is alone."""
    strange = sorted(set(clusters or ()) - set(names))
    if strange:
        raise ProfileError(f"clusters: returns have no column {strange[0]}")
    keys = [("cluster", clusters[name]) if clusters and name in clusters else ("alone", name) for name in names]
    place = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return tuple(place[key] for key in keys)


def _limits(given: Mapping[str, Any], names: tuple[str, ...]) -> "Limits":
    """Return the limits by the schema of profiles, ProfileError in its words; a limit of no column is refused."""
    from pydantic import ValidationError

    from tvquant.profiles.files import packaged_defaults
    from tvquant.profiles.messages import explained, unknown
    from tvquant.profiles.sections.allocation import LimitsSection

    for name in given:
        if name not in LimitsSection.model_fields:
            raise ProfileError(f"limits: {unknown('key', name, LimitsSection.model_fields)}")
    try:
        section = LimitsSection.model_validate({**packaged_defaults().values["allocation"]["limits"], **given})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = first.get("ctx", {}).get("key", "").removeprefix("allocation.limits.")
        where = ".".join(["limits", *map(str, first["loc"]), *([place] if place else [])])
        raise ProfileError(f"{where}: {explained([first])}") from error
    if section.turnover is not None:
        raise ProfileError("limits.turnover: it counts from weights before, and there are none here; leave it out")
    for key, who, symbol in section.named:
        if symbol not in names:
            raise ProfileError(
                f"{key.removeprefix('allocation.')}: {who}names {symbol}, and returns have no such column"
            )
    return section.limits()


def _optimised(made: "Allocation") -> Optimised:
    import polars as pl

    return Optimised(
        weights=pl.DataFrame(
            {"symbol": list(made.weights), "weight": list(made.weights.values())},
            schema={"symbol": pl.String, "weight": pl.Float64},
        ),
        cash=made.cash,
        forced_cash=made.forced_cash,
        reference_cash=made.reference_cash,
        status=made.status.value,
        profile=made.risk_profile,
        attempts=pl.DataFrame([{"what": one.what, "outcome": one.outcome} for one in made.attempts]),
        limits=pl.DataFrame(
            [(one.name, one.limit, one.value, one.value > one.limit - BINDING) for one in made.constraints],
            schema={"name": pl.String, "limit": pl.Float64, "value": pl.Float64, "binding": pl.Boolean},
            orient="row",
        ),
    )
