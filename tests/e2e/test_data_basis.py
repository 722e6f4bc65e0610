"""A declared basis on the command line: refused with both figures, taken on a word, replaced whole, and gated."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

AAA = "NASDAQ:AAA"
DAYS = [day for k in range(170) if (day := date(2021, 4, 5) + timedelta(days=k)).weekday() < 5]
DAYS = [day for day in DAYS if day not in (date(2021, 5, 31), date(2021, 7, 5), date(2021, 9, 6))][:110]
CLOSES = 100.0 * np.exp(np.random.default_rng(4).normal(0, 0.01, 110).cumsum())


def csv(path: Path, factor: float = 1.0, last: int = 110) -> Path:
    """Split-adjusted closes of a share times a factor, with a split of 4 on the 60th session."""
    lines = ["symbol,timestamp,open,high,low,close,volume,dividends,stock_splits"]
    for k, (day, close) in enumerate(zip(DAYS[:last], CLOSES, strict=False)):
        price = f"{close * factor:.6f}"
        lines.append(f"{AAA},{day},{price},{price},{price},{price},1000,0,{4 if k == 60 else 0}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def home(tmp_path: Path, tvquant: Callable[..., Any]) -> Path:
    assert tvquant("init", tmp_path / "ws").code == 0
    return tmp_path / "ws"


@pytest.mark.requirement("R-DAT-15")
@pytest.mark.parametrize(
    "words", [("import",), ("sync", "--provider", "files", "--depth", 2000, "--path")], ids=["import", "sync"]
)
def test_a_wrong_basis_is_refused_or_accepted_and_then_gated(
    words: tuple[object, ...], home: Path, tmp_path: Path, tvquant: Callable[..., Any]
) -> None:
    file = csv(tmp_path / "adjusted.csv")
    declared = ("data", *words, file, "--basis", "raw", "-w", home)
    refused = tvquant(*declared)
    assert refused.code in (2, 3)
    assert "raw prices must show a split of 4 as a move of -75.0%, but close moves" in refused.err
    accepted = tvquant(*declared, "--accept-basis")
    assert accepted.code == 0
    assert words[0] != "import" or f"taken on your word against what prices show: {AAA}" in accepted.out
    strict = tvquant("data", "audit", "--strict", "-w", home)
    assert strict.code == 1
    assert f"{AAA} (accepted)" in strict.err
    assert "basis_contradiction" in strict.out
    assert tvquant("data", "status", "--json", "-w", home).document["health"] == {"accepted": 1}


def test_an_adjusted_history_is_replaced_as_a_named_revision(
    home: Path, tmp_path: Path, tvquant: Callable[..., Any]
) -> None:
    words = ("--basis", "split", "-w", home)
    assert tvquant("data", "import", csv(tmp_path / "old.csv", 4.0, 50), *words).code == 0
    said = tvquant("data", "import", csv(tmp_path / "new.csv"), *words)
    assert said.code == 0, said.err
    assert f"{AAA}: 50 stored bars went out of use, replaced whole: the close of 2021-04-05 was" in said.out
    assert "revision " in said.out
    assert tvquant("data", "audit", "--strict", "-w", home).code == 0
