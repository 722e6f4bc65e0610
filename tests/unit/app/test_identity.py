import re
from datetime import UTC, datetime

from tvquant.app.identity import environment, new_run_id, plan_digest, source_digest
from tvquant.app.workspace import RUN_ID


def test_run_ids_are_directories_and_never_equal() -> None:
    now = datetime(2026, 11, 23, 3, 12, 0, tzinfo=UTC)
    first, second = (new_run_id(now, "demo_sp500") for _ in range(2))
    assert first != second
    assert RUN_ID.fullmatch(first)
    assert first.startswith("20261123T031200-demo_sp500-")


def test_the_plan_depends_on_profile_and_snapshot() -> None:
    base = plan_digest(profile="a", snapshot="b")
    assert base == plan_digest(profile="a", snapshot="b")
    assert len({base, plan_digest(profile="c", snapshot="b"), plan_digest(profile="a", snapshot="c")}) == 3


def test_code_and_environment_are_named() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", source_digest())
    assert {"python", "numpy", "numba", "clarabel", "polars"} <= set(environment())
