"""The stages of the production flow that exist, numbered as in R-ORC-01, and how each is recorded."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tvquant.core.errors import DataError, TvquantError
from tvquant.core.records import RUN, Entry, Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage: its number, its name and the pillar it serves (R-ORC-05)."""

    number: int
    name: str
    pillar: int | None
    what: str


STAGES: Mapping[int, Stage] = {
    stage.number: stage
    for stage in (
        Stage(number=1, name="environment", pillar=None, what="check versions and write the manifest"),
        Stage(number=9, name="health", pillar=0, what="audit every asset of the universe, pin the snapshot"),
        Stage(number=14, name="optimisation", pillar=3, what="weights of the headline cell at the as-of date"),
        Stage(number=15, name="validation", pillar=3, what="walk every cell forward over the windows"),
        Stage(number=16, name="reporting", pillar=None, what="write the report and INDEX.md"),
    )
}


@dataclass(slots=True)
class Said:
    """What a stage says at its end; the stage fills it while it works."""

    outputs: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)


class StageLog:
    """Records intent and outcome of stages; on resume it knows which were finished."""

    def __init__(self, recorder: Recorder, finished: Iterable[int] = ()) -> None:
        self.recorder = recorder
        self.finished = set(finished)

    @contextmanager
    def stage(self, number: int, inputs: Mapping[str, str] | None = None) -> Iterator[Said]:
        """Record the intent, run the body, record the outcome: played, or failed with the reason.

        Raises
        ------
        TvquantError : of the body; also where the failure itself cannot be recorded any more.
        """
        stage, said = STAGES[number], Said()
        self.recorder.record(
            Entry(
                chain=RUN,
                stage=number,
                pillar=stage.pillar,
                kind="intent",
                inputs=inputs or {},
                data={"stage": stage.name, "what": stage.what},
            )
        )
        try:
            yield said
        except TvquantError as error:
            said.data["why"] = str(error)
            with suppress(DataError):  # what stopped the stage is said, not that the disk takes no word about it
                self._outcome(stage, said, "failed")
            raise
        self._outcome(stage, said, "played")

    def _outcome(self, stage: Stage, said: Said, status: str) -> None:
        self.recorder.record(
            Entry(chain=RUN, stage=stage.number, pillar=stage.pillar, kind="outcome", outputs=said.outputs,
                  metrics={"status": status, **said.metrics}, data=said.data)
        )  # fmt: skip
        self.finished.add(stage.number)
