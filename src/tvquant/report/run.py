"""A run folder as a report sees it: manifest, health, ledger up to validation, result tables. Nothing else is read.

Every file that is drawn from is held against its digest in the ledger first; one that differs, and a ledger of another
run, are refused.

Records of the reporting stage itself, of resumes and the seal are left out, and no time of recording is looked at but
when the run began, so a report that is written again later, or from a copied folder, has the same bytes.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from tvquant.core.errors import DataError, LedgerError
from tvquant.core.records import RUN
from tvquant.core.stages import Stage
from tvquant.core.stamps import Stamp
from tvquant.lake import HealthState
from tvquant.ledger import LedgerRecord, altered, held_by, records
from tvquant.ledger.result_store import ResultStore
from tvquant.profiles import Profile, from_manifest
from tvquant.tournament.cells import headline

DRAWN_FROM = ("manifest.json", "data/health.json", "results/")
"""Files of a run, and how their names begin, that a report says something of."""

type Cell = dict[str, Any]


class Absent(DataError):
    """An artefact that a part of the report needs is not there; the message is fit for the page."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunData:
    """What the run folder holds; what it lacks raises `Absent` when asked for.

    Parameters
    ----------
    run_id, code, began : name of the run, digest of the source files, when it began (from its genesis record).
    cells : one mapping per finished or failed cell, in the order of `standings`.
    stages : outcome records of stages that were played, by number.
    digests : `plan`, `snapshot` and `result`, those that are recorded.
    files : digests of the files that the ledger answers for; none in a run of an earlier version.
    """

    folder: Path
    run_id: str
    code: str
    began: datetime
    cells: tuple[Cell, ...]
    stages: Mapping[int, LedgerRecord]
    digests: Mapping[str, str]
    files: Mapping[str, str]
    _tables: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False)

    def profile(self) -> Profile:
        """The resolved profile of the manifest."""
        return from_manifest(self._json("manifest.json")).profile

    def notices(self) -> tuple[str, ...]:
        """What the profile left to defaults, or asked for in vain."""
        return from_manifest(self._json("manifest.json")).notices

    def health(self) -> list[dict[str, Any]]:
        """One mapping per asset, as the lake told at stage 9."""
        found: list[dict[str, Any]] = self._json("data/health.json")
        return found

    def decision(self) -> Mapping[str, Any]:
        """What the headline cell would hold from the last row on (stage 14)."""
        found: Mapping[str, Any] = self._optimisation()["decision"]
        return found

    def footing(self) -> Mapping[str, Any]:
        """The bar that this decision stands on, as recorded, and `held`: atom id -> weight before it."""
        data = self._optimisation()
        if "held" not in data:
            raise Absent("the ledger's outcome of stage 14 (optimisation) does not name the bar that was decided on")
        return {**data["decision"]["footing"], "held": data["held"]}

    def correlation(self) -> Mapping[str, Any] | None:
        """Atom ids (`atoms`) and correlations (`matrix`) of that decision's winners, or None where there are none."""
        data = self._optimisation()
        if "correlation" not in data:
            raise Absent("the ledger's outcome of stage 14 (optimisation) holds no correlations")
        found: Mapping[str, Any] | None = data["correlation"]
        return found

    def headline(self) -> Cell:
        """Measures of the cell that the profile names primary."""
        key = headline(self.profile())
        cell = next((cell for cell in self.cells if cell["cell"] == key), None)
        if cell is None:
            raise Absent(f"the ledger has no outcome of the headline cell {key}")
        return cell

    def table(self, name: str, cell: str | None = None) -> pl.DataFrame:
        """A result table, whole or of one cell (at least one row then)."""
        where = f"results/{name}.parquet"
        if name not in self._tables:
            self._tables[name] = self._read(name, where)
        frame = self._tables[name]
        if cell is None:
            return frame
        mine = frame.filter(pl.col("cell") == cell)
        if mine.is_empty():
            raise Absent(f"{where} has no row of cell {cell}")
        return mine

    def _read(self, name: str, where: str) -> pl.DataFrame:
        """A table; of a finished run only the file that the ledger answers for, never a shard beside it."""
        try:
            if where in self.files:
                return pl.read_parquet(self.folder / where, glob=False)
            return ResultStore(self.folder / "results").read(name)
        except DataError as error:
            raise Absent(f"{where} is not in the run folder") from error
        except (OSError, pl.exceptions.PolarsError) as error:
            raise Absent(f"{where} cannot be read: it is damaged") from error

    def _optimisation(self) -> Mapping[str, Any]:
        if Stage.OPTIMISATION not in self.stages:
            raise Absent("the ledger has no outcome of stage 14 (optimisation)")
        return self.stages[Stage.OPTIMISATION].data

    def _json(self, name: str) -> Any:
        try:
            return json.loads((self.folder / name).read_text("utf-8"))
        except FileNotFoundError as error:
            raise Absent(f"{name} is not in the run folder") from error
        except (OSError, ValueError) as error:
            raise Absent(f"{name} cannot be read: it is damaged") from error


