"""What prices say of their declared basis: splits, dividends and adj_close, one by one and together."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.errors import ProfileError
from tvquant.core.panel import Basis
from tvquant.core.stamps import Stamp
from tvquant.lake import Lake
from tvquant.lake.quality.basis import ACTION, PRICED, Contradiction, Evidence, unshown
from tvquant.lake.storage import tables
from tvquant.lake.writing.declared_basis import Doubt

AAA, BBB = "NASDAQ:AAA", "NYSE:BBB"
START = datetime(2021, 1, 4, tzinfo=UTC)
SESSIONS = [START + timedelta(days=k) for k in range(400) if (START + timedelta(days=k)).weekday() < 5]
NONE = pl.DataFrame(
    schema={"symbol": pl.String(), "timestamp": tables.TIME, "kind": pl.String(), "value": pl.Float64()}
)
STATED = {
    "us_equities_1d": "split",
    "us_equities_1d_wide_recent": "split",
    "us_equities_1d_unadjusted_public_domain": "raw",
    "us_etf_1d_long": "split",
    "us_etf_1d_adjusted_2021_2026": "total",
    "crypto_bybit_perp_1d": "raw",
    "crypto_binance_spot_1d_2021_2022": "raw",
}


def contradictions(priced: pl.DataFrame, told: pl.DataFrame) -> tuple[Contradiction, ...]:
    return Evidence.of(priced, told).contradictions()


def walk(seed: int = 1, spread: float = 0.015, count: int = 120) -> Any:
    return 100.0 * np.exp(np.random.default_rng(seed).normal(0.0, spread, count).cumsum())


def prices(close: Any, basis: str, symbol: str = AAA, adjusted: Any = None) -> pl.DataFrame:
    adj_close = pl.Series(adjusted, dtype=pl.Float64) if adjusted is not None else pl.lit(None, pl.Float64)
    frame = pl.DataFrame({"symbol": [symbol] * len(close), "timestamp": SESSIONS[: len(close)], "close": close})
    return frame.with_columns(pl.col("timestamp").cast(tables.TIME), adj_close=adj_close, basis=pl.lit(basis))


def action(day: int, kind: str, value: float, symbol: str = AAA) -> pl.DataFrame:
    row = {"symbol": [symbol], "timestamp": [SESSIONS[day]], "kind": [kind], "value": [value]}
    return pl.DataFrame(row, schema=NONE.schema)


def split_at(close: Any, day: int, ratio: float) -> Any:
    return np.where(np.arange(len(close)) >= day, close / ratio, close)


@pytest.mark.parametrize("ratio", [4.0, 2.0, 1.5, 0.1])
@pytest.mark.parametrize(
    ("declared", "shown", "looks"),
    [("raw", False, "split-adjusted"), ("raw", True, None), ("split", False, None), ("split", True, "raw"),
     ("total", True, "raw")],
)  # fmt: skip
def test_raw_prices_show_a_split_and_others_do_not(ratio: float, declared: str, shown: bool, looks: str | None) -> None:
    close = split_at(walk(), 60, ratio) if shown else walk()
    found = contradictions(prices(close, declared), action(60, "split", ratio))
    assert [one.looks for one in found] == ([looks] if looks else [])
    denied = unshown(prices(close, declared), action(60, "split", ratio))
    assert len(denied) == len(found)
    if looks:
        must = "must not" if shown else "must"
        assert f"{AAA} {SESSIONS[60]:%Y-%m-%d}: {declared} prices {must} show a split of {ratio:g}" in str(found[0])
        assert f"{1 / ratio - 1:+.1%}" in found[0].said
        assert f"({close[59]:.6g} to {close[60]:.6g})" in found[0].said


def test_a_split_on_a_friday_is_shown_by_the_next_bar_there_is() -> None:
    close = split_at(walk(), 60, 3.0)
    holed = prices(close, "raw").filter(pl.col("timestamp") != SESSIONS[60])
    assert not contradictions(holed, action(60, "split", 3.0))
    assert contradictions(prices(walk(), "raw").filter(pl.col("timestamp") != SESSIONS[60]), action(60, "split", 3.0))


@pytest.mark.parametrize(("ratio", "spread"), [(1.02, 0.015), (1.25, 0.08), (0.97, 0.015)])
def test_a_factor_that_noise_can_hide_is_not_judged(ratio: float, spread: float) -> None:
    told = action(60, "split", ratio)
    for close in (walk(spread=spread), split_at(walk(spread=spread), 60, ratio)):
        for declared in ("raw", "split"):
            assert not contradictions(prices(close, declared), told)
            assert unshown(prices(close, declared), told).is_empty()


def test_a_real_crash_on_the_day_of_a_split_is_not_taken_for_it() -> None:
    crashed = split_at(split_at(walk(), 60, 2.0), 60, 2.0)  # raw prices: half by the split, half of the rest is lost
    assert not contradictions(prices(crashed, "raw"), action(60, "split", 2.0))
    halved = split_at(walk(), 60, 2.0)  # adjusted prices that fall by half; adj_close falls as they do
    told, adjusted = pl.concat([action(60, "split", 2.0), action(90, "dividend", 1.0)]), halved.copy()
    adjusted[:90] *= 0.98
    assert not contradictions(prices(halved, "split", adjusted=adjusted), told)
    assert unshown(prices(halved, "split", adjusted=adjusted), told).is_empty()


def test_several_splits_vote_and_the_one_outvoted_is_named_alone() -> None:
    close = split_at(split_at(walk(), 30, 2.0), 90, 3.0)
    told = pl.concat([action(30, "split", 2.0), action(60, "split", 5.0), action(90, "split", 3.0)])
    assert not contradictions(prices(close, "raw"), told)
    assert unshown(prices(close, "raw"), told)["value"].to_list() == [5.0]


@pytest.mark.parametrize("declared", ["raw", "split"])
def test_a_ratio_upside_down_is_a_wrong_action_and_no_other_basis(declared: str) -> None:
    close = split_at(walk(), 60, 4.0)
    told = action(60, "split", 0.25)
    assert not contradictions(prices(close, declared), told)
    assert unshown(prices(close, declared), told)["value"].to_list() == [0.25]


def test_a_dividend_out_of_scale_is_named_and_a_special_one_is_not() -> None:
    close = walk()
    assert unshown(prices(close, "split"), action(60, "dividend", 0.5)).is_empty()
    for value in (50.0, 500.0):
        assert unshown(prices(close, "split"), action(60, "dividend", value))["value"].to_list() == [value]
        assert not contradictions(prices(close, "split"), action(60, "dividend", value))
    paid = close - np.where(np.arange(len(close)) >= 60, 0.3 * close[59], 0.0)
    special = action(60, "dividend", 0.3 * float(close[59]))
    assert unshown(prices(paid, "split"), special).is_empty()
    assert [one.looks for one in contradictions(prices(paid, "total"), special)] == ["without dividends"]


def test_ordinary_dividends_testify_together() -> None:
    days, parts, told = range(10, 260, 10), {"total": [], "split": []}, []
    for number in range(8):
        close, symbol = walk(number, 0.01, 270), f"NYSE:S{number}"
        paid = np.cumprod(np.where(np.isin(np.arange(270), days), 0.985, 1.0))
        parts["total"].append(close)
        parts["split"].append(close * paid)
        shown = parts["split"][-1]
        told += [action(day, "dividend", float(0.015 * shown[day - 1]), symbol) for day in days]
    for truth, series in parts.items():
        for declared in ("raw", "split", "total"):
            frame = pl.concat(prices(close, declared, f"NYSE:S{k}") for k, close in enumerate(series))
            found = contradictions(frame, pl.concat(told))
            assert bool(found) == ((truth == "total") != (declared == "total")), (truth, declared)
    assert not contradictions(prices(parts["total"][0], "split", "NYSE:S0"), pl.concat(told[:5]))
    few = pl.concat(told[:20]).with_columns(pl.col("value") / 10)  # that these show none may be chance
    assert not contradictions(prices(parts["total"][0], "split", "NYSE:S0"), few)


def test_adj_close_beside_close_says_what_close_is() -> None:
    close = walk()
    dividends = np.where(np.arange(120) < 60, 0.97, 1.0)
    raw = split_at(close, 60, 2.0)
    splits = np.where(np.arange(120) < 60, 0.5, 1.0)
    for close_, factor, fits in ((close, dividends, {"raw", "split"}), (raw, splits, {"raw"})):
        for declared in ("raw", "split", "total"):
            found = contradictions(prices(close_, declared, adjusted=close_ * factor), NONE)
            assert bool(found) == (declared not in fits), (declared, found)
    assert not contradictions(prices(close, "total", adjusted=close), NONE)
    said = contradictions(prices(raw, "split", adjusted=raw * splits), NONE)[0].said
    assert "while adj_close over close steps up to 2 times" in said


@pytest.mark.requirement("R-DAT-03")
@pytest.mark.parametrize("name", STATED)
def test_no_real_file_is_accused_under_the_basis_that_it_states(name: str, shared_data: Path) -> None:
    rows = pl.read_parquet(shared_data / f"{name}.parquet")
    absent = [one for one in ("adj_close", "dividends", "stock_splits") if one not in rows.columns]
    rows = rows.with_columns(pl.lit(None, pl.Float64).alias(one) for one in absent)
    told = pl.concat(
        rows.filter(pl.col(column) > 0).select("symbol", "timestamp", kind=pl.lit(kind), value=pl.col(column))
        for column, kind in (("dividends", "dividend"), ("stock_splits", "split"))
    )
    for declared in ("raw", "split", "total"):
        priced = rows.with_columns(basis=pl.lit(declared)).select(PRICED)
        found = contradictions(priced, told.select(ACTION))
        if declared == STATED[name]:
            assert not found
            assert unshown(priced, told.select(ACTION)).is_empty()
        elif name.startswith("us_equities"):
            assert found, declared


def test_a_contradicted_import_is_refused_with_both_figures_or_taken_on_a_word(
    lake: Lake, deliver: Any, bars: Any, tmp_path: Path
) -> None:
    days = [f"{day:%Y-%m-%d}T00:00:00Z" for day in SESSIONS[:10]]
    closes = [100.0, 101.0, 100.0, 99.0, 100.0, 101.0, 100.0, 100.5, 100.0, 101.0]
    given = bars(AAA, closes, timestamp=days, stock_splits=[4.0 if k == 6 else 0.0 for k in range(10)])
    with pytest.raises(ProfileError, match=r"AAA 2021-01-12: raw .* -75\.0%, but close moves -1\.0% .*--accept-basis"):
        deliver(given, basis=Basis.RAW)
    assert not lake.root.exists() or not list(lake.root.rglob("*.parquet"))
    assert deliver(given, basis=Basis.RAW, doubt=Doubt.ACCEPT).accepted == (AAA,)
    panel = lake.panel(lake.pin([AAA]))
    (caveats,) = panel.stamps
    since = {one.stamp: str(one.since)[:10] for one in caveats}
    assert since[Stamp.ACCEPTED_BASIS] == "2021-01-13"
    assert Stamp.ACCEPTED_BASIS in panel.stamps_of((AAA,))
    assert Stamp.ACCEPTED_BASIS not in panel.until(panel.known_at[5, 0]).stamps_of((AAA,))
    assert {fact.field for fact in panel.instruments[0].facts} == {"listed_at"}
    assert deliver(given, basis=Basis.RAW).accepted == ()  # the word that was given holds


def test_a_stored_action_speaks_against_later_prices_and_the_seam_is_looked_at(
    lake: Lake, deliver: Any, bars: Any
) -> None:
    days = [f"{day:%Y-%m-%d}T00:00:00Z" for day in SESSIONS[:8]]
    old = bars(AAA, [400.0, 401.0, 399.0, 400.0], timestamp=days[:4])
    new = bars(AAA, [100.0, 101.0, 100.0, 99.0], timestamp=days[4:], stock_splits=[4.0, 0.0, 0.0, 0.0])
    deliver(old, basis=Basis.SPLIT)
    with pytest.raises(ProfileError, match=r"AAA 2021-01-08: split prices must not show a split of 4 .*400 to 100"):
        deliver(new, basis=Basis.SPLIT)


def test_raw_prices_that_change_by_a_common_factor_are_refused(lake: Lake, deliver: Any, bars: Any) -> None:
    days = [f"{day:%Y-%m-%d}T00:00:00Z" for day in SESSIONS[:8]]
    closes = [400.0, 404.0, 400.0, 396.0, 400.0, 402.0, 400.0, 400.0]
    deliver(bars(AAA, closes, timestamp=days), basis=Basis.RAW)
    quarter = bars(AAA, [close / 4 for close in closes], timestamp=days)
    with pytest.raises(ProfileError, match=r"raw prices do not change, but 8 bars do .* from 400 .* to 100"):
        deliver(quarter, basis=Basis.RAW)


def test_two_raw_bars_that_change_are_corrections(lake: Lake, deliver: Any, bars: Any) -> None:
    days = [f"{day:%Y-%m-%d}T00:00:00Z" for day in SESSIONS[:8]]
    deliver(bars(AAA, [400.0, 404.0], timestamp=days[:2]), basis=Basis.RAW)
    assert deliver(bars(AAA, [100.0, 101.0], timestamp=days[:2]), basis=Basis.RAW).stored == 2


def test_a_stored_split_speaks_against_later_files_without_it(lake: Lake, deliver: Any, bars: Any) -> None:
    days = [f"{day:%Y-%m-%d}T00:00:00Z" for day in SESSIONS[:8]]
    adjusted = [100.0, 101.0, 99.0, 100.0, 100.0, 101.0, 100.0, 99.0]
    splits = [4.0, 0.0, 0.0, 0.0]
    deliver(bars(AAA, adjusted[4:], timestamp=days[4:], stock_splits=splits), basis=Basis.SPLIT)
    with pytest.raises(ProfileError, match=r"AAA 2021-01-08: split prices must not show a split of 4 .*396 to 100"):
        deliver(bars(AAA, [400.0, 404.0, 396.0], timestamp=days[1:4]), basis=Basis.SPLIT)


@pytest.mark.requirement("R-DAT-10")
@pytest.mark.parametrize("right", [2, 1])
def test_one_wrong_symbol_among_more_that_show_the_basis_is_refused_alone(
    right: int, lake: Lake, deliver: Any, bars: Any
) -> None:
    """Of two that the splits speak of, none is the rule: the whole delivery is in doubt."""
    days = [f"{day:%Y-%m-%d}T00:00:00Z" for day in SESSIONS[:10]]
    shown = [400.0, 404.0, 400.0, 396.0, 400.0, 101.0, 100.0, 100.5, 100.0, 101.0]
    ratio = [4.0 if k == 5 else 0.0 for k in range(10)]
    files = [bars(f"NYSE:S{k}", shown, timestamp=days, stock_splits=ratio) for k in range(right)]
    flat = [close / 4 if close > 200 else close for close in shown]
    files.append(bars(AAA, flat, timestamp=days, stock_splits=ratio))
    if right == 1:
        with pytest.raises(ProfileError, match=f"{AAA} .*nothing was written"):
            deliver(*files, basis=Basis.RAW)
        assert not lake.root.exists() or not list(lake.root.rglob("*.parquet"))
        return
    report = deliver(*files, basis=Basis.RAW)
    assert list(report.refused) == [AAA]
    assert "but close moves +1.0% (100 to 101): they look split-adjusted" in report.refused[AAA]
    assert [(one.stored, one.left_out, one.rows) for one in report.files] == [(10, 0, 10)] * 2 + [(0, 10, 10)]
    assert lake.symbols() == ("NYSE:S0", "NYSE:S1")
    assert set(tables.read(lake.root, "actions", ["symbol"])["symbol"]) == {"NYSE:S0", "NYSE:S1"}


def test_a_stored_past_that_changed_refuses_its_symbol_alone(lake: Lake, deliver: Any, bars: Any) -> None:
    days = [f"{day:%Y-%m-%d}T00:00:00Z" for day in SESSIONS[:8]]
    closes = [400.0, 404.0, 400.0, 396.0, 400.0, 402.0, 400.0, 400.0]
    deliver(bars(AAA, closes, timestamp=days), basis=Basis.RAW)
    quarter = bars(AAA, [close / 4 for close in closes], timestamp=days)
    report = deliver(quarter, bars("NYSE:S0", closes, timestamp=days), basis=Basis.RAW)
    assert list(report.refused) == [AAA]
    assert report.refused[AAA].startswith("2021-01-04: raw prices do not change, but 8 bars do by a common factor")
    assert (report.stored, len(lake.ls(AAA).bars), lake.symbols()) == (8, 8, (AAA, "NYSE:S0"))


def test_evidence_of_parts_is_that_of_the_whole() -> None:
    raw, told = walk(), pl.concat([action(60, "split", 4.0), action(60, "split", 4.0).with_columns(symbol=pl.lit(BBB))])
    adjusted = prices(raw, "total", BBB, adjusted=np.where(np.arange(len(raw)) < 60, raw / 2, raw))
    both = [prices(raw, "raw", AAA), adjusted]
    whole = Evidence.of(pl.concat(both), told)
    parts = Evidence.joined([Evidence.of(one, told.filter(pl.col("symbol") == one["symbol"][0])) for one in both])
    assert parts.contradictions() == whole.contradictions()
    assert {one.symbol for one in whole.contradictions()} == {AAA, BBB}
    assert parts.confirmed() == whole.confirmed()
    assert parts.factors == whole.factors != ()
