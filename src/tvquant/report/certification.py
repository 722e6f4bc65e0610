"""A certification: the performance matrix and the bounds of one release of a profile, and what the next one changed.

1. A certificate is read of a finished run. It keeps what a later one is held against when the run may be gone: the
   figures and the digest of every cell, the bounds that were in force, and the returns in excess of the risk-free rate.
2. A cell changed where its digest did: its decisions, weights or returns are others. How much better it is has a paired
   interval on the dates that both have; of several changed cells the intervals hold together (Bonferroni).
3. Versions of the selection are compared by cells that differ in nothing else. The best cell of many is no evidence of
   itself: its figure is that of the luckiest, and it is deflated by the number of trials.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np
import polars as pl

from tvquant.core.errors import ModelError
from tvquant.core.version import VERSION
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.profiles import Profile
from tvquant.report.run import RunData
from tvquant.report.tracks import tracks_of
from tvquant.statistics.metrics import probabilistic_sharpe
from tvquant.statistics.paired_differences import PairedDifference, paired_difference
from tvquant.statistics.significance import expected_best

SCHEMA = 1
"""Of the file of a certificate."""
FIGURES = (
    "sharpe", "sharpe_se", "cagr", "volatility", "max_drawdown", "mean_turnover", "mean_cash", "total_return", "n",
    "periods_per_year", "windows", "windows_fell_back",
)  # fmt: skip
"""Measures of a cell that a certificate keeps."""
BOUNDS: Mapping[str, tuple[str, ...]] = {
    "caps": ("allocation.limits", "allocation.layers", "allocation.neutrality"),
    "volatility": ("allocation.l2", "regime", "risk"),
    "friction": ("costs", "execution"),
    "windows": ("windows", "data"),
    "thresholds": ("selection", "universe", "promotion"),
}
"""Bound -> sections of the profile that hold it."""
REFERENCE = "v4"
"""The selection that others are compared with (R-TRN-06)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedCell:
    """One cell: its status, its digest (or why it failed), and its figures by name; None what has no value."""

    status: str
    leaf: str
    baseline: bool
    figures: Mapping[str, float | None]

    @classmethod
    def of(cls, cell: RecordedCell) -> Self:
        """Return what is kept of a cell's outcome."""
        figures = {name: getattr(cell.measures, name) for name in FIGURES}
        return cls(status=cell.status, leaf=cell.leaf, baseline=cell.baseline, figures=figures)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Certificate:
    """The performance matrix and bounds of one release of a profile.

    Parameters
    ----------
    version, code : of tvquant: what people call it, and the digest of its source files.
    result, snapshot : digests of the run.
    grid : its size and what was left out (`GridSize.payload`).
    bounds : bound -> dotted key -> value.
    stability : selection -> mean overlap (Jaccard) of winners of two decisions that follow each other.
    excess : `time`, and a column per cell that has returns: less the risk-free rate, per row.
    """

    profile: str
    run: str
    made: datetime
    version: str
    code: str
    result: str
    snapshot: str
    confidence: float
    block: int
    seed: int
    grid: Mapping[str, Any]
    bounds: Mapping[str, Mapping[str, Any]]
    cells: Mapping[str, CertifiedCell]
    stability: Mapping[str, float | None]
    excess: pl.DataFrame

    def document(self) -> dict[str, Any]:
        """Return all but the returns, JSON-able."""
        named = ("profile", "run", "version", "code", "result", "snapshot", "confidence", "block", "seed")
        return {
            "schema": SCHEMA,
            **{name: getattr(self, name) for name in named},
            "made": self.made.isoformat(),
            "grid": dict(self.grid),
            "bounds": {name: dict(keys) for name, keys in self.bounds.items()},
            "stability": dict(self.stability),
            "cells": {key: asdict(cell) for key, cell in self.cells.items()},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], excess: pl.DataFrame) -> Self:
        """Return the certificate of a document and its returns.

        Raises
        ------
        KeyError, TypeError, ValueError : it is of another schema.
        """
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']}, and this version reads {SCHEMA}")
        given = {name: value for name, value in document.items() if name != "schema"}
        cells = {key: CertifiedCell(**cell) for key, cell in given.pop("cells").items()}
        return cls(**given | {"made": datetime.fromisoformat(given["made"])}, cells=cells, excess=excess)


