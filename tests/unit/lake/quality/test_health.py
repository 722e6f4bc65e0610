"""One state per instrument: precedence, freshness by close, and the gate that reads a report of states."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvquant.core.atoms import Atom, Direction
from tvquant.core.errors import DataError, LedgerError
from tvquant.core.panel import Basis
from tvquant.lake import AssetHealth, HealthState, Lake, audit, health
from tvquant.lake.quality.health import from_report, gate, naming, of_atoms, to_report

BTC, ETH, AAPL = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "NASDAQ:AAPL"
SESSIONS = [f"2021-01-{day:02}T00:00:00Z" for day in (4, 5, 7, 8, 11, 14)]


def at(moment: str) -> np.datetime64:
    return np.datetime64(moment, "us")


def moving(count: int) -> list[float]:
    return [1.0 + (i % 7) / 10 for i in range(count)]


def states(lake: Lake, **more: Any) -> dict[str, HealthState]:
    return {one.key: one.state for one in health(lake, **({"minimum": 1} | more))}


@pytest.mark.requirement("R-DAT-02")
def test_eighty_nine_bars_are_dropped_and_ninety_are_not(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, moving(89)), bars(ETH, moving(90)))
    found = {one.key: (one.state, one.bars) for one in health(lake)}
    assert found == {BTC: (HealthState.DROPPED, 89), ETH: (HealthState.OK, 90)}
    assert states(lake, minimum=91) == {BTC: HealthState.DROPPED, ETH: HealthState.DROPPED}


@pytest.mark.requirement("R-DAT-04")
def test_gaps_and_tolerated_sessions_are_counted(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, moving(6), timestamp=SESSIONS), basis=Basis.TOTAL)
    deliver(bars(BTC, moving(5), skip=(1, 3, 4)))
    by = {one.key: one for one in health(lake, minimum=1)}
    assert (by[AAPL].state, by[AAPL].gaps, by[AAPL].tolerated) == (HealthState.GAPS, 2, 1)
    assert (by[BTC].state, by[BTC].gaps, by[BTC].tolerated, by[BTC].bars) == (HealthState.GAPS, 3, 0, 5)
    (before,) = health(lake, [AAPL], as_of=at("2021-01-12"), minimum=1)
    assert (before.state, before.gaps, before.tolerated, str(before.last)[:10]) == (HealthState.OK, 0, 1, "2021-01-11")


@pytest.mark.requirement("R-DAT-03")
def test_one_removed_bar_makes_an_asset_unhealthy_until_it_is_older_than_the_lookback(
    lake: Lake, deliver: Any, bars: Any
) -> None:
    deliver(bars(BTC, moving(99), skip=(50,)), bars(ETH, moving(100)))
    assert states(lake) == {BTC: HealthState.GAPS, ETH: HealthState.OK}
    # The hole is day 50 of 0 to 99: the bar after it is the last but 48.
    assert states(lake, lookback=49)[BTC] is HealthState.GAPS
    assert states(lake, lookback=48)[BTC] is HealthState.OK


@pytest.mark.requirement("R-DAT-09")
@pytest.mark.parametrize(
    ("hours", "state", "age"),
    [(23, HealthState.OK, 23.0), (24, HealthState.OK, 24.0), (25, HealthState.STALE, 25.0)],
)
def test_round_the_clock_a_close_is_stale_after_a_day(
    hours: int, state: HealthState, age: float, lake: Lake, deliver: Any, bars: Any
) -> None:
    deliver(bars(BTC, moving(3)))  # the last bar opens on the 3rd and closes at the 4th, 00:00
    (found,) = health(lake, now=at("2021-01-04") + np.timedelta64(hours, "h"), minimum=1)
    assert (found.state, found.age_hours) == (state, age)
    (imported,) = health(lake, minimum=1)
    assert (imported.state, imported.age_hours) == (HealthState.OK, 0.0)


@pytest.mark.requirement("R-DAT-09")
def test_a_bar_that_has_not_closed_by_now_is_not_there(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, moving(3)))
    (found,) = health(lake, now=at("2021-01-03T12:00"), minimum=1)
    assert (found.bars, str(found.last)[:10], found.age_hours) == (2, "2021-01-02", 12.0)


@pytest.mark.requirement("R-DAT-09")
def test_a_newest_bar_recorded_before_its_close_does_not_count(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, moving(3), "2026-04-29"))  # imported on 2026-05-01, 00:00
    (found,) = health(lake, minimum=1)
    assert (found.bars, str(found.last)[:10], found.findings) == (2, "2026-04-30", 0)


@pytest.mark.requirement("R-DAT-09", "R-DAT-10")
@pytest.mark.parametrize(
    ("now", "state"),
    [
        ("2021-01-08T21:00", HealthState.OK),  # Friday, the bell
        ("2021-01-09T21:00", HealthState.OK),  # a day later it is 24 hours old
        ("2021-01-10T12:00", HealthState.MARKET_CLOSED),  # Sunday: there is no newer session
        ("2021-01-11T20:59", HealthState.MARKET_CLOSED),  # Monday, before the close
        ("2021-01-11T21:00", HealthState.OK),  # Monday's bar could be there; five days are allowed
        ("2021-01-13T21:00", HealthState.OK),  # exactly five days
        ("2021-01-13T21:01", HealthState.STALE),
    ],
)
def test_sessions_are_stale_after_five_days_and_closed_when_nothing_newer_can_be(
    now: str, state: HealthState, lake: Lake, deliver: Any, bars: Any
) -> None:
    deliver(bars(AAPL, moving(4), timestamp=SESSIONS[:4]), basis=Basis.TOTAL)
    assert states(lake, now=at(now)) == {AAPL: state}


@pytest.mark.requirement("R-DAT-10")
def test_every_asset_has_one_state_and_what_can_be_repaired_comes_first(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(
        bars(BTC, moving(100), "2021-01-01"),
        bars(ETH, moving(50), "2021-02-20", skip=(10,)),
        bars("BINANCE:XRPUSDT", moving(50), "2021-02-20"),
        bars("BINANCE:ADAUSDT", moving(20), "2021-01-01", skip=(10,)),
        bars("BINANCE:SOLUSDT", [-1.0, -1.0]),
    )
    found = health(lake, [*lake.symbols(), "BINANCE:DOTUSDT"], now=at("2021-04-11T01:00"))
    assert {one.key.removeprefix("BINANCE:"): (one.state, one.gaps, str(one.last)[:10]) for one in found} == {
        "BTCUSDT": (HealthState.OK, 0, "2021-04-10"),
        "ETHUSDT": (HealthState.GAPS, 1, "2021-04-10"),
        "XRPUSDT": (HealthState.DROPPED, 0, "2021-04-10"),
        "ADAUSDT": (HealthState.STALE, 1, "2021-01-21"),
        "SOLUSDT": (HealthState.MISSING, 0, "None"),
        "DOTUSDT": (HealthState.MISSING, 0, "None"),
    }


def test_how_far_a_source_goes_is_told_by_those_that_have_not_ended(lake: Lake, deliver: Any, bars: Any) -> None:
    dead = [f"BINANCE:D{number}USDT" for number in range(5)]
    lengths = dict.fromkeys(dead, 20) | {BTC: 40, ETH: 37, "BINANCE:SOLUSDT": 40}
    parts = [bars(name, moving(length)) for name, length in lengths.items()]
    deliver({column: [value for part in parts for value in part[column]] for column in parts[0]})
    ended = dict.fromkeys(dead, at("2021-01-21"))
    known = states(lake, delisted=ended)
    assert {known[name] for name in dead} == {HealthState.DELISTED}
    assert (known[BTC], known[ETH]) == (HealthState.OK, HealthState.STALE)
    assert states(lake)[ETH] is HealthState.OK  # most of what came together stopped on the same day
    # Looked at from a moment before the end, it was not known: they told as well.
    before = states(lake, delisted=ended, as_of=at("2021-01-20"))
    assert set(before.values()) == {HealthState.OK}
    assert set(states(lake, delisted=ended | dict.fromkeys((BTC, ETH), at("2021-03-01"))).values())


def test_a_masked_bar_is_a_hole_but_none_before_the_first_valid_one(lake: Lake, deliver: Any, bars: Any) -> None:
    up = [0.0, 1.0, 0.0, 1.0]
    deliver(bars(BTC, up, open=up, high=up, low=up), bars(ETH, [-1.0, -1.0]))
    by = {one.key: one for one in health(lake, minimum=1)}
    assert (by[BTC].state, by[BTC].bars, by[BTC].gaps, str(by[BTC].first)[:10]) == (
        HealthState.GAPS, 2, 1, "2021-01-02",
    )  # fmt: skip
    assert (by[ETH].state, by[ETH].bars, by[ETH].first, by[ETH].age_hours) == (HealthState.MISSING, 0, None, None)


def test_findings_are_counted_in_the_time_of_their_instrument_and_notes_are_not(
    lake: Lake, deliver: Any, bars: Any
) -> None:
    closes = [1.0, 1.1, 1.2, 100.0, 110.0, 120.0]
    parts = {"open": [1.0, 1.0, 1.1, 100.0, 100.0, 110.0], "low": [0.9, 1.0, 1.1, 100.0, 100.0, 110.0]}
    high = [1.0, 0.5, 1.2, 100.0, 110.0, 120.0]  # the second bar contradicts itself, the first is flat but for its low
    deliver(bars(BTC, closes, **parts, high=high))
    found = {one.key: (one.bars, one.findings) for one in health(lake, minimum=1)}
    # Of the first holder the bar that is not used; of the second its own beginning.
    assert found == {BTC: (2, 1), f"{BTC}#2": (3, 1)}


def test_each_holder_of_a_ticker_has_its_own_health_and_only_the_last_can_be_stale(
    lake: Lake, deliver: Any, shared_data: Path
) -> None:
    deliver(shared_data / "crypto_binance_spot_1d_2021_2022.parquet")
    found = {one.key: one for one in health(lake, minimum=1)}
    old, new = found["BINANCE:LUNAUSDT"], found["BINANCE:LUNAUSDT#2"]
    assert (old.state, str(old.last)[:10]) == (HealthState.OK, "2022-05-13")
    assert (new.state, str(new.first)[:10]) == (HealthState.OK, "2022-05-31")
    # USDC stops four days before the file does, as the notes on the data say.
    assert {key: one.state for key, one in found.items() if not one.state.fine} == {
        "BINANCE:USDCUSDT": HealthState.STALE
    }
    assert found["BINANCE:USDCUSDT"].age_hours == 96.0
    stale = health(lake, ["BINANCE:LUNAUSDT"], now=at("2022-12-01"), minimum=1)
    assert [one.state for one in stale] == [HealthState.OK, HealthState.STALE]


def test_a_symbol_that_the_lake_lacks_is_missing(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0]))
    assert states(lake, symbols=[BTC, ETH]) == {BTC: HealthState.OK, ETH: HealthState.MISSING}


@pytest.mark.requirement("R-DAT-14")
def test_an_atom_is_judged_by_the_asset_that_it_names(lake: Lake, deliver: Any, bars: Any) -> None:
    odd = "BINANCE:A_BUSDT"
    deliver(bars(odd, moving(3)), bars(BTC, moving(3), skip=(1,)))
    found = health(lake, minimum=1)
    atoms = [
        Atom(physical_symbol=name, logic="rating_ma", direction=direction)
        for name in (odd, BTC)
        for direction in Direction
    ]
    assert {key: one.state for key, one in of_atoms(atoms, found).items()} == {
        f"{odd}_rating_ma_LONG": HealthState.OK,
        f"{odd}_rating_ma_SHORT": HealthState.OK,
        f"{BTC}_rating_ma_LONG": HealthState.GAPS,
        f"{BTC}_rating_ma_SHORT": HealthState.GAPS,
    }
    with pytest.raises(DataError, match=f"atom {ETH}_hold_LONG: the health report lacks its asset {ETH}"):
        of_atoms([Atom(physical_symbol=ETH, logic="hold", direction=Direction.LONG)], found)


def test_a_report_gives_back_the_states_it_was_made_from(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, moving(3)))
    found = health(lake, [BTC, ETH])
    assert from_report(json.loads(json.dumps(to_report(found)))) == found


@pytest.mark.requirement("R-DAT-15")
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda report: {"assets": report}, "expected a list of assets, found dict"),
        (lambda report: [*report, "BTC"], "asset 1: expected .* found str"),
        (lambda report: [{k: v for k, v in report[0].items() if k != "state"}], "asset 0: expected .*state"),
        (lambda report: [report[0] | {"state": "splendid"}], "asset 0: 'splendid' is not a valid HealthState"),
        (lambda report: [report[0] | {"last": "yesterday"}], "asset 0: .*yesterday"),
    ],
)
def test_a_report_that_is_damaged_is_not_read(damage: Any, said: str, lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, moving(3)))
    with pytest.raises(DataError, match=said):
        from_report(damage(to_report(health(lake))))


@pytest.mark.requirement("R-DAT-15")
def test_the_gate_names_what_is_not_fine_and_does_not_pass_on_nothing() -> None:
    def one(key: str, state: HealthState) -> AssetHealth:
        return AssetHealth(
            key=key, symbol=key, state=state, bars=1, first=None, last=None, gaps=0, tolerated=0, age_hours=None,
            findings=0,
        )  # fmt: skip

    gate([one(BTC, HealthState.OK), one(AAPL, HealthState.MARKET_CLOSED)])
    with pytest.raises(LedgerError, match=rf"1 of 2 assets are fine; not: {ETH} \(stale\)$"):
        gate([one(BTC, HealthState.OK), one(ETH, HealthState.STALE)])
    with pytest.raises(LedgerError, match=r"0 of 0 assets are fine$"):
        gate([])
    many = [one(f"X:{i}", HealthState.GAPS) for i in range(15)]
    assert naming(many).endswith("X:11 (gaps), and 3 more")
    assert naming([]) == ""


@pytest.mark.requirement("R-DAT-15")
def test_every_real_share_and_fund_passes_the_gate(lake: Lake, deliver: Any, shared_data: Path) -> None:
    deliver(shared_data / "us_equities_1d.parquet", shared_data / "us_etf_1d_long.parquet", basis=Basis.SPLIT)
    gate(health(lake))


def test_symbols_are_looked_over_in_groups_as_they_are_at_once(
    lake: Lake, deliver: Any, bars: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(bars(BTC, moving(99), skip=(50,)), bars(ETH, [*moving(90), -1.0]), bars("BINANCE:SOLUSDT", moving(60)))
    deliver(bars(AAPL, moving(6), timestamp=SESSIONS), basis=Basis.TOTAL)
    judged, found = health(lake), audit(lake)
    assert len({one.state for one in judged}) > 2
    assert len({one.symbol for one in found}) > 2
    for size in (1, 3):
        monkeypatch.setattr(sys.modules["tvquant.lake.quality.audit"], "GROUP", size)
        assert health(lake) == judged
        assert audit(lake) == found
