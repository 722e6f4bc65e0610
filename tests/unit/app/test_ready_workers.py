from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tvquant.app import ready_workers, warm
from tvquant.app.ahead import marker
from tvquant.app.ready_workers import get_ready
from tvquant.statistics import nulls
from tvquant.tournament.backends import loky
from tvquant.tournament.backends.contract import Cluster


@pytest.fixture(autouse=True)
def cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))


@pytest.mark.parametrize(("compiled", "counts", "keys"), [
    (True, (33, 33), {("adx", 120), ("hurst", 32), ("hurst", 47), ("entropy", 45), ("cumulants", 45)}),
    (False, (33, 33), set()),
    (True, (5, 33), None),
])  # fmt: skip
def test_workers_draw_noise_for_this_process_and_load_what_tasks_use(
    monkeypatch: pytest.MonkeyPatch, compiled: bool, counts: tuple[int, int], keys: set[tuple[str, int]] | None
) -> None:
    """Nothing is drawn while kernels are compiled; what fails beside is not taken, and stops nothing."""
    taken: list[nulls.Drawn] = []
    warmed: list[int] = []
    monkeypatch.setattr(nulls, "take", taken.append)
    monkeypatch.setattr(warm, "warm_up", lambda: warmed.append(1))
    monkeypatch.setattr(ready_workers, "RETURNS", counts)
    if compiled:
        marker().touch()
    with ThreadPoolExecutor(1) as workers:
        monkeypatch.setattr(loky, "start", {3: workers}.__getitem__)
        get_ready(3)
    assert warmed == [1, 1]
    assert len(taken) == (keys is not None)
    assert all(keys <= one.keys() and bool(keys) == bool(one) for one in taken if keys is not None)


def test_one_process_alone_and_a_cluster_need_no_workers_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loky, "start", lambda _: pytest.fail("started"))
    get_ready(1)
    get_ready(2, Cluster(backend="dask"))
