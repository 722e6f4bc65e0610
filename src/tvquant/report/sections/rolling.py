"""How the headline's measures moved: over a rolling window."""

from tvquant.report import performance_figures as drawn
from tvquant.report.blocks import Block, Text
from tvquant.report.caveats import survivorship
from tvquant.report.formatting import count, number
from tvquant.report.played_run import PlayedRun
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import benchmarks, track_of, tracks_of


def draw(run: PlayedRun) -> tuple[Block, ...]:
    """Return rolling Sharpe ratio, volatility and beta to each benchmark on the book's own basis."""
    cell = run.headline
    mine = track_of(run, cell)
    periods = run.periods_per_year
    window = drawn.window_of(len(mine.returns), periods)
    if window is None:
        least = 4 * drawn.SHORTEST_WINDOW
        text = f"Rolling measures need {least} rows; {cell.key} has {count(len(mine.returns))}."
        return (Text(text=text, tone="note"),)
    others = tracks_of(run, benchmarks(run, cell))
    shown = [
        drawn.rolling_sharpe(mine, window=window, periods_per_year=periods),
        drawn.rolling_volatility(mine, window=window, periods_per_year=periods),
        *([drawn.rolling_betas(mine, others, window=window)] if others else []),
    ]
    return (
        *survivorship(run),
        Text(
            text=f"Each point is of the last {window} rows (A = {periods} per year) of {cell.key}, net of costs, "
            f"against {run.rate}; {window - 1} of {window} rows are shared with the next point, so only about "
            f"{count(len(mine.returns) // window)} of them are independent. The band is one standard error of a Sharpe "
            f"ratio of {window} independent normal returns (Lo 2002): about {number((periods / (window - 1)) ** 0.5)} "
            "where the ratio is near 0. A beta over a window is of as many rows. All follow from returns.csv.",
            tone="note",
        ),
        *shown,
    )


ROLLING = Section(key="rolling", title="Rolling measures", draw=draw)
