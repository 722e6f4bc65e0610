"""Findings by bar and health by instrument."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.lake import FindingKind, HealthState, Lake, audit, health

BTC, ETH, AAPL = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "NASDAQ:AAPL"
MONDAYS = [f"2021-01-{day:02}T00:00:00Z" for day in (4, 5, 7, 8, 11, 14)]


def test_missing_bars_of_a_round_the_clock_market_are_gaps(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0] * 5, skip=(1, 3, 4)))
    found = [(f.kind, str(f.first)[:10], str(f.last)[:10], f.count) for f in audit(lake)]
    assert found == [
        (FindingKind.GAP, "2021-01-02", "2021-01-02", 1),
        (FindingKind.GAP, "2021-01-04", "2021-01-05", 2),
    ]
    (state,) = health(lake)
    assert (state.state, state.gaps, state.tolerated, state.bars) == (HealthState.GAPS, 3, 0, 5)


@pytest.mark.requirement("R-DAT-04")
def test_single_missing_sessions_are_tolerated_and_counted(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0] * 6, timestamp=MONDAYS), basis=Basis.TOTAL)
    found = [(f.kind, str(f.first)[:10], str(f.last)[:10], f.count) for f in audit(lake)]
    assert found == [
        (FindingKind.TOLERATED, "2021-01-06", "2021-01-06", 1),
        (FindingKind.GAP, "2021-01-12", "2021-01-13", 2),
    ]
    (state,) = health(lake)
    assert (state.state, state.gaps, state.tolerated) == (HealthState.GAPS, 2, 1)
    (before,) = health(lake, as_of=np.datetime64("2021-01-12", "us"))
    assert (before.state, before.gaps, before.tolerated, str(before.last)[:10]) == (HealthState.OK, 0, 1, "2021-01-11")


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


def test_a_masked_bar_is_a_hole_in_health_but_none_before_the_first_valid_one(
    lake: Lake, deliver: Any, bars: Any
) -> None:
    up = [0.0, 1.0, 0.0, 1.0]
    deliver(bars(BTC, up, open=up, high=up, low=up), bars(ETH, [-1.0, -1.0]))
    by = {state.key: state for state in health(lake)}
    assert (by[BTC].state, by[BTC].bars, by[BTC].gaps, str(by[BTC].first)[:10]) == (
        HealthState.GAPS,
        2,
        1,
        "2021-01-02",
    )
    assert (by[ETH].state, by[ETH].bars, by[ETH].first) == (HealthState.MISSING, 0, None)


def test_each_holder_of_a_ticker_has_its_own_health(lake: Lake, deliver: Any, shared_data: Path) -> None:
    deliver(shared_data / "crypto_binance_spot_1d_2021_2022.parquet")
    found = {state.key: state for state in health(lake)}
    old, new = found["BINANCE:LUNAUSDT"], found["BINANCE:LUNAUSDT#2"]
    assert (old.state, str(old.last)[:10]) == (HealthState.OK, "2022-05-13")
    assert (new.state, str(new.first)[:10]) == (HealthState.OK, "2022-05-31")
    assert {key for key, state in found.items() if state.state is not HealthState.OK} == set()
    gap = next(f for f in audit(lake, ["BINANCE:LUNAUSDT"]) if f.kind is FindingKind.GAP)
    assert (str(gap.first)[:10], str(gap.last)[:10], gap.count) == ("2022-05-14", "2022-05-30", 17)


def test_a_symbol_that_is_not_there(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0]))
    assert [(s.key, s.state) for s in health(lake, [BTC, ETH])] == [(BTC, HealthState.OK), (ETH, HealthState.MISSING)]
    with pytest.raises(DataError, match="has no bars of 'BINANCE:ETHUSDT'"):
        audit(lake, [ETH])


def test_every_real_share_and_fund_is_healthy(lake: Lake, deliver: Any, shared_data: Path) -> None:
    deliver(shared_data / "us_equities_1d.parquet", shared_data / "us_etf_1d_long.parquet", basis=Basis.SPLIT)
    assert {state.state for state in health(lake)} == {HealthState.OK}
    assert not audit(lake)
