import asyncio

import polars as pl
import pytest
from table_provider import BTC, ETH, NOW, day, made_bars, run, walk

from builders.clocks import ManualClock
from tvquant.core.errors import ProfileError, TvquantError
from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.storage import tables
from tvquant.lake.writing.upserts import upsert
from tvquant.market.fetching import NO_ROWS
from tvquant.market.merging import GATHER, Merged, Merger
from tvquant.market.tasks import DataTask

VALUES = NO_ROWS.columns


def task(name: str, reason: str = "sync") -> DataTask:
    return DataTask(physical_symbol=name, reason=reason)


def rows(name: str, count: int = 100) -> pl.DataFrame:
    return made_bars(name, walk(count), last=day()).select(VALUES)


@pytest.fixture
def merger(lake: Lake) -> Merger:
    return Merger(lake, basis=lambda _: Basis.RAW, source="told", clock=ManualClock(NOW))


async def together(merger: Merger, *parts: tuple[DataTask, pl.DataFrame]) -> list[Merged | BaseException]:
    return await asyncio.gather(*(merger.merge(*part) for part in parts), return_exceptions=True)


def sound(found: Merged | BaseException) -> Merged:
    assert isinstance(found, Merged)
    return found


def test_rows_that_come_together_are_one_commit(lake: Lake, merger: Merger) -> None:
    btc, eth = run(together(merger, (task(BTC), rows(BTC)), (task(ETH), rows(ETH, 50))))
    assert tables.version(lake.root, "bars") == 0
    for found, count in ((sound(btc), 100), (sound(eth), 50)):
        assert found.upsert is not None
        assert (found.upsert.inserted, found.coverage.bars) == (count, count)
    stored = tables.read(lake.root, "bars")
    assert set(stored["source"]) == {"told"}


def test_rows_wait_for_those_at_work_alone_and_for_a_moment_at_most(lake: Lake, merger: Merger) -> None:
    async def work(name: str, seconds: float) -> float:
        with merger.expecting(task(name)):
            await asyncio.sleep(seconds)
            if name != "BINANCE:SOLUSDT":  # which brings nothing
                await merger.merge(task(name), rows(name))
            return asyncio.get_running_loop().time()

    async def together(*late: tuple[str, float]) -> list[float]:
        began = asyncio.get_running_loop().time()
        return [at - began for at in await asyncio.gather(*(work(*one) for one in late))]

    assert run(together((BTC, 0.1), (ETH, 0.2), ("BINANCE:SOLUSDT", 0.3))) == pytest.approx([0.3, 0.3, 0.3])
    assert tables.version(lake.root, "bars") == 0
    run(together(("BINANCE:XRPUSDT", 0.0), ("BINANCE:ADAUSDT", 2 * GATHER)))
    assert tables.version(lake.root, "bars") == 2


def test_rows_are_stored_under_the_basis_of_their_symbol(lake: Lake) -> None:
    basis = {BTC: Basis.RAW, ETH: Basis.SPLIT}
    merger = Merger(lake, basis=basis.__getitem__, source="told", clock=ManualClock(NOW))
    run(together(merger, (task(BTC), rows(BTC)), (task(ETH), rows(ETH))))
    stored = tables.read(lake.root, "bars", ["symbol", "basis"]).unique()
    assert {name: Basis(told) for name, told in stored.iter_rows()} == basis


def test_no_rows_are_no_commit(lake: Lake, merger: Merger) -> None:
    (found,) = run(together(merger, (task(BTC), NO_ROWS)))
    assert sound(found).upsert is None
    assert sound(found).coverage.bars == 0
    assert tables.version(lake.root, "bars") is None


def test_what_is_refused_of_one_does_not_hold_up_the_others(lake: Lake, merger: Merger) -> None:
    upsert(
        lake,
        made_bars(BTC, walk(5), last=day()),
        interval="1d",
        basis=Basis.SPLIT,
        source="x",
        recorded_at=day(),
        reason="x",
    )
    btc, eth = run(together(merger, (task(BTC), rows(BTC)), (task(ETH), rows(ETH))))
    assert isinstance(btc, ProfileError)
    assert sound(eth).coverage.bars == 100


def test_reasons_are_kept_apart(lake: Lake, merger: Merger) -> None:
    run(together(merger, (task(BTC), rows(BTC)), (task(ETH), rows(ETH))))
    higher = pl.col("open", "high", "low", "close") * 1.01
    parts = [(task(name, why), rows(name).tail(1).with_columns(higher)) for name, why in ((BTC, "a"), (ETH, "b"))]
    run(together(merger, *parts))
    reasons = tables.read(lake.root, "repairs", ["symbol", "reason"]).unique().sort("symbol")
    assert reasons.rows() == [(BTC, "a"), (ETH, "b")]


def test_no_one_waits_for_ever_behind_a_bug(merger: Merger, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **more: object) -> None:
        raise ZeroDivisionError("bug")

    monkeypatch.setattr("tvquant.market.merging.upsert", broken)
    found = run(together(merger, (task(BTC), rows(BTC)), (task(ETH), rows(ETH))))
    assert [type(one) for one in found] == [ZeroDivisionError, asyncio.CancelledError]
    monkeypatch.undo()
    (after,) = run(together(merger, (task(BTC), rows(BTC))))
    assert sound(after).coverage.bars == 100


def test_a_refusal_is_raised_where_it_belongs(merger: Merger) -> None:
    infinite = rows(BTC).with_columns(volume=pl.lit(float("inf")))
    (found,) = run(together(merger, (task(BTC), infinite)))
    assert isinstance(found, TvquantError)
