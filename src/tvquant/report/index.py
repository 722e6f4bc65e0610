"""INDEX.md of all runs of a workspace: one line for each, with what its ledger is worth.

To verify a run takes a fraction of a second, and a workspace has many. So what was found of a run is kept beside the
index (`ledger.listing`): while no file of the run was written to, the line holds; else the run is verified again.
"""

from pathlib import Path

from tvquant.core.errors import TvquantError
from tvquant.ledger import Integrity
from tvquant.ledger.listing import KEPT, Found, kept, stamp_of, text_of
from tvquant.ledger.recorded_parts import Absent
from tvquant.report.files import write
from tvquant.report.formatting import NOTHING, number
from tvquant.report.markdown import Health, health_of, markdown_table, profile_name
from tvquant.report.meta.run import MetaRun
from tvquant.report.meta.sections.sleeves import status_of, status_of_all
from tvquant.report.played_run import PlayedRun
from tvquant.report.run import RunData, believe
from tvquant.report.writing import unverified

HEAD = ("run", "profile", "ledger", "health", "headline Sharpe", "report")

type Row = tuple[str, ...]


def write_index(runs: Path) -> None:
    """Write INDEX.md beside the folder of all runs; a run that cannot be read is named with the reason.

    Raises
    ------
    DataError : the disk refuses, or a link leads out.
    """
    folders = sorted(path for path in runs.iterdir() if path.is_dir()) if runs.is_dir() else []
    before, found = kept(runs), {}
    for folder in folders:
        stamp = stamp_of(folder)  # taken first: what changes while a run is verified gives another one the next time
        known = before.get(folder.name)
        found[folder.name] = known if known is not None and known.stamp == stamp else _found(folder, stamp)
    rows = [one.row for one in found.values()]
    table = markdown_table(HEAD, rows) if rows else ["There is no run yet; `tvquant run PROFILE` makes one."]
    write(runs.parent / "INDEX.md", "\n".join(["# Runs", "", *table, ""]).encode(), within=runs.parent)
    write(runs.parent / KEPT, text_of(found).encode(), within=runs.parent)


def _found(folder: Path, stamp: str) -> Found:
    """Verify a run, and say what it is worth."""
    run = unverified(folder)
    try:
        checked = run.verification
    except TvquantError as error:
        return Found(stamp=stamp, state=f"unreadable: {error}", result="", plan="", row=_unreadable(folder, error))
    result = (run.sealed or "") if checked.sealed else ""
    return Found(stamp=stamp, state=checked.status.value, result=result, plan=_plan(run), row=_row(run))


def _plan(run: PlayedRun) -> str:
    """Return the digest of what the run pinned; empty where that cannot be read."""
    try:
        return "" if run.plan is None else run.plan.digest
    except TvquantError:
        return ""


def _row(run: RunData | MetaRun) -> Row:
    """Return one line of the index."""
    folder, checked = run.folder.path, run.verification
    link = f"runs/{folder.name}"
    try:
        believe(run)
        profile, sharpe, (health, counts) = _profile(run), _headline(run), _health(run)
    except TvquantError as error:
        return _unreadable(folder, error)
    state = "unfinished" if checked.status is Integrity.INCOMPLETE else checked.status.value
    if checked.altered:
        state = f"{state}: {checked.altered[0].file} {checked.altered[0].why}"
    there = (folder / "report" / "index.html").is_file()
    shown = f"[report]({link}/report/index.html)" if there else "none yet"
    return (f"[{folder.name}]({link}/INDEX.md)" if there else folder.name, profile, state,
            f"{health} ({counts})", sharpe, shown)  # fmt: skip


def _profile(run: RunData | MetaRun) -> str:
    return profile_name(run) if isinstance(run, RunData) else run.profile_name


def _health(run: RunData | MetaRun) -> tuple[Health, str]:
    """Return the state of a run's data; of a meta-portfolio the worst of its sleeves, and how many are healthy."""
    if isinstance(run, RunData):
        return health_of(run)
    try:
        found = [status_of(one)[0] for one in run.sleeves]
    except Absent as error:
        return Health.MISSING, str(error)
    return status_of_all(run), f"{found.count(Health.HEALTHY)} of {len(found)} sleeves healthy"


def _unreadable(folder: Path, error: TvquantError) -> Row:
    reason = str(error).replace(str(folder), "").strip("/: ")
    return (folder.name, NOTHING, f"unreadable: {reason}", Health.MISSING, NOTHING, NOTHING)


def _headline(run: PlayedRun) -> str:
    try:
        measures = run.headline.measures
    except Absent:
        return NOTHING
    return f"{number(measures.sharpe)} ± {number(measures.sharpe_se)}"