def read_run(folder: Path) -> RunData:
    """The run in a folder.

    Raises
    ------
    DataError : it has no ledger, or one without a record.
    LedgerError : the ledger cannot be believed, is of another run, or a file is not what the ledger says.
    """
    every = list(records(folder, kind=("genesis", "plan", "outcome")))
    if not every:
        raise DataError("the ledger has no record yet; continue the run with `tvquant run --resume`")
    genesis, found = every[0], [record for record in every if record.stage <= Stage.VALIDATION]
    if genesis.run_id != folder.name:
        raise LedgerError(
            f"the folder {folder.name} holds the ledger of run {genesis.run_id}: a copy under another name is no run; "
            "remove it, or give it its name back"
        )
    held: dict[str, str] = {}
    for record in every:
        held |= held_by(record.chain, record.outputs)
    for one in altered(folder, {name: held[name] for name in held if name.startswith(DRAWN_FROM)}):
        raise LedgerError(
            f"run {folder.name}: {one.file} {one.why}; nothing is drawn from it: put the file back, let "
            f"`tvquant doctor --fix` see whether it can be made again, or run {genesis.data['profile']} anew"
        )
    ended = [record for record in found if record.kind == "outcome"]
    stages = {r.stage: r for r in ended if r.chain == RUN and r.metrics["status"] == "played"}
    digests = {name: r.outputs[name] for r in found if r.kind == "plan" for name in ("plan", "snapshot")}
    if Stage.VALIDATION in stages:
        digests["result"] = stages[Stage.VALIDATION].outputs["result"]
    return RunData(
        folder=folder, run_id=genesis.run_id, code=genesis.inputs["code"], began=genesis.at, stages=stages,
        digests=digests, files=held, cells=_ranked([r for r in ended if r.chain != RUN]),
    )  # fmt: skip


def standings(run: Path) -> list[dict[str, Any]]:
    """One mapping per cell (`cell`, measures, `stamps`, `why` it failed): strategies by Sharpe ratio, then baselines.

    Every mapping has the same keys; what a failed cell did not measure is None.

    Raises
    ------
    DataError, LedgerError : as `read_run`.
    """
    return list(read_run(run).cells)


def stamps_of(cells: tuple[Cell, ...]) -> tuple[Stamp, ...]:
    """Every stamp that any of the cells carries."""
    return tuple(Stamp(stamp) for stamp in sorted({stamp for cell in cells for stamp in cell["stamps"]}))


def health_counts(assets: list[dict[str, Any]]) -> dict[str, int]:
    """How many assets are in each state; the good ones first, states that none is in left out."""
    states = [asset["state"] for asset in assets]
    order = dict.fromkeys([*(state.value for state in HealthState if state.fine), *sorted(set(states))])
    return {state: states.count(state) for state in order if state in states}


def is_fine(asset: dict[str, Any]) -> bool:
    """Whether an asset needs neither repair nor exclusion."""
    return asset["state"] in {state.value for state in HealthState if state.fine}


def _ranked(outcomes: list[LedgerRecord]) -> tuple[Cell, ...]:
    names = dict.fromkeys(name for record in outcomes for name in record.metrics)
    cells = [
        {
            "cell": record.chain,
            **{name: _known(record.metrics.get(name)) for name in names},
            # A failed cell has no measures; a strategy's key has four parts, a baseline's two (`tournament.cells`).
            "baseline": record.metrics.get("baseline", record.chain.count("/") == 1),
            "stamps": list(record.data.get("stamps", ())),
            "why": record.data.get("why"),
        }
        for record in outcomes
    ]
    return tuple(sorted(cells, key=_rank))


def _known(value: Any) -> Any:
    """A measure; None where it has no value, for it is not known then."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _rank(cell: Cell) -> tuple[bool, bool, float, str]:
    sharpe = cell.get("sharpe")
    return (cell["baseline"], sharpe is None, 0.0 if sharpe is None else -sharpe, cell["cell"])
