"""Every cell of the run in one table."""

from tvquant.report.blocks import Block, Table, Text
from tvquant.report.run import Absent, RunData
from tvquant.report.sections.contract import Section
from tvquant.report.wording import count, number, percent, probability

HEAD = (
    "cell", "status", "Sharpe", "± SE", "PSR", "CAGR", "volatility", "max drawdown", "Sortino", "Calmar", "CVaR 95 %",
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
            f"{cell['cell']} (baseline)" if cell["baseline"] else cell["cell"],
            f"failed: {cell['why']}" if cell["why"] else cell["status"],
            number(cell.get("sharpe")),
            number(cell.get("sharpe_se")),
            probability(cell.get("psr")),
            percent(cell.get("cagr")),
            percent(cell.get("volatility")),
            percent(cell.get("max_drawdown")),
            number(cell.get("sortino")),
            number(cell.get("calmar")),
            percent(cell.get("cvar95"), 2),
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
            texts=2,
            strong=frozenset(k for k, cell in enumerate(run.cells) if cell["cell"] == chosen),
            faint=frozenset(k for k, cell in enumerate(run.cells) if cell["baseline"]),
        ),
        Text(
            text="Bold is the headline. PSR is the probability that the true Sharpe ratio is above 0. "
            "CVaR is the mean of the worst 5 % of single-row returns; turnover is one-way, "
            "the mean over the fills; baselines are what a strategy must beat and are no trials.",
            tone="note",
        ),
    )


STANDINGS = Section(key="standings", title="Standings", draw=draw)
