"""The evidence of a run: how whole its data were, which matrix was played, what guarded it, in one record (R-TRN-16).

It is recorded when the matrix has been played, in the run's own chain; of a run that was continued there may be two,
and the last counts. It names the result and the plan that it is of, and the code by the plan's digest, so that whoever
asks for evidence later can hold it against all three. It changes no result.
"""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from tvquant.app.run_context import RunContext
from tvquant.core.records import EVIDENCE, RUN, Entry
from tvquant.core.stages import Stage
from tvquant.ledger import RunFolder, records
from tvquant.profiles import Profile
from tvquant.profiles.filters import Filter
from tvquant.tournament.cells import grid_size

HEALTH = "profile_health"
"""What stage 9 recorded of the profile's assets."""
TRADED = "value_traded"
"""How the names of fields begin that a liquidity floor is on."""
SURVIVAL = "survival"
"""The veto by how an asset came through its worst windows."""


def evidence(context: RunContext, result: str, failed: Mapping[str, str]) -> Entry:
    """Return the record of a run whose matrix has been played to this result; `failed` : cell -> why it has no book."""
    profile = context.plan.resolved.profile
    health = _health(context.folder)
    strategies = [cell for cell in context.cells if not cell.baseline]
    lacking = {cell.key: failed[cell.key] for cell in strategies if cell.key in failed}
    size = grid_size(profile)
    played, floors = len(strategies) - len(lacking), floors_of(profile)
    guarded = SURVIVAL in profile.selection.vetoes
    whole = bool(health) and health["healthy"] == health["total"]
    return Entry(
        chain=RUN,
        stage=Stage.VALIDATION,
        pillar=3,
        kind=EVIDENCE,
        inputs=dict(context.digests),
        outputs={"result": result},
        metrics={
            "healthy": health.get("healthy"), "assets": health.get("total"), "whole_data": whole,
            "cells": len(strategies), "played": played, "whole_matrix": not lacking,
            "least_floor": min(floors.values()) if floors else None, SURVIVAL: guarded,
        },
        data={
            "profile": profile.name,
            "health": health,
            "matrix": {
                "engines": list(profile.allocation.engines),
                "risk": list(profile.allocation.profiles),
                "simulators": list(profile.execution.simulators),
                "grid": size.payload(),
                "failed": lacking,
            },
            "floors": floors,
            "vetoes": list(profile.selection.vetoes),
        },
    )  # fmt: skip


def _health(folder: RunFolder) -> Mapping[str, Any]:
    """Return what stage 9 recorded of the profile's assets; it ends before the pin, behind which nothing is read."""
    before = takewhile(lambda one: one.kind != "plan", records(folder.path, chain=RUN))
    ended = [one for one in before if (one.stage, one.kind) == (Stage.HEALTH, "outcome")]
    health: Mapping[str, Any] = ended[-1].data.get(HEALTH, {})
    return health


def floors_of(profile: Profile) -> dict[str, float]:
    """Return scanner -> the highest value traded that it asks every name for; scanners without a floor are left out."""
    found: dict[str, float] = {}
    for scanner in profile.universe.scanners:
        asked: list[Any] = [
            bound
            for one in (*scanner.pool, *scanner.signal)
            if isinstance(one, Filter) and one.field.startswith(TRADED)
            for bound in (one.above, one.at_least)
            if bound is not None
        ]
        if asked:
            found[scanner.name] = float(max(asked))
    return found
