"""Forks keep the past to the bit, change the future, and can be imported."""

import re
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.panel import Basis, Caveat, Panel
from tvquant.core.stamps import Stamp
from tvquant.lake import Lake, Snapshot, perturbations
from tvquant.lake.forks import pinned, rebuilt
from tvquant.lake.reading import panels
from tvquant.lake.writing.funding import store_funding

DAYS = 60
MOMENT = np.datetime64("2021-01-31T00:00:00", "us")
"""The close of the thirtieth of the crypto bars below."""
SESSION_CLOSE = np.datetime64("2021-02-16T21:00:00", "us")
"""The close of the thirtieth of the New York sessions below."""

ASSUMED = frozenset({Stamp.ASSUMED_METADATA})


def _draw() -> np.random.Generator:
    return np.random.default_rng(7)


def _closes(seed: int, count: int) -> list[float]:
    moves = np.random.default_rng(seed).normal(0.0, 0.02, count).cumsum()
    return [float(value) for value in 100.0 * np.exp(moves)]


def _deliver_crypto(deliver: Callable[..., Any], bars: Callable[..., dict[str, Any]]) -> None:
    """One pair with all bars, one with a hole, one that dies before the moment, one listed after it, and one whose
    two versions of a bar conflict."""
    twice = bars("BINANCE:BNBUSDT", _closes(4, DAYS))
    for column in twice:
        value = twice[column][10]
        twice[column].append(value * 2 if column == "volume" else value)
    deliver(
        bars("BINANCE:BTCUSDT", _closes(0, DAYS)),
        bars("BINANCE:ETHUSDT", _closes(1, DAYS - 3), skip=(40, 41, 42)),
        bars("BINANCE:XRPUSDT", _closes(2, 20)),
        bars("BINANCE:DOGEUSDT", _closes(3, 20), start="2021-02-05"),
        twice,
    )


def _deliver_stocks(deliver: Callable[..., Any]) -> None:
    """Two stocks with dividends and splits on both sides of the moment, another that came without, and closes alone."""
    days = [day for day in (date(2021, 1, 4) + timedelta(days=k) for k in range(120)) if day.weekday() < 5]
    closed = {date(2021, 1, 18), date(2021, 2, 15), date(2021, 4, 2)}
    days = [day for day in days if day not in closed]

    def rows(symbol: str, seed: int, **more: Any) -> dict[str, Any]:
        closes = _closes(seed, len(days))
        return {
            "symbol": [symbol] * len(days),
            "timestamp": [f"{day.isoformat()}T00:00:00Z" for day in days],
            "open": closes, "high": closes, "low": closes, "close": closes, "volume": [10.0] * len(days),
        } | more  # fmt: skip

    def dividends(*at: int) -> list[float]:
        return [0.5 if k in at else 0.0 for k in range(len(days))]

    splits = [2.0 if k in (15, 60) else 1.0 for k in range(len(days))]
    halved = (np.array(_closes(0, len(days))) / np.cumprod(splits)).tolist()
    raw = dict.fromkeys(("open", "high", "low", "close"), halved)
    alone = rows("NYSE:F", 3)
    deliver(
        rows("NASDAQ:AAPL", 0, dividends=dividends(10, 20, 50, 70), stock_splits=splits, **raw),
        rows("NYSE:KO", 1, dividends=dividends(5, 45)),
        rows("NYSE:GE", 2),
        {name: alone[name] for name in ("symbol", "timestamp", "close")},
        basis=Basis.RAW,
    )


