"""Adjusted histories on another scale: replaced whole or refused by name, and never joined to the old one."""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.core.stamps import Stamp
from tvquant.lake import FindingKind, Lake, audit
from tvquant.lake.quality.price_scale import rescaled
from tvquant.lake.storage import commits, tables

AAA, BBB, CCC = "NASDAQ:AAA", "NASDAQ:BBB", "NASDAQ:CCC"
DAYS = [day for k in range(60) if (day := date(2021, 4, 5) + timedelta(days=k)).weekday() < 5]
CLOSES = [float(value) for value in 100.0 * np.exp(np.random.default_rng(3).normal(0, 0.01, len(DAYS)).cumsum())]


def part(bars: Any, first: int, last: int, factor: float = 1.0, symbol: str = AAA, **more: Any) -> dict[str, Any]:
    closes = [round(close * factor, 6) for close in CLOSES[first:last]]
    return bars(symbol, closes, timestamp=[f"{day}T00:00:00Z" for day in DAYS[first:last]], **more)  # type: ignore[no-any-return]


def together(*parts: dict[str, Any]) -> dict[str, Any]:
    return {name: [value for one in parts for value in one[name]] for name in parts[0]}


def stored(lake: Lake, symbol: str = AAA) -> list[float]:
    rows = tables.read(lake.root, "bars", ["timestamp", "close"], where=pl.col("symbol") == symbol)
    return rows.sort("timestamp")["close"].to_list()


def rows(closes: list[float], first: int = 0, *, alone: bool = False) -> pl.DataFrame:
    days = pl.Series(DAYS[first : first + len(closes)]).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    frame = pl.DataFrame({"symbol": AAA, "timestamp": days, "close": closes})
    others = {name: pl.lit(None, pl.Float64) if alone else pl.col("close") for name in ("open", "high", "low")}
    return frame.with_columns(**others)


@pytest.mark.parametrize(
    ("given", "bars"),
    [
        (rows([close / 4 for close in CLOSES[:20]]), 20),
        (rows([close * 0.995 for close in CLOSES[:20]]), 20),
        (rows([CLOSES[19] / 4], 19), 1),
        (rows([close / 4 for close in CLOSES[:10]] + CLOSES[10:20]), 10),  # a split inside
        (rows([close * 0.98 for close in CLOSES[:5]] + [close * 0.99 for close in CLOSES[5:15]]), 15),  # two dividends
        (rows(CLOSES[:20]), 0),
        (rows([close * (1 + 1e-9) for close in CLOSES[:20]]), 0),
        (rows([*CLOSES[:10], CLOSES[10] * 1.1, *CLOSES[11:20]]), 0),  # one correction
        (rows(CLOSES[:10] + [close / 4 for close in CLOSES[10:20]]), 0),  # the past stays: that is no adjustment
        (rows([close * (1 + 0.01 * (-1) ** k) for k, close in enumerate(CLOSES[:20])]), 0),
        (rows([CLOSES[19] / 4], 19, alone=True), 0),  # one bare close may be a correction
        (rows([close / 4 for close in CLOSES[18:20]], 18, alone=True), 2),
    ],
)  # fmt: skip
def test_another_scale_is_a_common_factor_of_the_whole_past(given: pl.DataFrame, bars: int) -> None:
    found = rescaled(given, rows(CLOSES[:20]))
    assert found["bars"].to_list() == ([bars] if bars else [])
    assert found["held"].to_list() == ([20] if bars else [])


