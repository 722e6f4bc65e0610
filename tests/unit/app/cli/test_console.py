"""What commands say beside their answer, and how they ask."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tvquant.app.cli import console
from tvquant.app.cli.exit_codes import Declined
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.writing.upserts import upsert


def test_bars_that_nobody_traded_at_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake, now = Lake(tmp_path / "lakehouse"), datetime(2024, 6, 1, tzinfo=UTC)
    for symbol, source, said in (("BINANCE:BTCUSDT", "told", ""), ("BINANCE:S001USDT", "simulated", "simulated: 1 ")):
        rows = pl.DataFrame({"symbol": [symbol], "timestamp": [now - timedelta(days=3)], "close": [1.0]})
        upsert(lake, rows, interval="1d", basis=Basis.RAW, source=source, recorded_at=now, reason="sync")
        console.note_simulated(lake)
        assert capsys.readouterr().err[:13] == said


@pytest.mark.parametrize(
    ("said", "error"),
    [("y\n", None), (" YES \n", None), ("n\n", Declined), ("\n", Declined), ("n", Declined), ("", ProfileError)],
)
def test_only_a_yes_goes_on_and_nobody_is_not_a_no(
    said: str, error: type[Exception] | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    if error is None:
        console.confirm("remove it?", otherwise="it stays")
    else:
        with pytest.raises(error, match="stays" if error is Declined else "--yes"):
            console.confirm("remove it?", otherwise="it stays")
    out, err = capsys.readouterr()
    assert (out, err.strip()) == ("", "remove it? [y/N]:")


def test_a_share_that_rounds_to_zero_has_no_sign() -> None:
    assert [console.percent(value) for value in (-1e-17, -0.0, 1e-9)] == ["0.0 %"] * 3
    assert [console.percent(value) for value in (-0.0006, 0.197, float("nan"))] == ["-0.1 %", "19.7 %", "-"]
