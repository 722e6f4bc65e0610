"""What qualifies the figures of a run, one line each: the same lines on the console and above the figures of a report.

They are of the headline cell, from the run's own tables and stamps. What is not known is named as unknown.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import polars as pl

from tvquant.allocation.risk.catalogue import FIXED
from tvquant.allocation.risk.fixed import FixedWeights
from tvquant.core.instruments import symbol_of
from tvquant.core.quoting import several
from tvquant.core.stamps import Stamp
from tvquant.lake import HealthState
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.report.blocks import Text
from tvquant.report.formatting import day, percent
from tvquant.report.played_run import PlayedRun
from tvquant.report.run import DRAWN_FROM, RunData
from tvquant.report.sections.costs import assumed_funding
from tvquant.report.tracks import rivals
from tvquant.tournament.specs import StrategySpec

DUST = 1e-9
"""Cash that is not more is rounding."""
TAKEN = (HealthState.OK, HealthState.MARKET_CLOSED)
"""States of assets that a run takes as they are, without a word."""
NAMED = 3
"""Assets that a line names."""
SPARSE = "sparse"
"""What a selection says of itself when it found fewer winners than it is to have."""


class Topic(StrEnum):
    """What a caveat is about."""

    UNFINISHED = "unfinished_run"
    UNBOUND = "unbound_files"
    SIMULATED = "simulated_bars"
    UNIVERSE = "current_only_universe"
    BENCHMARK = "price_only_benchmark"
    FINDINGS = "data_findings"
    CAPS = "cash_forced_by_caps"
    DECLARED = "declared_weights"
    LARGEST = "largest_weight"
    SPARSE = "sparse_selection"
    FUNDING = "assumed_funding"
    STAMPS = "stamps"


MEASURED = {
    Topic.CAPS: "Cash forced by caps",
    Topic.LARGEST: "Largest single weight",
    Topic.SPARSE: "Sparse selection",
}
"""Caveats that every run has, with the words that each begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """One line about the figures; a serious one makes them look better than they are, or leaves them unproven."""

    topic: Topic
    text: str
    serious: bool = False

    def document(self) -> dict[str, Any]:
        """Return its fields as plain values."""
        return {"topic": self.topic.value, "text": self.text, "serious": self.serious}


def caveats(run: PlayedRun) -> tuple[Caveat, ...]:
    """Return every caveat of a run in the order in which it is shown; those that do not hold of it are left out.

    Cash that caps forced, the largest weight and sparse selection are always there, also where they are nothing.
    """
    found = (_unfinished(run), _unbound(run), _simulated(run), *_of_headline(run), _findings(run))
    return tuple(one for one in found if one is not None)


def survivorship(run: PlayedRun) -> tuple[Text, ...]:
    """Return the caveat of today's list, to stand above a figure that it qualifies; none where it does not hold."""
    found = _universe(run.headline)
    return () if found is None else (Text(text=found.text, tone="warning"),)


def _of_headline(run: PlayedRun) -> tuple[Caveat | None, ...]:
    try:
        cell = run.headline
    except Absent as error:
        return tuple(_unknown(topic, str(error)) for topic in _measured_of(run))
    return (_universe(cell), _benchmark(run, cell), *_measured(run, cell), _funding(cell), _stamps(cell))


def _measured(run: PlayedRun, cell: RecordedCell) -> tuple[Caveat, ...]:
    """Return what the tables of the headline's decisions say."""
    if cell.why:
        return tuple(_unknown(topic, "the headline cell failed") for topic in _measured_of(run))
    try:
        windows = run.table("windows", cell.key)
        weights = run.table("weights").filter(pl.col("cell") == cell.key)
        if not isinstance(run, RunData):
            return (_caps(windows, "the section on exposure has them"), _largest(weights))
        given = _declares(run, cell)
        own = () if given is None else (declared(given, windows, weights),)
        return (_caps(windows, "`tvquant select` has those of a date"), *own, _largest(weights), _sparse(windows))
    except Absent as error:
        return tuple(_unknown(topic, str(error)) for topic in _measured_of(run))


def _measured_of(run: PlayedRun) -> tuple[Topic, ...]:
    """Return the caveats that every run of its kind has."""
    return tuple(topic for topic in MEASURED if topic is not Topic.SPARSE or isinstance(run, RunData))


def _unknown(topic: Topic, why: str) -> Caveat:
    return Caveat(topic=topic, text=f"{MEASURED[topic]}: not known, for {why}.", serious=True)


def _unfinished(run: PlayedRun) -> Caveat | None:
    if run.result is not None:
        return None
    more = (
        f"`tvquant meta {run.profile_name}` plays it anew, with the finished runs of its sleeves"
        if run.is_meta
        else f"`tvquant run --resume {run.run_id}` plays the rest"
    )
    text = f"Unfinished: cells may be missing, baselines too; {more}."
    return Caveat(topic=Topic.UNFINISHED, text=text, serious=True)


def _unbound(run: PlayedRun) -> Caveat | None:
    if any(name.startswith(DRAWN_FROM) for name in run.files):
        return None
    text = "The ledger of this run holds no digests of its files (an earlier version made it): they are not verified."
    return Caveat(topic=Topic.UNBOUND, text=text, serious=True)


def _simulated(run: PlayedRun) -> Caveat | None:
    if not any(Stamp.SIMULATED in cell.stamps for cell in run.cells):
        return None
    return Caveat(topic=Topic.SIMULATED, text=f"simulated: {Stamp.SIMULATED.meaning}", serious=True)