@pytest.mark.parametrize("basis", [Basis.SPLIT, Basis.TOTAL])
@pytest.mark.parametrize("factor", [0.25, 0.99])
def test_a_whole_history_on_another_scale_replaces_the_stored_one(
    basis: Basis, factor: float, lake: Lake, deliver: Any, bars: Any
) -> None:
    old = {"dividends": [0.4 if k == 5 else 0.0 for k in range(20)]}
    new = {"dividends": [0.4 * factor if k == 5 else 0.0 for k in range(40)]}
    deliver(together(part(bars, 0, 20, **old), part(bars, 0, 20, symbol=BBB, **old)), basis=basis)
    pinned = lake.pin([AAA])
    before = lake.panel(pinned).fields["close"]
    others = (part(bars, 0, 20, symbol=BBB, **old), part(bars, 0, 20, symbol=CCC, **old))
    report = deliver(together(part(bars, 0, 40, factor, **new), *others), basis=basis)
    (revised,) = report.revised
    assert (revised.symbol, revised.bars, report.stored, report.duplicates) == (AAA, 20, 60, 20)
    assert "20 stored bars went out of use" in str(revised)
    np.testing.assert_allclose(stored(lake), [close * factor for close in CLOSES[:40]], atol=1e-6)
    assert stored(lake, BBB) == [round(close, 6) for close in CLOSES[:20]]
    assert stored(lake, CCC) == stored(lake, BBB)
    assert not [f for f in audit(lake, [AAA]) if not f.kind.note]
    assert lake.ls(AAA).actions["value"].to_list() == [0.4 * factor]
    np.testing.assert_array_equal(lake.panel(pinned).fields["close"], before)
    assert deliver(part(bars, 0, 40, factor, **new), basis=basis).revised == ()


@pytest.mark.parametrize("first", [19, 10])
def test_the_tail_of_a_history_on_another_scale_is_refused_by_name(
    first: int, lake: Lake, deliver: Any, bars: Any
) -> None:
    deliver(part(bars, 0, 20), basis=Basis.SPLIT)
    tail = part(bars, first, 40, 0.25)
    with pytest.raises(
        DataError, match=rf"{AAA}: split prices changed .* of 2021-04-05 to 2021-04-30: deliver the whole"
    ):
        deliver(tail, basis=Basis.SPLIT)
    with pytest.raises(DataError, match="deliver the whole history at once"):
        deliver(part(bars, 0, 19, 0.25), basis=Basis.SPLIT)
    report = deliver(together(tail, part(bars, 0, 20, symbol=BBB)), basis=Basis.SPLIT)
    assert list(report.refused) == [AAA]
    assert stored(lake) == [round(close, 6) for close in CLOSES[:20]]
    assert len(stored(lake, BBB)) == 20


def test_dividends_are_not_left_on_the_old_scale(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(part(bars, 0, 20, dividends=[0.4 if k == 5 else 0.0 for k in range(20)]), basis=Basis.SPLIT)
    with pytest.raises(DataError, match="its stored dividends came without: deliver them as a column"):
        deliver(part(bars, 0, 40, 0.25), basis=Basis.SPLIT)


def test_a_correction_of_one_bar_is_a_conflict_as_before(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(part(bars, 0, 20), basis=Basis.SPLIT)
    wrong = part(bars, 0, 20)
    wrong["close"][7] *= 1.001
    wrong["high"][7] *= 1.002
    assert deliver(wrong, basis=Basis.SPLIT).revised == ()
    assert FindingKind.CONFLICT in {f.kind for f in audit(lake)}


@pytest.mark.parametrize("killed", ["actions", "instruments", "bars"])
def test_the_stamp_follows_what_is_stored_whichever_commit_a_kill_came_before(
    killed: str, lake: Lake, deliver: Any, bars: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    extend = commits.extend

    def stop(root: Path, table: str, frames: Iterable[pl.DataFrame]) -> None:
        if table == killed:
            raise KeyboardInterrupt
        extend(root, table, frames)

    monkeypatch.setattr(commits, "extend", stop)
    with pytest.raises(KeyboardInterrupt):
        deliver(part(bars, 0, 20, dividends=[0.4 if k == 5 else 0.0 for k in range(20)]), basis=Basis.SPLIT)
    monkeypatch.undo()
    deliver(part(bars, 0, 20), basis=Basis.SPLIT)
    panel = lake.panel(lake.pin([AAA]))
    assert (Stamp.PRICE_RETURN in panel.stamps_of((AAA,))) != ("dividend" in panel.fields)
