"""`tvquant doctor`: what this installation is, which files are damaged, whether the sources are there and well."""

import os
import platform
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app import CACHE_REFUSED
from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.exit_codes import Answered
from tvquant.app.cli.source_options import parsed
from tvquant.app.cli.tables import table
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import progress_shown
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.version import VERSION

if TYPE_CHECKING:
    from tvquant.app.online import SourceHealth


def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Bring damaged files back to their last whole version; originals are kept.")
    ] = False,
    online: Annotated[
        bool,
        typer.Option("--online", help="Ask each source, of those that may be asked, whether it is there and well."),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="With --online: exit code 3 unless all that were asked are fine.")
    ] = False,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="SOURCE.NAME=VALUE", help="Open a source with an option of its own. May be repeated."
        ),
    ] = None,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """What this installation is, what it can do here, where it writes, and which files of the workspace are damaged."""
    from tvquant.app.identity import environment

    given = _given(options or ())
    if not online and (strict or given):
        raise ProfileError("--strict and --option say how sources are looked at; add --online")
    home, versions = workspace_at(workspace, wait), environment()
    usable = home.profiles.is_dir() and os.access(home.root, os.W_OK)
    if fix:
        home.require()
    with progress_shown("doctor"):
        files = _files(home, fix) if usable else {}
        sources = _sources(home, given) if online else ()
    facts = _facts(home, usable=usable)
    packages = {name: version for name, version in versions.items() if name != "python"}
    rows = [*facts.items(), ("packages", ", ".join(f"{name} {version}" for name, version in packages.items()))]
    rows += [(what, one) for what, found in files.items() for one in found]
    text = [table(("what", "found"), rows)]
    if online:
        text += ["", table(("source", "checked", "stands", "found"), _lines(sources))]
    answer({**facts, "packages": packages, **files, **_document(sources)}, "\n".join(text), as_json=as_json)
    if files.get("damaged"):
        raise Answered(DataError)
    bad = [one.name for one in sources if not one.fine]
    if strict and bad:
        count = sum(one.asked for one in sources)
        raise Answered(DataError, f"{len(bad)} of {count} sources that were asked are not fine: {', '.join(bad)}")


def _facts(home: Workspace, *, usable: bool) -> dict[str, str]:
    """Return what this installation is, what it can do here, and where it writes."""
    from tvquant.app.vocabulary import vocabulary

    words = vocabulary()
    return {
        "tvquant": VERSION,
        "python": f"{platform.python_version()} ({sys.executable})",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "workspace": f"{home.root} ({'ready' if usable else 'not a workspace: tvquant init DIR'})",
        "disk free": f"{shutil.disk_usage(home.root if home.root.exists() else Path.cwd()).free / 2**30:.1f} GiB",
        "kernel cache": f"none, kernels are compiled at each start: {CACHE_REFUSED}"
        if CACHE_REFUSED
        else os.environ["NUMBA_CACHE_DIR"],
        "engines": ", ".join(map(words.shown_member, sorted(words.engines))),
        "risk profiles": ", ".join(sorted(words.risk_profiles)),
        "simulators": ", ".join(sorted(words.simulators)),
        "selection models": ", ".join(sorted(words.selection_models)),
    }


def _files(home: Workspace, fix: bool) -> dict[str, list[str]]:
    """Return what was mended, with the place of the originals, and what is damaged."""
    from tvquant.app.clock import SystemClock
    from tvquant.app.recovery import damages, recover

    if not fix:
        return {"damaged": [f"{one.path}: {one.why}" for one in damages(home)]}
    done = recover(home, clock=SystemClock())
    steps = [*done.steps, *([f"originals are kept in {done.aside}"] if done.steps else [])]
    return {"mended": steps, "damaged": [f"{one.path}: {one.why}" for one in done.left]}


def _given(options: Iterable[str]) -> dict[str, dict[str, object]]:
    """Return source -> its options, of words like `simulated.url=http://127.0.0.1:8000`."""
    found: dict[str, dict[str, object]] = {}
    for one in options:
        source, dot, rest = one.partition(".")
        if not dot or "=" in source:
            raise ProfileError(f"--option takes SOURCE.NAME=VALUE, found {one.partition('=')[0]!r}")
        option, value = parsed(rest)
        found.setdefault(source, {})[option] = value
    return found


def _sources(home: Workspace, given: Mapping[str, Mapping[str, object]]) -> "tuple[SourceHealth, ...]":
    from tvquant.app.clock import SystemClock
    from tvquant.app.online import sources_looked_at

    return sources_looked_at(home, clock=SystemClock(), options=given)


def _lines(sources: "Iterable[SourceHealth]") -> list[tuple[str, ...]]:
    """Return a row for each thing that was looked at; what to do stands behind what was found."""
    return [
        (one.name, line.what, line.standing, f"{line.said}; {line.cure}" if line.cure else line.said)
        for one in sources
        for line in one.found
    ]


def _document(sources: "Iterable[SourceHealth]") -> dict[str, Any]:
    """Return the same for programs; nothing where no source was looked at."""
    found = {
        one.name: [
            {"checked": line.what, "stands": line.standing, "found": line.said, "do": line.cure} for line in one.found
        ]
        for one in sources
    }
    return {"sources": found} if found else {}
