"""Challengers beside the champion: they decide in shadow, and nothing of theirs is in any other part of the page."""

from dataclasses import replace

from tvquant.report import performance_figures as drawn
from tvquant.report.blocks import Block, Table, Text
from tvquant.report.challengers import Challenger, challengers, tracks
from tvquant.report.formatting import Shown, count, number, percent, plain
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.tournament.promotion import USUAL


def draw(run: RunData) -> tuple[Block, ...]:
    """Return champion and challengers in a table and a figure; nothing where the profile names none."""
    if not run.profile.challengers:
        return ()
    every, rule = challengers(run), run.profile.promotion
    statistic = plain(rule.statistic or USUAL).replace("sharpe", "Sharpe")
    of = run.headline.measures
    champion = (
        f"{run.headline.key} (champion)", number(of.sharpe), percent(of.cagr), percent(of.max_drawdown),
        *(number(None) for _ in range(5)),
    )  # fmt: skip
    each = f", each by Bonferroni one of {len(every)}" if len(every) > 1 else ""
    note = (
        f"In shadow: challengers have no effect on any weight, result or digest. The {statistic} is the challenger's "
        f"less the champion's, per year; its interval holds at {percent(rule.confidence)}{each}, by a studentised "
        f"bootstrap of blocks of {rule.block} paired rows (Ledoit and Wolf 2008). Same winners is the mean Jaccard "
        "index over the windows, held otherwise the mean share of equity. `tvquant promote` applies the profile's rule."
    )
    return (
        Table(
            head=(
                "cell", "Sharpe", "CAGR", "max drawdown", statistic, "interval", "n, rows", "same winners",
                "held otherwise",
            ),
            rows=(champion, *map(_row, every)),
            strong=frozenset({0}),
        ),
        Text(text=note, tone="note"),
        replace(drawn.equity(tracks(run, every), run.headline.key), key="challengers"),
    )  # fmt: skip


def _row(one: Challenger) -> tuple[str, ...]:
    of, found = one.cell.measures, one.found
    mark = f" ({one.cell.status})" if one.cell.status != "played" else ""
    interval = f"[{found.low:.2f}, {found.high:.2f}]" if found else one.lacking
    return (
        f"{one.cell.key}{mark}",
        number(of.sharpe),
        percent(of.cagr),
        percent(of.max_drawdown),
        number(found.difference if found else None),
        Shown.of(interval, None) if not found else interval,
        count(found.rows if found else None),
        percent(one.overlap),
        percent(one.distance),
    )


CHALLENGERS = Section(key="challengers", title="Challengers in shadow", draw=draw, of_run=True)
