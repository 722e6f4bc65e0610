"""From a meta-portfolio's run to the bytes of its files: a page for each account, the script, INDEX.md (R-REP-05)."""

from collections.abc import Iterator

from tvquant.ledger.recorded_parts import RecordedCell
from tvquant.report.formatting import count, number, percent
from tvquant.report.markdown import code_of, markdown_table, plain_text
from tvquant.report.meta.run import MetaRun
from tvquant.report.meta.sections.catalogue import SECTIONS
from tvquant.report.meta.sections.headline import verdict
from tvquant.report.meta.sections.sleeves import status_of, status_of_all
from tvquant.report.render import INDEX, PAGE, SCRIPT, file_of, page_with, plotly, switch
from tvquant.report.run import stamps_of

TEMPLATE = "meta.html"


def files_of(run: MetaRun) -> dict[str, bytes]:
    """Return path -> content of every file of a report: pages, the script that draws them, `INDEX.md`."""
    made = {name: html.encode() for name, html in pages_of(run)}
    return made | {SCRIPT: plotly(), INDEX: index_of(run).encode()}


def pages_of(run: MetaRun) -> Iterator[tuple[str, str]]:
    """Give path and HTML of every page: that of the headline, then those of mixes and other ways of weighing."""
    yield PAGE, page_with(run, SECTIONS, TEMPLATE)
    offered, _ = switch(run)
    for cell in offered[1:]:
        yield file_of(run, cell), page_with(run, SECTIONS, TEMPLATE, cell)


def index_of(run: MetaRun) -> str:
    """Return INDEX.md of a meta-portfolio's run."""
    head = ("cell", "Sharpe", "± SE", "CAGR", "volatility", "max drawdown", "mean cash", "turnover", "rows")
    sleeves = ("sleeve", "profile", "run", "health", "states")
    lines = [
        f"# Run {run.run_id}", "",
        f"**Status: {status_of_all(run)}**", "",
        f"- Meta-profile: {run.profile.name}",
        f"- Run id: `{run.run_id}`",
        f"- Result digest: {code_of(run.result, 'not recorded: validation has not ended')}",
        *(f"- {plain_text(one.text)}" for one in verdict(run)), "",
        "## Sleeves", "",
        *markdown_table(sleeves, [(one.name, one.profile, one.run, *status_of(one)) for one in run.sleeves]), "",
        "## Accounts", "",
        *markdown_table(head, map(_row, run.cells)), "",
        f"Sharpe ratios against {run.rate}, net of costs; not yet tested for selection bias.", "",
        *(f"- `{stamp.value}`: {stamp.meaning}" for stamp in stamps_of(run.cells)), "",
        "## Files", "",
        "- [report](report/index.html)",
        "- [ledger](audit.jsonl)",
        "- [manifest](manifest.json)",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _row(cell: RecordedCell) -> tuple[str, ...]:
    of = cell.measures
    failed = f" (failed: {cell.why})" if cell.why else ""
    return (
        f"{cell.key}{' (baseline)' if cell.baseline else ''}{failed}", number(of.sharpe), number(of.sharpe_se),
        percent(of.cagr), percent(of.volatility), percent(of.max_drawdown), percent(of.mean_cash),
        percent(of.mean_turnover), count(of.n),
    )  # fmt: skip