def certificate_of(run: RunData) -> Certificate:
    """Return the certificate of a finished run.

    Raises
    ------
    Absent : the ledger lacks a part of it.
    """
    profile, plan, result = run.profile, run.plan, run.result
    if plan is None or result is None:
        raise Absent("a run that is not finished cannot be certified")
    played = [cell for cell in run.cells if cell.why is None]
    return Certificate(
        profile=run.profile_name,
        run=run.run_id,
        made=run.began,
        version=VERSION,
        code=run.code,
        result=result,
        snapshot=plan.snapshot_digest,
        confidence=profile.promotion.confidence,
        block=profile.promotion.block,
        seed=profile.seed,
        grid=run.grid.payload(),
        bounds=bounds_of(profile),
        cells={cell.key: CertifiedCell.of(cell) for cell in run.cells},
        stability=_stability(run, [cell for cell in played if not cell.baseline]),
        excess=_excess(run, played),
    )


def bounds_of(profile: Profile) -> dict[str, dict[str, Any]]:
    """Return bound -> dotted key -> value, of everything that bounds what a profile does."""
    values = profile.values()
    return {name: dict(_leaves(values, keys)) for name, keys in BOUNDS.items()}


def _leaves(values: Mapping[str, Any], keys: Iterable[str]) -> Iterable[tuple[str, Any]]:
    for key in keys:
        found: Any = values
        for part in key.split("."):
            found = found[part]
        if isinstance(found, Mapping):
            yield from ((f"{key}.{name}", value) for name, value in found.items())
        else:
            yield key, found


def _stability(run: RunData, strategies: Sequence[RecordedCell]) -> dict[str, float | None]:
    """Return selection -> mean Jaccard index of its winners and those before; None where none follow each other."""
    first = {cell.key.split("/")[0]: cell for cell in reversed(strategies)}
    found: dict[str, float | None] = {}
    for name, cell in sorted(first.items()):
        mean = run.steadiness(cell)["jaccard"].mean()
        found[name] = float(mean) if isinstance(mean, float) else None
    return found


def _excess(run: RunData, cells: Sequence[RecordedCell]) -> pl.DataFrame:
    """Return `time` and the returns of each cell less the risk-free rate; null where a cell has no row."""
    frames = [
        pl.DataFrame({"time": one.times, one.name: one.risk_free.excess(one.returns)}) for one in tracks_of(run, cells)
    ]
    whole = frames[0]
    for one in frames[1:]:
        whole = whole.join(one, on="time", how="full", coalesce=True)
    return whole.sort("time")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A cell that changed: its Sharpe ratio now less before on common dates; `lacking` says why there is none."""

    key: str
    before: CertifiedCell
    now: CertifiedCell
    found: PairedDifference | None
    lacking: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Changes:
    """What a certification changed against the one before.

    Parameters
    ----------
    came, went : cells that only the later, and only the earlier one has.
    bounds : dotted key -> its value before and now.
    data, code : whether the snapshot and the source files are others.
    """

    changed: tuple[Delta, ...]
    came: tuple[str, ...]
    went: tuple[str, ...]
    bounds: Mapping[str, tuple[Any, Any]]
    data: bool
    code: bool

    @property
    def nothing(self) -> bool:
        """Whether every cell is what it was."""
        return not (self.changed or self.came or self.went)


def changes(now: Certificate, before: Certificate) -> Changes:
    """Return what differs from an earlier certificate of the profile; cells of equal digest are not compared."""
    both = [key for key in now.cells if key in before.cells]
    differ = [key for key in both if now.cells[key].leaf != before.cells[key].leaf]
    sections = {name: (before.bounds.get(name, {}), keys) for name, keys in now.bounds.items()}
    return Changes(
        changed=tuple(_delta(now, before, key, looks=len(differ)) for key in differ),
        came=tuple(key for key in now.cells if key not in before.cells),
        went=tuple(key for key in before.cells if key not in now.cells),
        bounds={
            key: (old.get(key), keys.get(key))
            for old, keys in sections.values()
            for key in sorted({*old, *keys})
            if old.get(key) != keys.get(key)
        },
        data=now.snapshot != before.snapshot,
        code=now.code != before.code,
    )


def _delta(now: Certificate, before: Certificate, key: str, *, looks: int) -> Delta:
    found, lacking = _paired((now, key), (before, key), looks=looks)
    return Delta(key=key, before=before.cells[key], now=now.cells[key], found=found, lacking=lacking)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """One selection under one risk profile of one engine, in the first book, beside the reference selection."""

    selection: str
    engine: str
    risk_profile: str
    cell: CertifiedCell
    stability: float | None
    found: PairedDifference | None
    lacking: str = ""


def versions(of: Certificate) -> tuple[VersionRow, ...]:
    """Return every selection x risk profile x engine in the first book, with its difference from the reference.

    The intervals hold together over all that are compared.
    """
    mine = _first_book(of)
    looks = max(sum(s != REFERENCE and (REFERENCE, e, r) in mine for s, e, r in mine), 1)
    rows = []
    for (selection, engine, risk), key in sorted(mine.items(), key=lambda one: (one[0][1], one[0][2], one[0][0])):
        found, lacking = None, ""
        if selection != REFERENCE:
            found, lacking = _against(of, key, mine.get((REFERENCE, engine, risk)), looks)
        rows.append(
            VersionRow(
                selection=selection, engine=engine, risk_profile=risk, cell=of.cells[key],
                stability=of.stability.get(selection), found=found, lacking=lacking,
            )
        )  # fmt: skip
    return tuple(rows)


def _own_book(of: Certificate, books: Sequence[str]) -> str:
    """Return the book that is compared in: the first simulator of the profile, at its own costs."""
    simulators = of.bounds["friction"].get("execution.simulators") or ()
    return next((name for name in simulators if name in books), books[0])


def _against(of: Certificate, key: str, other: str | None, looks: int) -> tuple[PairedDifference | None, str]:
    if other is None:
        return None, f"{REFERENCE} has no such cell"
    return _paired((of, key), (of, other), looks=looks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The strategy of the highest Sharpe ratio, and what that is worth as the best of so many.

    Parameters
    ----------
    trials : paths that compete; simulators and costs settle one again, and are none.
    expected : what the highest of so many is expected to be by luck alone; None of one.
    deflated : probability that the true ratio is above that; None where it is not known.
    """

    key: str
    sharpe: float
    trials: int
    expected: float | None
    deflated: float | None


