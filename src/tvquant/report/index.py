"""INDEX.md of all runs of a workspace: one line for each, with what its ledger is worth.

To verify a run takes a fraction of a second, and a workspace has many. So what was found of a run is kept beside the
index, under a name made of the names, sizes and times (of content and of any change) of all its files: while that
name is the same no file of the run was written to, and the line stands. Where it is not, the run is verified again.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tvquant import __version__
from tvquant.core.digests import digest_json
from tvquant.core.errors import TvquantError
from tvquant.ledger import Integrity, verify
from tvquant.ledger.recorded_run import Absent
from tvquant.report.files import write
from tvquant.report.formatting import NOTHING, number
from tvquant.report.markdown import Health, health_of, markdown_table, profile_name
from tvquant.report.run import RunData, read_run

HEAD = ("run", "profile", "ledger", "health", "headline Sharpe", "report")
FOUND = ".index.json"
"""Run -> the name of what its files are, and its line in the index."""
FORM = 1
"""Of a line; one that was written in another form is made anew."""

type Row = Sequence[str]


def write_index(runs: Path) -> None:
    """Write INDEX.md beside the folder of all runs; a run that cannot be read is named with the reason.

    Raises
    ------
    DataError : the disk refuses, or a link leads out.
    """
    folders = sorted(path for path in runs.iterdir() if path.is_dir()) if runs.is_dir() else []
    before, found = _found_before(runs.parent / FOUND), {}
    for folder in folders:
        state = _state(folder)  # taken first: what changes while a run is verified gives another name the next time
        known = before.get(folder.name)
        found[folder.name] = known if known and known[0] == state else (state, _row(folder))
    rows = [row for _, row in found.values()]
    table = markdown_table(HEAD, rows) if rows else ["There is no run yet; `tvquant run PROFILE` makes one."]
    write(runs.parent / "INDEX.md", "\n".join(["# Runs", "", *table, ""]).encode(), within=runs.parent)
    write(runs.parent / FOUND, json.dumps(found, ensure_ascii=False).encode(), within=runs.parent)


def _state(folder: Path) -> str:
    """Names, sizes and times of all files of a run, as one digest."""
    found = []
    for path in sorted(folder.rglob("*")):
        told = path.lstat()
        found.append([path.relative_to(folder).as_posix(), told.st_size, told.st_mtime_ns, told.st_ctime_ns])
    return digest_json([FORM, __version__, found])


def _found_before(path: Path) -> Mapping[str, tuple[str, Row]]:
    """What an earlier index found; nothing where that cannot be read, for it can be found again."""
    try:
        return {
            str(name): (str(state), [str(cell) for cell in row])
            for name, (state, row) in json.loads(path.read_text("utf-8")).items()
            if len(row) == len(HEAD)
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _row(folder: Path) -> Row:
    """One line of the index."""
    link = f"runs/{folder.name}"
    try:
        checked = verify(folder, run_id=folder.name)
        run = read_run(folder)
        profile, sharpe = profile_name(run), _headline(run)
    except TvquantError as error:
        reason = str(error).replace(str(folder), "").strip("/: ")
        return (folder.name, NOTHING, f"unreadable: {reason}", Health.MISSING, NOTHING, NOTHING)
    state = "unfinished" if checked.status is Integrity.INCOMPLETE else checked.status.value
    if checked.altered:
        state = f"{state}: {checked.altered[0].file} {checked.altered[0].why}"
    health, counts = health_of(run)
    there = (folder / "report" / "index.html").is_file()
    shown = f"[report]({link}/report/index.html)" if there else "none yet"
    return (f"[{folder.name}]({link}/INDEX.md)" if there else folder.name, profile, state,
            f"{health} ({counts})", sharpe, shown)  # fmt: skip


def _headline(run: RunData) -> str:
    try:
        measures = run.headline.measures
    except Absent:
        return NOTHING
    return f"{number(measures.sharpe)} ± {number(measures.sharpe_se)}"
