"""Findings by bar: defects, holes, jumps, actions, and what the tables alone know."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.lake import FindingKind, Lake, audit, import_files
from tvquant.lake.storage import commits
from tvquant.lake.storage.intervals import table_of

BTC, ETH, XRP, ADA = (f"BINANCE:{coin}USDT" for coin in ("BTC", "ETH", "XRP", "ADA"))
AAPL = "NASDAQ:AAPL"
MONDAYS = [f"2021-01-{day:02}T00:00:00Z" for day in (4, 5, 7, 8, 11, 14)]


def together(*parts: dict[str, Any]) -> dict[str, Any]:
    """Columns of several symbols as of one file."""
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}


def ended(lake: Lake, *args: Any, **more: Any) -> list[tuple[str, str]]:
    return [(f.symbol, str(f.first)[:10]) for f in audit(lake, *args, **more) if f.kind is FindingKind.ENDED]


def test_missing_bars_of_a_round_the_clock_market_are_gaps(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0] * 5, skip=(1, 3, 4)))
    found = [(f.kind, str(f.first)[:10], str(f.last)[:10], f.count) for f in audit(lake)]
    assert found == [
        (FindingKind.GAP, "2021-01-02", "2021-01-02", 1),
        (FindingKind.GAP, "2021-01-04", "2021-01-05", 2),
    ]


@pytest.mark.requirement("R-DAT-04")
def test_single_missing_sessions_are_tolerated_and_named(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0] * 6, timestamp=MONDAYS), basis=Basis.TOTAL)
    found = [(f.kind, str(f.first)[:10], str(f.last)[:10], f.count) for f in audit(lake)]
    assert found == [
        (FindingKind.TOLERATED, "2021-01-06", "2021-01-06", 1),
        (FindingKind.GAP, "2021-01-12", "2021-01-13", 2),
    ]


@pytest.mark.requirement("R-DAT-04")
def test_the_return_across_a_tolerated_hole_covers_both_sessions(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0, 2.0, 8.0], timestamp=MONDAYS[:3]), basis=Basis.TOTAL)
    returns = lake.panel(lake.pin([AAPL])).fields["total_return"][:, 0]
    np.testing.assert_array_equal(returns, [np.nan, 1.0, np.nan, 3.0])


def test_bars_when_the_market_is_closed_are_named_and_not_used(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0] * 4, "2021-01-07"), basis=Basis.TOTAL)
    deliver(bars(BTC, [1.0, 1.0], timestamp=["2021-01-07T00:00:00Z", "2021-01-08T06:00:00Z"]))
    found = [(f.symbol, f.kind, str(f.first)[:13], f.count) for f in audit(lake)]
    assert found == [
        (BTC, FindingKind.OFF_CALENDAR, "2021-01-08T06", 1),
        (AAPL, FindingKind.OFF_CALENDAR, "2021-01-09T00", 2),
    ]
    assert [str(time)[:10] for time in lake.panel(lake.pin([AAPL])).times] == ["2021-01-07", "2021-01-08"]


def test_actions_that_are_not_applied_are_named(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0] * 3, "2021-01-08", dividends=[0.2, 0.1, 0.0]), basis=Basis.SPLIT)
    deliver(bars(AAPL, [1.0], "2021-01-08", dividends=[0.3]), basis=Basis.SPLIT)
    found = {f.kind: str(f.first)[:10] for f in audit(lake)}
    assert found[FindingKind.CONFLICTING_ACTION] == "2021-01-08"
    assert found[FindingKind.IDLE_ACTION] == "2021-01-09"


def test_an_audit_of_the_past_knows_nothing_of_later(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 1.0, -1.0, 1.0, 1.0], skip=(4,)))
    assert {f.kind for f in audit(lake)} == {FindingKind.NON_POSITIVE, FindingKind.GAP}
    assert {f.kind for f in audit(lake, as_of=np.datetime64("2021-01-04", "us"))} == {FindingKind.NON_POSITIVE}
    assert not audit(lake, as_of=np.datetime64("2021-01-03T23:00", "us"))


def test_a_symbol_that_is_not_there_is_refused(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0]))
    with pytest.raises(DataError, match="has no bars of 'BINANCE:ETHUSDT'"):
        audit(lake, [ETH])


@pytest.mark.requirement("R-DAT-09")
def test_a_newest_bar_that_was_recorded_before_it_closed_is_unfinished(lake: Lake, deliver: Any, bars: Any) -> None:
    # The import is of 2026-05-01 00:00: the bar of April closes then, the one of May 1 a day later.
    deliver(bars(BTC, [1.0, 2.0, 3.0], "2026-04-29"), bars(ETH, [1.0, 2.0], "2026-04-29"))
    found = [(f.symbol, f.kind, str(f.first)[:10], f.count) for f in audit(lake) if not f.kind.note]
    assert found == [(BTC, FindingKind.UNFINISHED, "2026-05-01", 1)]


def test_a_session_recorded_after_its_close_on_the_same_day_is_finished(lake: Lake, tmp_path: Path, bars: Any) -> None:
    path = tmp_path / "day.parquet"
    pl.DataFrame(bars(AAPL, [1.0, 2.0], "2021-01-07")).with_columns(
        pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC")
    ).write_parquet(path)
    for hour, kinds in ((20, {FindingKind.UNFINISHED}), (21, set())):
        other = Lake(lake.root.with_name(f"at{hour}"))
        import_files(other, [path], basis=Basis.TOTAL, recorded_at=datetime(2021, 1, 8, hour, tzinfo=UTC))
        assert {f.kind for f in audit(other) if not f.kind.note} == kinds


@pytest.mark.requirement("R-DAT-09")
def test_a_symbol_that_ends_before_those_it_came_with_is_named(lake: Lake, deliver: Any, bars: Any) -> None:
    moving = [1.0, 2.0, 1.5, 2.5]
    deliver(together(bars(BTC, moving), bars(ETH, moving[:2]), bars(XRP, moving[:3]), bars(ADA, moving)))
    # ETH ends 48 hours before; XRP 24 hours, which is not too old.
    assert ended(lake) == [(ETH, "2021-01-02")]
    assert ended(lake, [ETH]) == [(ETH, "2021-01-02")]
    assert ended(lake, as_of=np.datetime64("2021-01-04", "us")) == []
    assert ended(lake, as_of=np.datetime64("2021-01-05", "us")) == [(ETH, "2021-01-02")]


@pytest.mark.requirement("R-DAT-09")
def test_history_is_not_stale_whatever_else_is_imported_later(lake: Lake, deliver: Any, bars: Any) -> None:
    moving = [1.0, 2.0, 1.5, 2.5, 2.0, 2.2]
    deliver(together(bars(BTC, moving[:2]), bars(ETH, moving[:2]), bars(XRP, moving[:2])))
    deliver(bars(ADA, moving))
    deliver(bars(BTC, moving))
    assert ended(lake) == []  # one of three goes on: the others are a history that is whole
    deliver(bars(ETH, moving))
    assert ended(lake) == [(XRP, "2021-01-02")]


def test_sessions_stamped_when_a_market_opens_for_the_next_day_are_drift(lake: Lake, deliver: Any, bars: Any) -> None:
    stamps = ["2021-01-05T00:00:00Z", "2021-01-06T19:59:00Z", "2021-01-06T22:00:00Z", "2021-01-07T20:00:00Z"]
    deliver(bars(AAPL, [1.0, 2.0, 2.0, 3.0], timestamp=stamps), basis=Basis.TOTAL)
    drift = [f for f in audit(lake) if f.kind is FindingKind.CALENDAR_DRIFT]
    assert [(str(f.first), str(f.last), f.count) for f in drift] == [
        ("2021-01-06T22:00:00.000000", "2021-01-07T20:00:00.000000", 2)
    ]
    assert "market day 2021-01-07" in drift[0].detail
    assert not [
        f for f in audit(lake, as_of=np.datetime64("2021-01-06T12:00", "us")) if f.kind is FindingKind.CALENDAR_DRIFT
    ]


def test_a_way_back_from_a_spike_is_no_new_instrument_to_a_reader(lake: Lake, deliver: Any, bars: Any) -> None:
    closes = [1.0, 1.1, 1.0, 1100.0, 1.0, 1.1, 1.0]
    opens = [1.0, 1.0, 1.1, 1000.0, 1.0, 1.0, 1.1]
    deliver(bars(BTC, closes, open=opens, high=[c * 1.2 for c in closes], low=[o * 0.8 for o in opens]))
    found = [(f.kind, str(f.first)[:10]) for f in audit(lake)]
    assert found == [
        (FindingKind.DISCONTINUITY, "2021-01-04"),
        (FindingKind.SPIKE, "2021-01-04"),
        (FindingKind.DISCONTINUITY, "2021-01-05"),
    ]
    assert all("spike" in f.detail for f in audit(lake) if f.kind is FindingKind.DISCONTINUITY)


def test_another_unit_is_a_change_of_scale_and_a_reset_token_is_not(lake: Lake, deliver: Any, bars: Any) -> None:
    closes = [1.0, 1.1, 1100.0, 1200.0, 1300.0]
    parts = {
        "open": [1.0, 1.0, 1100.0, 1100.0, 1200.0], "low": [1.0, 1.0, 1100.0, 1100.0, 1200.0],
        "high": [1.1, 1.2, 1300.0, 1300.0, 1300.0],
    }  # fmt: skip
    deliver(bars(BTC, closes, **parts), bars("BINANCE:ETHDOWNUSDT", closes, **parts))
    found = [(f.symbol, f.kind, str(f.first)[:10]) for f in audit(lake)]
    assert found == [
        (BTC, FindingKind.SCALE_CHANGE, "2021-01-03"),
        ("BINANCE:ETHDOWNUSDT", FindingKind.DISCONTINUITY, "2021-01-03"),
    ]
    assert f"(10^3), for good; from here on it is {BTC}#2" in next(iter(audit(lake))).detail


def test_shorter_bars_that_do_not_make_the_day_are_named(lake: Lake, deliver: Any, shared_data: Path) -> None:
    daily = pl.read_parquet(shared_data / "crypto_binance_perp_1d.parquet")
    shorter = pl.read_parquet(shared_data / "crypto_binance_perp_4h.parquet")
    symbol = shorter["symbol"].filter(shorter["symbol"].is_in(daily["symbol"].unique().implode()))[0]
    deliver(shared_data / "crypto_binance_perp_1d.parquet")
    opened = pl.col("timestamp")
    commits.append(
        lake.root, table_of("4h"),
        shorter.filter(pl.col("symbol") == symbol).with_columns(
            high=pl.when(opened == datetime(2025, 6, 1, 8, tzinfo=UTC)).then(10 * pl.col("high")).otherwise("high"),
            volume=pl.when(opened == datetime(2025, 6, 2, tzinfo=UTC)).then(0.0).otherwise("volume"),
            interval=pl.lit("4h"), basis=pl.lit("raw"), source=pl.lit("test"), import_id=pl.lit("test"),
            recorded_at=pl.lit(datetime(2026, 5, 1, tzinfo=UTC)), adj_close=pl.lit(None, pl.Float64),
        ),
    )  # fmt: skip
    crossed = [f for f in audit(lake) if f.kind in (FindingKind.CROSS_SOURCE, FindingKind.CROSS_VOLUME)]
    assert [(f.symbol, f.kind, str(f.first)[:10]) for f in crossed] == [
        (symbol, FindingKind.CROSS_SOURCE, "2025-06-01"),
        (symbol, FindingKind.CROSS_VOLUME, "2025-06-02"),
    ]
    early = audit(lake, as_of=np.datetime64("2025-06-01", "us"))
    assert not [f for f in early if f.kind in (FindingKind.CROSS_SOURCE, FindingKind.CROSS_VOLUME)]


def test_no_real_share_or_fund_is_accused(lake: Lake, deliver: Any, shared_data: Path) -> None:
    deliver(shared_data / "us_equities_1d.parquet", shared_data / "us_etf_1d_long.parquet", basis=Basis.SPLIT)
    assert not [f for f in audit(lake) if not f.kind.note]
