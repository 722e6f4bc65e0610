"""The snippets of `docs/python.md`, and the notebook, run as they stand."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tvquant as tv

pytestmark = [pytest.mark.xdist_group("vectorbt")]

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text("utf-8")
SNIPPETS = [block.partition("```")[0] for block in PAGE.split("```python\n")[1:]]


def closes(names: list[str], days: pd.DatetimeIndex) -> pd.DataFrame:
    steps = np.random.default_rng(2).normal(0.0, 0.02, (len(days), len(names)))
    return pd.DataFrame(100.0 * np.exp(steps.cumsum(axis=0)), index=days, columns=names)


def test_the_page_begins_with_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    coins = [f"BINANCE:{coin}USDT" for coin in ("BTC", "ETH", "SOL", "XRP", "ADA")]
    space: dict[str, Any] = {"closes": closes(coins, pd.date_range("2023-01-01", periods=160))}
    exec(SNIPPETS[0], space)
    assert space["run"].verify().finished
    assert space["run"].id == tv.Workspace.open(tmp_path / "ws").latest().id


@pytest.mark.parametrize("name", ["vectorbt", "TA-Lib"])
def test_three_lines_beside_a_peer(name: str) -> None:
    import talib
    import vectorbt

    [snippet] = [one for one in SNIPPETS if {"vectorbt": "vbt.", "TA-Lib": "talib."}[name] in one]
    days = pd.bdate_range("2020-01-01", periods=300)
    weights = pd.DataFrame(
        [[0.5, 0.3, -0.2], [0.2, 0.2, 0.2], [0.0, 0.9, 0.0]], index=days[[0, 50, 100]], columns=list("ABC")
    )
    space = {
        "tv": tv,
        "vbt": vectorbt,
        "talib": talib,
        "np": np,
        "weights": weights,
        "closes": closes(list("ABC"), days),
    }
    exec(snippet, space)
    assert len(space["ours"] if name == "TA-Lib" else space["ours"].equity) == 300
