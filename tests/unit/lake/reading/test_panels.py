"""Panels: the grid, what is known when, actions, stamps."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.core.panel import Basis, Caveat, Caveats, Panel
from tvquant.core.stamps import NONE, Stamp, Stamps
from tvquant.lake import Lake

BTC, ETH, AAPL, MSFT, SPX = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "NASDAQ:AAPL", "NASDAQ:MSFT", "SP:SPX"

ASSUMED = frozenset({Stamp.ASSUMED_METADATA})


def _panel(lake: Lake, *symbols: str) -> Panel:
    return lake.panel(lake.pin(symbols or lake.symbols()))


def _stamps(panel: Panel) -> list[Stamps]:
    """What holds at the end, per column."""
    return [panel.stamps_of((key,)) - ASSUMED for key in panel.keys]


def _others(panel: Panel) -> tuple[Caveats, ...]:
    """Caveats of each column but that on steps, which files never tell."""
    return tuple(frozenset(one for one in found if one.stamp not in ASSUMED) for found in panel.stamps)


def _caveats(panel: Panel, key: str) -> set[tuple[Stamp, str, str | None]]:
    """Stamp, first and last day of its holding."""
    found = _others(panel)[panel.columns((key,))[0]]
    return {(one.stamp, str(one.since)[:10], one.until and str(one.until)[:10]) for one in found}


def test_rows_are_all_days_and_columns_stand_in_order_of_listing(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0, 3.0], "2021-01-03", skip=(1,)), bars(ETH, [5.0, 6.0], "2021-01-01"))
    panel = _panel(lake)
    assert panel.keys == (ETH, BTC)
    assert [str(time)[:10] for time in panel.times] == [f"2021-01-0{day}" for day in range(1, 7)]
    nan = np.nan
    np.testing.assert_array_equal(panel.fields["close"].T, [[5, 6, nan, nan, nan, nan], [nan, nan, 1, nan, 2, 3]])
    np.testing.assert_array_equal(panel.tradable, ~np.isnan(panel.fields["close"]))
    assert (panel.known_at == (panel.times + np.timedelta64(1, "D"))[:, None]).all()
    assert panel.calendar == "24x7"
    assert "quote_volume" not in panel.fields
    assert "dividend" not in panel.fields


def test_sessions_skip_holidays_and_are_known_at_their_close(lake: Lake, deliver: Any, bars: Any) -> None:
    days = ["2020-11-25", "2020-11-27", "2020-11-30"]
    stamps = [f"{day}T00:00:00Z" for day in days]
    deliver(bars(AAPL, [1.0, 2.0, 3.0], timestamp=stamps), basis=Basis.TOTAL)
    panel = _panel(lake)
    assert [str(time)[:10] for time in panel.times] == days
    # Eastern time is UTC-5 then; the day after Thanksgiving ends at 13:00.
    closes = ["2020-11-25T21:00", "2020-11-27T18:00", "2020-11-30T21:00"]
    np.testing.assert_array_equal(panel.known_at[:, 0], np.array(closes, "datetime64[us]"))


def test_a_bar_that_opens_in_its_session_stands_in_the_row_of_that_session(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0, 2.0], timestamp=["2021-01-04T14:30:00Z", "2021-01-05T14:30:00Z"]), basis=Basis.TOTAL)
    assert [str(time) for time in _panel(lake).times] == ["2021-01-04T00:00:00.000000", "2021-01-05T00:00:00.000000"]


def test_returns_hold_what_the_basis_leaves_out(lake: Lake, deliver: Any, bars: Any) -> None:
    price = [100.0, 50.0, 50.0]
    rows = {"open": price, "high": price, "low": price, "dividends": [0.0, 1.0, 0.0], "stock_splits": [0.0, 2.0, 0.0]}
    for symbol, basis in (("NYSE:A", Basis.RAW), ("NYSE:B", Basis.SPLIT), ("NYSE:C", Basis.TOTAL)):
        deliver(bars(symbol, price, "2021-01-04", **rows), basis=basis)
    panel = _panel(lake)
    # Raw: half the price, twice the units, 1 on each of them; split: the fall is real; total: nothing to add.
    np.testing.assert_allclose(panel.fields["total_return"][1], [0.02, -0.49, -0.5], rtol=1e-12)
    assert panel.bases == (Basis.RAW, Basis.SPLIT, Basis.TOTAL)
    assert panel.fields["split"].tolist() == [[1, 1, 1], [2, 1, 1], [1, 1, 1]]
    assert panel.fields["dividend"].tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_a_dividend_on_a_masked_bar_is_paid(lake: Lake, deliver: Any, bars: Any) -> None:
    given = bars(AAPL, [10.0, 10.0, 10.0], "2021-01-04", low=[10.0, 11.0, 10.0], dividends=[0.0, 1.0, 0.0])
    deliver(given, basis=Basis.SPLIT)
    panel = _panel(lake)
    assert np.isnan(panel.fields["total_return"][1, 0])
    assert panel.fields["total_return"][2, 0] == pytest.approx(0.1)


def test_a_dividend_belongs_to_the_holder_of_its_day(lake: Lake, deliver: Any, bars: Any) -> None:
    price = [1.0, 1.0, 50.0, 50.0]
    deliver(
        bars(AAPL, price, "2021-01-04", open=price, high=price, low=price, dividends=[0.0, 0.1, 0.0, 5.0]),
        basis=Basis.SPLIT,
    )
    panel = _panel(lake)
    assert panel.keys == (AAPL, f"{AAPL}#2")
    assert panel.fields["dividend"].tolist() == [[0, 0], [0.1, 0], [0, 0], [0, 5]]


@pytest.mark.parametrize(
    ("symbol", "basis", "dividends", "stamped"),
    [
        (AAPL, Basis.SPLIT, None, True),
        (AAPL, Basis.RAW, None, True),
        (AAPL, Basis.SPLIT, [0.0, 0.0], False),
        (AAPL, Basis.TOTAL, None, False),
        (SPX, Basis.RAW, [0.0, 0.0], True),
        (SPX, Basis.TOTAL, None, False),
        (BTC, Basis.RAW, None, False),
    ],
)
def test_returns_without_dividends_are_stamped(
    symbol: str, basis: Basis, dividends: list[float] | None, stamped: bool, lake: Lake, deliver: Any, bars: Any
) -> None:
    more = {} if dividends is None else {"dividends": dividends}
    deliver(bars(symbol, [1.0, 2.0], "2021-01-04", **more), basis=basis)
    panel = _panel(lake)
    held = {Caveat(stamp=Stamp.PRICE_RETURN, since=panel.known_at[0, 0])} if stamped else frozenset()
    assert _others(panel) == (held,)


def test_dividends_of_some_years_are_not_dividends_of_all(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0, 2.0], "2021-01-06", dividends=[0.0, 0.1]), basis=Basis.SPLIT)
    assert _others(_panel(lake)) == (frozenset(),)
    deliver(bars(AAPL, [1.0, 2.0], "2021-01-04"), basis=Basis.SPLIT)
    assert _caveats(_panel(lake), AAPL) == {(Stamp.PRICE_RETURN, "2021-01-04", None)}
    deliver(bars(AAPL, [1.0, 2.0], "2021-01-04", dividends=[0.0, 0.0]), basis=Basis.SPLIT)
    assert _others(_panel(lake)) == (frozenset(),)


@pytest.mark.requirement("R-SIM-03")
def test_returns_hold_dividends_until_bars_come_without(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0, 2.0], "2021-01-04", dividends=[0.0, 0.1]), basis=Basis.SPLIT)
    deliver(bars(AAPL, [2.0, 2.0], "2021-01-06"), basis=Basis.SPLIT)
    panel = _panel(lake)
    assert _caveats(panel, AAPL) == {(Stamp.PRICE_RETURN, "2021-01-06", None)}
    held = [panel.until(known).stamps_of((AAPL,)) - ASSUMED for known in panel.known_at[:, 0]]
    assert held == [NONE, NONE, {Stamp.PRICE_RETURN}, {Stamp.PRICE_RETURN}]


def test_two_values_for_one_dividend_are_both_left_out(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0, 2.0, 2.0], "2021-01-04", dividends=[0.0, 0.1, 0.0]), basis=Basis.SPLIT)
    deliver(bars(AAPL, [1.0, 2.0, 2.0], "2021-01-04", dividends=[0.0, 0.2, 0.0]), basis=Basis.SPLIT)
    panel = _panel(lake)
    assert "dividend" not in panel.fields
    assert _caveats(panel, AAPL) == {(Stamp.PRICE_RETURN, "2021-01-05", None)}
    assert _others(panel.until(panel.known_at[0, 0])) == (frozenset(),)


def test_two_values_for_one_dividend_do_not_matter_to_prices_that_hold_it(lake: Lake, deliver: Any, bars: Any) -> None:
    for value in (0.1, 0.2):
        deliver(bars(AAPL, [1.0, 2.0], "2021-01-04", dividends=[0.0, value]), basis=Basis.TOTAL)
    assert _others(_panel(lake)) == (frozenset(),)


def test_what_a_later_holder_left_out_does_not_stamp_the_one_before(lake: Lake, deliver: Any, bars: Any) -> None:
    price = [1.0, 1.0, 50.0, 50.0]
    same = {"open": price, "high": price, "low": price, "volume": [10.0, 10.0, 0.0, 0.0]}
    for value in (5.0, 6.0):
        deliver(bars(AAPL, price, "2021-01-04", **same, dividends=[0.0, 0.1, 0.0, value]), basis=Basis.SPLIT)
    panel = _panel(lake)
    assert _caveats(panel, AAPL) == set()
    later = {(Stamp.NO_VOLUME, "2021-01-06", None), (Stamp.PRICE_RETURN, "2021-01-07", None)}
    assert _caveats(panel, f"{AAPL}#2") == later


def test_two_values_for_one_split_say_nothing_of_dividends(lake: Lake, deliver: Any, bars: Any) -> None:
    for value in (2.0, 3.0):
        deliver(bars(AAPL, [1.0, 2.0], "2021-01-04", dividends=[0.0, 0.0], stock_splits=[1.0, value]), basis=Basis.RAW)
    panel = _panel(lake)
    assert "split" not in panel.fields
    assert _others(panel) == (frozenset(),)


def test_a_split_of_raw_prices_is_applied_whether_or_not_dividends_are_known(
    lake: Lake, deliver: Any, bars: Any
) -> None:
    """What is delivered of dividends later must not change what a split did before."""
    price = [2.0, 1.0, 1.0]
    same = {"open": price, "high": price, "low": price}
    deliver(bars(AAPL, price, "2021-01-04", **same, stock_splits=[1.0, 2.0, 1.0]), basis=Basis.RAW)
    assert _panel(lake).fields["total_return"][1:, 0].tolist() == [0.0, 0.0]
    deliver(bars(AAPL, [1.0], "2021-01-07", dividends=[0.0]), basis=Basis.RAW)
    assert _panel(lake).fields["total_return"][1:3, 0].tolist() == [0.0, 0.0]


def test_symbols_without_volume_are_stamped(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]), bars(ETH, [1.0, 2.0], volume=[0.0, 0.0]))
    panel = _panel(lake)
    assert panel.keys == (BTC, ETH)
    assert _stamps(panel) == [NONE, {Stamp.NO_VOLUME}]


@pytest.mark.requirement("R-SIM-03")
def test_a_symbol_has_no_volume_until_it_has(lake: Lake, deliver: Any, bars: Any) -> None:
    # Bars are known a day after they open; the second is no valid bar, and its volume counts for nothing.
    deliver(bars(BTC, [1.0, 2.0, 2.0, 2.0], low=[1.0, 9.0, 2.0, 2.0], volume=[0.0, 5.0, 0.0, 5.0]))
    panel = _panel(lake)
    assert _caveats(panel, BTC) == {(Stamp.NO_VOLUME, "2021-01-02", "2021-01-05")}
    held = [panel.until(known).stamps_of((BTC,)) - ASSUMED for known in panel.known_at[:, 0]]
    assert held == [{Stamp.NO_VOLUME}, {Stamp.NO_VOLUME}, {Stamp.NO_VOLUME}, NONE]


def test_closes_alone_make_a_panel_of_closes(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver({name: bars(BTC, [1.0, 2.0])[name] for name in ("symbol", "timestamp", "close")})
    panel = _panel(lake)
    assert set(panel.fields) == {"close", "total_return"}
    assert _stamps(panel) == [{Stamp.NO_VOLUME}]


def test_a_symbol_without_a_valid_bar_is_left_out(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]), bars(ETH, [-1.0, -2.0]))
    assert _panel(lake).keys == (BTC,)
    with pytest.raises(DataError, match="no symbol has a valid bar"):
        _panel(lake, ETH)


def test_one_calendar_and_one_currency_per_panel(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0]), bars("BINANCE:BTCEUR", [1.0]))
    deliver(bars(AAPL, [1.0], "2021-01-04"), basis=Basis.TOTAL)
    with pytest.raises(DataError, match=r"several calendars: 24x7 \(BINANCE:BTCUSDT\), XNYS \(NASDAQ:AAPL\)"):
        _panel(lake, BTC, AAPL)
    with pytest.raises(DataError, match="BINANCE:BTCEUR is priced in EUR"):
        _panel(lake, BTC, "BINANCE:BTCEUR")


def test_the_lake_returns_every_cell_of_a_real_file(lake: Lake, deliver: Any, shared_data: Path) -> None:
    path = shared_data / "crypto_binance_perp_1d.parquet"
    deliver(path)
    panel = _panel(lake)
    raw = pl.read_parquet(path).with_columns(pl.col("timestamp").dt.replace_time_zone(None))
    row = np.searchsorted(panel.times, raw["timestamp"].to_numpy())
    column = panel.columns(tuple(raw["symbol"]))
    assert panel.tradable.sum() == len(raw)
    for name in ("open", "high", "low", "close", "volume", "quote_volume"):
        np.testing.assert_array_equal(panel.fields[name][row, column], raw[name].to_numpy())


def test_dividends_of_american_shares_are_about_their_yield(lake: Lake, deliver: Any, shared_data: Path) -> None:
    deliver(shared_data / "us_equities_1d.parquet", basis=Basis.SPLIT)
    panel = _panel(lake)
    close = panel.fields["close"]
    price = close[1:] / close[:-1] - 1
    excess = 252 * np.nanmean(panel.fields["total_return"][1:] - price, axis=0)
    assert 0.015 < np.mean(excess) < 0.021
    assert panel.stamps_of(panel.keys) == ASSUMED
    # The vendor's fully adjusted close is another way to the same return.
    apple = lake.ls(AAPL).bars["adj_close"].to_numpy()
    ours = np.nanprod(1 + panel.fields["total_return"][:, panel.columns((AAPL,))[0]])
    assert ours == pytest.approx(apple[-1] / apple[0], rel=2e-3)


@pytest.mark.requirement("R-SIM-03")
@pytest.mark.parametrize("last", ["2021-01-23", "2021-04-07", "2022-05-13", "2022-05-31"])
def test_a_real_panel_until_t_is_the_panel_of_a_file_that_ends_at_t(
    last: str, lake: Lake, deliver: Any, shared_data: Path, tmp_path: Path
) -> None:
    names = [f"BINANCE:{base}USDT" for base in ("BTC", "LUNA", "COCOS", "DREP", "SUN", "ADADOWN", "DOTDOWN", "JUV")]
    raw = pl.read_parquet(shared_data / "crypto_binance_spot_1d_2021_2022.parquet").filter(
        pl.col("symbol").is_in(names)
    )
    panels = {}
    for name, rows in (("whole", raw), ("cut", raw.filter(pl.col("timestamp").dt.date() <= date.fromisoformat(last)))):
        file, lake.root = tmp_path / f"{name}.parquet", tmp_path / name
        rows.write_parquet(file)
        deliver(file)
        panels[name] = _panel(lake)
    seen, alone = panels["whole"].until(panels["cut"].known_at.max()), panels["cut"]
    assert seen.instruments == alone.instruments
    assert seen.stamps == alone.stamps
    assert seen.digest() == alone.digest()
