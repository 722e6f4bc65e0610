"""What the gate itself relies on."""

import contextlib
import gc
import io
from pathlib import Path

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


BROKEN = """
import pytest, time

@pytest.fixture
def broken(): raise OSError

@pytest.fixture
def slow(): time.sleep(0.11)

@pytest.fixture
def left(): yield; raise OSError

def test_passes(): pass
def test_fails(): assert False
def test_stands_on_nothing(broken): pass
def test_waits(slow): pass
def test_leaves_something(left): pass
@pytest.mark.skip
def test_is_left_out(): pass
@pytest.mark.xfail(strict=True)
def test_is_known_to_fail(): pass
"""


def test_a_worker_reports_whatever_did_not_go_well(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    told = []

    class Master:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            told.append((report.head_line.removeprefix("test_"), report.when, report.outcome))

    (tmp_path / "test_broken.py").write_text(BROKEN)
    suite = pytestconfig.pluginmanager.get_plugin(str(Path(__file__).parents[1] / "conftest.py"))
    with contextlib.redirect_stdout(io.StringIO()):
        said = pytest.main(["-p", "no:xdist", "--rootdir", str(tmp_path), str(tmp_path)], [suite.Worker(), Master()])
    assert said == pytest.ExitCode.TESTS_FAILED
    assert told == [
        ("passes", "call", "passed"),
        ("fails", "call", "failed"),
        ("stands_on_nothing", "setup", "failed"),
        ("waits", "setup", "passed"),
        ("waits", "call", "passed"),
        ("leaves_something", "call", "passed"),
        ("leaves_something", "teardown", "failed"),
        ("is_left_out", "setup", "skipped"),
        ("is_known_to_fail", "call", "failed"),
    ]
