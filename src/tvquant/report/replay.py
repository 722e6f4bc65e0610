"""A replay of scanners on a page: how many were found at each date, who came and left, and who was there when."""

from collections.abc import Collection, Sequence
from pathlib import Path

from tvquant.report.blocks import Figure
from tvquant.report.figures import GREY, HEADLINE, LONG, SHORT, axis, figure
from tvquant.report.page import page_of, write_page

ROW = 14
"""Pixels of an atom's row."""


def write_replay(
    path: Path,
    scanners: Sequence[str],
    dates: Sequence[str],
    pooled: Sequence[int],
    atoms: Sequence[Collection[str]],
    *,
    within: Path,
) -> None:
    """Write the page of a replay below `within`, and the script that draws it beside it.

    Raises
    ------
    DataError : no plotly, the disk refuses, or a link leads out of `within`.
    """
    write_page(path, page_of_replay(scanners, dates, pooled, atoms), within=within)


def page_of_replay(
    scanners: Sequence[str], dates: Sequence[str], pooled: Sequence[int], atoms: Sequence[Collection[str]]
) -> str:
    """Return the page as HTML; names in the pool and atoms that were made are of each of the dates."""
    there = _presence(atoms)
    rows = [
        (atom, str(len(at)), f"{len(at) / len(dates):.0%}", dates[at[0]], dates[at[-1]]) for atom, at in there.items()
    ]
    return page_of(
        title=", ".join(scanners),
        summary=f"{len(dates)} dates, {dates[0]} to {dates[-1]}; {len(there)} atoms, "
        f"{sum(map(len, atoms)) / len(dates):.1f} at a date",
        figures=[counted(dates, pooled, atoms), *([present(dates, there)] if there else [])],
        head=("atom", "dates", "share", "first", "last"),
        rows=sorted(rows, key=lambda row: (-int(row[1]), row[0])),
        nothing="Nobody was recruited at any date.",
    )


def counted(dates: Sequence[str], pooled: Sequence[int], atoms: Sequence[Collection[str]]) -> Figure:
    """Return pool and atoms at each date, and how many entered and left since the date before."""
    now = [set(one) for one in atoms]
    before = [set[str](), *now[:-1]]
    came = [len(a - b) if k else None for k, (a, b) in enumerate(zip(now, before, strict=True))]
    left = [-len(b - a) if k else None for k, (a, b) in enumerate(zip(now, before, strict=True))]
    return figure(
        "counts",
        "Pool and atoms",
        [
            {"name": "in the pool", "mode": "lines", "x": dates, "y": list(pooled), "line": {"color": GREY}},
            {"name": "atoms", "mode": "lines", "x": dates, "y": [len(one) for one in now], "line": {"color": HEADLINE}},
            {"name": "entered", "type": "bar", "x": dates, "y": came, "marker": {"color": LONG}},
            {"name": "left", "type": "bar", "x": dates, "y": left, "marker": {"color": SHORT}},
        ],
        barmode="relative",
        xaxis=axis(""),
        yaxis=axis("instruments"),
    )


def present(dates: Sequence[str], there: dict[str, list[int]]) -> Figure:
    """Return who was an atom at which date; the first ones at the top."""
    names = sorted(there, key=lambda atom: (there[atom][0], atom))
    at = [set(there[atom]) for atom in names]
    cells = [[1 if k in mine else None for k in range(len(dates))] for mine in at]
    return figure(
        "present",
        "Atoms at each date",
        [
            {"type": "heatmap", "x": dates, "y": names, "z": cells, "showscale": False, "xgap": 0, "ygap": 1,
             "colorscale": [[0, HEADLINE], [1, HEADLINE]], "hovertemplate": "%{y}<br>%{x}<extra></extra>"},
        ],
        height=120 + ROW * len(names),
        hovermode="closest",
        xaxis=axis(""),
        yaxis=axis("", autorange="reversed", type="category", tickfont={"size": 9}),
    )  # fmt: skip


def _presence(atoms: Sequence[Collection[str]]) -> dict[str, list[int]]:
    """Return atom -> places of the dates at which it was there."""
    there: dict[str, list[int]] = {}
    for k, one in enumerate(atoms):
        for atom in one:
            there.setdefault(atom, []).append(k)
    return there
