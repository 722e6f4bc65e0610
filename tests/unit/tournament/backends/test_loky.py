"""What is loky's own: what all backends have in common is in `contracts/test_backends.py`."""

import os
import pickle
import signal
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import joblib
import pytest

from tvquant.core.errors import DataError
from tvquant.tournament.backends.contract import HERE
from tvquant.tournament.backends.loky import LokyWorkers, _worked, start
from tvquant.tournament.workers import Pool

pytestmark = pytest.mark.xdist_group("loky")

PIPE = 65_536
"""Bytes that a pipe takes at once: who is killed while it waits to send more leaves half a message."""


def vast(parent: int, number: int) -> tuple[int, bytes]:
    if os.getpid() != parent:
        send = Connection._send  # type: ignore[attr-defined]

        def at_once(self: Connection, data: bytes, *more: object) -> None:
            if len(data) > PIPE:
                os.kill(os.getpid(), signal.SIGKILL)
            send(self, data, *more)

        Connection._send = at_once  # type: ignore[attr-defined]
    time.sleep(0.005)
    return os.getpid(), bytes(2 * PIPE)


def takes_memory_for_a_leak() -> bool:
    from joblib.externals.loky import process_executor

    return bool(vars(process_executor)["_USE_PSUTIL"])


def test_a_worker_may_use_memory() -> None:
    takes_memory_for_a_leak()  # a library without this switch has another: KeyError
    assert not start(2).submit(takes_memory_for_a_leak).result()


def test_nothing_is_sent_that_a_kill_could_cut_in_two() -> None:
    with Pool(2, os.getpid()) as pool:
        seen = set()
        for pid, result in pool.run(vast, ((k,) for k in range(6000))):
            assert len(result) == 2 * PIPE
            seen.add(pid)
            if len(seen) == 2:
                break
        assert len(seen) == 2


def test_a_disk_that_refuses_what_processes_share_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the subject, which this process writes, and that of a result, which a worker writes."""
    subject, gone = tmp_path / "subject", tmp_path / "gone"
    joblib.dump(1, subject)
    with pytest.raises(DataError, match=f"^{gone}: No such file.*TMPDIR.*--resume"):
        _worked(subject, max, pickle.dumps((2,)), gone / "result_0")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(joblib, "dump", full)
    monkeypatch.setattr(tempfile, "tempdir", str(folder := tmp_path / "shared"))
    folder.mkdir()
    with pytest.raises(DataError, match=r"/tvquant-[^/]*: No space left on device; what processes share"):
        LokyWorkers(2, 1, HERE)
    assert not list(folder.iterdir())
