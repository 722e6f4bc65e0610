"""Outliers of all cells with their cause, and every cell in one line: what a tournament must not hide."""

from collections.abc import Iterator, Mapping
from typing import Any

from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.report.blocks import Block, Facts, Table, Text
from tvquant.report.formatting import NOTHING, Shown, count, number, percent, plain
from tvquant.report.run import RunData
from tvquant.report.volatility_bands import AssetClass, asset_class, volatility_bands
from tvquant.tournament.outliers import RUN_DRAWDOWN, SHARPE, WINDOW_DRAWDOWN, Outlier

SHOWN = 60
"""Outliers that are listed: those of the headline, then the deepest of other cells; the others are counted."""
MEANINGS = {
    "market_jump": "the whole market leapt",
    "factor_shift": "the market, or what the names have in common, moved by many steps",
    "name_jump": "single names leapt, and the others did not",
    "own_drift": "single names moved by many steps",
}


def summary(run: RunData) -> tuple[Block, ...]:
    """Return the counts that matter most."""
    told = [cell for cell in run.outcomes if cell.forensic]
    if not told:
        raise Absent("no outcome of the ledger has a forensic record: the run did not settle a cell, or is older")
    found = [one for cell in told for one in outliers_of(cell)]
    chance = sum(cell.forensic["by_chance"] for cell in told)
    whole = sum(_purity(cell)["contributions"] for cell in told)
    impure = sum(_impure(cell) for cell in told)
    judged = sum(len(cell.forensic["windows"]["change"]) for cell in told)
    runs = sum(one.window is None for one in found)
    pairs = (
        ("cells", count(len(run.outcomes))),
        ("windows of all cells", count(judged)),
        ("outlier windows", count(len(found) - runs)),
        ("that noise alone would make", number(chance, 1)),
        ("runs below -60 %", count(runs)),
        ("directional purity", percent(1.0 - impure / whole) if whole else NOTHING),
    )
    warned = (
        (Text(text=f"{count(impure)} contributions were not held on the side that was decided.", tone="warning"),)
        if impure
        else ()
    )
    return Facts(cards=True, pairs=pairs), *warned


def outliers(run: RunData) -> tuple[Block, ...]:
    """Return windows and runs beyond the limits, with holdings, the market's move and the evidence of their cause."""
    rule = (
        f"Listed are windows with a Sharpe ratio beyond {SHARPE:g} either way or a drawdown below "
        f"{WINDOW_DRAWDOWN:.0%}, and runs with one below {RUN_DRAWDOWN:.0%}."
    ).replace("%", " %")
    found = [(cell, one) for cell in run.outcomes for one in outliers_of(cell)]
    if not found:
        return (Text(text=f"None. {rule}"),)
    mine = run.headline.key
    found.sort(key=lambda pair: (pair[0].key != mine, pair[1].window is not None, pair[1].change))
    shown = found[:SHOWN]
    left = f" {count(len(found) - SHOWN)} more are counted below." if len(found) > SHOWN else ""
    causes = [one.cause.value for _, one in found]
    return (
        Text(text=f"{rule} A window's Sharpe ratio is a diagnostic of few rows, and noise makes outliers too.{left}"),
        Facts(pairs=tuple((plain(name), f"{count(causes.count(name))}: {what}") for name, what in MEANINGS.items())),
        Table(head=HEAD, rows=tuple(_row(cell, one) for cell, one in shown), texts=6),
        Text(
            text="Brought: the names that brought most on the stretch, with what each was of equity when it began. A "
            "deep window is explained from peak to trough, others whole. The market is the median name; the market's "
            "part, and the component's, is what these moves would have brought by slopes and loadings of the 120 rows "
            "before. Common is a move that either explains by half at least. Leap: share of the variation that "
            "bipower variation does not see, its test statistic, and the share and the day of the largest row.",
            tone="note",
        ),
    )


HEAD = ("cell", "window", "by", "stretch", "cause", "brought (held)", "change", "Sharpe", "drawdown", "market",
        "market's part", "component's part", "leap", "z", "largest day", "on")  # fmt: skip


def _row(cell: RecordedCell, one: Outlier) -> tuple[str, ...]:
    figures = _figures(cell, one)
    largest = sorted(one.names.items(), key=lambda pair: -abs(pair[1]))  # a ledger has them by name
    names = "; ".join(f"{key} {percent(part)} ({percent(one.held.get(key))})" for key, part in largest if part)
    return (
        cell.key, "whole run" if one.window is None else str(one.window), " ".join(one.reasons),
        f"{one.start} to {one.stop}", plain(one.cause.value), names, percent(one.change), *figures,
        percent(one.market), percent(one.by_market), percent(one.by_component), percent(one.relative, 0),
        number(one.z, 1), percent(one.largest, 0), one.largest_on,
    )  # fmt: skip


def _figures(cell: RecordedCell, one: Outlier) -> tuple[Shown, Shown]:
    """Return Sharpe ratio and drawdown of the window, or of the run."""
    if one.window is None:
        return number(cell.measures.sharpe), percent(cell.measures.max_drawdown)
    windows = cell.forensic["windows"]
    at = windows["window"].index(one.window)
    return number(windows["sharpe"][at], 1), percent(windows["drawdown"][at])


def every_cell(run: RunData) -> tuple[Block, ...]:
    """Return one line per cell: how its decisions ended, its outliers, its purity, its volatility by its band."""
    bands = {one.cell: one for one in volatility_bands(run)}
    rows = []
    for cell in run.outcomes:
        of, band, found = cell.measures, bands.get(cell.key), tuple(outliers_of(cell))
        drawdowns = [value for value in cell.forensic.get("windows", {}).get("drawdown", ()) if value is not None]
        whole = _purity(cell)["contributions"]
        rows.append((
            cell.key, cell.status, NOTHING if band is None or not band.verdict else band.verdict, count(of.windows),
            *(count(value) for value in (of.windows_fell_back, of.windows_failed, of.windows_without_candidate)),
            count(sum(one.window is not None for one in found)), percent(min(drawdowns, default=None)),
            percent(of.max_drawdown), percent(1.0 - _impure(cell) / whole) if whole else NOTHING,
            percent(of.volatility), percent(band.reference if band else None), percent(band.off if band else None, 0),
        ))  # fmt: skip
    head = ("cell", "status", "band", "windows", "fell back", "failed", "no candidate", "outlier windows",
            "deepest window", "deepest run", "pure", "volatility", "reference", "off it")  # fmt: skip
    against = "the figure that its risk profile is known for" if asset_class(run) is AssetClass.CRYPTO else (
        "what equal weights of the same winners had on the same windows"
    )  # fmt: skip
    note = f"Volatility bands of {asset_class(run).value}: the reference is {against}; within is at most 50 % off it."
    return Table(head=head, rows=tuple(rows), texts=3), Text(text=note, tone="note")


def outliers_of(cell: RecordedCell) -> Iterator[Outlier]:
    """Yield the outliers that a cell's outcome holds."""
    yield from (Outlier.of(one) for one in cell.forensic.get("outliers", ()))


def _purity(cell: RecordedCell) -> Mapping[str, Any]:
    found: Mapping[str, Any] = cell.forensic.get("purity", {"contributions": 0, "inverted": 0, "contradicted": 0})
    return found


def _impure(cell: RecordedCell) -> int:
    counts = _purity(cell)
    return int(counts["inverted"] + counts["contradicted"])
