"""A pool of one logic beside the pool of three, on the same coins: what each chose from, and what it came to."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.clocks import ManualClock
from builders.profiles import resolved_of
from builders.rated_coins import COINS, rated_bars
from builders.workspaces import workspace_of
from tvquant.app.cli import main
from tvquant.app.progress import Watcher
from tvquant.app.run import run
from tvquant.app.workspace import Workspace
from tvquant.ledger import records
from tvquant.report import read_run
from tvquant.report.compared_pools import sharpe_compared
from tvquant.report.comparison_parts import in_words
from tvquant.report.performance_figures import Track
from tvquant.statistics.paired_differences import paired_difference

CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))
ONE, THREE = "crypto_rating_all", "crypto_rating_alpha"
LOOKBACKS = (60, 120, 200)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, Any]]:
    """A workspace with a run of each profile."""
    home = workspace_of(tmp_path_factory.mktemp("pools") / "ws", rated_bars(), recorded_at=CLOCK.now())
    settings = {"allocation__profiles": ["risk_parity"], "benchmark__market": [], "selection__min_winners": 1}
    found = {
        name: read_run(
            run(home, resolved_of(name, **settings), clock=CLOCK, jobs=1, again=False, watcher=Watcher()).folder.path
        )
        for name in (ONE, THREE)
    }
    return home, found


@pytest.fixture(scope="module")
def compared(made: tuple[Workspace, dict[str, Any]]) -> dict[str, Any]:
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(["runs", "diff", ONE, THREE, "--json", "-w", str(made[0].root)]) == 0
    return dict(json.loads(out.getvalue()))


@pytest.mark.requirement("R-SYN-09")
def test_the_pool_of_three_logics_is_their_union_and_holds_the_pool_of_one(
    made: tuple[Workspace, dict[str, Any]],
) -> None:
    pools = {name: found.responses(found.headline) for name, found in made[1].items()}
    more = 0
    for window, one in pools[ONE].items():
        three = pools[THREE][window]
        assert set(one.scores) <= set(three.scores)
        more += len(three.scores) - len(one.scores)
        logics = {
            logic for atom in three.scores for logic in ("rating_all", "rating_ma", "rating_osc") if logic in atom
        }
        assert len(three.scores) == sum(sum(logic in atom for atom in three.scores) for logic in logics)
    assert more > 0
    atoms = made[1][THREE].table("atoms", made[1][THREE].headline.key)
    twins = atoms.group_by("window", "symbol", "direction").agg(pl.col("weight"))
    several = [weights for weights in twins["weight"].to_list() if len(weights) > 1]
    assert len(several) > 5
    for weights in several:  # reasons for one coin are one stream: the ridge gives each the same
        assert max(weights) - min(weights) < 1e-6


@pytest.mark.requirement("R-TRN-14")
def test_candidates_winners_and_bets_of_both_pools_are_means_over_the_decisions_that_both_have(
    made: tuple[Workspace, dict[str, Any]], compared: dict[str, Any]
) -> None:
    frame = rated_bars().pivot("symbol", index="timestamp", values="close").sort("timestamp")
    for name, told in zip((ONE, THREE), compared["pools"], strict=True):
        found = made[1][name]
        windows = found.table("windows", found.headline.key)
        rows = []
        for window, bar in windows.select("window", "bar").iter_rows():
            answer = found.responses(found.headline).get(window)
            if answer is None:
                rows.append((0, 0, 0.0, 0, 0.0))
                continue
            coins = [coin for coin in COINS if any(coin in atom for atom in answer.scores)]
            closes = (
                frame.filter(pl.col("timestamp").dt.replace_time_zone(None) <= bar)
                .select(f"BINANCE:{c}USDT" for c in coins)
                .to_numpy()
            )
            pool, won = (
                [next(k for k, coin in enumerate(coins) if coin in atom) for atom in atoms]
                for atoms in (answer.scores, [one.symbol for one in answer.winners])
            )
            matrix = referee(closes)
            found_bets = [bets(matrix[np.ix_(one, one)]) for one in (pool, won)]
            rows.append((len(pool), len(coins), found_bets[0], len(won), found_bets[1]))
        means = np.mean(rows, axis=0)
        assert told["decisions"] == len(windows)
        fields = ("candidates", "assets", "pool_bets", "winners", "winner_bets")
        assert [told[field] for field in fields] == pytest.approx(means.tolist(), abs=1e-9)
        assert 1.0 < told["pool_bets"] < told["assets"] <= told["candidates"]


def referee(closes: np.ndarray) -> np.ndarray:
    """Correlations averaged over the lookbacks that there are rows for."""
    moves = closes[1:] / closes[:-1] - 1.0
    usable = [rows for rows in LOOKBACKS if rows <= len(moves)]
    return np.mean([np.atleast_2d(np.corrcoef(moves[-rows:].T)) for rows in usable], axis=0)


def bets(matrix: np.ndarray) -> float:
    values = np.linalg.eigvalsh(matrix)
    return float(values.sum() ** 2 / (values**2).sum())


@pytest.mark.requirement("R-TRN-14")
def test_the_sharpe_ratios_differ_by_so_much_and_never_without_an_interval(
    made: tuple[Workspace, dict[str, Any]], compared: dict[str, Any]
) -> None:
    books = [found.table("returns", found.headline.key) for found in made[1].values()]
    both = books[0].join(books[1], on="time", suffix="_other")
    told = compared["sharpe_difference"]
    assert told["rows"] == len(both) > 60
    sharpes = [
        np.sqrt(365) * both[name].to_numpy().mean() / both[name].to_numpy().std(ddof=1)
        for name in ("return", "return_other")
    ]
    assert told["sharpes"] == pytest.approx(sharpes, rel=1e-12)
    assert told["difference"] == pytest.approx(sharpes[1] - sharpes[0], rel=1e-9)
    assert told["low"] < told["difference"] < told["high"]


@pytest.mark.requirement("R-TRN-16")
def test_the_ledger_has_the_evidence_of_each_run(made: tuple[Workspace, dict[str, Any]]) -> None:
    for name, found in made[1].items():
        [one] = records(found.folder.path, kind="evidence")
        assert (one.chain, one.outputs["result"], one.inputs["plan"]) == ("run", found.result, found.plan.digest)
        assert one.metrics == {
            "healthy": len(COINS), "assets": len(COINS), "whole_data": True, "cells": 1, "played": 1,
            "whole_matrix": True, "least_floor": 2e7, "survival": True,
        }  # fmt: skip
        names = [scanner.name for scanner in found.profile.universe.scanners]
        assert one.data["floors"] == {scanner: 2e7 if "spot" in scanner else 5e7 for scanner in names}
        assert one.data["matrix"]["risk"] == ["risk_parity"]
        assert (one.data["profile"], one.data["health"]["state"]) == (name, "HEALTHY")


def track(returns: np.ndarray, *, basis: str = "", step: int = 1) -> Track:
    times = np.datetime64("2024-01-01", "us") + step * np.arange(len(returns)) * np.timedelta64(1, "D")
    return Track(name="x", times=times, returns=returns, basis=basis)


def test_who_is_better_is_said_only_where_the_interval_leaves_no_doubt() -> None:
    noise = 0.01 * np.random.default_rng(1).standard_normal((2, 500))
    flat, better = track(noise[0]), track(noise[0] + 0.002 + 0.1 * noise[1])
    said = [
        in_words(sharpe_compared(pair, (365, 252)))
        for pair in ((flat, better), (better, flat), (flat, track(noise[1])))
    ]
    assert [any(word in one for word in ("so B is better",)) for one in said] == [True, False, False]
    assert ["so A is better" in one for one in said] == [False, True, False]
    assert "no gain and no loss is shown" in said[2]
    found = sharpe_compared((flat, better), (365, 252)).found
    wanted = paired_difference(
        np.column_stack([better.returns, flat.returns]), statistic="sharpe_difference", periods_per_year=252,
        confidence=0.95, block=20, seed=0,
    )  # fmt: skip
    assert found == wanted


@pytest.mark.parametrize(
    ("pair", "why"),
    [
        ((track(np.ones(9)), None), "has no returns"),
        ((track(np.full(500, 0.1)), track(np.full(500, 0.1))), "one and the same book"),
        ((track(np.full(500, 0.1)), track(np.full(500, 0.2), basis="prices only")), "without dividends"),
        ((track(np.arange(90) / 1e3), track(np.arange(90) / 1e4)), "fewer than 10 blocks"),
    ],
)
def test_what_cannot_be_compared_says_why(pair: tuple[Track, Track | None], why: str) -> None:
    found = sharpe_compared(pair, (365, 365))
    assert found.found is None
    assert why in in_words(found)
