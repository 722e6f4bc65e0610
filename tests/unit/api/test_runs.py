import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import tvquant as tv
from tvquant.report.run import read_run


def test_returns_and_equity_are_one_book(run: tv.Run) -> None:
    returns, equity = run.returns(), run.equity()
    np.testing.assert_allclose(equity["equity"], (1.0 + returns["return"].to_numpy()).cumprod(), rtol=1e-12)
    level = equity["equity"].to_numpy()
    np.testing.assert_allclose(
        equity["drawdown"], level / np.maximum.accumulate(np.maximum(level, 1.0)) - 1.0, atol=1e-12
    )
    assert run.headline["total_return"] == pytest.approx(level[-1] - 1.0)
    assert run.headline["max_drawdown"] == pytest.approx(equity["drawdown"].min())
    assert run.headline["cell"] == "v4/custom/hrp/custom"
    paid = run.costs().select(pl.exclude("cell", "time")).sum().row(0, named=True)
    for kind in ("slippage", "commission", "borrow", "overdraft"):
        assert paid[kind] == pytest.approx(run.headline[f"cost_{kind}"])
    assert run.profile["execution"]["convention"] == "next_close"


def test_cells_may_be_asked_for_one_by_one_or_all(run: tv.Run) -> None:
    keys = run.metrics["cell"].to_list()
    assert run.metrics["baseline"].to_list() == [False, False, True, True, True]
    assert run.metrics["stamps"].dtype == pl.List(pl.String)
    every = run.returns("*")
    assert set(every["cell"]) == set(keys)
    assert every.filter(cell=keys[1]).equals(run.returns(keys[1]))
    assert not run.weights("market/custom").equals(run.weights())
    with pytest.raises(
        tv.ProfileError, match="unknown cell 'v4/custom/hpr/custom' - did you mean v4/custom/hrp/custom"
    ):
        run.equity("v4/custom/hpr/custom")


def test_a_decision_says_what_was_chosen_and_where_cash_comes_from(run: tv.Run) -> None:
    decisions, weights, judged = run.decisions(), run.weights(), run.candidates()
    assert weights["decided_at"].to_list() == decisions["decided_at"].to_list()
    for row, held in zip(decisions.iter_rows(named=True), weights.iter_rows(named=True), strict=True):
        mine = judged.filter(window=row["window"])
        winners = mine.filter(pl.col("won"))
        assert sorted(winners["atom"]) == sorted(row["chosen"])
        assert sum(one["atoms"] for one in row["vetoed"]) == row["discovery"] - row["refined"]
        assert mine.filter(pl.col("veto").is_not_null() & pl.col("won")).is_empty()
        by_name = {one["symbol"]: one["weight"] for one in row["weights"]}
        assert {name: w for name, w in held.items() if name != "decided_at" and w} == by_name
        assert row["cash"] == pytest.approx(1.0 - sum(by_name.values()))
        assert row["cash"] == pytest.approx(row["cash_caps"] + row["cash_netting"] + row["cash_other"])
        assert winners["weight"].sum() == pytest.approx(sum(by_name.values()))
        assert mine["score"].is_sorted(descending=True)
    assert decisions["cash_caps"].max() > 0.0  # six names of 15 % each
    assert run.decisions("market/custom")["chosen"].list.len().to_list() == [0] * len(decisions)
    assert run.candidates("market/custom").is_empty()
    assert dict(run.current().iter_rows()) == dict(read_run(run.folder).current.decision.weights)


def test_the_decided_weights_can_be_simulated_again(run: tv.Run, closes: object) -> None:
    """The same book out of the run's own frames: what is recorded is what was done."""
    costs = run.profile["costs"]
    again = tv.simulate(run.weights(), closes, tv.Costs(**costs), convention="next_close", calendar="24x7")
    np.testing.assert_allclose(again.returns["return"], run.returns()["return"], atol=1e-12)
    assert again.metrics["sharpe"] == pytest.approx(run.headline["sharpe"])


def test_the_ledger_is_there_and_a_changed_file_is_not_believed(run: tv.Run, tmp_path: Path) -> None:
    records = run.ledger()
    assert (records["kind"][0], records["kind"][-1]) == ("genesis", "seal")
    chosen = run.ledger(kind="snapshot", chain="v4/custom/hrp/custom")
    assert len(chosen) == len(run.decisions())
    assert json.loads(chosen["metrics"][0])["window"] == run.decisions()["window"][0]
    assert run.ledger(kind="none").schema == records.schema
    assert run.verify().finished
    copied = tmp_path / run.id
    shutil.copytree(run.folder, copied)
    again = tv.Run(copied)
    (copied / "results" / "weights.parquet").write_bytes(b"")
    assert again.verify().status == "altered"
    with pytest.raises(tv.LedgerError, match=r"results/weights.parquet"):
        tv.Run(copied)


def test_trades_and_contributions_add_up_to_the_book(run: tv.Run) -> None:
    trades, brought = run.trades(), run.contributions()
    assert trades["slippage"].sum() == pytest.approx(run.headline["cost_slippage"])
    first = trades.filter(window=run.decisions()["window"][0])
    assert first["share"].abs().sum() == pytest.approx(run.decisions()["traded"][0])
    assert set(trades["kind"]) == {"fill"}
    total = brought["long"].sum() + brought["short"].sum() - brought["costs"].sum()
    assert total == pytest.approx(run.returns()["return"].sum(), abs=1e-3)
