"""Which bars are valid, and where one holder of a ticker ends and the next begins."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvquant.core.panel import Basis
from tvquant.lake import FindingKind, Lake, audit

BTC, AAPL, MSFT = "BINANCE:BTCUSDT", "NASDAQ:AAPL", "NASDAQ:MSFT"


def _generations(lake: Lake) -> list[int]:
    return [int(generation) for generation in lake.bars().generation]


def _closes(bars: Any, *args: Any, **more: Any) -> dict[str, Any]:
    return {name: bars(*args, **more)[name] for name in ("symbol", "timestamp", "close")}


def test_a_jump_that_no_one_traded_through_starts_a_generation(lake: Lake, deliver: Any, bars: Any) -> None:
    up = bars(BTC, [1.0, 1.0, 11.0, 11.0, 1.0], open=[1.0, 1.0, 11.0, 11.0, 1.0], low=[1.0, 1.0, 11.0, 11.0, 1.0])
    deliver(up | {"high": up["close"]})
    assert _generations(lake) == [1, 1, 2, 2, 3]
    found = [f for f in audit(lake) if f.kind is FindingKind.DISCONTINUITY]
    assert [str(f.first)[:10] for f in found] == ["2021-01-03", "2021-01-05"]
    assert "open is 11 times the close before: a re-used ticker or a redenomination" in found[0].detail
    assert "BINANCE:BTCUSDT#2" in found[0].detail


def test_a_fall_that_was_traded_through_is_a_loss(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [100.0, 90.0, 0.01, 0.0001, 0.0001]))
    assert _generations(lake) == [1, 1, 1, 1, 1]
    assert not [f for f in audit(lake) if not f.kind.note]


def test_the_limits_are_ten_times_and_a_tenth(lake: Lake, deliver: Any, bars: Any) -> None:
    closes = [1.0, 10.0, 1.0, 10.01, 1.0]
    deliver(bars(BTC, closes, open=closes, high=closes, low=closes))
    assert _generations(lake) == [1, 1, 1, 2, 3]


def test_closes_alone_break_only_upward_or_across_a_hole(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(_closes(bars, BTC, [100.0, 1.0, 19.0, 0.01]))
    assert _generations(lake) == [1, 1, 1, 1]
    deliver(_closes(bars, "BINANCE:ETHUSDT", [1.0, 21.0, 0.1, 0.001], skip=(3,)))
    assert _generations(lake)[4:] == [1, 2, 2, 3]


def test_a_delivered_split_explains_a_jump_of_raw_prices(lake: Lake, deliver: Any, bars: Any) -> None:
    closes = [1000.0, 50.0, 50.0]
    plain = {"open": [1000.0, 50.0, 50.0], "high": closes, "low": closes, "dividends": [0.0] * 3}
    deliver(bars(AAPL, closes, "2021-01-04", **plain, stock_splits=[0.0, 20.0, 0.0]), basis=Basis.RAW)
    deliver(bars(MSFT, closes, "2021-01-04", **plain, stock_splits=[0.0, 2.0, 0.0]), basis=Basis.RAW)
    assert _generations(lake) == [1, 1, 1, 1, 2, 2]
    panel = lake.panel(lake.pin([AAPL]))
    assert panel.fields["total_return"][1:, 0].tolist() == [0.0, 0.0]


def test_a_split_on_a_day_without_a_bar_explains_the_next_one(lake: Lake, deliver: Any, bars: Any) -> None:
    given = bars(AAPL, [1000.0, 50.0, 50.0], "2021-01-04", open=[1000.0, 50.0, 50.0], low=[1000.0, 51.0, 50.0])
    deliver(given | {"high": given["close"], "dividends": [0.0] * 3, "stock_splits": [0.0, 20.0, 0.0]}, basis=Basis.RAW)
    assert lake.bars().valid.tolist() == [True, False, True]
    assert _generations(lake) == [1, 1, 1]
    assert lake.panel(lake.pin([AAPL])).fields["total_return"][2, 0] == 0.0


@pytest.mark.parametrize(
    ("factor", "suspected"),
    [(0.5, True), (0.515, True), (0.53, False), (1 / 7, True), (3.0, True), (1.5, False), (1.0, False)],
)
def test_a_raw_price_that_opens_like_a_split_is_named(
    factor: float, suspected: bool, lake: Lake, deliver: Any, bars: Any
) -> None:
    price = [100.0, 100.0 * factor]
    plain = {"open": price, "high": price, "low": price}
    deliver(bars(AAPL, price, "2021-01-04", **plain), basis=Basis.RAW)
    deliver(bars("BINANCE:BTCUSDT", price, "2021-01-04", **plain))
    found = [(f.symbol, f.kind) for f in audit(lake)]
    assert found == ([(AAPL, FindingKind.SUSPECTED_SPLIT)] if suspected else [])
    assert lake.bars().valid.all()


def test_prices_that_cannot_be_are_masked(lake: Lake, deliver: Any, bars: Any) -> None:
    given = bars(BTC, [2.0] * 7)
    given["high"] = [2.0, 1.0, 2.0, 2.0, 2.0, 2.0 * (1 - 9e-7), 2.0]
    given["low"] = [2.0, 2.0, 2.1, 0.0, -1.0, 2.0 * (1 - 9e-7), 2.0 * (1 + 9e-7)]
    deliver(given)
    assert lake.bars().valid.tolist() == [True, False, False, False, False, True, True]
    found = {f.kind: f.count for f in audit(lake) if not f.kind.note}
    assert found == {FindingKind.HIGH_LOW: 2, FindingKind.NON_POSITIVE: 2}


def test_real_crashes_and_real_successors(lake: Lake, deliver: Any, shared_data: Path) -> None:
    deliver(shared_data / "crypto_binance_spot_1d_2021_2022.parquet")
    found: dict[str, list[str]] = {}
    for finding in audit(lake):
        if finding.kind is FindingKind.DISCONTINUITY:
            found.setdefault(finding.symbol.removeprefix("BINANCE:").removesuffix("USDT"), []).append(
                str(finding.first)[:10]
            )
    # Dates of the README of the data; the resets of the leveraged tokens by their list of names.
    assert found["LUNA"] == ["2022-05-31"]
    assert found["COCOS"] == ["2021-01-23"]
    assert found["DREP"] == ["2021-04-02"]
    assert found["SUN"] == ["2021-06-18"]
    assert len(found["DOTDOWN"]) == 2
    downs = {name for name in found if name.endswith("DOWN")}
    assert downs == {"ADADOWN", "BNBDOWN", "DOTDOWN", "ETHDOWN", "LINKDOWN", "TRXDOWN", "XRPDOWN"}
    assert set(found) == downs | {"LUNA", "COCOS", "DREP", "SUN"}


def test_luna_falls_to_its_end_and_its_successor_is_another(lake: Lake, deliver: Any, shared_data: Path) -> None:
    deliver(shared_data / "crypto_binance_spot_1d_2021_2022.parquet")
    panel = lake.panel(lake.pin(["BINANCE:LUNAUSDT"]))
    assert panel.keys == ("BINANCE:LUNAUSDT", "BINANCE:LUNAUSDT#2")
    day = {str(time)[:10]: row for row, time in enumerate(panel.times)}
    crash = panel.fields["total_return"][day["2022-05-10"] + 1 : day["2022-05-13"] + 1, 0]
    assert np.prod(1 + crash) == pytest.approx(5e-5 / 17.46, rel=1e-9)
    assert not panel.tradable[day["2022-05-14"] :, 0].any()
    assert not panel.tradable[: day["2022-05-31"], 1].any()
    assert panel.tradable[day["2022-05-31"] :, 1].all()
    # Before the successor is known, it is not in the panel.
    assert panel.until(np.datetime64("2022-05-31T12:00", "us")).keys == ("BINANCE:LUNAUSDT",)
    (listed,) = panel.instruments[1].facts
    assert (listed.value, listed.known_at) == (np.datetime64("2022-05-31"), np.datetime64("2022-06-01"))


def test_splits_of_raw_prices_that_were_not_delivered(lake: Lake, deliver: Any, shared_data: Path) -> None:
    deliver(shared_data / "us_equities_1d_unadjusted_public_domain.parquet", basis=Basis.RAW)
    found = {(f.symbol, str(f.first)[:10]) for f in audit(lake) if f.kind is FindingKind.SUSPECTED_SPLIT}
    assert found == {(AAPL, "2000-06-21"), (AAPL, "2005-02-28"), (MSFT, "2003-02-18")}


def test_rounding_of_adjusted_prices_is_no_violation(lake: Lake, deliver: Any, shared_data: Path) -> None:
    deliver(shared_data / "us_etf_1d_adjusted_2021_2026.parquet", basis=Basis.TOTAL)
    assert not [f for f in audit(lake) if not f.kind.note]


def test_first_bars_and_last_bars_that_are_wrong(lake: Lake, deliver: Any, shared_data: Path) -> None:
    deliver(shared_data / "crypto_bybit_perp_1d.parquet")
    deliver(shared_data / "us_equities_1d_wide_recent.parquet", basis=Basis.SPLIT)
    found = [(f.symbol, f.kind, str(f.first)[:10]) for f in audit(lake) if f.kind is not FindingKind.REPEATED]
    assert found == [
        ("BYBIT:BCHUSDT.P", FindingKind.NON_POSITIVE, "2020-12-14"),
        ("BYBIT:USTCUSDT.P", FindingKind.LOST_PEG, "2023-11-27"),
        ("NYSE:AON", FindingKind.HIGH_LOW, "2026-03-26"),
    ]
    panel = lake.panel(lake.pin(["BYBIT:BCHUSDT.P"]))
    assert str(panel.times[0])[:10] == "2020-12-15"
    assert str(panel.instruments[0].facts[0].value)[:10] == "2020-12-15"
