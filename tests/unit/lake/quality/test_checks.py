"""What values give away: each check on made-up bars that have just that, and on real ones that must not be accused."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.panel import Basis
from tvquant.lake import Finding, FindingKind, Lake, audit
from tvquant.lake.quality.checks import market_day

BTC, AAPL = "BINANCE:BTCUSDT", "NASDAQ:AAPL"
DAYS = 120
WHEN = 60


def walk(deviation: float = 0.04, seed: int = 3) -> np.ndarray:
    """Closes of a random walk."""
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, deviation, DAYS)))


def table(bars: Any, symbol: str, opens: np.ndarray, closes: np.ndarray, **more: Any) -> dict[str, Any]:
    """A symbol whose bars reach 1 % beyond open and close."""
    found = bars(symbol, closes.tolist(), "2021-01-04", **more) | {
        "open": opens.tolist(),
        "high": (np.maximum(opens, closes) * 1.01).tolist(),
        "low": (np.minimum(opens, closes) * 0.99).tolist(),
    }
    if symbol == AAPL:  # sessions: every weekday of a span without a holiday is too short, so stamps are made of them
        days = np.busday_offset("2021-07-06", np.arange(400), roll="forward")
        days = days[~np.isin(days, HOLIDAYS)][: len(closes)]
        found["timestamp"] = [f"{day}T00:00:00Z" for day in days]
    return found


HOLIDAYS = np.array(
    ["2021-09-06", "2021-11-25", "2021-12-24", "2022-01-17", "2022-02-21", "2022-04-15"], dtype="datetime64[D]"
)


def continuous(closes: np.ndarray) -> np.ndarray:
    """Opens of a market that never closes."""
    return np.r_[closes[0], closes[:-1]]


def kinds(lake: Lake) -> list[tuple[FindingKind, str]]:
    return [(f.kind, str(f.first)[:10]) for f in audit(lake) if not f.kind.note]


def of(lake: Lake, kind: FindingKind) -> list[Finding]:
    return [f for f in audit(lake) if f.kind is kind]


@pytest.mark.requirement("R-DAT-05")
@pytest.mark.parametrize(
    ("stamp", "day"),
    [
        ("2021-01-05T19:59", "2021-01-05"),
        ("2021-01-05T20:00", "2021-01-06"),
        ("2021-01-05T23:59", "2021-01-06"),
        ("2021-01-06T00:00", "2021-01-06"),
        ("2021-01-03T22:00", "2021-01-04"),  # Sunday evening belongs to Monday
    ],
)
def test_what_opens_in_the_evening_belongs_to_the_next_market_day(stamp: str, day: str) -> None:
    assert market_day(np.array([stamp], "datetime64[us]")).tolist() == np.array([day], "datetime64[us]").tolist()


@pytest.mark.requirement("R-DAT-05")
def test_the_shift_is_never_applied_to_crypto_or_to_us_sessions(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0], timestamp=["2021-01-05T00:00:00Z", "2021-01-06T00:00:00Z"]))
    deliver(bars(AAPL, [1.0, 2.0], timestamp=["2021-01-05T21:00:00Z", "2021-01-06T21:00:00Z"]), basis=Basis.TOTAL)
    for symbol in (BTC, AAPL):
        times = lake.panel(lake.pin([symbol])).times
        assert [str(time)[:10] for time in times] == ["2021-01-05", "2021-01-06"]


@pytest.mark.parametrize("factor", [0.5, 1.5, 10.0, 1000.0])
@pytest.mark.parametrize("aside", ["bar", "close", "open"])
def test_one_price_aside_round_the_clock_is_a_spike(
    factor: float, aside: str, lake: Lake, deliver: Any, bars: Any
) -> None:
    closes = walk()
    opens = continuous(closes)
    if aside in ("bar", "close"):
        closes[WHEN] *= factor
    if aside in ("bar", "open"):
        opens[WHEN] *= factor
    deliver(table(bars, BTC, opens, closes))
    found = of(lake, FindingKind.SPIKE)
    assert [(str(f.first)[:10], f.count) for f in found] == [("2021-03-05", 1)]
    assert aside != "bar" or found[0].detail.startswith(f"a price {factor:g} times its neighbours")
    assert not of(lake, FindingKind.SCALE_CHANGE)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_one_close_aside_between_sessions_is_a_spike_beyond_twelve_deviations(
    factor: float, lake: Lake, deliver: Any, bars: Any
) -> None:
    closes = walk(0.01)
    opens = continuous(closes) * np.exp(np.random.default_rng(4).normal(0, 0.005, DAYS))
    closes[WHEN] *= factor
    deliver(table(bars, AAPL, opens, closes), basis=Basis.TOTAL)
    assert kinds(lake) == [(FindingKind.SPIKE, "2021-09-29")]


def test_a_crash_a_pump_and_its_end_and_an_earnings_gap_are_no_spikes(lake: Lake, deliver: Any, bars: Any) -> None:
    traded = walk()
    traded[WHEN:] *= 1e-3  # a crash that was traded through, and stays
    pumped = walk()
    pumped[WHEN] *= 2.0  # doubled within a day and halved within the next
    gapped = walk(0.02)
    gapped[WHEN:] *= 0.48
    opens = continuous(gapped)
    opens[WHEN] *= 0.5
    deliver(table(bars, BTC, continuous(traded), traded))
    deliver(table(bars, "BINANCE:ETHUSDT", continuous(pumped), pumped))
    deliver(table(bars, AAPL, opens, gapped), basis=Basis.TOTAL)
    assert kinds(lake) == []


def test_of_closes_alone_much_more_is_asked(lake: Lake, deliver: Any, bars: Any) -> None:
    for symbol, factor in (("BINANCE:ADAUSDT", 1.9), ("BINANCE:BNBUSDT", 5.0)):
        closes = walk()
        closes[WHEN] *= factor
        whole = bars(symbol, closes.tolist(), "2021-01-04")
        deliver({name: whole[name] for name in ("symbol", "timestamp", "close")})
    assert [f.symbol for f in of(lake, FindingKind.SPIKE)] == ["BINANCE:BNBUSDT"]


def test_a_jump_beside_missing_bars_is_no_spike(lake: Lake, deliver: Any, bars: Any) -> None:
    closes = walk()
    opens = continuous(closes)
    opens[WHEN], closes[WHEN] = opens[WHEN] * 5, closes[WHEN] * 5
    deliver(table(bars, BTC, opens, closes, skip=(WHEN,)))
    assert not of(lake, FindingKind.SPIKE)


@pytest.mark.parametrize(("factor", "power"), [(1000.0, 3), (0.01, -2), (10.0, 1)])
def test_prices_in_another_unit_for_good_are_a_change_of_scale(
    factor: float, power: int, lake: Lake, deliver: Any, bars: Any
) -> None:
    closes = walk()
    opens = continuous(closes)
    opens[WHEN:], closes[WHEN:] = opens[WHEN:] * factor, closes[WHEN:] * factor
    deliver(table(bars, BTC, opens, closes))
    assert kinds(lake) == [(FindingKind.SCALE_CHANGE, "2021-03-05")]
    assert f"(10^{power})" in of(lake, FindingKind.SCALE_CHANGE)[0].detail


def test_a_split_is_no_change_of_scale(lake: Lake, deliver: Any, bars: Any) -> None:
    closes = walk(0.01)
    opens = continuous(closes)
    opens[WHEN:], closes[WHEN:] = opens[WHEN:] / 10, closes[WHEN:] / 10
    splits = np.zeros(DAYS)
    given = table(bars, AAPL, opens, closes)
    deliver(given | {"symbol": ["NYSE:IBM"] * DAYS}, basis=Basis.RAW)
    splits[WHEN] = 10.0
    deliver(given | {"stock_splits": splits.tolist(), "dividends": [0.0] * DAYS}, basis=Basis.RAW)
    assert [(f.symbol, f.kind) for f in audit(lake)] == [("NYSE:IBM", FindingKind.SUSPECTED_SPLIT)]


@pytest.mark.parametrize(("repeats", "stale"), [(4, 0), (5, 1)])
def test_a_close_that_is_repeated_without_a_trade_is_stale(
    repeats: int, stale: int, lake: Lake, deliver: Any, bars: Any
) -> None:
    flat, silent = walk(), walk(seed=5)
    for closes in (flat, silent):
        closes[WHEN + 1 : WHEN + 1 + repeats] = closes[WHEN]
    run = slice(WHEN + 1, WHEN + 1 + repeats)
    one = table(bars, BTC, continuous(flat), flat)
    for name in ("high", "low"):
        one[name][run] = one["close"][run]
    two = table(bars, "BINANCE:ETHUSDT", continuous(silent), silent)
    two["volume"][run] = [0.0] * repeats
    deliver(one, two)
    found = of(lake, FindingKind.STALE_PRICE)
    assert [(f.symbol, str(f.first)[:10], f.count) for f in found] == [
        (BTC, "2021-03-06", repeats), ("BINANCE:ETHUSDT", "2021-03-06", repeats),
    ][: 2 * stale]  # fmt: skip
    assert {(f.symbol, f.kind, f.count) for f in audit(lake) if f.kind.note} == {
        (BTC, FindingKind.FLAT, repeats), ("BINANCE:ETHUSDT", FindingKind.ZERO_VOLUME, repeats),
    }  # fmt: skip


def test_a_peg_that_trades_is_not_stale_and_bare_closes_need_ten(lake: Lake, deliver: Any, bars: Any) -> None:
    pegged = np.ones(DAYS)
    deliver(table(bars, "BINANCE:USDCUSDT", pegged, pegged))
    for symbol, repeats in (("BINANCE:ADAUSDT", 9), ("BINANCE:BNBUSDT", 10)):
        closes = walk()
        closes[WHEN + 1 : WHEN + 1 + repeats] = closes[WHEN]
        whole = bars(symbol, closes.tolist(), "2021-01-04")
        deliver({name: whole[name] for name in ("symbol", "timestamp", "close")})
    assert [f.symbol for f in audit(lake)] == ["BINANCE:BNBUSDT"]


def test_bars_that_stand_at_another_hour_all_alike_are_calendar_drift(lake: Lake, deliver: Any, bars: Any) -> None:
    def days(hours: list[int]) -> list[str]:
        return [f"2021-01-{k + 1:02}T{hour:02}:00:00Z" for k, hour in enumerate(hours)]

    deliver(bars(BTC, [1.0, 2.0] * 5, timestamp=days([4] * 10)))
    deliver(bars("BINANCE:ETHUSDT", [1.0, 2.0] * 5, timestamp=days([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])))
    deliver(bars("BINANCE:XRPUSDT", [1.0, 2.0] * 5, timestamp=days([4] * 4 + [0] * 6)))
    found = [(f.symbol, f.kind, f.count) for f in audit(lake) if f.kind not in (FindingKind.GAP, FindingKind.FLAT)]
    assert sorted(found) == [
        (BTC, FindingKind.CALENDAR_DRIFT, 10),
        ("BINANCE:ETHUSDT", FindingKind.OFF_CALENDAR, 9),
        ("BINANCE:XRPUSDT", FindingKind.OFF_CALENDAR, 4),  # four are too few to be a habit
    ]
    assert "at 04:00 UTC" in of(lake, FindingKind.CALENDAR_DRIFT)[0].detail


@pytest.mark.parametrize(
    ("file", "basis"),
    [
        ("crypto_binance_perp_1d", None),
        ("crypto_bybit_perp_1d", None),
        ("crypto_binance_spot_1d_2021_2022", None),
        ("crypto_binance_spot_1d_2022_2025", None),
        ("us_equities_1d", Basis.SPLIT),
        ("us_equities_1d_wide_recent", Basis.SPLIT),
        ("us_equities_1d_unadjusted_public_domain", Basis.RAW),
        ("us_etf_1d_long", Basis.SPLIT),
        ("us_etf_1d_adjusted_2021_2026", Basis.TOTAL),
    ],
)
@pytest.mark.parametrize("columns", ["whole bars", "closes alone"])
def test_nothing_real_is_accused_by_its_values(
    file: str, basis: Basis | None, columns: str, lake: Lake, deliver: Any, shared_data: Path, tmp_path: Path
) -> None:
    rows = pl.read_parquet(shared_data / f"{file}.parquet")
    if columns == "closes alone":  # days of 2x and their ends are in them
        rows = rows.select("symbol", "timestamp", "close")
    if not os.environ.get("TVQUANT_PROOF"):
        rows = rows.filter(pl.col("symbol").is_in(rows["symbol"].unique().sort()[::3].implode()))
    path = tmp_path / f"{file}.parquet"
    rows.write_parquet(path)
    asked = {FindingKind.SPIKE, FindingKind.SCALE_CHANGE, FindingKind.STALE_PRICE, FindingKind.CALENDAR_DRIFT}
    deliver(path, basis=basis)
    assert [f for f in audit(lake) if f.kind in asked] == []
