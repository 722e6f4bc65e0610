import pytest

from tvquant.app.stages import STAGES, StageLog
from tvquant.core.errors import DataError
from tvquant.core.records import RUN, Entry


class Kept:
    """Keeps entries in order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def record(self, entry: Entry) -> str:
        self.entries.append(entry)
        return ""


def test_stages_are_numbered_as_in_the_production_flow() -> None:
    assert list(STAGES) == sorted(STAGES)
    assert {n: s.name for n, s in STAGES.items()}.items() >= {9: "health", 15: "validation", 16: "reporting"}.items()


@pytest.mark.requirement("R-LED-03")
def test_intent_and_outcome_are_recorded() -> None:
    kept = Kept()
    log = StageLog(kept)
    with log.stage(9, {"snapshot": "x"}) as said:
        said.metrics["assets"] = 3
    intent, outcome = kept.entries
    assert (intent.chain, intent.kind, intent.stage, intent.pillar, intent.inputs) == (
        RUN,
        "intent",
        9,
        0,
        {"snapshot": "x"},
    )
    assert (outcome.kind, outcome.metrics) == ("outcome", {"status": "played", "assets": 3})
    assert log.finished == {9}


@pytest.mark.requirement("R-LED-03")
def test_a_failure_is_an_outcome_with_its_reason() -> None:
    kept = Kept()
    with pytest.raises(DataError), StageLog(kept).stage(15):
        raise DataError("nothing to hold")
    assert kept.entries[-1].metrics == {"status": "failed"}
    assert kept.entries[-1].data == {"why": "nothing to hold"}


def test_a_failure_that_cannot_be_recorded_is_said_itself() -> None:
    class Full(Kept):
        """Takes one entry."""

        def record(self, entry: Entry) -> str:
            if self.entries:
                raise DataError("the ledger is full")
            return super().record(entry)

    with pytest.raises(DataError, match="no candidate"), StageLog(Full()).stage(15):
        raise DataError("no candidate")
    with pytest.raises(DataError, match="the ledger is full"), StageLog(Full()).stage(15):
        pass
