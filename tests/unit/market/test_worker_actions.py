"""A share's actions go into the lake before its bars: no kill or outage leaves a raw bar without its split."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from told import FixedClock, run

from tvquant.lake import Lake, tables
from tvquant.market import merging, worker
from tvquant.market.orchestrator import DataPipelineOrchestrator, Summary
from tvquant.market.providers.contract import Unavailable
from tvquant.market.providers.simulated.exchange import Exchange
from tvquant.market.providers.simulated.market import Market
from tvquant.market.providers.simulated.member import Simulated
from tvquant.market.providers.simulated.world import World
from tvquant.market.registry import RegistryManager
from tvquant.market.tasks import DataTask
from tvquant.market.worker import Result

NOW = datetime(2022, 6, 1, 9, tzinfo=UTC)
WORLD = World(Market(seed=3, days=900, coins=0, perpetuals=0, reused=0, stocks=12))


def _with_split() -> str:
    """A share of the market that was split by then."""
    names = WORLD.instruments(now=NOW)["symbol"].unique().sort()
    shares = (name for name in names if name.startswith("NASDAQ:"))
    return next(name for name in shares if (WORLD.actions(name, now=NOW)["kind"] == "split").any())


SHARE = _with_split()


@pytest.fixture
def synced(lake: Lake, registry: RegistryManager) -> Callable[[], Summary]:
    """Sync the share from the simulated exchange, as often as it is called."""

    def call() -> Summary:
        clock = FixedClock(NOW)
        provider = Simulated(exchange=Exchange(WORLD, clock=clock))
        pipeline = DataPipelineOrchestrator(provider=provider, lake=lake, registry=registry, clock=clock)
        return run(pipeline.run([DataTask(physical_symbol=SHARE, interval="1d", depth=2000)]))

    return call


def _raises(error: BaseException) -> Callable[..., Any]:
    def call(*_: Any, **__: Any) -> Any:
        raise error

    return call


def test_a_crash_before_the_bars_leaves_actions_and_the_next_sync_completes_it(
    lake: Lake, synced: Callable[[], Summary], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(merging, "upsert", _raises(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            synced()
    assert tables.version(lake.root, "bars") is None
    assert (tables.read(lake.root, "actions")["kind"] == "split").any()
    assert synced().of(SHARE).result is Result.FETCHED
    panel = lake.panel(lake.pin([SHARE]))
    assert (panel.fields["split"] != 1.0).any()


def test_a_crash_at_the_actions_leaves_no_raw_bar(
    lake: Lake, synced: Callable[[], Summary], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "store_actions", _raises(RuntimeError("killed")))
    assert synced().of(SHARE).result is Result.CRASHED
    assert tables.version(lake.root, "bars") is None


def test_an_outage_of_the_actions_holds_the_bars_back(
    lake: Lake, synced: Callable[[], Summary], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Simulated, "actions", _raises(Unavailable("down")))
    outcome = synced().of(SHARE)
    assert (outcome.result, outcome.retryable) == (Result.FAILED, True)
    assert tables.version(lake.root, "bars") is None
