"""A fixed 60/40 book from file to result: the weights held, and the returns of its first days by hand."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.calendars import calendar

PROFILE = """version: 1
extends: us_equities
universe: {kinds: [etf]}
windows: {train: 60, step: 20}
selection: {model: all}
allocation:
  profiles: [fixed]
  limits: {position: 0.6, cluster: 1.0}
  fixed:
    weights: {AMEX:SPY: 0.6, NASDAQ:TLT: 0.4}
risk: {primary: fixed}
costs: {slippage_bps: 5.0, commission_bps: 1.0, borrow_rate: 0.0}
benchmark: {market: {AMEX:SPY: 0.6, NASDAQ:TLT: 0.4}}
"""


CELL = "all/custom/fixed/custom"
SHARES = {"AMEX:SPY": 0.6, "NASDAQ:TLT": 0.4}


def bars() -> pl.DataFrame:
    """130 sessions of two funds: by turns one closes 1 % above its open and the other 1 % below it."""
    times = calendar("XNYS").bars(np.datetime64("2021-01-04", "us"), np.datetime64("2021-12-31", "us"))[:130]
    frames = []
    for symbol, sign, start in (("AMEX:SPY", 1, 100.0), ("NASDAQ:TLT", -1, 50.0)):
        opens = [start * (1.0 + 0.001 * (k % 7)) for k in range(len(times))]
        closes = [price * (1.0 + 0.01 * sign * (1 - 2 * (k % 2))) for k, price in enumerate(opens)]
        frames.append(pl.DataFrame({"symbol": symbol, "timestamp": times, "open": opens, "close": closes}))
    return pl.concat(frames).with_columns(
        pl.col("timestamp").dt.replace_time_zone("UTC"), high=pl.max_horizontal("open", "close"),
        low=pl.min_horizontal("open", "close"), volume=pl.lit(1e6),
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, tvquant: Callable[..., Any]) -> Path:
    home = tmp_path / "ws"
    bars().write_parquet(tmp_path / "bars.parquet")
    assert tvquant("init", home).code == 0
    assert tvquant("data", "import", tmp_path / "bars.parquet", "--basis", "split", "-w", home).code == 0
    (home / "profiles" / "sixty_forty.yaml").write_text(PROFILE)
    return home


def test_sixty_forty_holds_its_weights_and_earns_what_they_earn(home: Path, tvquant: Callable[..., Any]) -> None:
    done = tvquant("run", "sixty_forty", "-w", home, "--json")
    assert done.code == 0, done.err
    (results,) = (home / "artifacts" / "summaries" / "runs").glob("*/results")
    tables = {table: pl.read_parquet(results / f"{table}.parquet") for table in ("weights", "returns")}
    weights, returns = (tables[table].filter(pl.col("cell") == CELL) for table in ("weights", "returns"))
    benchmark = tables["returns"].filter(pl.col("cell") == "market/custom")
    assert benchmark["return"].to_list() == returns["return"].to_list(), (
        "the benchmark holds the same, at the same costs"
    )
    for _, book in weights.group_by("window"):
        assert dict(book.select("symbol", "weight").rows()) == SHARES
    prices = bars().with_columns(pl.col("timestamp").dt.replace_time_zone(None))
    decided = weights["decided_at"].min()
    mine = {symbol: prices.filter(pl.col("symbol") == symbol) for symbol in SHARES}
    marks = {symbol: rows.filter(pl.col("timestamp") == decided)["close"].item() for symbol, rows in mine.items()}
    held = {symbol: share / marks[symbol] for symbol, share in SHARES.items()}
    after = {symbol: rows.filter(pl.col("timestamp") > decided).head(4) for symbol, rows in mine.items()}
    filled = sum(held[symbol] * after[symbol]["open"][0] for symbol in SHARES)
    cash = 1.0 - filled - 0.0006 * filled  # 5 bps of slippage and 1 of commission, on what was paid
    equity = [1.0, *(cash + sum(held[s] * after[s]["close"][day] for s in SHARES) for day in range(4))]
    by_hand = [now / before - 1.0 for before, now in itertools.pairwise(equity)]
    assert returns["time"].head(4).to_list() == after["AMEX:SPY"]["timestamp"].to_list()
    assert returns["return"].head(4).to_list() == pytest.approx(by_hand, abs=1e-12)
    assert max(map(abs, by_hand)) > 0.001