def _findings(run: PlayedRun) -> Caveat | None:
    """Return whose bars a book takes as they are although the audit calls them odd: a spike is a gain to it.

    Not of the delisted: their end is a finding.
    """
    try:
        odd = [asset for asset in run.health if asset.findings and asset.state in TAKEN]
    except Absent:
        return None  # the page says of its health that there is no record
    if not odd:
        return None
    total, names = sum(asset.findings for asset in odd), several([asset.key for asset in odd], NAMED)
    text = (
        f"Odd data: {total:,} {'finding' if total == 1 else 'findings'} of `tvquant data audit` on assets that count "
        f"as healthy ({names}); see whether a figure stands on one."
    )
    return Caveat(topic=Topic.FINDINGS, text=text, serious=True)


def _funding(cell: RecordedCell) -> Caveat | None:
    text = assumed_funding(cell.measures)
    return Caveat(topic=Topic.FUNDING, text=text, serious=True) if text else None


def _universe(cell: RecordedCell) -> Caveat | None:
    if Stamp.CURRENT_ONLY not in cell.stamps:
        return None
    return Caveat(topic=Topic.UNIVERSE, text=f"current_only: {Stamp.CURRENT_ONLY.meaning}", serious=True)


def _benchmark(run: PlayedRun, cell: RecordedCell) -> Caveat | None:
    """Return the caveat that a benchmark of prices beside assets with dividends is too easy to beat."""
    stamp = Stamp.PRICE_RETURN
    easy = [run.path_of(other) for other in rivals(run, cell) if stamp in other.stamps]
    if not easy or stamp in cell.stamps:
        return None
    names = ", ".join(dict.fromkeys(easy))
    text = (
        f"Benchmark {names} is of prices only, without dividends; the assets have theirs, so it is too easy to beat: "
        "it stands in a table of its own, and no difference, alpha or beta to it is taken."
    )
    return Caveat(topic=Topic.BENCHMARK, text=text, serious=True)


def _caps(windows: pl.DataFrame, told: str) -> Caveat:
    forced = windows["forced_cash"]
    count, of = int((forced > DUST).sum()), len(windows)
    if not count:
        cash = float(windows["cash"].to_numpy().mean())
        other = f" {percent(cash)} on average was cash for other causes; {told}."
        return Caveat(
            topic=Topic.CAPS, text=f"Cash forced by caps: none at any of {of} decisions.{other if cash > DUST else ''}"
        )
    mean = percent(float(forced.to_numpy().mean()))
    worst = windows.row(int(forced.arg_max() or 0), named=True)
    return Caveat(
        topic=Topic.CAPS,
        text=f"Cash forced by caps: {mean} of equity on average over {of} decisions, "
        f"{percent(worst['forced_cash'])} at worst (decided {day(worst['decided_at'])}).",
    )


def _declares(run: RunData, cell: RecordedCell) -> FixedWeights | None:
    """Return the weights that the profile declares for a cell; None where it computes them."""
    spec = run.planned[cell.key].spec
    if not isinstance(spec, StrategySpec) or spec.risk_profile != FIXED:
        return None
    return next((one for one in spec.options if isinstance(one, FixedWeights)), None)


def declared(given: FixedWeights, windows: pl.DataFrame, weights: pl.DataFrame) -> Caveat:
    """Return at how many decisions something else was held than the weights in force, and where most of it."""
    held: dict[int, dict[str, float]] = {}
    for window, key, weight in weights.select("window", "symbol", "weight").iter_rows():
        mine = held.setdefault(window, {})
        mine[symbol_of(key)] = mine.get(symbol_of(key), 0.0) + weight
    found = []
    for window, decided_at, bar in windows.select("window", "decided_at", "bar").iter_rows():
        asked, mine = dict(given.in_force(bar.date()) or ()), held.get(window, {})
        apart = {name: abs(asked.get(name, 0.0) - mine.get(name, 0.0)) for name in sorted({*asked, *mine})}
        odd = {name: size for name, size in apart.items() if size > DUST}
        found += [(sum(odd.values()), decided_at, odd)] if odd else []
    if not found:
        text = f"Declared weights: held as they are at all {len(windows)} decisions."
        return Caveat(topic=Topic.DECLARED, text=text)
    most, decided_at, odd = max(found, key=lambda one: one[0])
    text = (
        f"Declared weights: not held as they are at {len(found)} of {len(windows)} decisions, at worst {percent(most)} "
        f"of equity apart (decided {day(decided_at)}: {several(list(odd))}); `tvquant select --as-of` says why."
    )
    return Caveat(topic=Topic.DECLARED, text=text, serious=True)


def _largest(weights: pl.DataFrame) -> Caveat:
    if weights.is_empty():
        return Caveat(topic=Topic.LARGEST, text="Largest single weight: nothing was ever held.")
    found = weights.row(int(weights["weight"].abs().arg_max() or 0), named=True)
    return Caveat(
        topic=Topic.LARGEST,
        text=f"Largest single weight: {percent(found['weight'])} of equity in {found['symbol']} "
        f"(decided {day(found['decided_at'])}).",
    )


def _sparse(windows: pl.DataFrame) -> Caveat:
    flagged = windows.filter(pl.col("flags").str.split(" ").list.contains(SPARSE))
    count, of = len(flagged), len(windows)
    if not count:
        return Caveat(topic=Topic.SPARSE, text=f"Sparse selection: at none of {of} decisions.")
    text = f"Sparse selection: fewer winners than the profile's floor at {count} of {of} decisions."
    return Caveat(topic=Topic.SPARSE, text=text, serious=2 * count > of)


def _stamps(cell: RecordedCell) -> Caveat | None:
    others = [stamp for stamp in sorted(cell.stamps) if stamp not in (Stamp.CURRENT_ONLY, Stamp.SIMULATED)]
    if not others:
        return None
    return Caveat(
        topic=Topic.STAMPS, text=f"Stamps of the headline: {', '.join(others)} (their meaning is in the report)."
    )
