"""Evidence of parity that a sleeve must bring: a record of `tvquant parity` on its stream's cell, by this very code.

A sealed ledger takes no more records, so this one stands beside it in the run's folder, and names the run's result and
the code that compared (`parity_record`). What is of another result, another code or another cell is no evidence.
"""

from collections.abc import Mapping

from tvquant.app.identity import source_digest
from tvquant.app.meta.sources import cell_of
from tvquant.app.parity_record import record_of
from tvquant.core.errors import DataError
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles.sections.sleeves import StreamsSection
from tvquant.tournament.sleeves.gates import Gate

PARITY = "parity"
"""Name of the gate."""


def parity_gates(runs: Mapping[str, RecordedRun], streams: StreamsSection, risk_profile: str) -> tuple[Gate, ...]:
    """Return a gate for each sleeve: whether simulators were found to keep the same book of its stream (R-META-16)."""
    return tuple(_gate(name, run, cell_of(run, streams, risk_profile)) for name, run in runs.items())


def _gate(name: str, run: RecordedRun, cell: str) -> Gate:
    lacking, found = _judged(run, cell)
    why = lacking or f"{', '.join(found)} keep the same book of {cell} of {run.folder.id} within limits"
    return Gate(name=PARITY, sleeves=(name,), passed=not lacking, found=[*found], limit=None, why=why)


def _judged(run: RecordedRun, cell: str) -> tuple[str, list[str]]:
    """Return what is wrong with the evidence, empty where nothing is, and the simulators that were compared."""
    again = f"`tvquant parity {run.folder.id} --cell {cell}`"
    try:
        record = run.folder.read_json(record_of(cell))
        same = (record["run"], record["cell"], record["result"]) == (run.folder.id, cell, run.sealed)
        by, passed = record["code"], record["passed"] is True
        played = list(next(one["played"] for one in record["settings"] if one["binds"]))
    except (DataError, LookupError, TypeError, StopIteration):
        return f"run {run.folder.id} has no evidence of parity for {cell}: make it by {again}", []
    if not same or by != source_digest():
        return f"its evidence of parity is of another result or of other code: make it anew by {again}", []
    if not passed:
        return f"its simulators do not keep the same book ({'; '.join(map(str, record.get('failures', ())))})", []
    if len(played) < 2:
        return f"its evidence of parity compares nothing: make it anew by {again}", []
    return "", played
