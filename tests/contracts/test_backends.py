"""The contract of every backend, with workers that are processes: results, losses, errors, and other code refused.

Ray is tried where it can be imported (`make proof` has it in a folder of its own).
"""

import os
from collections.abc import Iterator, Mapping
from itertools import repeat
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from builders.backends import code, code_by_process, dies, dies_once, refused, small_matrix
from tvquant.core.errors import DataError, ModelError
from tvquant.tournament.backends.catalogue import BACKENDS, uninstalled
from tvquant.tournament.backends.contract import LOKY, Cluster
from tvquant.tournament.matrix import NOTHING, Withheld, play_matrix
from tvquant.tournament.workers import LOSSES, Pool

GATE = not os.environ.get("TVQUANT_PROOF")
MANY = 6000

pytestmark = pytest.mark.xdist_group("loky")


class Tables(dict[tuple[str, str], Mapping[str, Any]]):
    """A sink that keeps what it is given."""

    def put_cells(self, cells: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        self.update({(table, key): columns for key, tables in cells.items() for table, columns in tables.items()})


class Told:
    """Who is told of lost workers: it has a lock, as who watches a run has, and so cannot leave its process."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._lock = Lock()

    def take(self, line: str) -> None:
        """Keep a line."""
        with self._lock:
            self.lines.append(line)


@pytest.fixture(scope="module", params=tuple(BACKENDS))
def pool(request: pytest.FixtureRequest) -> Iterator[Pool[int]]:
    """Two processes, this one and a worker; the subject is the number of this one."""
    backend, told = request.param, Told()
    if backend in uninstalled():
        pytest.skip(f"{backend} is not installed")
    with Pool(2, os.getpid(), Cluster(backend=backend, code=code, note=told.take)) as opened:
        opened.told = told.lines  # type: ignore[attr-defined]
        opened.backend = backend  # type: ignore[attr-defined]
        yield opened


def elsewhere(pool: Any, **more: Any) -> Cluster:
    """The cluster of the pool, as one finds it that is running already; loky has none."""
    address = getattr(pool.workers, "address", None)
    return Cluster(backend=pool.backend, address=address, **{"code": code, **more})


@pytest.mark.requirement("R-LED-12")
def test_the_same_result_and_tables_as_on_this_process_alone(pool: Any) -> None:
    if pool.backend == LOKY:
        pytest.skip("`unit/tournament/test_matrix.py` has it")
    found = []
    engine, cells = small_matrix()
    for cluster in (Cluster(), elsewhere(pool)):
        tables, recorder = Tables(), Withheld()
        matrix = play_matrix(
            engine, cells, resumed=NOTHING, recorder=recorder, sink=tables, jobs=1, cluster=cluster,
            progress=int, settled=lambda *_: None,
        )  # fmt: skip
        found.append((matrix.digest, matrix.leaves, {key: str(one) for key, one in tables.items()}))
    assert found[0] == found[1]
    assert len(found[0][1]) == len(cells) > 1


def test_the_error_of_a_task_is_raised_as_it_is(pool: Pool[int]) -> None:
    with pytest.raises(ModelError, match="task 3") as caught:
        list(pool.run(refused, ((number,) for number in range(9))))
    assert type(caught.value) is ModelError


def test_a_worker_with_other_code_is_refused(pool: Any) -> None:
    if pool.backend == LOKY:
        pytest.skip("its workers have the code of this process: they are begun by it, on this machine")
    other = Pool(1, 0, elsewhere(pool, code=code_by_process))
    with (
        pytest.raises(DataError, match=rf"has process \d+, and this process has {os.getpid()}; install the same"),
        other,
    ):
        list(other.run(dies, [(1,)]))


@pytest.mark.requirement("R-TRN-18")
def test_what_a_killed_worker_was_at_is_given_again(pool: Any, tmp_path: Path) -> None:
    if GATE and pool.backend != LOKY:
        pytest.skip("a worker is begun anew, which takes seconds: make proof")
    mark, after = tmp_path / "killed", set()
    pool.told.clear()
    for number, (given, pid) in enumerate(pool.run(dies_once, zip(range(MANY), repeat(mark)))):
        assert given == number
        if mark.exists():
            after.add(pid)
        if len(after) == 2:
            break
    assert len(after) == 2  # a worker came back
    assert any("given again" in line for line in pool.told)


@pytest.mark.skipif(GATE, reason="workers are begun anew three times: make proof")
def test_a_task_that_no_worker_survives_is_refused_by_name(pool: Pool[int]) -> None:
    with pytest.raises(DataError, match=f"^dies [0-9]+: its worker process was killed {LOSSES} times.*--resume"):
        list(pool.run(dies, ((number,) for number in range(MANY))))
