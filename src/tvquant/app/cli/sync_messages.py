"""Output of a sync or of a repair: one line that counts all that was asked for, then what is not good."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tvquant.app.cli.tables import table
from tvquant.core.quoting import visible

if TYPE_CHECKING:
    from tvquant.app.syncing import Synced
    from tvquant.market.account import Left
    from tvquant.market.healing import AssetHeal, HealReport
    from tvquant.market.metadata import Metadata
    from tvquant.market.plans import SyncPlan
    from tvquant.market.worker import TaskOutcome

COSTLESS = frozenset({"repeated", "not asked for", "unfinished", "unlikely"})
"""Reasons for which rows are dropped without a loss, or that a note names."""
MOST_SHOWN = 40
"""Assets that the text names one by one; the JSON document has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOutput:
    """A finished sync and its output, as text or as a document."""

    done: "Synced"

    @property
    def states(self) -> dict[str, Mapping[str, str]]:
        """State -> the assets that are in it, with the reason; without the stable ones."""
        account = self.done.account
        return {"missing": account.missing, "failed": account.failed, "degraded": account.degraded}

    def text(self) -> list[str]:
        """Return the counts, then the assets that are not good, then oddities and what was not taken."""
        done, outcomes = self.done, self.done.summary.outcomes
        account, healed = done.account, done.healed.assets
        bad = "".join(f", {len(found)} {state}" for state, found in self.states.items() if found)
        work = _work([*outcomes, *healed], sum(one.requests for one in outcomes) + done.healed.requests, len(healed))
        bars = {one.task.physical_symbol: one.coverage.bars for one in outcomes}
        rows = [
            (visible(name), state, bars.get(name, ""), visible(why))
            for state, of in self.states.items()
            for name, why in of.items()
        ]
        notes = [(one.task.physical_symbol, note) for one in outcomes for note in (*one.notes, *_dropped(one))]
        return [
            f"{len(account.stable)} of {account.asked} assets are stable{bad}; {work}",
            *_tabled(rows),
            *_noted([*notes, *_heal_notes(healed)], dict(_whys(self.states))),
            *_left(account.left, self._reach, done.provider, dated=done.since is not None),
            *_aside(done.aside),
            *_steps(done.metadata),
            *unfinished_text(done.unfinished),
        ]

    @property
    def _reach(self) -> str:
        """How far back was asked for, in words."""
        done = self.done
        return f"{done.depth:,}" if done.since is None else str(done.since)

    def lacking(self) -> str:
        """Return what was asked for and has not come, in a line; empty where all has."""
        account = self.done.account
        parts = [
            f"{len(found)} of {account.asked} assets {what}, e.g. {visible(name)}: {visible(why)}"
            for found, what in (
                (account.missing, "that were asked for are missing"),
                (account.failed, "could not be brought up to date"),
            )
            for name, why in list(found.items())[:1]
        ]
        left = account.left
        parts += [f"{left.unread:,} rows could not be read, e.g. {left.example}"] if left.unread else []
        return "; ".join(parts)

    def document(self) -> dict[str, Any]:
        """Return the whole outcome, JSON-able."""
        done, account = self.done, self.done.account
        left = account.left
        return {
            "provider": done.provider,
            "providers": dict(done.shares),
            "counts": {
                "asked": account.asked,
                "stable": len(account.stable),
                **{state: len(found) for state, found in self.states.items()},
            },
            **{state: dict(found) for state, found in self.states.items()},
            "left": {
                "depth": done.depth,
                "since": None if done.since is None else str(done.since),
                "rows": left.rows,
                "total": left.total,
                "assets": list(left.deeper),
                "whole_depth": left.depth,
                "unread": left.unread,
            },
            "aside": dict(done.aside),
            "unfinished": [one.command for one in done.unfinished],
            "assets": [_outcome(one) for one in done.summary.outcomes],
            "repair": repair_document(done.healed),
            "metadata": _metadata(done.metadata),
        }


def _dropped(one: "TaskOutcome") -> Iterator[str]:
    """Yield the reasons why rows of an asset were dropped, where that may cost it a bar; copies do not."""
    reasons = ", ".join(f"{count:,} {why}" for why, count in one.rejected.items() if why not in COSTLESS)
    if reasons:
        yield f"rows that were dropped: {reasons}"


def unfinished_text(plans: "Iterable[SyncPlan]") -> list[str]:
    """Return a line for each sync that was interrupted."""
    return [
        f"an earlier sync did not end: it was to bring {len(one.symbols)} assets; finish it by `{one.command}`"
        for one in plans
    ]


def repair_text(done: "HealReport") -> list[str]:
    """Return the lines on a repair."""
    good = done.checked - len(done.unhealthy)
    return [
        f"{good} of {done.checked} assets are stable; {_work(done.assets, done.requests, len(done.assets))}",
        *_tabled([(name, "degraded", "", why) for name, why in sorted(done.unhealthy.items())]),
        *_noted(_heal_notes(done.assets), done.unhealthy),
    ]


