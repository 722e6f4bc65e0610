"""`tvquant models`: what selection models chose over all windows of a profile, and whether it was worth anything."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli.console import JsonOption, WorkspaceOption, answer, note_simulated, number, percent, workspace_at
from tvquant.app.cli.profile import SetOption, resolved
from tvquant.app.cli.tables import table
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import watching

if TYPE_CHECKING:
    from tvquant.app.workspace import Workspace
    from tvquant.tournament.selection_tables import ModelEvidence

FOLDER = Path("artifacts") / "models"

type Row = Mapping[str, Any]


def models(
    name: Annotated[str, typer.Argument(metavar="PROFILE", help="Profile whose windows and pool they share.")],
    chosen: Annotated[
        str, typer.Option("--models", metavar="NAMES", help="Selection models with commas between; `all` is every one.")
    ] = "all",
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes; the result is the same for any number.")] = 1,
    csv: Annotated[bool, typer.Option("--csv", help="Write the tables as files as well, with every digit.")] = False,
    page: Annotated[bool, typer.Option("--html", help="Write a page as well, with figures.")] = False,
    overrides: SetOption = None,
    wait: WaitOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """What each selection model chose at every window of a profile, and what came of it.

    Nothing is weighed and no cost is charged. `docs/does_selection_pay.md` says how to read it.
    """
    from tvquant.app.model_evidence import model_evidence

    home = workspace_at(workspace, wait)
    home.require()
    settings = overrides or []
    with watching("models") as progress:
        found = model_evidence(
            home.lake(),
            lambda model: resolved(home, name, [*settings, *([f"selection.model={model}"] if model else [])]),
            [one.strip() for one in chosen.split(",") if one.strip()],
            jobs=jobs,
            watcher=progress,
        )
    note_simulated(home.lake())
    written = _written(home, found, csv=csv, page=page) if csv or page else []
    text = [*_summary(found), "", *_tables(found), *conclusions(found), *(f"file     {one}" for one in written)]
    answer(_document(found) | {"files": list(map(str, written))}, text, as_json=as_json)


def _written(home: "Workspace", found: "ModelEvidence", *, csv: bool, page: bool) -> list[Path]:
    from tvquant.report.model_evidence_page import write_evidence

    with home.writing():
        return write_evidence(home.root / FOLDER, found, conclusions(found), csv=csv, page=page)


def _document(found: "ModelEvidence") -> dict[str, Any]:
    return {
        "profile": found.profile,
        "first": str(found.first),
        "last": str(found.last),
        "windows": found.windows,
        "rows": found.rows,
        "pool": list(found.pool),
        "stamps": sorted(found.stamps),
        "left_out": dict(found.left_out),
        "notices": list(found.notices),
        **{table: [dict(row) for row in rows] for table, rows in found.tables.items()},
        "conclusions": conclusions(found),
    }


def _summary(found: "ModelEvidence") -> list[str]:
    low, high = found.pool
    pool = f"{low}" if low == high else f"{low} to {high}"
    return [
        f"profile  {found.profile}, {found.first} to {found.last}",
        f"windows  {found.windows}, none overlapping, {found.rows:.4g} rows each; {pool} atoms to choose from",
        "outcome  from the close that decides to the next such close, before costs; shorts by what their holder earns",
        f"stamps   {', '.join(sorted(found.stamps)) or 'none'}",
        *(f"notice   {one}" for one in found.notices),
        *(f"left out {model}: {why}" for model, why in found.left_out.items()),
    ]


def _tables(found: "ModelEvidence") -> Iterator[str]:
    """Yield the tables as text, a blank line behind each; what models share is in one row."""
    from tvquant.tournament.selection_tables import WINDOW

    yield "What was chosen"
    yield _choices(found.choices)
    for row in found.choices:
        if row["without_bars"]:
            yield f"on average {row['without_bars']:.2f} atoms of a pool had no bar in the window and have no outcome"
            break
    for row in found.choices:
        if row["failures"]:
            yield f"{_model(row)}: no answer at {row['failures']} windows ({row['failure']})"
    yield from ("", "Selection alpha: equal weight of the winners less equal weight of the pool, by window")
    head = ("model", "n", "mean", "se", "a year", "se", "t", "p", "Holm")
    yield table(
        head, [(_indented(row), row["n"], *_alpha_cells(row)) for row in found.alpha], right=range(1, len(head))
    )
    yield from ("", "Rank correlation (IC) of the score with the return that followed")
    by_horizon = ("models", "rows", "n", "IC", "se", "t", "p", "Holm")
    yield _listed(by_horizon, found.ic, lambda row, names: (", ".join(names), row["horizon"], row["n"]), _plain_cells)
    yield from ("", "The same of each feature, as the score uses it, over the window; share of the score's variance")
    by_feature = ("feature", "models", "share", "n", "IC", "se", "t", "p", "Holm")
    whole = [row for row in found.features if row["horizon"] == WINDOW]
    yield _listed(
        by_feature, whole, lambda row, names: (row["feature"], ", ".join(names), *_share(row, whole)), _plain_cells
    )
    yield from ("", "Veto regret: mean return of the vetoed less that of the winners, by window; above 0 the veto cost")
    by_rule = ("rule", "models", "vetoed", "n", "mean", "se", "t", "p", "Holm")
    yield _listed(
        by_rule,
        found.vetoes,
        lambda row, names: (_rule(row), ", ".join(names), row["vetoed"], row["n"]),
        lambda row: (percent(row["mean"], 2), percent(row["se"], 2), *_tests(row)),
    )
    yield ""


def _choices(rows: Sequence[Row]) -> str:
    head = ("model", "winners", "least", "stages 1-4", "sparse", "bets", "Jaccard", "Rand", "new")
    return table(
        head,
        [
            (
                _indented(row),
                f"{row['winners']:.1f}",
                row["fewest"],
                "/".join(str(row[f"stage_{stage}"]) for stage in range(1, 5)),
                percent(row["sparse"], 0),
                number(row["effective_bets"]),
                number(row["jaccard"]),
                number(row["adjusted_rand"]),
                percent(row["turnover"], 0),
            )
            for row in rows
        ],
        right=range(1, len(head)),
    )


def _listed(
    head: Sequence[str],
    rows: Sequence[Row],
    words: Callable[[Row, list[str]], tuple[Any, ...]],
    cells: Callable[[Row], tuple[str, ...]],
) -> str:
    """Return a table in which rows that differ in their model (and its share) only are one."""
    shown = [(*words(row, names), *cells(row)) for row, names in _alike(rows)]
    texts = head.index("n") if "vetoed" not in head else head.index("vetoed")
    return table(head, shown, right=range(texts, len(head))) if shown else "none"


def _alike(rows: Sequence[Row]) -> list[tuple[Row, list[str]]]:
    """Return the questions that were asked, each with the models that it was asked of."""
    together: dict[tuple[Any, ...], tuple[Row, list[str]]] = {}
    for row in rows:
        key = tuple(value for name, value in row.items() if name not in ("model", "floor", "share"))
        together.setdefault(key, (row, []))[1].append(_model(row))
    return list(together.values())


def _indented(row: Row) -> str:
    """Return the model; without its floor it stands below itself."""
    return str(row["model"]) if row["floor"] else "  without floor"


def _model(row: Row) -> str:
    return str(row["model"]) if row.get("floor", True) else f"{row['model']} without floor"


def _rule(row: Row) -> str:
    return f"{row['rule']}, overridden" if row["overridden"] else str(row["rule"])


def _share(row: Row, rows: Sequence[Row]) -> tuple[str, Any]:
    """Return the range of a feature's share over models that have it alike, and its windows."""
    alike = [
        one["share"]
        for one in rows
        if (one["feature"], one["mean"], one["se"]) == (row["feature"], row["mean"], row["se"])
    ]
    shares = [one for one in alike if one is not None]
    if not shares:
        return "-", row["n"]
    low, high = (f"{100 * one:.0f}" for one in (min(shares), max(shares)))
    return (f"{low} %" if low == high else f"{low}-{high} %"), row["n"]


