"""The result of the cell that the profile names primary, and what qualifies it."""

from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.profiles import Profile
from tvquant.report.anchors import beside_anchors
from tvquant.report.blocks import Block, Facts, Text
from tvquant.report.caveats import caveats
from tvquant.report.costs_in_words import house_costs
from tvquant.report.formatting import count, day, number, percent, probability
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.report.tracks import alike, rivals


def draw(run: RunData) -> tuple[Block, ...]:
    """Return headline measures with what they were measured on, and the comparison with the baselines."""
    profile, cell, of = run.profile, run.headline, run.headline.measures
    if cell.why:
        failed = Text(text=f"The headline cell {cell.key} failed: {cell.why}.", tone="warning")
        return (failed, *_caveats(run), _facts(run))
    cards = (
        ("Sharpe ratio", f"{number(of.sharpe)} ± {number(of.sharpe_se)}"),
        ("P(true Sharpe > 0)", probability(of.psr)),
        ("CAGR", percent(of.cagr)),
        ("Volatility", percent(of.volatility)),
        ("Deepest drawdown", percent(of.max_drawdown)),
    )
    text = f"Profile {profile.name}: {profile.description}" if profile.description else f"Profile {profile.name}."
    liquidated = (
        (Text(text="The book was liquidated: its equity reached zero.", tone="warning"),)
        if cell.status == "liquidated"
        else ()
    )
    return (
        Text(text=text),
        *_caveats(run),
        Facts(pairs=cards, cards=True),
        Text(
            text="This result is not yet tested for selection bias. The Sharpe ratio is against "
            f"{profile.benchmark.rate}, and net of costs; ± is one standard error, and the probability that the true "
            "Sharpe ratio is above 0 takes this cell as the only one ever tried.",
            tone="warning",
        ),
        *liquidated,
        *(Text(text=line) for line in beside_anchors(run)),
        *(_against(run.path_of(other), cell, other) for other in rivals(run, cell)),
        _facts(run),
    )


def _caveats(run: RunData) -> tuple[Text, ...]:
    """Return what qualifies the figures, above them."""
    return tuple(Text(text=one.text, tone="warning" if one.serious else "note") for one in caveats(run))


def _against(name: str, cell: RecordedCell, other: RecordedCell) -> Text:
    """Return one baseline beside the cell, in words; one of another basis is not set against it."""
    mine, its = cell.measures, other.measures
    if not alike(cell, other):
        return Text(
            text=f"{name} is not compared: one of the two is of prices only, the other has dividends in it. It stands "
            "in a table of its own.",
            tone="note",
        )
    if mine.sharpe is None or its.sharpe is None:
        return Text(text=f"Against {name}: one of the two has no Sharpe ratio, so they are not compared.")
    gap = mine.sharpe - its.sharpe
    word = "above" if gap >= 0 else "below"
    verdict = "That is smaller than" if abs(gap) < (mine.sharpe_se or 0.0) else "That is larger than"
    return Text(
        text=f"Against {name} (Sharpe ratio {number(its.sharpe)}, CAGR {percent(its.cagr)}, deepest drawdown "
        f"{percent(its.max_drawdown)}) {cell.key} is {number(abs(gap))} {word} in Sharpe ratio. {verdict} its own "
        f"standard error; the difference itself has not been tested.{_unlike(cell, other)}"
    )


def _unlike(cell: RecordedCell, other: RecordedCell) -> str:
    """Return caveats that the baseline carries and the cell does not: the two are not measured alike."""
    only = sorted(set(other.stamps) - set(cell.stamps))
    return "".join(f" Of the baseline alone: {stamp.meaning}" for stamp in only)


def _facts(run: RunData) -> Facts:
    profile, cell = run.profile, run.headline
    return Facts(
        pairs=(
            ("Run", run.run_id),
            ("Cell", cell.key),
            ("Span", _span(run, cell)),
            ("Universe", universe(profile)),
            ("Trials", _trials(run)),
            ("Costs", house_costs(profile)),
        )
    )


def _trials(run: RunData) -> str:
    """Return how many strategies were tried, and in how many cells where several simulators play them."""
    played = [one for one in run.cells if not one.baseline]
    tried = {run.path_of(one) for one in played}
    if len(tried) == len(played):
        return f"{len(played)} strategy cells in this run's ledger"
    strategies = "1 strategy" if len(tried) == 1 else f"{len(tried)} strategies"
    return f"{strategies}, in {len(played)} cells of several simulators in this run's ledger"


def _span(run: RunData, cell: RecordedCell) -> str:
    try:
        times = run.table("returns", cell.key)["time"]
    except Absent as error:
        return str(error)
    return (
        f"{day(times[0])} to {day(times[-1])}, {count(len(times))} rows, A = {count(cell.measures.periods_per_year)} "
        "periods per year"
    )


def universe(profile: Profile) -> str:
    """Return what kind of list the names came from."""
    if profile.universe.membership == "current":
        return "today's list (current_only), not point in time: names that failed or left earlier are missing"
    return "dated membership, point in time, as the profile's author states"


HEADLINE = Section(key="headline", title="Headline", draw=draw)
