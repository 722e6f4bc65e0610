"""`tvquant data sync|repair|revert`: fetch what the lake lacks, mend what is bad in it, undo what was mended."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, table, watching, workspace_at

if TYPE_CHECKING:
    from tvquant.app.cli.console import Progress
    from tvquant.app.feature_cycle import FeatureCycle
    from tvquant.app.syncing import Source
    from tvquant.app.workspace import Workspace
    from tvquant.market.healing import HealReport
    from tvquant.market.metadata import Metadata
    from tvquant.market.worker import TaskOutcome

ProviderOption = Annotated[str, typer.Option("--provider", help="Who delivers: files, simulated.")]
PathOption = Annotated[Path | None, typer.Option("--path", help="Folder (or file) of the provider `files`.")]
UrlOption = Annotated[str | None, typer.Option("--url", help="Address of an exchange that is reached over HTTP.")]
BasisOption = Annotated[str, typer.Option("--basis", help="What prices in files are adjusted for: raw, split, total.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of a simulated exchange.")]
IntervalOption = Annotated[str, typer.Option("--interval", help="Bar length: 1d or 4h.")]
SymbolsArgument = Annotated[list[str] | None, typer.Argument(metavar="[SYMBOL]...", help="Default: all that need it.")]

MOST_SHOWN = 40
"""Assets that the text names one by one; the JSON document has all."""


def sync(
    name: Annotated[
        str | None, typer.Argument(metavar="[PROFILE]", help="Whose universe. Default: the lake's.")
    ] = None,
    provider: ProviderOption = "files",
    symbols: Annotated[
        list[str] | None, typer.Option("--symbol", metavar="SYMBOL", help="Only this one. May be repeated.")
    ] = None,
    interval: IntervalOption = "1d",
    depth: Annotated[int | None, typer.Option(min=1, help="Bars of history. Default: what the profile needs.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch stored bars again as well.")] = False,
    path: PathOption = None,
    url: UrlOption = None,
    basis: BasisOption = "raw",
    seed: SeedOption = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch what the lake lacks, then repair what is stale or has gaps; ends with a table of what is not good."""
    from tvquant.app.cli.profile import resolved
    from tvquant.app.clock import SystemClock
    from tvquant.app.syncing import sync as synced

    home = workspace_at(workspace)
    home.require()
    with watching() as progress:
        progress.stage(8, "data sync")
        done = synced(
            home,
            _source(provider, path, url, basis, seed),
            clock=SystemClock(),
            profile=resolved(home, name).profile if name else None,
            symbols=symbols or (),
            interval=interval,
            bars=depth,
            forced=force,
            watcher=progress,
        )
        features = _features(home, interval, progress)
    document = {
        "provider": provider,
        "assets": [_outcome(one) for one in done.summary.outcomes],
        "repair": _repair(done.healed),
        "metadata": _metadata(done.metadata),
        "features": features.document() if features else None,
    }
    told = Told(summary=done.summary.outcomes, healed=done.healed, features=features)
    answer(document, [*told.text(), _steps(done.metadata)], as_json=as_json)


