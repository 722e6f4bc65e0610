"""The record of a parity check: one document, and where it and its page stand in the folder of the run.

It stands beside what the ledger answers for: a sealed ledger takes no more records. It names the run's result and the
code that compared, so that it can be told from one of another run or another version.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tvquant.app.workspace import Workspace
from tvquant.core.books import CostModel, Execution
from tvquant.ledger import RunFolder
from tvquant.tournament.parity import Divergence, Pair
from tvquant.tournament.parity_play import Parity, Side, words_of

FOLDER = "parity"


def write_parity(workspace: Workspace, folder: RunFolder, found: Parity, named: Sequence[str]) -> tuple[Path, Path]:
    """Write record and page of a parity check; return where they are.

    One of simulators that were named has their names: it never takes the place of a check of all.

    Raises
    ------
    DataError : the disk refuses, another command writes, or a link leads out of the folder of runs.
    """
    from tvquant.report import write_index
    from tvquant.report.parity_page import write_page_of

    record = record_of(found.cell, named)
    with workspace.writing():
        folder.write_json(record, document(found))
        page = write_page_of(found, folder.path, Path(record).stem)
        write_index(workspace.runs)
    return folder.path / record, page


def record_of(cell: str, named: Sequence[str] = ()) -> str:
    """Return where in a run's folder the record of a cell is, of all simulators or of those that were named."""
    name = cell.replace("/", "+") + (f"@{'+'.join(sorted(set(named)))}" if named else "")
    return f"{FOLDER}/{name}.json"


def document(found: Parity) -> dict[str, Any]:
    """Return a parity check as one JSON document."""
    return {
        "run": found.run,
        "cell": found.cell,
        "result": found.result,
        "code": found.code,
        "passed": not found.failed,
        "failures": [words_of(pair) for pair in found.failed],
        "limits": found.limits.model_dump(mode="json"),
        "versions": dict(found.versions),
        "uninstalled": dict(found.uninstalled),
        "settings": [_side(one) for one in found.sides],
    }


def _side(one: Side) -> dict[str, Any]:
    setting = one.setting
    return {
        "setting": setting.name.value,
        "binds": setting.binds,
        "execution": _rules(setting.execution),
        "costs": _rules(setting.costs),
        "off": list(setting.off),
        "played": list(one.played),
        "refused": dict(one.refused),
        "annual_bps": one.annual_bps,
        "final_bps": one.final_bps,
        "pairs": [_pair(pair) for pair in one.pairs],
    }


def _rules(rules: Execution | CostModel) -> dict[str, Any]:
    """Return rules by name; a series says that it is one."""
    return {name: "series" if isinstance(value, np.ndarray) else value for name, value in asdict(rules).items()}


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "first": pair.first,
        "second": pair.second,
        "within_limits": pair.passed,
        "bars": len(pair.times),
        "figures": [asdict(one) | {"passed": one.passed} for one in pair.figures],
        "divergence": None if pair.divergence is None else _divergence(pair.divergence),
        "annual_bps": pair.annual_bps,
        "final_bps": pair.final_bps,
    }


def _divergence(at: Divergence) -> dict[str, Any]:
    return asdict(at) | {"time": str(at.time), "since": None if at.since is None else str(at.since)}
