"""How often the headline won, how much hung on single months and days, and how bad its bad days were."""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.report.blocks import Block, Table, Text
from tvquant.report.caveats import survivorship
from tvquant.report.formatting import count, percent
from tvquant.report.performance_figures import Track
from tvquant.report.played_run import PlayedRun
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import track_of
from tvquant.statistics import Month, cvar, months, win_rate, without

LEVELS = (0.05, 0.01)


def draw(run: PlayedRun) -> tuple[Block, ...]:
    """Return win rates, best and worst month and day, the result without them, value at risk and expected shortfall."""
    mine = track_of(run, run.headline)
    periods = run.periods_per_year
    every = months(mine.times, mine.returns)
    returns = mine.returns[: run.headline.measures.n]
    return (*survivorship(run), *_wins(mine, returns, every), *_without(every, periods), *_tails(returns))


def _wins(mine: Track, returns: Floats, every: tuple[Month, ...]) -> tuple[Block, ...]:
    by_month = np.array([one.value for one in every])
    rows = tuple(
        (
            what, percent(won.share), percent(won.se), count(won.n),
            labels[int(values.argmax())], percent(float(values.max())),
            labels[int(values.argmin())], percent(float(values.min())),
        )
        for what, values, labels in (("rows", returns, mine.days), ("months", by_month, [*map(_name, every)]))
        for won in (win_rate(values),)
    )  # fmt: skip
    head = ("of", "above 0", "± SE", "n", "best", "return", "worst", "return ")
    return (
        Table(head=head, rows=rows),
        Text(
            text="Returns net of costs; one of exactly 0 is no win. ± takes rows, or months, as independent. The first "
            "and the last month may be partial.",
            tone="note",
        ),
    )


def _without(every: tuple[Month, ...], periods: int) -> tuple[Block, ...]:
    """Return the whole result, and that without the best month, the worst one, and both."""
    best, worst = max(every, key=lambda one: one.value), min(every, key=lambda one: one.value)
    cases: tuple[tuple[str, tuple[Month, ...]], ...] = (
        ("all months", ()),
        (f"without the best month, {_name(best)}", (best,)),
        (f"without the worst month, {_name(worst)}", (worst,)),
        ("without both", (best, worst)),
    )
    rows = []
    for what, left_out in cases:
        left = without(every, left_out, periods_per_year=periods)
        rows.append((what, percent(left.total_return), percent(left.cagr, 2), count(left.n)))
    return (Table(head=("result", "total return", "CAGR", "n, rows"), rows=tuple(rows)),)


def _tails(returns: Floats) -> tuple[Block, ...]:
    rows = []
    for level in LEVELS:
        (mean,), (error,), (counted,) = cvar(returns[:, None], level=level)
        of = returns if counted == len(returns) else returns[returns != 0.0]
        quantile = float(np.quantile(of, level)) if len(of) else 0.0
        rows.append((
            f"{1 - level:.0%}".replace("%", " %"), percent(quantile, 2),
            percent(float(mean), 2), percent(float(error), 2), count(int((of <= quantile).sum())), count(int(counted)),
        ))  # fmt: skip
    head = ("confidence", "value at risk", "expected shortfall", "± SE", "rows in the tail", "n, rows")
    return (
        Table(head=head, rows=tuple(rows)),
        Text(
            text="Historical, over one row: the quantile of the recorded returns (linear between order statistics) and "
            "the mean of those at or below it; signed as returns are, so a loss is below zero. Where more than half of "
            "the returns are 0 both are of the others, and n is their number. ± is the spread within the tail "
            "alone: where the tail begins is uncertain too, and no row worse than the worst is in it.",
            tone="note",
        ),
    )


def _name(one: Month) -> str:
    return f"{one.year}-{one.month:02d}"


TAILS = Section(key="tails", title="Wins, single months and bad days", draw=draw)