def repair(
    symbols: SymbolsArgument = None,
    provider: ProviderOption = "files",
    interval: IntervalOption = "1d",
    path: PathOption = None,
    url: UrlOption = None,
    basis: BasisOption = "raw",
    seed: SeedOption = 0,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch bad assets again: the newest 2000 bars twice, then each gap; original values stay in the journal.

    Named symbols are fetched whatever their state, and no others are.
    """
    from tvquant.app.clock import SystemClock
    from tvquant.app.syncing import repair as repaired

    home = workspace_at(workspace)
    home.require()
    with watching() as progress:
        progress.stage(10, "data repair")
        done = repaired(
            home,
            _source(provider, path, url, basis, seed),
            clock=SystemClock(),
            symbols=symbols or (),
            interval=interval,
            watcher=progress,
        )
        features = _features(home, interval, progress)
    document = {"provider": provider} | _repair(done) | {"features": features.document() if features else None}
    answer(document, Told(summary=(), healed=done, features=features).text(), as_json=as_json)


def revert(
    symbols: SymbolsArgument = None,
    upsert: Annotated[str | None, typer.Option("--upsert", help="Only what this upsert changed.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the original values of repaired bars back, by symbols or by upsert (see `tvquant data ls SYMBOL`)."""
    from tvquant.app.clock import SystemClock
    from tvquant.core.errors import ProfileError
    from tvquant.lake.upserts import revert as reverted

    if not symbols and upsert is None:
        raise ProfileError("name what to revert: symbols, or one upsert by --upsert ID")
    home = workspace_at(workspace)
    with home.writing():
        done = reverted(home.lake(), symbols=symbols or None, upsert_id=upsert, recorded_at=SystemClock().now())
    document = {
        "values": done.values,
        "bars": done.bars,
        "symbols": list(done.symbols),
        "upserts": list(done.upserts),
    }
    text = f"{done.values:,} values of {done.bars:,} bars are as they were, of {', '.join(done.symbols)}"
    answer(document, text, as_json=as_json)


def add_to(commands: typer.Typer) -> None:
    """Put these commands among the others of `tvquant data`."""
    for command in (sync, repair, revert):
        commands.command()(command)


def _features(home: "Workspace", interval: str, progress: "Progress") -> "FeatureCycle | None":
    """Bring the store of features up to date with the daily bars; others have none."""
    from tvquant.app.clock import SystemClock
    from tvquant.app.feature_cycle import refresh_features
    from tvquant.lake.tables import DAILY

    if interval != DAILY:
        return None
    progress.stage(9, "data features")
    return refresh_features(home, progress, clock=SystemClock())


def _source(provider: str, path: Path | None, url: str | None, basis: str, seed: int) -> "Source":
    from tvquant.app.clock import SystemClock
    from tvquant.app.syncing import Source
    from tvquant.core.errors import ProfileError
    from tvquant.core.panel import Basis
    from tvquant.market.providers.contract import Setting

    if basis not in list(Basis):
        raise ProfileError(f"--basis takes raw, split or total, found {basis!r}")
    setting = Setting(clock=SystemClock(), path=path, basis=Basis(basis), url=url, seed=seed)
    return Source(name=provider, setting=setting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a sync, or a repair alone, has to say to a person."""

    summary: "Sequence[TaskOutcome]"
    healed: "HealReport"
    features: "FeatureCycle | None"

    def text(self) -> list[str]:
        """Counts, then the assets that are not good, then oddities."""
        bad, notes = self._bad(), self._notes()
        head = ("symbol", "state", "bars", "why")
        lines = [self._counts(), *(self.features.text() if self.features else [])]
        if bad:
            lines += ["", table(head, bad[:MOST_SHOWN], right=(2,)), *_more(bad)]
        if notes:
            lines += ["", *notes[:MOST_SHOWN], *_more(notes)]
        return lines

    def _counts(self) -> str:
        healed = self.healed
        total = len(self.summary) or healed.checked
        asked = sum(one.requests for one in self.summary) + healed.requests
        inserted = sum(one.inserted for one in self.summary) + sum(one.inserted for one in healed.assets)
        changed = sum(one.changed for one in self.summary) + sum(one.changed for one in healed.assets)
        good = total - len(self._bad())
        return (
            f"{good} of {total} assets are stable; {inserted:,} bars new, {changed:,} changed, "
            f"{len(healed.assets)} assets repaired or tried, {asked:,} requests"
        )

    def _bad(self) -> list[tuple[str, str, object, str]]:
        bars = {one.task.physical_symbol: one.coverage.bars for one in self.summary}
        found = dict(self.healed.unhealthy)
        found |= {one.task.physical_symbol: one.error for one in self.summary if one.error and not one.retryable}
        return [(name, "degraded", bars.get(name, ""), why) for name, why in sorted(found.items())]

    def _notes(self) -> list[str]:
        said = [(one.task.physical_symbol, note) for one in self.summary for note in one.notes]
        said += [(one.physical_symbol, note) for one in self.healed.assets for note in one.notes]
        return [f"{name}: {note}" for name, note in dict.fromkeys(said)]


def _more(rows: Sequence[object]) -> list[str]:
    left = len(rows) - MOST_SHOWN
    return [f"... and {left} more (--json has all)"] if left > 0 else []


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


def _metadata(found: "Metadata") -> dict[str, Any]:
    return {
        "served": found.served,
        "total": found.total,
        "share": found.share,
        "enough": found.enough,
        "missing": list(found.missing),
        "stored": found.stored,
        "error": found.error,
    }


def _steps(found: "Metadata") -> str:
    """One line on ticks and lots."""
    known = f"ticks and lots known of {found.total - len(found.missing)} of {found.total} assets ({found.share:.0%})"
    if found.error:
        return f"{known}; the provider did not tell them: {found.error}"
    if not found.served:
        return f"{known}; the provider tells none, so steps are assumed"
    few = "" if found.enough else f"; too few, 95% are wanted: {', '.join(found.missing[:3])} ... lack them"
    return f"{known}, {found.stored} facts new{few}"


def _repair(done: "HealReport") -> dict[str, Any]:
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
