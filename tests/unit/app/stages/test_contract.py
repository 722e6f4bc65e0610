from dataclasses import replace

import pytest

from tvquant.app.run_context import RunContext
from tvquant.app.stages.catalogue import DATA_STAGES, SNAPSHOT_STAGES, STAGES
from tvquant.app.stages.contract import Outcome, RunStage, play, recorded
from tvquant.core.errors import DataError
from tvquant.core.records import RUN, Entry
from tvquant.core.stages import Stage


class Kept:
    """Keeps entries in order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def record(self, entry: Entry) -> str:
        self.entries.append(entry)
        return ""


class Context:
    """What `play` looks at of a run."""

    def __init__(self, *finished: Stage) -> None:
        self.finished: set[int] = set(finished)
        self.recorder = Kept()
        self.digests = {"snapshot": "x", "plan": "y"}
        self.announced: list[tuple[int, str]] = []
        self.progress = self

    def stage(self, number: int, name: str) -> None:
        self.announced.append((number, name))


def counts(_: RunContext, outcome: Outcome) -> None:
    outcome.metrics["assets"] = 3


def never(*_: object) -> None:
    raise DataError("nothing is left")


HEALTH = RunStage(number=Stage.HEALTH, pillar=0, what="audit", inputs=("snapshot",), run=counts)


def test_stages_stand_in_the_order_of_the_flow_and_the_pin_between_the_data_cycle_and_the_rest() -> None:
    numbers = [stage.number for stage in STAGES]
    assert numbers == sorted(set(numbers))
    assert max(stage.number for stage in DATA_STAGES) <= Stage.SELF_HEALING < min(s.number for s in SNAPSHOT_STAGES)


@pytest.mark.requirement("R-LED-03")
def test_intent_and_outcome_are_recorded() -> None:
    context = Context()
    play(HEALTH, context)  # type: ignore[arg-type]
    intent, outcome = context.recorder.entries
    assert (intent.chain, intent.kind, intent.stage, intent.pillar) == (RUN, "intent", 9, 0)
    assert (intent.inputs, intent.data) == ({"snapshot": "x"}, {"stage": "health", "what": "audit"})
    assert (outcome.kind, outcome.stage, outcome.pillar) == ("outcome", 9, 0)
    assert outcome.metrics == {"status": "played", "assets": 3}
    assert context.finished == {9}
    assert context.announced == [(9, "health")]


def test_a_stage_that_was_played_is_neither_played_nor_recorded_again_but_passes_its_gate() -> None:
    context = Context(Stage.HEALTH)
    play(replace(HEALTH, run=never), context)  # type: ignore[arg-type]
    assert (context.recorder.entries, context.announced) == ([], [])
    with pytest.raises(DataError, match="nothing is left"):
        play(replace(HEALTH, gate=never), context)  # type: ignore[arg-type]


@pytest.mark.requirement("R-LED-03")
@pytest.mark.parametrize(("broken", "found"), [("run", {}), ("gate", {"assets": 3})])
def test_a_failure_is_an_outcome_with_its_reason_and_what_was_found_before(broken: str, found: dict[str, int]) -> None:
    context = Context()
    with pytest.raises(DataError):
        play(replace(HEALTH, **{broken: never}), context)  # type: ignore[arg-type]
    assert context.recorder.entries[-1].metrics == {"status": "failed", **found}
    assert context.recorder.entries[-1].data == {"why": "nothing is left"}
    assert context.finished == set()


def test_a_failure_that_cannot_be_recorded_is_said_itself() -> None:
    class Full(Kept):
        """Takes one entry."""

        def record(self, entry: Entry) -> str:
            if self.entries:
                raise DataError("the ledger is full")
            return super().record(entry)

    with pytest.raises(DataError, match="no candidate"), recorded(HEALTH, Full(), {"snapshot": "x"}):
        raise DataError("no candidate")
    with pytest.raises(DataError, match="the ledger is full"), recorded(HEALTH, Full(), {"snapshot": "x"}):
        pass
