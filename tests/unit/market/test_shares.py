"""Shares: their actions are in the lake before their bars are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from table_provider import TableProvider, made_bars, run

from builders.clocks import ManualClock
from tvquant.core.calendars import NEW_YORK, calendar
from tvquant.core.stamps import Stamp
from tvquant.lake import Lake
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.tables import TIME
from tvquant.market.merging import Merger
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.providers.contract import Unavailable
from tvquant.market.tasks import DataTask
from tvquant.market.worker import Result, TaskOutcome

AAPL = "NASDAQ:AAPL"
SPLIT = datetime(2024, 5, 16, tzinfo=UTC)


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def provider() -> TableProvider:
    """A share at 100, then at 25 from its split on; bars up to the day before the clock's."""
    market = calendar(NEW_YORK, datetime(2024, 3, 1).date(), datetime(2024, 5, 31).date())
    days = [
        one.replace(tzinfo=UTC)
        for one in market.bars(np.datetime64("2024-03-01", "us"), np.datetime64("2024-05-31", "us")).tolist()
    ]
    closes = [25.0 if day >= SPLIT else 100.0 for day in days]
    rows = made_bars(AAPL, closes, last=days[-1]).with_columns(
        timestamp=pl.Series(days, dtype=TIME), open="close", high="close", low="close"
    )
    provider = TableProvider({AAPL: rows}, actions_of={AAPL: _split(4.0)})
    provider.capabilities = replace(provider.capabilities, actions=True)
    return provider


def _split(value: float) -> pl.DataFrame:
    schema = {"timestamp": TIME, "kind": pl.String(), "value": pl.Float64()}
    return pl.DataFrame({"timestamp": [SPLIT], "kind": ["split"], "value": [value]}, schema=schema)


def synced(pipeline: DataPipelineOrchestrator) -> TaskOutcome:
    return run(pipeline.worker.run(DataTask(physical_symbol=AAPL, depth=60)))


def steps(lake: Lake) -> float:
    """The greatest move of total returns, either way."""
    found = pl.Series(lake.panel(lake.pin([AAPL])).fields["total_return"][1:, 0])
    return float(found.abs().max())  # type: ignore[arg-type]


def test_a_share_comes_with_its_split(pipeline: DataPipelineOrchestrator, lake: Lake) -> None:
    found = synced(pipeline)
    assert (found.result, len(found.notes)) == (Result.FETCHED, 1)  # the jump is told thrice alike
    assert steps(lake) == 0.0


@pytest.mark.requirement("R-DAT-21")
@pytest.mark.parametrize("step", ["actions", "bars"])
def test_a_kill_between_the_writes_leaves_no_raw_bars_without_their_split(
    pipeline: DataPipelineOrchestrator, lake: Lake, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        if step == "actions":
            patch.setattr("tvquant.market.worker.store_actions", killed)
        else:
            patch.setattr(Merger, "_upsert", killed)
        with pytest.raises(Killed):
            synced(pipeline)
    assert tables.read(lake.root, "bars").is_empty()
    assert len(tables.read(lake.root, "actions")) == (step == "bars")
    assert synced(pipeline).inserted == 60
    assert steps(lake) == 0.0
    assert len(tables.read(lake.root, "actions")) == 1


@pytest.mark.parametrize("table", ["actions", "instruments"])
def test_a_kill_among_the_actions_writes_says_nothing_untrue(
    pipeline: DataPipelineOrchestrator, lake: Lake, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    append = commits.append

    def killed(root: object, name: str, frame: pl.DataFrame) -> None:
        if name == table:
            raise Killed
        append(root, name, frame)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(commits, "append", killed)
        with pytest.raises(Killed):
            synced(pipeline)
    assert tables.read(lake.root, "instruments").is_empty()  # a span would say that all actions are there
    synced(pipeline)
    assert steps(lake) == 0.0


def test_bars_whose_actions_cannot_be_had_are_stored_and_noted(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, lake: Lake
) -> None:
    provider.refusal = Unavailable("down")
    found = synced(pipeline)
    assert (found.inserted, found.notes[-1]) == (60, "no corporate actions: down")
    assert Stamp.PRICE_RETURN in lake.panel(lake.pin([AAPL])).stamps_of((AAPL,))


def test_a_split_of_a_new_bar_is_there_before_it(
    pipeline: DataPipelineOrchestrator,
    provider: TableProvider,
    lake: Lake,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock.at = SPLIT + timedelta(hours=12)
    whole = provider.tables[AAPL]
    provider.tables[AAPL] = whole.filter(pl.col("timestamp") < SPLIT)
    synced(pipeline)
    clock.at += timedelta(days=1)
    provider.tables[AAPL] = whole.filter(pl.col("timestamp") <= SPLIT)
    with monkeypatch.context() as patch:
        patch.setattr(Merger, "_upsert", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            synced(pipeline)
    assert tables.read(lake.root, "actions")["timestamp"].to_list() == [SPLIT]
    assert steps(lake) == 0.0
    synced(pipeline)
    assert steps(lake) == 0.0
