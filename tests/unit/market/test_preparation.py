import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from table_provider import BTC, ETH, TableProvider, day, made_bars, run, walk, without

from builders.profiles import profile_of
from tvquant.atoms.synthesis import synthesise
from tvquant.core.atoms import Atom, Direction
from tvquant.core.errors import DataError
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.preparation import (
    HEALTH,
    METADATA,
    RETURNS,
    Mode,
    Prepared,
    depth,
    prepare_portfolio_data,
    richest_returns,
)

SOL = "BINANCE:SOLUSDT"
SHORT = Direction.SHORT


def atoms(*names: str, logics: tuple[str, ...] = ("hold",)) -> list[Atom]:
    return [Atom(physical_symbol=name, logic=logic, direction=Direction.LONG) for name in names for logic in logics]


@pytest.fixture
def deep(provider: TableProvider) -> TableProvider:
    for seed, name in enumerate((BTC, ETH, SOL)):
        provider.tables[name] = made_bars(name, walk(2500, seed=seed), last=day())
    return provider


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def prepared(
    pipeline: DataPipelineOrchestrator, folder: Path, candidates: list[Atom], mode: Mode = Mode.LIGHT, **more: Any
) -> Prepared:
    made = profile_of(**more)
    return run(prepare_portfolio_data(folder, made, candidates, mode=mode, pipeline=pipeline))


def test_depth_is_what_the_mode_needs() -> None:
    made = profile_of(data__span=500, data__lookback=400, data__rating_min_bars=200)
    assert depth(made, Mode.LIGHT) == 200
    assert depth(made, Mode.FULL) == 900
    assert depth(profile_of(data__span="all"), Mode.FULL) == 2000
    assert depth(profile_of(data__rating_min_bars=1, windows__train=60), Mode.LIGHT) == 90


@pytest.mark.requirement("R-DAT-26")
@pytest.mark.requirement("R-DAT-17")
def test_three_atoms_on_a_coin_are_one_fetch_and_three_columns_downstream(
    pipeline: DataPipelineOrchestrator, deep: TableProvider, folder: Path
) -> None:
    three = [*atoms(BTC, logics=("hold", "rating_ma")), Atom(physical_symbol=BTC, logic="rating_ma", direction=SHORT)]
    found = prepared(pipeline, folder, [*three, *atoms(ETH)])
    assert (deep.counted(BTC), deep.counted(ETH), found.healthy, found.total) == (1, 1, 2, 2)
    held = pl.read_parquet(folder / RETURNS[Mode.LIGHT])
    assert held.columns == ["timestamp", BTC, ETH]
    returns = held.select(BTC, ETH).fill_null(float("nan")).to_numpy()
    streams = synthesise(returns, held["timestamp"].to_numpy(), (BTC, ETH), three)
    assert streams.ids == tuple(one.symbol for one in three)
    candidates = json.loads((folder / METADATA).read_text())["candidates"]
    assert [(one["physical_symbol"], one["symbol"]) for one in candidates] == [
        (BTC, f"{BTC}_hold_LONG"),
        (BTC, f"{BTC}_rating_ma_LONG"),
        (BTC, f"{BTC}_rating_ma_SHORT"),
        (ETH, f"{ETH}_hold_LONG"),
    ]


@pytest.mark.requirement("R-DAT-26")
def test_a_second_preparation_asks_for_nothing_and_writes_the_same(
    pipeline: DataPipelineOrchestrator, deep: TableProvider, folder: Path
) -> None:
    deep.spoil[BTC] = [without(9, 8)]
    first = prepared(pipeline, folder, atoms(BTC, ETH))
    asked = len(deep.asked)
    second = prepared(pipeline, folder.with_name("again"), atoms(BTC, ETH))
    assert len(deep.asked) == asked
    assert second.digests == first.digests
    assert set(first.digests) == {RETURNS[Mode.LIGHT], METADATA, HEALTH}


@pytest.mark.requirement("R-DAT-26")
@pytest.mark.requirement("R-ORC-04")
def test_nothing_is_written_outside_of_run_and_lake(
    pipeline: DataPipelineOrchestrator, deep: TableProvider, folder: Path, tmp_path: Path
) -> None:
    prepared(pipeline, folder, atoms(BTC))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["lakehouse", "run"]
    assert sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()) == [
        HEALTH, METADATA, RETURNS[Mode.LIGHT],
    ]  # fmt: skip


