"""The headline on other windows of the grid: what these make of it, and whether its own are a peak."""

from collections.abc import Mapping, Sequence
from typing import Any

from tvquant.core.errors import ModelError
from tvquant.report.blocks import Block, Figure, Table, Text
from tvquant.report.figures import DIVERGING, HEADLINE, axis, figure, plotted
from tvquant.report.formatting import count, number, percent
from tvquant.report.grid import NORMAL, Aligned, aligned, on_other_windows
from tvquant.report.run import RunData
from tvquant.report.sections.contract import Section
from tvquant.statistics.paired_differences import paired_difference
from tvquant.tournament.friction import BLOCK, CONFIDENCE, SEED
from tvquant.tournament.surface import AXES, Place, Shape, neighbours, shape, values

SHARPE = "sharpe_difference"
ALONE = (
    "The headline was walked over one choice of windows. Name others in `grid.train`, `grid.test` and `grid.step`, and "
    "this shows what the choice makes of it."
)
SAME_DATA = (
    "All of this was looked at on the very data that the result is of. It shows how much hangs on the choice of "
    "windows; it does not show which are best. The highest of many is the highest by luck too, and every one of them "
    "counts as a trial: what picks windows must be judged on data that the pick has not seen."
)
COLUMNS = (
    "Sharpe and its interval at 95 % (±{normal:g} standard errors) are of all rows that each has, which begin with its "
    "first training; those on shared rows are of the {rows} rows that all have, {first} to {last}, and are what is "
    "compared here."
)
SAID = {
    Shape.PEAK: "above all of them: a peak, as the best of a sweep is, and more is lost than won by being a little off",
    Shape.TROUGH: "below all of them: nobody would have picked it for its result",
    Shape.BETWEEN: "among them: a plateau or a slope, and no peak",
}


def draw(run: RunData) -> tuple[Block, ...]:
    """Return the surface as a table and as a heat map, and the chosen windows beside those one step away."""
    found = aligned(run, on_other_windows(run))
    if found is None:
        return (Text(text=ALONE, tone="note"),)
    places = [Place.of(run.planned[one.key].path.schedule) for one in found.cells]
    sharpes = {place: one.sharpe for place, one in zip(places, found.measured, strict=True)}
    beside = neighbours(places[0], places)
    note = COLUMNS.format(
        normal=NORMAL, rows=count(len(found.times)), first=str(found.times[0])[:10], last=str(found.times[-1])[:10]
    )
    return (
        _verdict(found, places, beside),
        Text(text=SAME_DATA, tone="warning"),
        *_heat_map(places, sharpes),
        _table(found, places, beside),
        Text(text=note, tone="note"),
    )


def _verdict(found: Aligned, places: Sequence[Place], beside: Sequence[Place]) -> Text:
    """Return in words what the chosen windows are among their neighbours, each difference with its interval."""
    known = {place: one.sharpe for place, one in zip(places, found.measured, strict=True) if one.sharpe is not None}
    near = {one: known[one] for one in beside if one in known}
    own = known.get(places[0])
    if own is None or not near:
        return Text(text=f"No windows of the grid are one step away from the profile's own, {_named(places[0])}.")
    low, high = min(near.values()), max(near.values())
    lines = [
        f"On shared rows the Sharpe ratio of the profile's own windows ({_named(places[0])}) is {number(own)}; of the "
        f"{count(len(near))} that are one step of the grid away it is {number(low)} to {number(high)}. It is "
        f"{SAID[shape(own, near)]}."
    ]
    confidence = 1.0 - (1.0 - CONFIDENCE) / len(near)
    for place in near:
        columns = found.excess[:, [0, places.index(place)]]
        try:
            gap = paired_difference(
                columns, statistic=SHARPE, periods_per_year=found.periods_per_year, confidence=confidence,
                block=BLOCK, seed=SEED,
            )  # fmt: skip
        except ModelError as error:
            lines.append(f"Own less {_named(place)}: {number(own - near[place])}, without an interval ({error}).")
            continue
        told = "" if gap.low > 0.0 or gap.high < 0.0 else ": it cannot be told from nothing"
        lines.append(
            f"Own less {_named(place)}: {number(gap.difference)}, {number(gap.low)} to {number(gap.high)}{told}."
        )
    lines.append(f"Intervals are at {percent(confidence)}, so that all of them hold at {percent(CONFIDENCE, 0)}.")
    return Text(text=" ".join(lines))


