"""What became of the account, whether the sleeves were fit for it, and whether weighing them paid."""

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.report import performance_figures as drawn
from tvquant.report.blocks import Block, Facts, Text
from tvquant.report.caveats import caveats
from tvquant.report.formatting import count, day, number, percent, probability, some
from tvquant.report.markdown import Health
from tvquant.report.meta.run import MetaRun
from tvquant.report.meta.sections.sleeves import status_of, status_of_all
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import alike, rivals, track_of
from tvquant.statistics.paired_differences import paired_difference
from tvquant.tournament.friction import BLOCK, CONFIDENCE


def draw(run: MetaRun) -> tuple[Block, ...]:
    """Return the verdict on completeness, measures of the account, and its difference from each mix."""
    cell, of = run.headline, run.headline.measures
    said = Text(text=f"Meta-portfolio {run.profile.name}: {run.profile.description}")
    above = (
        said,
        *verdict(run),
        *(Text(text=one.text, tone="warning" if one.serious else "note") for one in caveats(run)),
    )
    if cell.why:
        return (*above, Text(text=f"The headline cell {cell.key} failed: {cell.why}.", tone="warning"), _facts(run))
    held = run.table("returns", cell.key)
    cards = (
        ("Sharpe ratio", f"{number(of.sharpe)} ± {number(of.sharpe_se)}"),
        ("P(true Sharpe > 0)", probability(of.psr)),
        ("CAGR", percent(of.cagr)),
        ("Deepest drawdown", percent(of.max_drawdown)),
        *(
            (f"{name.capitalize()}, mean", percent(float(np.nanmean(held[name].to_numpy()))))
            for name in ("net", "gross")
        ),
    )
    return (
        *above,
        Facts(pairs=cards, cards=True),
        Text(
            text="It is the account of the netted instruments, out of sample and net of costs; the mix of the sleeves' "
            f"streams stands beside it. The Sharpe ratio is against {run.rate}; ± is one standard error. The result is "
            "not yet tested for selection bias: sleeves that were chosen for their past look better than they will be.",
            tone="warning",
        ),
        *(Text(text=_against(run, cell, other)) for other in rivals(run, cell)),
        _facts(run),
    )


def verdict(run: MetaRun) -> tuple[Text, ...]:
    """Return whether every listed sleeve was weighed and passed, as a banner where not; then what was found beside."""
    listed, weighed = tuple(run.profile.sleeves), run.weighed
    stopped, findings = ([one for one in run.failed if one.finding is finding] for finding in (False, True))
    absent = [name for name in listed if name not in weighed]
    unfit = [f"{one.name} {status_of(one)[0]} ({status_of(one)[1]})" for one in run.sleeves
             if status_of(one)[0] is not Health.HEALTHY]  # fmt: skip
    lines = []
    if absent or stopped or not run.gates:
        why = [*([f"left out: {', '.join(absent)}"] if absent else []), *(one.words for one in stopped),
               *([] if run.gates else ["the ledger has no record of a gate"])]  # fmt: skip
        lines.append(Text(text=f"FAIL: {len(weighed)} of {len(listed)} sleeves were weighed; {'; '.join(why)}.",
                          tone="missing"))  # fmt: skip
    else:
        lines.append(Text(text=f"Complete: {len(listed)} of {len(listed)} sleeves are there and passed every gate; "
                               f"their data: {status_of_all(run)}."))  # fmt: skip
    lines += [Text(text=f"Finding: {one.words} It stops `tvquant promote`.", tone="warning") for one in findings]
    if unfit:
        lines.append(Text(text=f"Data of the sleeves: {'; '.join(unfit)}.", tone="warning"))
    return tuple(lines)


def _against(run: MetaRun, cell: RecordedCell, other: RecordedCell) -> str:
    """Return a mix beside the account, with the interval of the difference of their Sharpe ratios."""
    name, its = run.path_of(other), other.measures
    if other.why or not alike(cell, other):
        return f"{name} is not compared: {other.why or 'one of the two has dividends in it and the other has not'}."
    figures = (
        f"{name}: Sharpe ratio {number(its.sharpe)}, CAGR {percent(its.cagr)}, deepest drawdown "
        f"{percent(its.max_drawdown)}."
    )
    try:
        _, mine, rest = drawn.shared_excess(track_of(run, cell), track_of(run, other))
        gap = paired_difference(
            np.ascontiguousarray(np.column_stack([mine, rest])), statistic="sharpe_difference",
            periods_per_year=run.periods_per_year, confidence=CONFIDENCE, block=BLOCK, seed=run.profile.seed,
        )  # fmt: skip
    except (Absent, ModelError) as error:
        return f"{figures} Whether the account beats it cannot be told: {error}."
    said = "beats it" if gap.low > 0.0 else "is beaten by it" if gap.high < 0.0 else "is not shown to beat it"
    return (
        f"{figures} The account {said}: its Sharpe ratio is {number(gap.difference)} higher, {number(gap.low)} to "
        f"{number(gap.high)} at {percent(CONFIDENCE, 0)}."
    )


def _facts(run: MetaRun) -> Facts:
    cell, of = run.headline, run.headline.measures
    try:
        times = run.table("returns", cell.key)["time"]
        span = f"{day(times[0])} to {day(times[-1])}, {count(of.n)} returns, A = {count(of.periods_per_year)} a year"
    except Absent as error:
        span = str(error)
    tried = len({run.path_of(one) for one in run.cells if not one.baseline})
    return Facts(
        pairs=(
            ("Run", run.run_id),
            ("Cell", cell.key),
            ("Sleeves", some([f"{one.name} (run {one.run})" for one in run.sleeves], 12)),
            ("Span", span),
            ("Ways of weighing", f"{count(tried)} here, beside those of the sleeves' own runs"),
        )
    )  # fmt: skip


HEADLINE = Section(key="headline", title="Headline", draw=draw)
