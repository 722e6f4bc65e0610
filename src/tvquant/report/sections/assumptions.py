"""What a reader must know before believing a number, and the names of what it was made from."""

from collections.abc import Iterator

from tvquant.core.books import Convention
from tvquant.ledger.recorded_parts import Absent
from tvquant.profiles import Profile
from tvquant.profiles.sections.allocation import LimitsSection
from tvquant.report.blocks import Block, Facts, Table, Text
from tvquant.report.costs_in_words import house_costs
from tvquant.report.formatting import percent
from tvquant.report.played_run import PlayedRun
from tvquant.report.run import RunData, stamps_of
from tvquant.report.sections.contract import Section
from tvquant.report.sections.headline import universe

FILLED = {
    Convention.NEXT_OPEN: "decided at a close, filled at the next open",
    Convention.NEXT_CLOSE: "decided at a close, filled at the next close",
    Convention.SAME_CLOSE: "decided and filled at the same close (optimistic)",
}


def draw(run: RunData) -> tuple[Block, ...]:
    """Return every stamp with its meaning and cells, the rules of the profile, and the digests."""
    names = tuple(
        (f"{name} digest", run.digests.get(name, "not recorded")) for name in ("code", "plan", "snapshot", "result")
    )
    return (stamped(run), *_left_out(run), *_notices(run), *_rules(run), Facts(pairs=names))


def stamped(run: PlayedRun) -> Block:
    """Return every stamp with its meaning and the cells that carry it."""
    stamps = stamps_of(run.outcomes)
    rows = tuple(
        (stamp.value, stamp.meaning, ", ".join(cell.key for cell in (*run.cells, *run.beside) if stamp in cell.stamps))
        for stamp in stamps
    )
    return (
        Table(head=("stamp", "meaning", "cells"), rows=rows, texts=3)
        if rows
        else Text(text="No cell carries a stamp." if run.cells else "The ledger has no outcome of any cell.")
    )


def _left_out(run: RunData) -> tuple[Block, ...]:
    """Return what of the grid made no cells, as stage 1 recorded it; nothing where nothing was left out."""
    try:
        grid = run.grid
    except Absent:
        return ()
    if not grid.exclusions:
        return ()
    rows = tuple((one.what, one.why, str(one.cells)) for one in grid.exclusions)
    said = f"{grid.cells} of the {grid.asked} strategy cells that the grid's axes span are made."
    return (Text(text=said), Table(head=("left out", "why", "cells"), rows=rows, texts=2))


def _notices(run: RunData) -> tuple[Block, ...]:
    """Return what the profile left to defaults, or asked for in vain.

    Silent where it cannot be read, as `_rules` says so.
    """
    try:
        return tuple(Text(text=notice, tone="warning") for notice in run.resolved.notices)
    except Absent:
        return ()


def _rules(run: RunData) -> tuple[Block, ...]:
    try:
        return (Facts(pairs=_profile(run.profile)),)
    except Absent as error:
        return (Text(text=f"The profile is not shown: {error}.", tone="missing"),)


def _profile(profile: Profile) -> tuple[tuple[str, str], ...]:
    rules, limits = profile.execution, profile.allocation.limits
    low, high = limits.net
    return (
        ("Execution", f"{FILLED[rules.convention]}; {rules.lag} extra rows of lag"),
        (
            "Halts and delistings",
            f"closed after {rules.halt_limit} rows without a price, {percent(rules.delisting_haircut)} to the bad side",
        ),
        ("Costs", house_costs(profile)),
        (
            "Limits",
            f"gross {percent(limits.gross)}, net {percent(low)} to {percent(high)}, "
            f"position {percent(limits.position)}, cluster {percent(limits.cluster)} of equity",
        ),
        *_by_name(limits),
        ("Windows", _windows(profile)),
        ("Lookback", f"{profile.data.lookback} rows; at least {profile.data.min_history} bars of history to be chosen"),
        ("Universe", universe(profile)),
        ("Sharpe and Sortino ratios, PSR, alpha", f"against {profile.benchmark.rate}"),
        ("Simulators", ", ".join(rules.simulators)),
        ("Random seed", str(profile.seed)),
    )


def _by_name(limits: LimitsSection) -> Iterator[tuple[str, str]]:
    """Yield the limits of single names and of groups, where there are any."""
    names = [f"{symbol} {percent(low)} to {percent(high)}" for symbol, (low, high) in limits.names]
    groups = [f"{name} {percent(one.max)} ({', '.join(one.symbols)})" for name, one in limits.groups]
    if names or groups:
        yield ("Limits by name", "; ".join((*names, *groups)))


def _windows(profile: Profile) -> str:
    """Return when decisions are made, and over which days."""
    windows, data = profile.windows, profile.data
    step = f"test {windows.test}, step {windows.step} rows"
    if windows.test is None:
        step = f"decided by the calendar ({windows.rule}), each until the next"
    dates = f"from {data.start or 'the first row'} to {data.end or 'the last row'}, " if data.start or data.end else ""
    return f"train {windows.train} rows, {step}; {dates}span {data.span}"


ASSUMPTIONS = Section(key="assumptions", title="Stamps and assumptions", draw=draw, of_run=True)
