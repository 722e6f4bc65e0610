"""`tvquant runs periods`: what the headlines of runs earned by year and by regime, beside each other."""

from typing import TYPE_CHECKING, Annotated

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.tables import table
from tvquant.app.cli.watching import progress_shown

if TYPE_CHECKING:
    from tvquant.report.periods import PeriodFigures
    from tvquant.report.run import RunData

NOTE = (
    "Sharpe with its interval at 95 %; none below 60 rows. Regimes are those that windows turned out to have: what "
    "came together, and no rule to trade by."
)


def periods(
    names: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs: ids, unambiguous parts, or `latest`.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the headline of each run earned over all rows, by calendar year, and by regime."""
    from tvquant.report import read_run
    from tvquant.report.periods import periods_of

    home = workspace_at(workspace)
    home.require()
    folders = {folder.id: folder for folder in map(home.run, names)}
    with progress_shown("runs periods"):
        runs = [read_run(folder.path) for folder in folders.values()]
        found = [(run, periods_of(run)) for run in runs]
    document = [
        {"run": run.run_id, "profile": run.profile_name, "cell": run.headline.key,
         "periods": [one.document() for one in parts]}
        for run, parts in found
    ]  # fmt: skip
    answer(document, [*_text(found), NOTE], as_json=as_json)


def _text(found: "list[tuple[RunData, tuple[PeriodFigures, ...]]]") -> list[str]:
    """Return a table, the runs of one period beneath each other; a profile stands for its run where it has one only."""
    from tvquant.report.formatting import count, number, percent

    profiles = [run.profile_name for run, _ in found]
    told = {run.run_id: {(one.sort, one.period): one for one in parts} for run, parts in found}
    order = list(dict.fromkeys(key for parts in told.values() for key in parts))
    order.sort(key=lambda key: (("all", "year", "regime").index(key[0]), key[1] if key[0] == "year" else ""))
    rows = []
    for key in order:
        for run, _ in found:
            name = run.profile_name if profiles.count(run.profile_name) == 1 else run.run_id
            one = told[run.run_id].get(key)
            if one is None:
                continue
            rows.append((
                key[1], name, count(one.rows), percent(one.total_return), percent(one.volatility), number(one.sharpe),
                number(one.low), number(one.high), percent(one.max_drawdown),
            ))  # fmt: skip
    head = ("period", "run", "rows", "return", "volatility", "Sharpe", "from", "to", "max drawdown")
    return [table(head, rows, right=range(2, len(head)))]
