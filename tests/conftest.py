"""Fixtures of the whole suite: no network but loopback, and the shared market data when it is there."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import settings

# The gate asks the same questions every time; `make proof` asks new and more ones.
settings.register_profile("gate", deadline=None, derandomize=True)
settings.register_profile("proof", deadline=None, max_examples=1000)
settings.load_profile("proof" if os.environ.get("TVQUANT_PROOF") else "gate")

# Set before any numeric library starts its threads: workers of the suite share two cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

ROOT = Path(__file__).resolve().parents[1]
LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only addresses of this machine may be reached."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise AssertionError(f"a test tried to reach {address!r}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real market data beside the checkout; tests that need it are skipped without it."""
    folder = next((p / "shared" / "data" for p in ROOT.parents if (p / "shared" / "data").is_dir()), None)
    if folder is None:
        pytest.skip("the shared market data are not here")
    return folder
