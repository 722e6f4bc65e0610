"""What commands say beside their answer."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from numba import njit

from tvquant.app.cli import console
from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.writing.upserts import upsert


def compiled_now() -> None:
    """Compile two functions, of which one compiles the other."""

    @njit
    def inner(x: float) -> float:
        return x + 1.0

    @njit
    def outer(x: float) -> float:
        return 2.0 * inner(x)

    assert outer(1.0) == 4.0


def test_long_compiling_is_said_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(console, "COMPILING", 0.0)
    with console.compiling_noted():
        compiled_now()
        compiled_now()
    assert capsys.readouterr().err.count("compiling kernels") == 1
    compiled_now()
    assert capsys.readouterr().err == ""


def test_short_compiling_is_not_worth_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "COMPILING", 60.0)
    with console.compiling_noted():
        compiled_now()
    assert capsys.readouterr().err == ""


def test_bars_that_nobody_traded_at_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake, now = Lake(tmp_path / "lakehouse"), datetime(2024, 6, 1, tzinfo=UTC)
    for symbol, source, said in (("BINANCE:BTCUSDT", "told", ""), ("BINANCE:S001USDT", "simulated", "simulated: 1 ")):
        rows = pl.DataFrame({"symbol": [symbol], "timestamp": [now - timedelta(days=3)], "close": [1.0]})
        upsert(lake, rows, interval="1d", basis=Basis.RAW, source=source, recorded_at=now, reason="sync")
        console.note_simulated(lake)
        assert capsys.readouterr().err[:13] == said
