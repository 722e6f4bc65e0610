"""What a stage is, and how a run plays it: intent, work, gate, outcome."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from tvquant.app.progress import Watcher
from tvquant.core.errors import DataError, TvquantError
from tvquant.core.records import RUN, Entry, Recorder
from tvquant.core.stages import Stage


class Played(Protocol):
    """What stages of one run share: a run's context, or that of a meta-portfolio's run."""

    finished: set[int]

    @property
    def recorder(self) -> Recorder:
        """The run's ledger."""
        ...

    @property
    def progress(self) -> Watcher:
        """Who is told."""
        ...

    @property
    def digests(self) -> Mapping[str, str]:
        """Digests that stages name as their inputs."""
        ...


@dataclass(slots=True)
class Outcome:
    """What a stage records at its end; it is filled while the stage works, so that a failure keeps what was found."""

    outputs: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStage[Context: Played]:
    """One stage of a run.

    Parameters
    ----------
    number : its place in the production flow.
    pillar : the pillar that it serves (R-ORC-05).
    what : one line for people.
    inputs : names of the digests that its intent records (`Played.digests`).
    run : the work; later stages find what it made in the run's folder or in the context.
    gate : raises where the run may not go on from what the stage left in the folder; a resumed run passes it again.
    """

    number: Stage
    pillar: int | None
    what: str
    inputs: tuple[str, ...] = ()
    run: Callable[[Context, Outcome], None]
    gate: Callable[[Context], None] | None = None


def play[Context: Played](stage: RunStage[Context], context: Context) -> None:
    """Play one stage unless the ledger says that it was played; its gate is passed either way.

    Raises
    ------
    TvquantError : of the stage or its gate.
    """
    if stage.number in context.finished:
        if stage.gate is not None:
            stage.gate(context)
        return
    context.progress.stage(stage.number, stage.number.label)
    with recorded(stage, context.recorder, context.digests) as outcome:
        stage.run(context, outcome)
        if stage.gate is not None:
            stage.gate(context)
    context.finished.add(stage.number)


@contextmanager
def recorded(stage: RunStage[Any], recorder: Recorder, digests: Mapping[str, str]) -> Iterator[Outcome]:
    """Record the intent, run the body, record the outcome: played, or failed with the reason.

    Raises
    ------
    TvquantError : of the body; also where the failure itself cannot be recorded any more.
    """
    outcome, inputs = Outcome(), {name: digests[name] for name in stage.inputs}
    about = {"stage": stage.number.label, "what": stage.what}
    recorder.record(_entry(stage, "intent", inputs=inputs, data=about))
    try:
        yield outcome
    except TvquantError as error:
        outcome.data["why"] = str(error)
        with suppress(DataError):  # what stopped the stage is raised, not that the disk takes no record of it
            recorder.record(_ended(stage, outcome, "failed"))
        raise
    recorder.record(_ended(stage, outcome, "played"))


def _ended(stage: RunStage[Any], outcome: Outcome, status: str) -> Entry:
    metrics = {"status": status, **outcome.metrics}
    return _entry(stage, "outcome", outputs=outcome.outputs, metrics=metrics, data=outcome.data)


def _entry(stage: RunStage[Any], kind: str, **fields: Any) -> Entry:
    return Entry(chain=RUN, stage=stage.number, pillar=stage.pillar, kind=kind, **fields)
