"""Who the sleeves are, how well they are, and what the gates found."""

from typing import Any

from tvquant.core.sleeve_records import SleeveRecord
from tvquant.lake import HealthState
from tvquant.report.blocks import Block, Table, Text
from tvquant.report.formatting import NOTHING, count, day, number, percent, plain
from tvquant.report.markdown import Health
from tvquant.report.meta.run import MetaRun, RecordedGate
from tvquant.report.sections.contract import Section

SOLVER = "solver"
"""The gate of solver health."""


def draw(run: MetaRun) -> tuple[Block, ...]:
    """Return a row per sleeve with the state of its data and its solves, and a row per gate."""
    weighed = run.weighed
    rows = tuple(_row(run, one, one.name in weighed) for one in run.sleeves)
    head = ("sleeve", "run", "data", "weighed", "calendar", "solved", "rows", "left out", "first day", "last day")
    failed = frozenset(k for k, one in enumerate(run.gates) if not one.passed)
    return (
        Table(head=head, rows=rows, texts=5, faint=frozenset(k for k, row in enumerate(rows) if row[3] == "no")),
        Text(
            text="Data is what the sleeve's own run found of its assets: healthy where every one was. Solved is the "
            "share of its optimisations that were answered as asked; those that fell back or failed are not, and "
            "windows without a candidate asked for none. Rows are those of its whole stream, of which the join to "
            "common dates left some out; days are those of the stream there.",
            tone="note",
        ),
        Table(
            head=("gate", "sleeves", "passed", "why", "found", "limit"),
            rows=tuple(_gate(one) for one in run.gates), texts=4, strong=failed,
        ),
        *(() if run.gates else (Text(text="The ledger has no record of a gate.", tone="missing"),)),
    )  # fmt: skip


def status_of(sleeve: SleeveRecord) -> tuple[Health, str]:
    """Return what the state of a sleeve's data amounts to, and the counts by state."""
    if not sleeve.health:
        return Health.MISSING, "no record"
    fine = all(HealthState.fine_word(state) for state in sleeve.health)
    return (Health.HEALTHY if fine else Health.DEGRADED), ", ".join(
        f"{state} {n}" for state, n in sleeve.health.items()
    )


def status_of_all(run: MetaRun) -> Health:
    """Return the worst state of the sleeves' data."""
    found = {status_of(one)[0] for one in run.sleeves}
    return next((state for state in (Health.MISSING, Health.DEGRADED) if state in found), Health.HEALTHY)


def _row(run: MetaRun, one: SleeveRecord, weighed: bool) -> tuple[str, ...]:
    status, counts = status_of(one)
    of_it = [gate for gate in run.gates if gate.gate == SOLVER and gate.sleeves == (one.name,)]
    stream = next((track for track in run.streams() if track.name == one.name), None)
    span = (NOTHING, NOTHING) if stream is None else (day(stream.times[0]), day(stream.times[-1]))
    solved = percent(of_it[0].found) if of_it else NOTHING
    return (one.name, one.run, f"{status} ({counts})", "yes" if weighed else "no", one.calendar, solved,
            *_lost(run, one.name), *span)  # fmt: skip


def _lost(run: MetaRun, name: str) -> tuple[str, str]:
    """Return the rows of a sleeve's stream, and those that the join left out."""
    if name not in run.lost:
        return (NOTHING, NOTHING)
    rows, dropped = run.lost[name]
    return (count(rows), f"{count(dropped)} ({percent(dropped / rows if rows else None)})")


def _gate(one: RecordedGate) -> tuple[str, ...]:
    passed = "yes" if one.passed else "finding" if one.finding else "no"
    return (plain(one.gate), ", ".join(one.sleeves) or "all", passed, one.why, _measure(one.found), _measure(one.limit))


def _measure(value: Any) -> str:
    """Return what a gate found, or its limit, where that is a number; words have it where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING
    return number(value, 3) if isinstance(value, float) else count(value)


SLEEVES = Section(key="sleeves", title="Sleeves and gates", draw=draw, of_run=True)
