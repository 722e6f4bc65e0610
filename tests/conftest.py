"""Fixtures of the whole suite: no network but loopback, and the shared market data when it is there."""

import gc
import os
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import settings

# The gate asks the same questions every time; `make proof` asks new and more ones.
settings.register_profile("gate", deadline=None, derandomize=True, max_examples=50)
settings.register_profile("proof", deadline=None, max_examples=1000)
PROOF = bool(os.environ.get("TVQUANT_PROOF"))
settings.load_profile("proof" if PROOF else "gate")

# Set before any numeric library starts its threads: workers of the suite share two cores.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

if not PROOF:
    # A third of an import's time is waiting for the disk, against a loss of power that no test brings about. That it
    # is waited for, and in which order, `unit/core/test_durable.py` holds; children and the proof wait.
    os.fsync = os.fstat  # type: ignore[assignment]

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 200
"""Characters of a parameter in the id of its test."""
LOOPBACK = ("127.", "::1", "localhost")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without looking for garbage, and never look among the tests again: they live as long as their worker."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests on one worker, which makes what they share and imports what they need once."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.split("::")[0]))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a long text by its length: every report of a worker carries the whole id."""
    return f"{argname} of {len(val)}" if isinstance(val, str | bytes) and len(val) > LONGEST else None


CPU: Counter[str] = Counter()
"""File -> CPU seconds of its tests, with the children that they waited for; under "all" those of whole workers."""
DEAREST = 10
WORTH_TELLING = 0.1
"""Seconds from which the making and clearing of what a test stands on is reported where it went well."""


def _cpu() -> float:
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    begun = _cpu()
    done = yield
    CPU[item.location[0]] += _cpu() - begun  # type: ignore[assignment]
    return done


class Worker:
    """Reports a test in two messages instead of six: each wakes three threads in two processes."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        for report in runtestprotocol(item, log=False, nextitem=nextitem):
            if report.when == "call" or not report.passed or report.duration >= WORTH_TELLING:
                item.ihook.pytest_runtest_logreport(report=report)
        return True


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Worker())


def pytest_sessionfinish(session: pytest.Session) -> None:
    # Workers are children of this process, and what they reported by now is theirs already.
    CPU["all"] += sum(os.times()[: 2 if "all" in CPU else 4])  # type: ignore[assignment]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["cpu"] = dict(CPU)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    CPU.update(getattr(node, "workeroutput", {}).get("cpu", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    dearest = [f"{seconds:7.1f} {file}" for file, seconds in CPU.most_common(DEAREST + 1)]
    terminalreporter.section("CPU seconds of the dearest files")
    terminalreporter.write_line("\n".join(dearest))


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Only addresses of this machine may be reached, by what is made for many tests neither."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise AssertionError(f"a test tried to reach {address!r}")
        connect(self, address)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


FEW = 3
"""Cells of a run that have a page, in this process: all are drawn alike, and to draw eight is half of a small run."""


@pytest.fixture(scope="session", autouse=True)
def own_pages() -> Iterator[int]:
    """How many cells of a run have a page by the product itself; here few have one, but in the proof."""
    from tvquant.report import render

    with pytest.MonkeyPatch.context() as patch:
        own = render.PAGES
        patch.setattr(render, "PAGES", own if PROOF else FEW)
        yield own


@pytest.fixture
def all_pages(own_pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell has its page, as it has for a user."""
    monkeypatch.setattr("tvquant.report.render.PAGES", own_pages)


@pytest.fixture(scope="session")
def vectorbt() -> Any:
    """vectorbt as plain Python: to compile it takes half a minute and more, what is asked of it a second."""
    import numba

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", True)
        import vectorbt
    return vectorbt


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real market data beside the checkout; tests that need it are skipped without it."""
    folder = next((p / "shared" / "data" for p in ROOT.parents if (p / "shared" / "data").is_dir()), None)
    if folder is None:
        pytest.skip("the shared market data are not here")
    return folder