def best(of: Certificate) -> Best | None:
    """Return the best strategy in the first book, its Sharpe ratio deflated by the trials; None where none has one.

    Baselines are no trials, and neither are variants of the headline.
    """
    figures = {key: of.cells[key].figures for key in _first_book(of).values()}
    ranked = {key: sharpe for key, found in figures.items() if (sharpe := found["sharpe"]) is not None}
    if not ranked:
        return None
    key = max(ranked, key=lambda key: ranked[key])
    expected, error = expected_best(tuple(ranked.values())), figures[key]["sharpe_se"]
    deflated = None if expected is None or not error else probabilistic_sharpe(ranked[key] - expected, error)
    return Best(key=key, sharpe=ranked[key], trials=len(ranked), expected=expected, deflated=deflated)


def _first_book(of: Certificate) -> dict[tuple[str, str, str], str]:
    """Return the strategies in the first book by selection, engine and risk profile."""
    parts = {key: key.split("/") for key, cell in of.cells.items() if not cell.baseline}
    first = {key: found for key, found in parts.items() if len(found) == 4}
    if not first:
        return {}
    book = _own_book(of, [found[3] for found in first.values()])
    return {(s, e, r): key for key, (s, e, r, b) in first.items() if b == book}


type _Cell = tuple[Certificate, str]


def _paired(one: _Cell, other: _Cell, *, looks: int) -> tuple[PairedDifference | None, str]:
    """Return how much better the first of two cells did on the dates of both, or why that is not known."""
    of, _ = one
    try:
        both = _column(*one).join(_column(*other), on="time", how="inner").drop_nulls()
        return (
            paired_difference(
                np.ascontiguousarray(both.drop("time").to_numpy()),
                statistic="sharpe_difference",
                periods_per_year=_periods(of),
                confidence=1.0 - (1.0 - of.confidence) / looks,
                block=of.block,
                seed=of.seed,
            ),
            "",
        )
    except (Absent, ModelError) as error:
        return None, str(error)


def _column(of: Certificate, key: str) -> pl.DataFrame:
    """Return `time` and the excess returns of a cell, named apart for a join."""
    if key not in of.excess.columns:
        raise Absent(f"{of.cells[key].leaf}" if key in of.cells else f"no cell {key}")
    name = f"{of.run} {key}"
    return of.excess.select("time", pl.col(key).alias(name)).drop_nulls().filter(pl.col(name).is_finite())


def _periods(of: Certificate) -> int:
    counted = [cell.figures["periods_per_year"] for cell in of.cells.values()]
    return int(np.nanmax([value or np.nan for value in counted]))