def _alpha_cells(row: Row) -> tuple[str, ...]:
    return (
        percent(row["mean"], 2),
        percent(row["se"], 2),
        percent(row["annual"]),
        percent(row["annual_se"]),
        *_tests(row),
    )


def _plain_cells(row: Row) -> tuple[str, ...]:
    return (_three(row["mean"]), _three(row["se"]), *_tests(row))


def _three(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _tests(row: Row) -> tuple[str, str, str]:
    return number(row["t"]), _three(row["p"]), _three(row["p_holm"])


def conclusions(found: "ModelEvidence") -> list[str]:
    """Return in plain words what was found, and what could not have been."""
    return [
        _concluded("selection alpha", found.alpha, _model),
        *_unseen(found.alpha),
        _concluded("rank IC of scores", found.ic, lambda row: f"{row['model']} after {row['horizon']}"),
        _concluded("rank IC of features", found.features, lambda row: f"{row['feature']} after {row['horizon']}"),
        _concluded("veto regret", found.vetoes, lambda row: f"{_rule(row)} in {_model(row)}"),
    ]


def _concluded(what: str, rows: Sequence[Row], named: Callable[[Row], str]) -> str:
    """Return what of a table is significant at 5 % for all its questions together."""
    from tvquant.statistics.significance import LEVEL

    tested = [row for row, _ in _alike(rows) if row["p_holm"] is not None]
    if not tested:
        return f"{what}: nothing to test"
    found = [row for row in tested if row["p_holm"] <= LEVEL]
    if not found:
        least = min(tested, key=lambda row: float(row["p"]))
        return (
            f"{what}: not significant, none of {len(tested)} (5 %, Holm; the least p is {least['p']:.3f}, "
            f"{named(least)})"
        )
    signs = dict.fromkeys(f"{named(row)} ({'above' if row['mean'] > 0 else 'below'} 0)" for row in found)
    return f"{what}: significant are {', '.join(signs)}; {len(found)} of {len(tested)} (5 %, Holm)"


def _unseen(rows: Sequence[Row]) -> list[str]:
    """Return how large an alpha had to be to be found."""
    sizes = [row["detectable"] * row["annual_se"] / row["se"] for row in rows if row["annual_se"]]
    if not sizes:
        return []
    return [
        f"a true alpha below {percent(min(sizes), 0)} to {percent(max(sizes), 0)} a year, by model, would have been "
        "missed more often than in one of five such samples, even asked alone"
    ]
