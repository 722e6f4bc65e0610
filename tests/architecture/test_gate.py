"""What the gate itself relies on."""

import pytest

GROUP = "gate"


@pytest.mark.xdist_group(GROUP)
def test_tests_of_a_group_stay_on_one_worker(request: pytest.FixtureRequest) -> None:
    """Workers find the groups in the ids; where a version of pytest keeps them out, every group is run twice."""
    asked = getattr(request.config.option, "loadgroup", False)  # one process alone has no groups
    assert request.node.nodeid.endswith(f"@{GROUP}") is asked
