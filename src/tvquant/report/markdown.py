"""INDEX.md: of one run, and of all runs of a workspace."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path

from tvquant.core.errors import TvquantError
from tvquant.ledger import Integrity, verify
from tvquant.report.files import write
from tvquant.report.run import Absent, RunData, health_counts, is_fine, read_run, stamps_of
from tvquant.report.wording import NOTHING, count, number, percent, some

NAMED = 12
"""Assets that are not healthy and named; the rest are counted."""


class Health(StrEnum):
    """What the assets' states amount to."""

    HEALTHY = "✅ HEALTHY"
    DEGRADED = "⚠️ DEGRADED"
    MISSING = "⛔ MISSING"


def health_of(run: RunData) -> tuple[Health, str]:
    """HEALTHY when every asset is; DEGRADED when one is not; MISSING without a health record. With it the counts."""
    try:
        assets = run.health()
    except Absent as error:
        return Health.MISSING, str(error)
    fine = bool(assets) and all(is_fine(asset) for asset in assets)
    shown = ", ".join(f"{state} {n}" for state, n in health_counts(assets).items()) or "no asset"
    return (Health.HEALTHY if fine else Health.DEGRADED), shown


def excluded(run: RunData) -> str:
    """How many of all assets are healthy and which are not, named beside the ratio (R-DAT-22)."""
    try:
        assets = run.health()
    except Absent as error:
        return str(error)
    odd = [f"{asset['key']} ({asset['state']})" for asset in assets if not is_fine(asset)]
    ratio = f"{len(assets) - len(odd)}/{len(assets)}"
    return f"{ratio}; not healthy: {some(odd, NAMED)}" if odd else ratio


def index_of_run(run: RunData) -> str:
    """INDEX.md of a run."""
    health, counts = health_of(run)
    head = ("cell", "Sharpe", "± SE", "CAGR", "volatility", "max drawdown", "turnover", "rows")
    rows = [
        (
            f"{cell['cell']}{' (baseline)' if cell['baseline'] else ''}{_failed(cell['why'])}",
            number(cell.get("sharpe")),
            number(cell.get("sharpe_se")),
            percent(cell.get("cagr")),
            percent(cell.get("volatility")),
            percent(cell.get("max_drawdown")),
            percent(cell.get("mean_turnover")),
            count(cell.get("n")),
        )
        for cell in run.cells
    ]
    facts = [
        f"# Run {run.run_id}",
        "",
        f"**Status: {health}** ({_plain(counts)})",
        "",
        f"- Profile: {_profile(run)}",
        f"- Run id: `{run.run_id}`",
        f"- Result digest: {_code(run.digests.get('result'), 'not recorded: validation has not ended')}",
        f"- Snapshot digest: {_code(run.digests.get('snapshot'), 'not recorded')}",
        f"- Universe health: {_plain(excluded(run))}",
        "",
        "## Standings",
        "",
        *(_table(head, rows) if rows else ["No cell has ended yet."]),
        "",
        "Sharpe ratios against a zero rate, net of costs; not yet tested for selection bias.",
        "",
        *(f"- `{stamp.value}`: {stamp.meaning}" for stamp in stamps_of(run.cells)),
        "",
        "## Files",
        "",
        "- [report](report/index.html)",
        "- [ledger](audit.jsonl)",
        "- [manifest](manifest.json)",
    ]
    return "\n".join(facts) + "\n"


def write_index(runs: Path) -> None:
    """Write INDEX.md beside the folder of all runs; a run that cannot be read is named with the reason.

    Raises
    ------
    DataError : the disk refuses.
    """
    folders = sorted(path for path in runs.iterdir() if path.is_dir()) if runs.is_dir() else []
    head = ("run", "profile", "ledger", "health", "headline Sharpe", "report")
    rows = [_row(folder) for folder in folders]
    table = _table(head, rows) if rows else ["There is no run yet; `tvquant run PROFILE` makes one."]
    write(runs.parent / "INDEX.md", "\n".join(["# Runs", "", *table, ""]).encode())


def _row(folder: Path) -> tuple[str, ...]:
    """One line of the workspace's index."""
    link = f"runs/{folder.name}"
    try:
        checked = verify(folder)
        run = read_run(folder)
        profile, sharpe = _profile(run), _headline(run)
    except TvquantError as error:
        reason = str(error).replace(str(folder), "").strip("/: ")
        return (folder.name, NOTHING, f"unreadable: {reason}", Health.MISSING, NOTHING, NOTHING)
    state = "unfinished" if checked.status is Integrity.INCOMPLETE else checked.status.value
    health, counts = health_of(run)
    there = (folder / "report" / "index.html").is_file()
    shown = f"[report]({link}/report/index.html)" if there else "none yet"
    return (f"[{folder.name}]({link}/INDEX.md)" if there else folder.name, profile, state,
            f"{health} ({counts})", sharpe, shown)  # fmt: skip


def _headline(run: RunData) -> str:
    try:
        cell = run.headline()
    except Absent:
        return NOTHING
    return f"{number(cell.get('sharpe'))} ± {number(cell.get('sharpe_se'))}"


def _profile(run: RunData) -> str:
    try:
        return run.profile().name
    except Absent as error:
        return str(error)


def _failed(why: str | None) -> str:
    return f" (failed: {why})" if why else ""


def _code(text: str | None, otherwise: str) -> str:
    return f"`{text}`" if text else otherwise


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    rule = ["---", *("---:" if name not in ("profile", "ledger", "health", "report") else "---" for name in head[1:])]
    lines = [head, rule, *([_plain(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _plain(text: str) -> str:
    """Text that cannot break out of its cell, nor be read as HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
