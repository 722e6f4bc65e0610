"""A pipeline over an empty lake; tests here share `table_provider.py`, which importlib mode leaves off the path."""

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from builders.clocks import ManualClock
from tvquant.lake import Lake
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.registry import RegistryManager

sys.path.insert(0, str(Path(__file__).parent))
from table_provider import BTC, ETH, NOW, TableProvider, day, made_bars, walk


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lakehouse")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def registry(lake: Lake) -> RegistryManager:
    return RegistryManager(lake.root / ".registry.json")


@pytest.fixture
def provider() -> TableProvider:
    """Two coins with 300 bars up to yesterday."""
    return TableProvider({name: made_bars(name, walk(300, seed=i), last=day()) for i, name in enumerate((BTC, ETH))})


@pytest.fixture
def pipeline(
    provider: TableProvider, lake: Lake, registry: RegistryManager, clock: ManualClock
) -> DataPipelineOrchestrator:
    return DataPipelineOrchestrator(provider=provider, lake=lake, registry=registry, clock=clock)


@pytest.fixture
def no_room() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """A time in which the system lets no file of this process grow, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    @contextmanager
    def full() -> Iterator[None]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    yield full
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