@pytest.fixture(scope="module")
def imported(delivery: Any, bars: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of the lakes that `crypto` and `stocks` are copies of."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("crypto", "stocks")}
    lakes = {name: folder / "lakehouse" for name, folder in folders.items()}
    _deliver_crypto(delivery(Lake(lakes["crypto"]), folders["crypto"]), bars)
    _deliver_stocks(delivery(Lake(lakes["stocks"]), folders["stocks"]))
    return lakes


@pytest.fixture
def crypto(imported: dict[str, Path], lake: Lake) -> Lake:
    shutil.copytree(imported["crypto"], lake.root, dirs_exist_ok=True)
    return lake


@pytest.fixture
def stocks(imported: dict[str, Path], tmp_path: Path) -> Lake:
    return Lake(Path(shutil.copytree(imported["stocks"], tmp_path / "stocks")))


def _pinned(lake: Lake) -> tuple[Panel, perturbations.Rows]:
    snapshot = lake.pin(lake.symbols())
    return lake.panel(snapshot), pinned(lake, snapshot)


def _panel(rows: perturbations.Rows, folder: Path) -> Panel:
    return panels.build(rebuilt([rows], folder).bars())


def _content(lake: Lake) -> Snapshot:
    return lake.pin(lake.symbols())


def _same(one: Panel, other: Panel) -> bool:
    return (
        one.keys == other.keys
        and one.instruments == other.instruments
        and one.stamps == other.stamps
        and one.bases == other.bases
        and np.array_equal(one.times, other.times)
        and np.array_equal(one.tradable, other.tradable)
        and set(one.fields) == set(other.fields)
        and all(np.array_equal(one.fields[name], other.fields[name], equal_nan=True) for name in one.fields)
    )


def _edited(name: str, lake: Lake, t: np.datetime64) -> perturbations.Rows:
    rows = perturbations.EDITS[name](pinned(lake, lake.pin(lake.symbols())), t, _draw())
    assert rows is not None
    return rows


@pytest.mark.parametrize("which", ["crypto", "stocks"])
def test_rows_as_they_are_are_imported_to_the_same_content(
    which: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    lake: Lake = request.getfixturevalue(which)
    snapshot = lake.pin(lake.symbols())
    again = _content(rebuilt([pinned(lake, snapshot)], tmp_path / "fork"))
    assert again.symbols == snapshot.symbols
    assert again.digest == snapshot.digest


def test_the_rows_are_those_of_the_pinned_version(crypto: Lake, deliver: Callable[..., Any], bars: Any) -> None:
    snapshot = crypto.pin(crypto.symbols())
    before = pinned(crypto, snapshot)
    deliver(bars("BINANCE:BTCUSDT", _closes(9, 5), start="2022-01-01"))
    after = pinned(crypto, snapshot)
    assert after.bars.equals(before.bars)


def test_a_bar_is_known_when_it_closes(crypto: Lake, deliver: Callable[..., Any]) -> None:
    _deliver_stocks(deliver)  # one lake with both calendars
    rows = pinned(crypto, crypto.pin(crypto.symbols()))
    known = {(row["symbol"], row["session"].date()): row["known_at"] for row in rows.bars.iter_rows(named=True)}
    assert known["BINANCE:BTCUSDT", date(2021, 1, 4)] == datetime(2021, 1, 5)
    assert known["NYSE:KO", date(2021, 1, 4)] == datetime(2021, 1, 4, 21)  # 16:00 in New York, winter
    assert known["NYSE:KO", date(2021, 4, 5)] == datetime(2021, 4, 5, 20)  # summer


@pytest.mark.requirement("R-SIM-03")
@pytest.mark.parametrize("which", ["crypto", "stocks"])
@pytest.mark.parametrize("name", perturbations.EDITS)
def test_what_was_known_stays_and_what_comes_differs(
    name: str, which: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    lake: Lake = request.getfixturevalue(which)
    t = MOMENT if which == "crypto" else SESSION_CLOSE
    panel, rows = _pinned(lake)
    edited = perturbations.EDITS[name](rows, t, _draw())
    impossible = {
        "crypto": {"actions scrambled", "funding scrambled"},
        "stocks": {"listings removed", "funding scrambled"},
    }
    assert (edited is None) == (name in impossible[which])
    if edited is None:
        return
    fork = _panel(edited, tmp_path / "fork")
    assert len(panel.until(t).times) == 30
    assert _same(panel.until(t), fork.until(t))
    assert not _same(panel, fork)


def test_nothing_is_left_behind_the_moment(crypto: Lake, tmp_path: Path) -> None:
    fork = _panel(_edited("rows deleted", crypto, MOMENT), tmp_path / "fork")
    assert fork.known_at.max() == MOMENT
    assert "BINANCE:DOGEUSDT" not in fork.keys


def test_scrambled_bars_are_importable_and_far_off(crypto: Lake, tmp_path: Path) -> None:
    panel, _ = _pinned(crypto)
    fork = _panel(_edited("rows scrambled", crypto, MOMENT), tmp_path / "fork")
    btc = panel.columns(("BINANCE:BTCUSDT",))[0]
    assert fork.keys[:2] == panel.keys[:2]
    move = np.log(fork.fields["close"][30:, btc] / panel.fields["close"][30:, btc])
    assert np.nanstd(move) > 0.3
    assert np.nanmin(fork.fields["volume"][30:, btc]) == 10.0 * perturbations.VOLUME_FACTOR
    assert any(key.endswith("#2") for key in fork.keys)  # a jump starts another generation
    high, low, close = (fork.fields[name][30:, btc] for name in ("high", "low", "close"))
    assert (low <= close * (1 + 1e-12)).all()
    assert (close <= high * (1 + 1e-12)).all()


def test_added_bars_fill_holes_go_on_behind_the_end_and_wake_the_dead(crypto: Lake, tmp_path: Path) -> None:
    fork = _panel(_edited("rows added", crypto, MOMENT), tmp_path / "fork")
    panel, _ = _pinned(crypto)
    assert len(fork.times) == len(panel.times) + 60
    names = [key.partition("#")[0] for key in fork.keys]
    for symbol in ("BINANCE:ETHUSDT", "BINANCE:XRPUSDT", "BINANCE:DOGEUSDT"):
        mine = [j for j, name in enumerate(names) if name == symbol]
        assert fork.tradable[30:, mine].any(axis=1).all()
    dead = [j for j, name in enumerate(names) if name == "BINANCE:XRPUSDT"]
    assert not fork.tradable[20:30, dead].any()


def test_added_bars_come_without_dividends(stocks: Lake, tmp_path: Path) -> None:
    fork = _panel(_edited("rows added", stocks, SESSION_CLOSE), tmp_path / "fork")
    panel, _ = _pinned(stocks)
    end = panel.known_at.max()
    assert panel.stamps_of(("NYSE:KO",)) == ASSUMED
    assert fork.until(end).stamps_of(("NYSE:KO",)) == ASSUMED
    (one,) = (one for one in fork.stamps[fork.columns(("NYSE:KO",))[0]] if one.stamp not in ASSUMED)
    assert (one.stamp, one.since) == (Stamp.PRICE_RETURN, fork.known_at[fork.known_at[:, 0] > end][0, 0])


def test_scrambled_bars_have_volume_where_there_was_none(
    lake: Lake, deliver: Callable[..., Any], bars: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    quiet = bars("BINANCE:ETHUSDT", _closes(1, DAYS), volume=[0.0] * DAYS)
    absent = {name: values for name, values in bars("BINANCE:XRPUSDT", _closes(2, DAYS)).items() if name != "volume"}
    deliver(bars("BINANCE:BTCUSDT", _closes(0, DAYS)))
    deliver(quiet)
    deliver(absent)
    fork = _panel(_edited("rows scrambled", lake, MOMENT), tmp_path / "fork")
    for symbol in ("BINANCE:ETHUSDT", "BINANCE:XRPUSDT"):
        assert fork.until(MOMENT).stamps_of((symbol,)) == {Stamp.NO_VOLUME} | ASSUMED
        (one,) = (one for one in fork.stamps[fork.columns((symbol,))[0]] if one.stamp not in ASSUMED)
        assert one.until == MOMENT + np.timedelta64(1, "D")


def test_actions_are_gone_changed_and_new(stocks: Lake) -> None:
    rows = pinned(stocks, stocks.pin(stocks.symbols()))
    edited = perturbations.actions_scrambled(rows, SESSION_CLOSE, _draw())
    assert edited is not None
    key = ["symbol", "session", "kind"]
    later = pl.col("known_at") > SESSION_CLOSE
    before, after = rows.actions.filter(later), edited.actions.filter(later)
    assert len(before) == 4
    assert len(after.join(before, on=key, how="anti")) > 0
    assert len(after.join(before, on=[*key, "value"], how="semi")) == 0
    assert set(after["symbol"]) <= {"NASDAQ:AAPL", "NYSE:KO"}  # the others came without


def test_a_later_dividend_with_two_values_stamps_from_then_on(stocks: Lake, tmp_path: Path) -> None:
    panel, rows = _pinned(stocks)
    later = pl.col("known_at") > SESSION_CLOSE
    # Of a few draws one gives a dividend two values.
    edits = [perturbations.actions_scrambled(rows, SESSION_CLOSE, np.random.default_rng(seed)) for seed in range(20)]
    twice = [one for one in edits if one and _conflicts(one.actions.filter(later))]
    assert len(twice) > 5
    fork = _panel(twice[0], tmp_path / "fork")
    symbol, known = min(_conflicts(twice[0].actions), key=lambda found: found[1])
    assert fork.stamps_of((symbol,)) == {Stamp.PRICE_RETURN} | ASSUMED
    assert {one for one in fork.stamps[fork.columns((symbol,))[0]] if one.stamp not in ASSUMED} == {
        Caveat(stamp=Stamp.PRICE_RETURN, since=np.datetime64(known, "us"))
    }
    assert _same(panel.until(SESSION_CLOSE), fork.until(SESSION_CLOSE))


def _conflicts(actions: pl.DataFrame) -> set[tuple[str, datetime]]:
    """Symbol and close of dividends that have more than one value."""
    dividends = actions.filter(pl.col("kind") == "dividend")
    twice = dividends.filter(dividends.select("symbol", "session").is_duplicated())
    return set(twice.select("symbol", "known_at").iter_rows())


@pytest.mark.parametrize(
    ("which", "names"),
    [("crypto", ["BINANCE:ZZLEAK#USDT"] * 3), ("stocks", ["NASDAQ:ZZLEAK#"] * 3 + ["NYSE:ZZLEAK#"] * 3)],
)
def test_newcomers_are_of_the_exchanges_there_are(
    which: str, names: list[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    lake: Lake = request.getfixturevalue(which)
    t = MOMENT if which == "crypto" else SESSION_CLOSE
    fork = _panel(_edited("listings added", lake, t), tmp_path / "fork")
    new = {key for key in fork.keys if "ZZLEAK" in key}
    assert sorted(re.sub(r"\d+", "#", key) for key in new) == names
    assert fork.until(t).keys == tuple(key for key in fork.keys[: len(fork.until(t).keys)] if key not in new)


def test_a_perpetual_swap_gets_perpetual_newcomers(lake: Lake, deliver: Any, bars: Any, tmp_path: Path) -> None:
    deliver(bars("BYBIT:BTCUSDT.P", _closes(0, DAYS)))
    fork = _panel(_edited("listings added", lake, MOMENT), tmp_path / "fork")
    (sort,) = {instrument.kinds for instrument in fork.instruments}
    assert sort == {"swap"}
    assert len(fork.keys) == 4


def test_at_the_end_there_is_no_future_to_delete_scramble_or_remove(crypto: Lake) -> None:
    panel, rows = _pinned(crypto)
    end = panel.known_at.max()
    nothing = {name for name, edit in perturbations.EDITS.items() if edit(rows, end, _draw()) is None}
    assert nothing == set(perturbations.EDITS) - {"rows added"}


def test_facts_of_the_future_change_and_those_of_the_past_do_not(crypto: Lake) -> None:
    panel, _ = _pinned(crypto)
    fork = perturbations.facts_changed(panel, MOMENT)
    assert _same(panel.until(MOMENT), fork.until(MOMENT))
    later = fork.until(panel.known_at.max())
    views = [instrument.view(panel.known_at.max()) for instrument in later.instruments]
    assert all(view.delisted_at is not None and view.tick == 1e6 for view in views)
    doge = panel.columns(("BINANCE:DOGEUSDT",))[0]
    assert views[doge].listed_at == np.datetime64("2021-02-05") + np.timedelta64(400, "D")


def test_a_symbol_that_came_in_files_of_both_sorts_is_imported_again(
    lake: Lake, deliver: Any, bars: Any, tmp_path: Path
) -> None:
    """Closes first, whole bars later: no single file could hold both."""
    whole = bars("BINANCE:BTCUSDT", _closes(0, DAYS), start="2021-03-02")
    closes = bars("BINANCE:BTCUSDT", _closes(1, DAYS))
    deliver({name: closes[name] for name in ("symbol", "timestamp", "close")})
    deliver(whole)
    snapshot = lake.pin(lake.symbols())
    assert _content(rebuilt([pinned(lake, snapshot)], tmp_path / "fork")).digest == snapshot.digest


def test_an_import_of_a_fork_asks_no_clock(crypto: Lake, tmp_path: Path) -> None:
    rows = pinned(crypto, crypto.pin(crypto.symbols()))
    made = rebuilt([rows], tmp_path / "fork")
    assert set(made.ls("BINANCE:BTCUSDT").bars["recorded_at"]) == {datetime(2200, 1, 1, tzinfo=UTC)}


def test_later_funding_changes_no_earlier_look(
    lake: Lake, deliver: Callable[..., Any], bars: Any, tmp_path: Path
) -> None:
    swap, t = "BINANCE:BTCUSDT.P", np.datetime64("2021-01-11", "us")
    deliver(bars(swap, _closes(1, 20)))
    stamps = [datetime(2021, 1, 1, tzinfo=UTC) + timedelta(hours=8 * k) for k in range(60)]
    rows = pl.DataFrame({"symbol": swap, "timestamp": stamps, "funding_rate": [1e-4] * 60})
    store_funding(lake, rows, source="told", recorded_at=datetime(2021, 2, 1, tzinfo=UTC))
    panel, before = _pinned(lake)
    for name in ("rows deleted", "funding scrambled"):
        edited = perturbations.EDITS[name](before, t, _draw())
        assert edited is not None
        assert edited.funding["known_at"].max() > t or name == "rows deleted"
        fork = _panel(edited, tmp_path / name)
        assert _same(panel.until(t), fork.until(t))
        assert not _same(panel, fork)
    assert panel.until(t).fields["funding"].shape == (10, 1)
