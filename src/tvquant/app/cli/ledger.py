"""`tvquant ledger`: what a run recorded, and whether the record is whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvquant.app.cli import ledger_anchor, ledger_replay, ledger_trace
from tvquant.app.cli.command_tree import Family
from tvquant.app.cli.console import JsonOption, RunArgument, WorkspaceOption, answer, workspace_at
from tvquant.app.cli.exit_codes import Answered
from tvquant.app.cli.tables import table
from tvquant.core.errors import LedgerError, ProfileError
from tvquant.ledger import RunFolder

if TYPE_CHECKING:
    from tvquant.ledger import Verification

commands = Family(help="The ledger of a run: show it, verify it, anchor it, compute it again.")


@commands.command()
def show(
    name: RunArgument,
    chain: Annotated[str | None, typer.Option(help="Only this chain: `run`, or the key of a cell.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind: intent, outcome, snapshot, plan ...")] = None,
    last: Annotated[int | None, typer.Option(min=1, help="Only the last N of these.")] = None,
    window: Annotated[int | None, typer.Option(metavar="N", help="One window, from its data to its return.")] = None,
    cell: Annotated[str | None, typer.Option(metavar="KEY", help="That window of this cell, not the headline.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """The records of a run in order, or what they say of one window."""
    from tvquant.ledger import encode, records

    folder = workspace_at(workspace).run(name)
    if window is not None or cell is not None:
        _show_window(folder, window, cell, others=(chain, kind, last), as_json=as_json)
        return
    found = list(records(folder.path, chain=chain, kind=kind))[-(last or 0) :]
    rows = [(r.n, f"{r.at:%H:%M:%S}", r.chain, r.stage, r.kind, _summary(r), r.digest[:12]) for r in found]
    document = [{name: encode(getattr(r, name)) for name in r.__slots__} for r in found] if as_json else None
    head = ("n", "at", "chain", "stage", "kind", "what", "digest")
    answer(document, table(head, rows, right=(0, 3)), as_json=as_json)


def _show_window(
    folder: RunFolder, window: int | None, cell: str | None, *, others: tuple[object, ...], as_json: bool
) -> None:
    """Print one window of a cell in words."""
    from tvquant.app.window_trace import trace
    from tvquant.ledger.recorded_run import RecordedRun

    if window is None or any(one is not None for one in others):
        raise ProfileError("--window N shows one window, of --cell KEY if given; it takes no --chain, --kind or --last")
    found = trace(RecordedRun(folder), window, cell)
    answer(ledger_trace.document(found) if as_json else None, ledger_trace.text(found), as_json=as_json)


@commands.command()
def verify(
    name: RunArgument,
    anchor: Annotated[Path | None, typer.Option(metavar="FILE", help="Hold it against its anchors in a file.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute every hash, of the ledger and of the files that it answers for; exit 1 unless all is as recorded."""
    from tvquant.ledger import Integrity
    from tvquant.ledger.recorded_run import RecordedRun

    folder = workspace_at(workspace).run(name)
    run = RecordedRun(folder)
    found, held = run.verification, None if anchor is None else ledger_anchor.held(anchor, run)
    document: dict[str, Any] = {
        "run": folder.id,
        "status": found.status.value,
        "sealed": found.sealed,
        "records": found.records,
        "chains": {chain: {"length": tip.length, "head": tip.digest} for chain, tip in found.chains.items()},
        "why": found.first_bad.why if found.first_bad else None,
        "unpaired": [finding.why for finding in found.unpaired],
        "files": len(found.held),
        "altered": [{"file": one.file, "why": one.why} for one in found.altered],
        **({} if held is None else {"anchor": {"at": held.at, "changed": list(held.changed)}}),
    }
    text = f"{folder.id}: {found.status.value}, {found.records} records in {len(found.chains)} chains, "
    text += f"{len(found.held)} files" if found.held else "no file: an earlier version made it, so none is verified"
    if found.first_bad:
        text += f"\n  line {found.first_bad.line}: {found.first_bad.why}"
    text += "".join(f"\n  {finding.why}" for finding in found.unpaired)
    text += "".join(f"\n  {one.file} {one.why}" for one in found.altered)
    text += "" if held is None else f"\n  {held.told}"
    answer(document, text, as_json=as_json)
    if found.status is not Integrity.OK:
        raise Answered(LedgerError, _wrong(folder.id, found))
    if held is not None and held.changed:
        raise Answered(LedgerError, f"run {folder.id} is not the one that was anchored {held.at}: {held.changed[0]}")


for command in (ledger_anchor.anchor, ledger_replay.replay):
    commands.command()(command)


def _wrong(run: str, found: "Verification") -> str:
    """Return what is wrong, in one line."""
    if found.status.value != "altered":
        return f"the ledger of {run} is {found.status.value}"
    first, *others = found.altered
    more = f" (and {len(others)} more)" if others else ""
    return f"run {run} is altered: {first.file} {first.why}{more}"


def _summary(record: Any) -> str:
    """Return the few values that distinguish a record from the next."""
    match record.kind:
        case "genesis":
            return f"profile {record.data['profile']}"
        case "plan":
            return f"plan {record.outputs['plan'][:12]}, snapshot {record.outputs['snapshot'][:12]}"
        case "snapshot":
            return (
                f"window {record.metrics['window']}: {record.metrics['names']} names, cash {record.metrics['cash']:.3f}"
            )
        case "selection" | "context" | "decision":
            return f"window {record.metrics['window']}: {record.outputs[record.kind][:12]}"
        case "gate":
            return f"{record.data['gate']} of {', '.join(record.data['sleeves'])}: {_gate_ended(record)}"
        case "weighing":
            return f"number {record.metrics['number']}: {record.metrics['status']}, cash {record.metrics['cash']:.3f}"
        case "outcome":
            return str(record.metrics.get("status", ""))
        case "times":
            return f"{len(record.data)} paths decided, seconds of computation of each"
        case "seal":
            return f"result {record.outputs['result'][:12]}"
        case _:
            return str(record.data.get("stage", ""))


def _gate_ended(record: Any) -> str:
    """Return whether a gate was passed, and why not."""
    return "passed" if record.data["passed"] else f"not passed, {record.data['why']}"
