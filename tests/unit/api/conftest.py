"""One workspace with a few coins and one small run over them, made through the API."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

import tvquant as tv

COINS = [f"BINANCE:{coin}USDT" for coin in ("BTC", "ETH", "SOL", "XRP", "ADA", "DOT")]


@pytest.fixture(scope="session")
def profile() -> dict[str, Any]:
    """Nested and dotted keys, a tuple and a number of numpy: what a program has at hand; caps that force cash."""
    return {
        "extends": "crypto_spot",
        "execution": {"convention": "next_close"},
        "selection.min_winners": np.int64(3),
        "allocation": {"profiles": ("hrp", "equal_weight"), "limits.position": 0.15},
    }


@pytest.fixture(scope="session")
def closes() -> pd.DataFrame:
    """Closes of six coins on 200 days."""
    days = pd.date_range("2023-01-01", periods=200, name="Date")
    steps = np.random.default_rng(1).normal(0.0, 0.02, (200, len(COINS)))
    return pd.DataFrame(100.0 * np.exp(steps.cumsum(axis=0)), index=days, columns=COINS)


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory, closes: pd.DataFrame) -> tv.Workspace:
    made = tv.Workspace.create(tmp_path_factory.mktemp("api") / "ws")
    made.import_frame(closes)
    return made


@pytest.fixture(scope="session")
def run(workspace: tv.Workspace, profile: dict[str, Any]) -> tv.Run:
    return workspace.run(profile)
