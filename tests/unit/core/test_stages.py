import pickle

from tvquant.core.stages import Stage


def test_the_flow_has_sixteen_stages_in_order_each_with_its_name() -> None:
    assert [int(stage) for stage in Stage] == list(range(1, 17))
    assert len({stage.label for stage in Stage}) == 16
    assert [Stage(number).label for number in (1, 9, 10, 14, 15, 16)] == [
        "environment", "health", "self-healing", "optimisation", "validation", "reporting",
    ]  # fmt: skip


def test_a_stage_is_written_as_its_number_and_crosses_processes() -> None:
    assert f"{Stage.HEALTH:>2}" == " 9"
    assert pickle.loads(pickle.dumps(Stage.VALIDATION)) is Stage.VALIDATION
