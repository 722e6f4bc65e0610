"""INDEX.md of a run, and what it shares with the index of all runs."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.report.caveats import caveats
from tvquant.report.formatting import count, number, percent, some
from tvquant.report.run import RunData, health_counts, stamps_of
from tvquant.report.tracks import beside_in_words, standings_of

NAMED = 12
"""Assets that are not healthy and named; the rest are counted."""


class Health(StrEnum):
    """What the assets' states amount to."""

    HEALTHY = "✅ HEALTHY"
    DEGRADED = "⚠️ DEGRADED"
    MISSING = "⛔ MISSING"


def health_of(run: RunData) -> tuple[Health, str]:
    """Return HEALTHY when every asset is; DEGRADED when one is not; MISSING without a health record.

    With it the counts.
    """
    try:
        assets = run.health
    except Absent as error:
        return Health.MISSING, str(error)
    fine = bool(assets) and all(asset.state.fine for asset in assets)
    shown = ", ".join(f"{state} {n}" for state, n in health_counts(assets).items()) or "no asset"
    return (Health.HEALTHY if fine else Health.DEGRADED), shown


def excluded(run: RunData) -> str:
    """Return how many of all assets are healthy and which are not, named beside the ratio (R-DAT-22)."""
    try:
        assets = run.health
    except Absent as error:
        return str(error)
    odd = [f"{asset.key} ({asset.state.value})" for asset in assets if not asset.state.fine]
    ratio = f"{len(assets) - len(odd)}/{len(assets)}"
    return f"{ratio}; not healthy: {some(odd, NAMED)}" if odd else ratio


def index_of_run(run: RunData) -> str:
    """Return INDEX.md of a run."""
    health, counts = health_of(run)
    head = ("cell", "Sharpe", "± SE", "CAGR", "volatility", "max drawdown", "mean cash", "turnover", "rows")
    found = standings_of(run)

    def row(cell: RecordedCell) -> tuple[str, ...]:
        of = cell.measures
        return (
            f"{cell.key}{' (baseline)' if cell.baseline else ''}{_failed(cell.why)}",
            number(of.sharpe),
            number(of.sharpe_se),
            percent(of.cagr),
            percent(of.volatility),
            percent(of.max_drawdown),
            percent(of.mean_cash),
            percent(of.mean_turnover),
            count(of.n),
        )

    facts = [
        f"# Run {run.run_id}",
        "",
        f"**Status: {health}** ({plain_text(counts)})",
        "",
        f"- Profile: {profile_name(run)}",
        f"- Run id: `{run.run_id}`",
        f"- Result digest: {code_of(run.result, 'not recorded: validation has not ended')}",
        f"- Snapshot digest: {code_of(run.digests.get('snapshot'), 'not recorded')}",
        f"- Universe health: {plain_text(excluded(run))}",
        "",
        "## Standings",
        "",
        *(f"- {plain_text(caveat.text)}" for caveat in caveats(run)),
        "",
        *(markdown_table(head, map(row, found.first)) if found.first else ["No cell has ended yet."]),
        "",
        *((found.said, "", *markdown_table(head, map(row, found.apart)), "") if found.apart else ()),
        *(line for one in beside_in_words(run) for line in (one, "")),
        f"Sharpe ratios against {run.rate}, net of costs; not yet tested for selection bias.",
        "",
        *(f"- `{stamp.value}`: {stamp.meaning}" for stamp in stamps_of(run.cells)),
        "",
        "## Files",
        "",
        "- [report](report/index.html)",
        "- [forensic report](report/forensic.html)",
        "- [ledger](audit.jsonl)",
        "- [manifest](manifest.json)",
    ]
    return "\n".join(facts) + "\n"


def profile_name(run: RunData) -> str:
    """Return the profile's name, or why it is not known."""
    try:
        return run.profile.name
    except Absent as error:
        return str(error)


def _failed(why: str | None) -> str:
    return f" (failed: {why})" if why else ""


def code_of(text: str | None, otherwise: str) -> str:
    """Return text as code, or what is said where there is none."""
    return f"`{text}`" if text else otherwise


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    rule = ["---", *("---:" if name not in ("profile", "ledger", "health", "report") else "---" for name in head[1:])]
    lines = [head, rule, *([plain_text(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def plain_text(text: str) -> str:
    """Return text that cannot break out of its cell, nor be read as HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
