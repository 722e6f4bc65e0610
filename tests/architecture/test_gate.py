"""What the gate itself relies on."""

import gc

import pytest

GROUP = "gate"


@pytest.mark.xdist_group(GROUP)
def test_tests_of_a_group_stay_on_one_worker(request: pytest.FixtureRequest) -> None:
    """Workers find the groups in the ids; where a version of pytest keeps them out, every group is run twice."""
    asked = getattr(request.config.option, "loadgroup", False)  # one process alone has no groups
    assert request.node.nodeid.endswith(f"@{GROUP}") is asked


def test_what_was_collected_is_never_looked_through_for_garbage() -> None:
    """Each look through some ten thousand tests takes as long as many of them; garbage of tests is found as ever."""
    assert gc.get_freeze_count() > 10_000
    assert gc.isenabled()