def _table(found: Aligned, places: Sequence[Place], beside: Sequence[Place]) -> Table:
    rows = []
    for place, cell, shared in zip(places, found.cells, found.measured, strict=True):
        of = cell.measures
        sharpe, error = of.sharpe, of.sharpe_se
        ends = (None, None) if sharpe is None or error is None else (sharpe - NORMAL * error, sharpe + NORMAL * error)
        mark = "own" if place == places[0] else "one step away" if place in beside else ""
        rows.append((
            *(_value(place, name) for name in AXES), mark, number(of.sharpe), number(of.sharpe_se),
            *map(number, ends), count(of.n), number(shared.sharpe), number(shared.sharpe_se),
        ))  # fmt: skip
    order = sorted(
        range(len(rows)), key=lambda k: [values(places, name).index(getattr(places[k], name)) for name in AXES]
    )
    head = (*AXES, "windows", "Sharpe", "± SE", "from", "to", "n, rows", "on shared rows", "± SE ")
    return Table(head=head, rows=tuple(rows[k] for k in order), texts=4, strong=frozenset({order.index(0)}))


def _heat_map(places: Sequence[Place], sharpes: Mapping[Place, float | None]) -> tuple[Figure, ...]:
    """Return the surface over the first two axes that vary, at the profile's own value of the third."""
    varying = [name for name in AXES if len(values(places, name)) > 1][:2]
    if len(varying) < 2:
        return ()
    up, across = varying
    (fixed,) = (name for name in AXES if name not in varying)
    own = places[0]
    shown = [one for one in places if getattr(one, fixed) == getattr(own, fixed)]
    rows, columns = values(shown, up), values(shown, across)
    there = {(getattr(one, up), getattr(one, across)): sharpes[one] for one in shown}
    z = [plotted([there.get((row, column)) for column in columns]) for row in rows]
    size = max((abs(one) for line in z for one in line if one is not None), default=1.0)
    trace: dict[str, Any] = {
        "type": "heatmap", "z": z, "zmin": -size, "zmax": size, "xgap": 2, "ygap": 2,
        "colorscale": [list(stop) for stop in DIVERGING], "texttemplate": "%{z:.2f}", "hoverongaps": False,
        "colorbar": {"title": {"text": "Sharpe"}},
    }  # fmt: skip
    x, y = columns.index(getattr(own, across)), rows.index(getattr(own, up))
    mark = {"type": "rect", "x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5,
            "line": {"width": 3, "color": HEADLINE}}  # fmt: skip
    title = f"Sharpe ratio on shared rows by {up} and {across}, {fixed} {_value(own, fixed)}; framed: the profile's own"
    return (
        figure("surface", title, [trace], height=160 + 60 * len(rows), hovermode="closest", shapes=[mark],
               xaxis=_axis(across, columns), yaxis=_axis(up, rows)),
    )  # fmt: skip


def _axis(name: str, along: Sequence[object]) -> dict[str, Any]:
    ticks = [_word(name, one) for one in along]
    return axis(f"{name}, rows", tickvals=list(range(len(ticks))), ticktext=ticks, showgrid=False)


def _value(place: Place, name: str) -> str:
    return _word(name, getattr(place, name))


def _word(name: str, value: object) -> str:
    return "as the step" if value is None and name == "test" else str(value)


def _named(place: Place) -> str:
    return f"train {place.train}, test {_value(place, 'test')}, step {place.step}"


SURFACE = Section(key="surface", title="The headline on other windows", draw=draw, of_run=True)