def repair_document(done: "HealReport") -> dict[str, Any]:
    """Return the outcome of a repair, JSON-able."""
    return {
        "checked": done.checked,
        "requests": done.requests,
        "unhealthy": dict(done.unhealthy),
        "assets": [
            {
                "symbol": one.physical_symbol,
                "before": one.before,
                "state": one.state.value,
                "reason": one.reason,
                "passes": one.passes,
                "inserted": one.inserted,
                "changed": one.changed,
                "notes": list(one.notes),
            }
            for one in done.assets
        ],
    }


def _work(parts: "Sequence[TaskOutcome | AssetHeal]", requests: int, tried: int) -> str:
    inserted, changed = sum(one.inserted for one in parts), sum(one.changed for one in parts)
    return f"{inserted:,} bars new, {changed:,} changed, {tried} assets repaired or tried, {requests:,} requests"


def _tabled(rows: Sequence[tuple[object, ...]]) -> list[str]:
    """Return the table of the assets that are not good."""
    if not rows:
        return []
    return ["", table(("symbol", "state", "bars", "why"), rows[:MOST_SHOWN], right=(2,)), *_more(rows)]


def _whys(states: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield each asset of the table with its reason."""
    return (one for found in states.values() for one in found.items())


def _noted(notes: Iterable[tuple[str, str]], whys: Mapping[str, str]) -> list[str]:
    """Return a line for each note, of those that the asset's reason in the table does not say already."""
    fresh = [(name, note) for name, note in dict.fromkeys(notes) if note not in whys.get(name, "")]
    lines = [visible(f"{name}: {note.removeprefix(f'{name}: ')}") for name, note in fresh]
    return ["", *lines[:MOST_SHOWN], *_more(lines)] if lines else []


def _heal_notes(assets: "Sequence[AssetHeal]") -> Iterator[tuple[str, str]]:
    return ((one.physical_symbol, note) for one in assets for note in one.notes)


def _more(rows: Sequence[object]) -> list[str]:
    left = len(rows) - MOST_SHOWN
    return [f"... and {left} more (--json has all)"] if left > 0 else []


def _left(left: "Left", reach: str, provider: str, *, dated: bool) -> list[str]:
    """Return lines on what the provider has, or may have, that was not asked for or could not be read."""
    text = []
    if left.rows:
        behind = f"{reach}, from which on bars" if dated else f"the {reach} that"
        text.append(
            f"not taken: {left.rows:,} of {left.total:,} bars, of {len(left.deeper)} assets, are older than {behind} "
            f"were asked for; --depth {left.depth} takes all"
        )
    elif left.deeper:
        text.append(
            f"not asked for: bars {'older than' if dated else 'further back than'} {reach}, which {len(left.deeper)} "
            f"assets of {provider} may have; {'an earlier --from' if dated else '--depth BARS'} asks for more"
        )
    if left.unread:
        text.append(f"not taken: {left.unread:,} rows that could not be read, e.g. {left.example}")
    return text


def _aside(aside: Mapping[str, str]) -> list[str]:
    """Return one line per reason."""
    reasons: dict[str, list[str]] = {}
    for name, why in aside.items():
        reasons.setdefault(why, []).append(name)
    shown = [
        f"left aside: {names[0]}{f' and {len(names) - 1} others' if len(names) > 1 else ''}: {why}"
        for why, names in reasons.items()
    ]
    return [*shown[:MOST_SHOWN], *_more(shown)]


def _outcome(one: "TaskOutcome") -> dict[str, Any]:
    return {
        "symbol": one.task.physical_symbol,
        "interval": one.task.interval,
        "result": one.result.value,
        "state": one.state.value,
        "reason": one.reason,
        "bars": one.coverage.bars,
        "inserted": one.inserted,
        "changed": one.changed,
        "requests": one.requests,
        "rejected": dict(one.rejected),
        "notes": list(one.notes),
        "error": one.error,
    }


def _metadata(found: "Mapping[str, Metadata]") -> dict[str, Any]:
    """Return what is known of one provider's assets; of several by provider."""
    parts = {
        label: {
            "served": one.served,
            "total": one.total,
            "share": one.share,
            "enough": one.enough,
            "missing": list(one.missing),
            "stored": one.stored,
            "error": one.error,
            "findings": list(one.findings),
        }
        for label, one in found.items()
    }
    return next(iter(parts.values())) if len(parts) == 1 else parts


def _steps(found: "Mapping[str, Metadata]") -> Iterator[str]:
    """Yield one line on ticks and lots for each provider."""
    for label, one in found.items():
        if not one.total and len(found) > 1:
            continue  # another delivers all that was asked for
        name = f"{label}: " if len(found) > 1 else ""
        known = f"{name}ticks and lots known of {one.total - len(one.missing)} of {one.total} assets ({one.share:.0%})"
        few = "" if one.enough else f"; too few, 95% are wanted: {', '.join(one.missing[:3])} ... lack them"
        if one.error:
            yield f"{known}; the provider did not tell them: {one.error}"
        elif not one.served:
            yield f"{known}; the provider tells none, so steps are assumed"
        else:
            yield f"{known}, {one.stored} facts new{few}"
        if one.findings:
            count = f"{len(one.findings)} times" if len(one.findings) > 1 else "once"
            yield f"{name}its list of instruments has what is not understood, {count}: {visible(one.findings[0])}"
