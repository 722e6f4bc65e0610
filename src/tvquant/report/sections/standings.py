"""Every cell of the run in one table."""

from tvquant.report.blocks import Block, Table, Text
from tvquant.report.formatting import count, number, percent, probability
from tvquant.report.run import Absent, Cell, RunData
from tvquant.report.sections.contract import Section

HEAD = (
    "cell", "Sharpe", "± SE", "PSR", "CAGR", "volatility", "max drawdown", "Sortino", "CVaR 95 %",
    "mean cash", "turnover", "rows",
)  # fmt: skip


def draw(run: RunData) -> tuple[Block, ...]:
    """Strategies by Sharpe ratio, then baselines; the headline stands out, baselines stand back."""
    if not run.cells:
        raise Absent("the ledger has no outcome of any cell")
    try:
        chosen = run.headline()["cell"]
    except Absent:
        chosen = None
    rows = tuple(
        (
            _label(cell),
            number(cell.get("sharpe")),
            number(cell.get("sharpe_se")),
            probability(cell.get("psr")),
            percent(cell.get("cagr")),
            percent(cell.get("volatility")),
            percent(cell.get("max_drawdown")),
            number(cell.get("sortino")),
            _cvar(cell),
            percent(cell.get("mean_cash")),
            percent(cell.get("mean_turnover")),
            count(cell.get("n")),
        )
        for cell in run.cells
    )
    return (
        Table(
            head=HEAD,
            rows=rows,
            strong=frozenset(k for k, cell in enumerate(run.cells) if cell["cell"] == chosen),
            faint=frozenset(k for k, cell in enumerate(run.cells) if cell["baseline"]),
        ),
        Text(
            text="Bold is the headline. PSR is the probability that the true Sharpe ratio is above 0. "
            "CVaR is the mean of the worst 5 % of single-row returns (of those that are not 0 where most are 0); "
            "turnover is one-way, the mean over the fills; baselines are what a strategy must beat and are no trials.",
            tone="note",
        ),
    )


def _cvar(cell: Cell) -> str:
    """The figure, and of how many returns where most are 0 and it is of the others."""
    counted = cell.get("cvar95_n")
    beside = f" (of {counted})" if counted is not None and counted < cell["n"] else ""
    return percent(cell.get("cvar95"), 2) + beside


def _label(cell: Cell) -> str:
    """The cell's key, and what sets it apart."""
    marks = ["baseline"] if cell["baseline"] else []
    if cell["status"] != "played":
        marks.append(f"{cell['status']}: {cell['why']}" if cell["why"] else cell["status"])
    return f"{cell['cell']} ({', '.join(marks)})" if marks else cell["cell"]


STANDINGS = Section(key="standings", title="Standings", draw=draw)
