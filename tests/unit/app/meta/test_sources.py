"""The state of a sleeve's data, as its run told it: one count for its user and for the meta-portfolio."""

from types import SimpleNamespace
from typing import Any

from tvquant.app.meta.sources import _health
from tvquant.core.stages import Stage


def run_that_told(**health: Any) -> Any:
    return SimpleNamespace(is_meta=False, stages={Stage.HEALTH: SimpleNamespace(data={"profile_health": health})})


def test_the_assets_of_a_sleeve_are_those_that_its_run_told_of() -> None:
    """An earlier holder of a ticker is none, what a profile leaves out is one, and a register has its say."""
    bad = {"X:A": "stale", "X:B": "stale", "X:C": "DEGRADED: half of its bars are missing"}
    found = _health(run_that_told(healthy=129, total=132, not_healthy=bad))
    assert found == {"DEGRADED": 1, "ok": 129, "stale": 2}
    assert sum(found.values()) == 132