@pytest.mark.requirement("R-DAT-01")
def test_full_mode_covers_span_and_lookback(
    pipeline: DataPipelineOrchestrator, deep: TableProvider, folder: Path
) -> None:
    prepared(pipeline, folder, atoms(BTC, ETH), Mode.FULL, data__span=500, data__lookback=500)
    held = pl.read_parquet(folder / RETURNS[Mode.FULL])
    assert len(held) == 1000
    assert held["timestamp"][-1] == day()
    closes = deep.tables[BTC]["close"].tail(1000)
    expected = closes / closes.shift(1) - 1
    assert (held[BTC] - expected)[1:].abs().max() < 1e-12  # type: ignore[operator]


@pytest.mark.requirement("R-DAT-08")
def test_of_two_matrices_the_one_with_more_healthy_cells_is_read(
    pipeline: DataPipelineOrchestrator, deep: TableProvider, folder: Path
) -> None:
    """Not the newer, and not the longer when it is of fewer assets."""
    with pytest.raises(DataError, match="holds no returns matrix"):
        richest_returns(folder)
    prepared(pipeline, folder, atoms(BTC, ETH, SOL), Mode.FULL, data__span=500, data__lookback=100)
    prepared(pipeline, folder, atoms(BTC), Mode.LIGHT)
    name, matrix = richest_returns(folder)
    assert (name, matrix.columns) == (RETURNS[Mode.FULL], ["timestamp", BTC, ETH, SOL])
    prepared(pipeline, folder, atoms(BTC), Mode.FULL, data__span=90, data__lookback=61, data__rating_min_bars=90)
    prepared(pipeline, folder, atoms(BTC, ETH, SOL), Mode.LIGHT)
    assert richest_returns(folder)[0] == RETURNS[Mode.LIGHT]


@pytest.mark.requirement("R-DAT-12")
def test_a_targeted_refresh_changes_only_its_own_columns(
    pipeline: DataPipelineOrchestrator, deep: TableProvider, folder: Path
) -> None:
    from tvquant.market.healing import heal

    prepared(pipeline, folder, atoms(BTC, ETH, SOL))
    before = pl.read_parquet(folder / RETURNS[Mode.LIGHT])
    for name in (BTC, ETH, SOL):
        rows = deep.tables[name]
        moved = rows["close"][-50] * 1.001
        here = pl.col("timestamp") == day(49)
        deep.tables[name] = rows.with_columns(
            pl.when(here).then(moved).otherwise("close").alias("close"),
            pl.when(here).then(pl.max_horizontal("high", pl.lit(moved))).otherwise("high").alias("high"),
        )
    run(heal(pipeline, [ETH], forced=True))
    prepared(pipeline, folder, atoms(BTC, ETH, SOL))
    after = pl.read_parquet(folder / RETURNS[Mode.LIGHT])
    assert [name for name in after.columns if not after[name].equals(before[name])] == [ETH]


@pytest.mark.requirement("R-DAT-22")
def test_what_cannot_be_mended_is_left_out_and_named(
    pipeline: DataPipelineOrchestrator, deep: TableProvider, folder: Path
) -> None:
    deep.tables[ETH] = without(9, 8)(deep.tables[ETH])
    found = prepared(pipeline, folder, atoms(BTC, ETH, "BINANCE:NONEUSDT"))
    assert (found.healthy, found.total) == (1, 3)
    assert found.excluded[ETH].startswith("gaps: 2 bars missing")
    assert found.excluded["BINANCE:NONEUSDT"] == "no bars: BINANCE:NONEUSDT is unknown"
    assert pl.read_parquet(folder / RETURNS[Mode.LIGHT]).columns == ["timestamp", BTC]
    states = {one["symbol"]: one["state"] for one in json.loads((folder / HEALTH).read_text())}
    assert states == {BTC: "ok", ETH: "gaps", "BINANCE:NONEUSDT": "missing"}


def test_a_gap_older_than_the_lookback_does_not_exclude(
    pipeline: DataPipelineOrchestrator, deep: TableProvider, folder: Path
) -> None:
    deep.tables[ETH] = without(1500)(deep.tables[ETH])
    found = prepared(pipeline, folder, atoms(ETH), Mode.FULL, data__span="all")
    assert (found.excluded, found.healthy) == ({}, 1)
    assert list(found.healed.unhealthy) == [ETH]


def test_no_candidates_and_no_fit_asset_are_errors(
    pipeline: DataPipelineOrchestrator, deep: TableProvider, folder: Path
) -> None:
    with pytest.raises(DataError, match="no candidate"):
        prepared(pipeline, folder, [])
    deep.tables[BTC] = made_bars(BTC, walk(20), last=day())
    with pytest.raises(DataError, match="none of 1 assets"):
        prepared(pipeline, folder, atoms(BTC))
    assert not folder.exists()
