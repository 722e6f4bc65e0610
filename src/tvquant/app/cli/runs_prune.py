"""`tvquant runs tag` and `prune`: which runs stay, and what is removed of the others."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from tvquant.app.cli.console import JsonOption, RunArgument, WorkspaceOption, answer, confirm, workspace_at
from tvquant.app.cli.tables import table
from tvquant.app.cli.waiting import WaitOption
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.quoting import several
from tvquant.ledger import RunFolder

STARTED = "%Y%m%dT%H%M%S"
"""How the id of a run begins: when it was started."""
OLDEST = 36_500
"""Days of a century: no run began before."""
NAMED = 5
"""Runs that a message names before it counts the rest."""


def tag(
    name: RunArgument,
    word: Annotated[str, typer.Argument(metavar="TAG", help="A word that the run is to bear.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the tag away.")] = False,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a run a tag: `runs` shows it, and `runs prune` leaves the run alone."""
    from tvquant.app.run_tags import tag_run

    home = workspace_at(workspace, wait)
    folder = home.run(name)
    with home.writing():
        tags = tag_run(home, folder.id, word, remove=remove)
    answer({"run": folder.id, "tags": list(tags)}, f"{folder.id}: {', '.join(tags) or 'no tags'}", as_json=as_json)


def prune(
    keep: Annotated[int | None, typer.Option(min=1, metavar="N", help="All but the newest so many.")] = None,
    older_than: Annotated[
        int | None, typer.Option("--older-than", min=1, max=OLDEST, metavar="DAYS", help="Those that began longer ago.")
    ] = None,
    tagged: Annotated[
        str | None, typer.Option("--tag", metavar="TAG", help="Those with this tag, which protects none then.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Name them; remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove the runs that every condition given is true of; others with a tag stay, and the lake is not touched."""
    from tvquant.app.clock import SystemClock
    from tvquant.app.pinned_snapshot import made_of
    from tvquant.app.run_tags import run_tags

    if keep is None and older_than is None and tagged is None:
        raise ProfileError("say which runs go: --keep N, --older-than DAYS, --tag TAG, or several of them")
    home = workspace_at(workspace, wait)
    home.require()
    before = None if older_than is None else SystemClock().now() - timedelta(days=older_than)
    runs, tags = home.all_runs(), run_tags(home)
    going = pruned(runs, tags, keep=keep, before=before, tag=tagged)
    regardless = pruned(runs, {}, keep=keep, before=before, tag=None) if tagged is None else ()
    guarded = [one.id for one in regardless if one not in going]
    sizes = {one.id: sum(file.stat().st_size for file in one.path.rglob("*") if file.is_file()) for one in going}
    said = f"{len(going)} of {len(runs)} runs, {sum(sizes.values()) / 2**20:,.1f} MiB"
    orphans = made_of(home, sizes)
    if going and not dry_run and not yes:
        which = going[0].id if len(going) == 1 else f"from {going[0].id} to {going[-1].id}"
        confirm(f"remove {said}, {which}?{in_words(orphans)}", otherwise="all runs stay")
    if going and not dry_run:
        with home.writing():
            remove(home.runs, going)
    document = {"removed": [] if dry_run else list(sizes), "would_remove": list(sizes) if dry_run else [],
                "bytes": sum(sizes.values()), "kept_by_tag": guarded, "made_of_them": list(orphans)}  # fmt: skip
    rows = [(name, f"{size / 2**20:,.1f}", ", ".join(tags.get(name, ()))) for name, size in sizes.items()]
    text = [f"{'would be removed' if dry_run else 'removed'}: {said}"]
    text += [table(("run", "MiB", "tags"), rows, right=(1,))] if rows else []
    if guarded:
        text.append(f"{len(guarded)} stay because they have a tag")
    if orphans:
        text.append(in_words(orphans).strip())
    answer(document, text, as_json=as_json)


def pruned(
    runs: Sequence[RunFolder],
    tags: Mapping[str, Collection[str]],
    *,
    keep: int | None,
    before: datetime | None,
    tag: str | None,
) -> tuple[RunFolder, ...]:
    """Return the runs, the oldest first, that every condition given is true of; one with a tag only where it is named.

    Parameters
    ----------
    runs : in the order of making.
    keep : so many of the newest stay; `before` : only runs that began earlier go; `tag` : only runs that bear it.
    """
    newest = set() if keep is None else {one.id for one in runs[-keep:]}
    return tuple(
        one
        for one in runs
        if one.id not in newest
        and (before is None or _began(one) < before)
        and (tag in tags.get(one.id, ()) if tag is not None else not tags.get(one.id))
    )


def in_words(orphans: Sequence[str]) -> str:
    """Return what becomes of runs of meta-portfolios that lose a sleeve's run; nothing where there are none."""
    if not orphans:
        return ""
    return (
        f" Made of what goes: {several(list(orphans), NAMED)}; that verifies still, but neither its parity nor a "
        "meta-portfolio of it can be played."
    )


def _began(run: RunFolder) -> datetime:
    """Return when a run began; one whose id has no date is never old."""
    try:
        return datetime.strptime(run.id.split("-")[0], STARTED).replace(tzinfo=UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)


def remove(runs: Path, going: Sequence[RunFolder]) -> None:
    """Remove runs, of a link the link alone, and write the index anew, whatever happens on the way.

    Raises
    ------
    DataError : a file cannot be removed.
    """
    from tvquant.report import write_index

    try:
        for one in going:
            if one.path.is_symlink():
                one.path.unlink()
            else:
                shutil.rmtree(one.path)
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}; it cannot be removed") from error
    finally:
        write_index(runs)
