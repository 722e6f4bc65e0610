"""The self-healing protocol (SHP, R-DAT-11): what is stale, missing or full of holes is fetched again, within bounds.

1. Twice at most: every asset that asking could mend becomes a forced task of 2000 bars; then it is judged again.
2. Once: the holes that are left are asked for one by one, the newest first; those that bring no new bars are registered
   as their provider's own, and are not asked for again (R-DAT-13).
3. What is still not good stays DEGRADED with its reasons, or is excluded, where the caller is strict.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tvquant.lake.storage.tables import DAILY
from tvquant.market.asset_assessment import Assessment, open_holes
from tvquant.market.orchestrator import DataPipelineOrchestrator, Summary
from tvquant.market.registry import AssetState
from tvquant.market.tasks import FORCED_DEPTH, DataTask
from tvquant.market.worker import TaskOutcome

PASSES = 2
REASON = "repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetHeal:
    """What the repair of one asset came to; `inserted` and `changed` count bars, `passes` the targeted one too."""

    physical_symbol: str
    before: str
    state: AssetState
    reason: str
    passes: int
    inserted: int
    changed: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HealReport:
    """What a repair did.

    Parameters
    ----------
    assets : those that were asked for again, by symbol.
    checked : assets that were judged.
    unhealthy : still not good -> why.
    excluded : those of them that are to be left out (strict callers; empty for others).
    requests : for bars.
    """

    assets: tuple[AssetHeal, ...]
    checked: int
    unhealthy: Mapping[str, str]
    excluded: tuple[str, ...]
    requests: int


async def heal(
    pipeline: DataPipelineOrchestrator,
    symbols: Iterable[str],
    *,
    interval: str = DAILY,
    strict: bool = False,
    forced: bool = False,
    reason: str = REASON,
    depth: int = FORCED_DEPTH,
) -> HealReport:
    """Mend those of the given assets that are not good; no other is touched (R-DAT-12).

    Parameters
    ----------
    strict : name what stays bad for exclusion.
    forced : fetch all of them again, also those that look good or beyond repair.
    depth : bars of a forced refresh.
    """
    names = sorted(set(symbols))
    tasks = {
        name: DataTask(physical_symbol=name, interval=interval, depth=depth, force_sync=True, reason=reason)
        for name in names
    }
    found = pipeline.assessed(tasks.values())
    before = {name: found[one.key].assessment for name, one in tasks.items()}
    todo = [name for name in names if forced or found[tasks[name].key].repairable]
    story: dict[str, list[TaskOutcome]] = {}
    for attempt in range(1, PASSES + 1):
        if todo:
            _record(story, await pipeline.run(replace(tasks[name], attempt=attempt) for name in todo))
            found = pipeline.assessed(tasks.values())
            todo = [name for name in todo if found[tasks[name].key].repairable and story[name][-1].retryable]
    holed = [name for name in todo if open_holes(found[tasks[name].key].coverage, found[tasks[name].key].record)]
    if holed:
        _record(story, await pipeline.mend(replace(tasks[name], attempt=PASSES + 1) for name in holed))
        found = pipeline.assessed(tasks.values())
    left = [name for name in names if found[tasks[name].key].assessment.state is not AssetState.STABLE]
    return HealReport(
        assets=tuple(_healed(name, before[name], outcomes) for name, outcomes in sorted(story.items())),
        checked=len(names),
        unhealthy={name: found[tasks[name].key].assessment.reason for name in left},
        excluded=tuple(left) if strict else (),
        requests=sum(outcome.requests for outcomes in story.values() for outcome in outcomes),
    )


def _record(story: dict[str, list[TaskOutcome]], summary: Summary) -> None:
    for outcome in summary.outcomes:
        story.setdefault(outcome.task.physical_symbol, []).append(outcome)


def _healed(name: str, before: Assessment, outcomes: Sequence[TaskOutcome]) -> AssetHeal:
    last = outcomes[-1]
    notes = [note for one in outcomes for note in (*one.notes, *([one.error] if one.error else []))]
    return AssetHeal(
        physical_symbol=name,
        before=before.reason,
        state=last.state,
        reason=last.reason,
        passes=len(outcomes),
        inserted=sum(one.inserted for one in outcomes),
        changed=sum(one.changed for one in outcomes),
        notes=tuple(dict.fromkeys(notes)),
    )
