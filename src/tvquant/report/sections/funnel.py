"""How many names there were, how many were left at each step, and how far rules had to be relaxed."""

from typing import Any

import polars as pl

from tvquant.profiles import Profile
from tvquant.report.blocks import Block, Facts, Figure, Table, Text
from tvquant.report.figures import axis, colours, days, figure
from tvquant.report.flow import STEPS as FLOW_STEPS
from tvquant.report.flow import flow_of
from tvquant.report.formatting import NOTHING, count, day, number, percent, plain, some
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.selection.relaxation import Relaxation

STEPS = ("universe", "discovery", "refined", "selected")
ATOMS = {step: f"atoms_{step}" for step in STEPS[1:]}
UNSOLVED = ("no_candidate", "failed", "fell_back")
NAMED = 12


def draw(run: RunData) -> tuple[Block, ...]:
    """Return counts at each decision of the headline, relaxation, flags, and decisions that were not solved."""
    profile, cell = run.profile, run.headline.key
    windows = run.table("windows", cell)
    label = _labels(profile)
    same = all(windows[step].equals(windows[atoms], check_names=False) for step, atoms in ATOMS.items())
    counted = (
        "Each instrument is one atom here, so both units are the same."
        if same
        else "An instrument that is recruited for two reasons, or in two directions, is one instrument and two atoms."
    )
    vetoes = run.table("vetoes").filter(pl.col("cell") == cell)
    flows: tuple[Block, ...] = ()
    if int(windows["discovery"].sum()):
        path = " → ".join(("universe", *FLOW_STEPS) if same else FLOW_STEPS)
        flows = (
            flow_of(cell, windows, vetoes, same=same),
            Text(text=f"From left to right, blue: {path}; the last, green. Grey: what was lost, by reason. In atoms.",
                 tone="note"),
        )  # fmt: skip
    return (
        _over_time(cell, windows, label, atoms=() if same else tuple(ATOMS)),
        *flows,
        _counts(windows, label, same),
        Text(text=f"{counted} {_efficiency(windows)}", tone="note"),
        _relaxation(windows),
        _unsolved(windows),
        *_stood(windows),
    )


def _labels(profile: Profile) -> dict[str, str]:
    """Return what each step is for this kind of profile."""
    scanners = [scanner.name for scanner in profile.universe.scanners]
    found = f"recruited by {some(scanners, 3)}" if scanners else "of a wanted kind, with a bar"
    return {
        "universe": "universe (listed by then)",
        "discovery": f"discovery ({found})",
        "refined": "refined (healthy, not vetoed)",
        "selected": "selected (winners)",
    }


def _over_time(cell: str, windows: pl.DataFrame, label: dict[str, str], atoms: tuple[str, ...]) -> Figure:
    x, colour = days(windows["decided_at"]), colours(STEPS)

    def line(name: str, column: str, step: str, dash: str) -> dict[str, Any]:
        return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": windows[column].to_list(),
                "line": {"shape": "hv", "width": 2, "color": colour[step], "dash": dash}}  # fmt: skip

    traces = [line(label[step], step, step, "solid") for step in STEPS]
    traces += [line(f"{step}, in atoms", ATOMS[step], step, "dot") for step in atoms]
    return figure("funnel", f"Names at each decision of {cell}", traces, height=400,
                  xaxis=axis("decision date", type="date"), yaxis=axis("names, count", rangemode="tozero"))  # fmt: skip


def _counts(windows: pl.DataFrame, label: dict[str, str], same: bool) -> Table:
    """Return mean, lowest, highest and last count of each step, and the mean share of the step before that is left."""
    columns = [(label[step], "instruments", step) for step in STEPS]
    if not same:
        columns += [(step, "atoms", atoms) for step, atoms in ATOMS.items()]
    rows, before = [], 0
    for name, unit, column in columns:
        values = windows[column].to_numpy()
        total = int(values.sum())
        kept = percent(total / before) if before else NOTHING
        before = 0 if column == STEPS[-1] else total
        extremes = (count(int(v)) for v in (values.min(), values.max(), values[-1]))
        rows.append((name, unit, number(total / len(values), 1), *extremes, kept))
    head = ("step", "unit", "mean", "lowest", "highest", "last", "of the step before")
    return Table(head=head, rows=tuple(rows), texts=2)


def _efficiency(windows: pl.DataFrame) -> str:
    """Return discovery-to-selection efficiency in instruments, over all decisions (R-LED-06)."""
    found, won = int(windows["discovery"].sum()), int(windows["selected"].sum())
    if not found:
        return "Nothing was ever discovered."
    return f"Discovery-to-selection efficiency: {percent(won / found)} of the discovered instruments were selected."


def _relaxation(windows: pl.DataFrame) -> Facts:
    """Return how many decisions ended at each stage, and how many carry each flag."""
    total = len(windows)
    stages = windows["stage"].to_list()
    flags = [flag for text in windows["flags"].to_list() for flag in text.split()]
    pairs = [
        (f"Stage {stage.value}, {plain(stage.name.lower())}", stages.count(stage.value))
        for stage in Relaxation
        if stage.value in stages
    ]
    if 0 in stages:
        pairs.append(("Nothing reached selection", stages.count(0)))
    pairs += [(f"Flag {plain(flag)}", flags.count(flag)) for flag in sorted(set(flags))]
    return Facts(
        pairs=tuple((name, f"{count(n)} of {count(total)} decisions ({percent(n / total, 0)})") for name, n in pairs)
    )


def _unsolved(windows: pl.DataFrame) -> Text:
    """Return decisions without a candidate, or that were not solved as asked."""
    bad = windows.filter(windows["status"].is_in(UNSOLVED))
    if bad.is_empty():
        return Text(text=f"All {count(len(windows))} decisions had candidates and were solved as asked.")
    statuses = bad["status"].to_list()
    counts = ", ".join(f"{statuses.count(s)} {plain(s)}" for s in UNSOLVED if s in statuses)
    listed = [f"{day(row['decided_at'])} ({plain(row['status'])})" for row in bad.iter_rows(named=True)]
    text = f"{len(bad)} of {count(len(windows))} decisions were not solved as asked ({counts}): {some(listed, NAMED)}."
    return Text(text=text, tone="warning")


def _stood(windows: pl.DataFrame) -> tuple[Text, ...]:
    """Return decisions on an earlier bar than the window's last, or on one without a quorum; nothing where none."""
    earlier = windows.filter(windows["bar"] < windows["decided_at"])
    without = windows.filter(~windows["quorum"])
    notices = []
    if len(earlier):
        listed = [f"{day(row['decided_at'])} (on {day(row['bar'])})" for row in earlier.iter_rows(named=True)]
        notices.append(
            f"Too few names had the last bar at {count(len(earlier))} decisions, which stand on the last one with a "
            f"quorum: {some(listed, NAMED)}."
        )
    if len(without):
        listed = [day(value) for value in without["decided_at"]]
        notices.append(
            f"No bar of five sessions had a quorum at {count(len(without))} decisions, which stand on the last one as "
            f"it was: {some(listed, NAMED)}."
        )
    return tuple(Text(text=text, tone="warning") for text in notices)


FUNNEL = Section(key="funnel", title="Selection funnel", draw=draw)
