"""A sync ends with what it was asked for, or names what is missing; played with a provider that does as it is told."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from builders.clocks import ManualClock
from tvquant.app import deliveries, syncing
from tvquant.app.cli.data import commands
from tvquant.app.cli.profile import resolved
from tvquant.app.cli.sync_messages import SyncOutput
from tvquant.app.deliveries import Source
from tvquant.app.progress import Watcher
from tvquant.app.syncing import Asked, Synced
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, ProfileError
from tvquant.market.coverage import Grid
from tvquant.market.plans import PlanBook
from tvquant.market.providers.contract import Malformed, Offer, ProviderFactory
from tvquant.market.registry import AssetState
from tvquant.market.tasks import DataTask
from tvquant.market.worker import Result, TaskOutcome
from tvquant.profiles import Options

sys.path.insert(0, str(Path(__file__).parents[1] / "market"))
from table_provider import BTC, ETH, NOW, TableProvider, day, made_bars, walk

SOL = "BINANCE:SOLUSDT"
type Sync = Callable[..., Synced]


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "ws")
    made.create()
    return made


@pytest.fixture
def provider() -> TableProvider:
    """Three coins with 120 bars up to yesterday."""
    names = (BTC, ETH, SOL)
    return TableProvider({name: made_bars(name, walk(120, seed=i), last=day()) for i, name in enumerate(names)})


def opening(name: str, provider: TableProvider) -> ProviderFactory[Options]:
    """What opens this provider, without options."""
    return ProviderFactory(name=name, options=Options, open=lambda *_: provider)


@pytest.fixture
def source(provider: TableProvider, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setattr("tvquant.market.merging.GATHER", 0.0)
    monkeypatch.setattr(
        deliveries, "PROVIDERS", {"told": ProviderFactory(name="told", options=Options, open=lambda *_: provider)}
    )
    return Source(name="told")


@pytest.fixture
def sync(home: Workspace, source: Source) -> Sync:
    def done(command: str = "tvquant data sync", **asked: Any) -> Synced:
        asked = {"bars": 100} | asked
        return syncing.sync(home, source, Asked(command=command, **asked), clock=ManualClock(NOW), watcher=Watcher())

    return done


def unfinished(home: Workspace) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.command, one.symbols) for one in PlanBook(home.lake().folder).unfinished()]


def test_an_interrupted_sync_is_finished_by_the_same_command(
    sync: Sync, provider: TableProvider, home: Workspace
) -> None:
    provider.spoil = {ETH: [KeyboardInterrupt()], SOL: [KeyboardInterrupt()]}  # whichever thread is quicker
    with pytest.raises(KeyboardInterrupt):
        sync()
    provider.spoil = {}
    assert unfinished(home) == [("tvquant data sync", (BTC, ETH, SOL))]
    other = sync("tvquant data sync --symbol", symbols=[BTC])
    assert [one.command for one in other.unfinished] == ["tvquant data sync"]
    told = SyncOutput(done=other).text()
    assert told[-1].endswith("it was to bring 3 assets; finish it by `tvquant data sync`")
    assert told[-1] in CliRunner().invoke(commands, ["status", "-w", str(home.root)]).stdout

    del provider.tables[ETH]  # what was promised is asked for, whatever is listed by now
    done = sync()
    assert (done.account.stable, done.account.missing) == ((BTC, SOL), {ETH: f"no bars: {ETH} is unknown"})
    assert unfinished(home) == []


def test_without_a_profile_all_that_is_listed_is_asked_for(sync: Sync, home: Workspace) -> None:
    sync(symbols=[BTC])
    done = sync()
    assert done.account.stable == (BTC, ETH, SOL)
    assert home.lake().symbols() == (BTC, ETH, SOL)


def test_nothing_is_fetched_before_the_plan_is_written(
    sync: Sync, provider: TableProvider, home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tvquant.core.durable.replace", full)
    with pytest.raises(DataError, match="No space left on device"):
        sync()
    assert provider.asked == []


def test_every_asset_is_in_one_state_and_the_rest_is_said(sync: Sync, provider: TableProvider) -> None:
    sync(symbols=[BTC])
    provider.spoil = {name: [Malformed("not today", retryable=False)] for name in (BTC, ETH)}
    provider.tables[SOL] = provider.tables[SOL].tail(50)
    done = sync(symbols=[BTC, ETH, SOL], forced=True)
    account = done.account
    assert (account.asked, account.stable) == (3, ())
    assert account.failed == {BTC: "not today"}  # its bars are still fresh, but no one confirmed them
    assert account.missing == {ETH: "no bars: not today"}
    assert account.degraded == {SOL: "short: 50 bars, 90 needed"}
    told = SyncOutput(done=done)
    assert told.text()[0].startswith("0 of 3 assets are stable, 1 missing, 1 failed, 1 degraded; ")
    assert told.document()["counts"] == {"asked": 3, "stable": 0, "missing": 1, "failed": 1, "degraded": 1}
    assert told.lacking() == (
        f"1 of 3 assets that were asked for are missing, e.g. {ETH}: no bars: not today; "
        f"1 of 3 assets could not be brought up to date, e.g. {BTC}: not today"
    )
    again = sync(symbols=[BTC, ETH])
    assert (again.account.stable, again.account.whole) == ((BTC, ETH), True)


def test_what_the_provider_has_beyond_the_depth_is_counted(sync: Sync, provider: TableProvider) -> None:
    times = {name: rows["timestamp"] for name, rows in provider.tables.items()}
    old = made_bars(ETH, walk(30), last=day(3000))
    provider.tables[ETH], times[ETH] = old, old["timestamp"]
    provider.offered = Offer(times=times, unread={BTC: (2, "x.csv: row 7")})
    done = sync()
    left = done.account.left
    assert (left.rows, left.total, left.deeper, left.depth) == (70, 270, (BTC, ETH, SOL), 3030)
    assert done.account.missing == {ETH: "none of its 30 bars is so new; --depth 3030 asks for them"}
    told = SyncOutput(done=done)
    assert (
        "not taken: 70 of 270 bars, of 3 assets, are older than the 100 that were asked for; --depth 3030 takes all"
        in (told.text())
    )
    assert "not taken: 2 rows that could not be read, e.g. x.csv: row 7" in told.text()
    assert told.lacking().endswith("2 rows could not be read, e.g. x.csv: row 7")
    assert sync(symbols=[SOL]).account.left.unread == 0  # nobody asked for that symbol
    assert sync(symbols=[BTC]).account.left.unread == 2
    whole = sync(bars=3030).account
    assert (whole.left.rows, whole.stable, whole.degraded[ETH][:5]) == (0, (BTC, SOL), "stale")


def test_rows_that_cost_an_asset_a_bar_are_told(sync: Sync, provider: TableProvider) -> None:
    bad = pl.when(pl.int_range(pl.len()) == pl.len() - 5)
    provider.tables[ETH] = provider.tables[ETH].with_columns(low=bad.then(-1.0).otherwise("low"))
    told = [line for line in told_of(sync()) if "dropped" in line]
    assert told == [f"{ETH}: rows that were dropped: 1 not positive"]


@pytest.mark.parametrize(
    ("retryable", "end"), [(True, "down; `tvquant doctor --online` says how the sources are"), (False, "down")]
)
def test_where_nothing_came_and_may_come_later_doctor_is_named(retryable: bool, end: str) -> None:
    one = TaskOutcome(
        task=DataTask(physical_symbol=BTC),
        result=Result.FAILED,
        state=AssetState.ABSENT,
        reason="",
        error="down",
        retryable=retryable,
    )
    assert syncing._nothing([one], "told") == f"none of 1 assets could be fetched from told: {end}"


def test_a_provider_that_does_not_tell_may_have_older_bars(sync: Sync) -> None:
    done = sync()
    assert done.account.left.deeper == (BTC, ETH, SOL)
    assert any(line.startswith("not asked for: bars further back than 100, which 3 ") for line in told_of(done))
    assert sync(bars=200).account.left.deeper == ()  # their genesis is known then


@pytest.mark.parametrize(
    ("symbol", "interval", "since", "first", "bars"),
    [
        (BTC, "1d", date(2022, 6, 1), "2022-06-01", 19),
        (BTC, "4h", date(2022, 6, 19), "2022-06-19", 8),
        (BTC, "1d", date(2022, 6, 20), "2022-06-19", 1),
        ("NASDAQ:AAPL", "1d", date(2022, 5, 28), "2022-05-31", 14),  # from a Saturday over Memorial Day to 17 June
        ("NASDAQ:AAPL", "1d", date(1900, 1, 1), "1980-01-02", None),
        ("nonsense", "1d", date(2022, 6, 1), "", 2000),
    ],
)
def test_a_date_is_a_depth_on_each_calendar(
    symbol: str, interval: str, since: date, first: str, bars: int | None
) -> None:
    now = datetime(2022, 6, 20, 10, 30, tzinfo=UTC)  # a holiday of New York, and so was the weekend before it
    depth = Asked(command="sync", interval=interval, since=since).depth_of(symbol, now)
    if bars is not None:
        assert depth == bars
    if first:
        grid = Grid.of(symbol, interval, now)
        assert str(grid.back(grid.closed(), depth)).startswith(first)


def test_what_is_older_than_a_date_is_said(sync: Sync, provider: TableProvider) -> None:
    done = sync(bars=None, since=day(99).date())
    assert {one.coverage.bars for one in done.summary.outcomes} == {100}
    told = f"not asked for: bars older than {day(99).date()}, which 3 assets of told may have; an earlier --from"
    assert any(line.startswith(told) for line in told_of(done))
    times = {name: rows["timestamp"] for name, rows in provider.tables.items()}
    provider.offered = Offer(times=times)
    line = f"are older than {day(99).date()}, from which on bars were asked for; --depth 120 takes all"
    done = sync(bars=None, since=day(99).date())
    assert [
        text for text in told_of(done) if text.startswith("not taken: 60 of 360 bars, of 3 assets") and line in text
    ]
    assert SyncOutput(done=done).document()["left"]["since"] == str(day(99).date())
    assert not [text for text in told_of(sync(bars=120)) if "older" in text]


def told_of(done: Synced) -> list[str]:
    return SyncOutput(done=done).text()


@pytest.mark.parametrize("what", ["sync", "repair"])
def test_prices_of_no_known_basis_are_refused(
    what: str, sync: Sync, provider: TableProvider, home: Workspace, source: Source
) -> None:
    provider.capabilities = replace(provider.capabilities, tells_basis=False)
    provider.tables = {"NASDAQ:AAPL": made_bars("NASDAQ:AAPL", walk(5), last=day())} | provider.tables
    asking = {
        "sync": sync,
        "repair": lambda: syncing.repair(
            home, source, clock=ManualClock(NOW), symbols=["NASDAQ:AAPL"], watcher=Watcher()
        ),
    }
    with pytest.raises(ProfileError, match="adjusted for is not known; declare --basis raw, split or total"):
        asking[what]()
    assert (provider.asked, unfinished(home)) == ([], [])
    assert sync(symbols=[BTC]).account.stable == (BTC,)


@pytest.mark.parametrize(
    ("own", "missing"), [("", ()), ("benchmark:\n  market: ['BINANCE:XRPUSDT']\n", ("BINANCE:XRPUSDT",))]
)
def test_a_benchmark_that_only_a_preset_names_may_be_left_aside(
    own: str, missing: tuple[str, ...], sync: Sync, provider: TableProvider, home: Workspace
) -> None:
    del provider.tables[BTC]  # the preset's
    (home.profiles / "mine.yaml").write_text(f"version: 1\nextends: crypto_spot\n{own}")
    done = sync(profile=resolved(home, "mine"))
    assert done.account.stable == (ETH, SOL)
    assert tuple(done.account.missing) == missing
    assert tuple(done.aside) == (() if own else (BTC,))
    assert any(line.startswith(f"left aside: {BTC}: the preset's benchmark") for line in told_of(done)) is not bool(own)


def test_a_listing_is_taken_as_far_as_it_is_understood(sync: Sync, provider: TableProvider) -> None:
    provider.tables |= {"nonsense": provider.tables[BTC], "NASDAQ:AAPL": provider.tables[BTC]}
    four = {name: made_bars(name, walk(200), last=day(), interval="4h") for name in (BTC, ETH, SOL)}
    provider.tables |= four
    done = sync(interval="4h")
    assert set(done.aside) == {"nonsense", "NASDAQ:AAPL"}
    assert done.account.asked == 3
    named = sync(symbols=["non\nsense", BTC], bars=100)
    assert tuple(named.account.missing) == ("non\nsense",)
    assert not any("\n" in line for line in told_of(named) if "symbol  " not in line)
    assert r"e.g. non\nsense: " in SyncOutput(done=named).lacking()


def test_simulated_bars_are_not_put_beside_real_ones_unasked(
    sync: Sync, provider: TableProvider, home: Workspace, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(symbols=[BTC])
    monkeypatch.setattr(
        deliveries,
        "PROVIDERS",
        {"simulated": ProviderFactory(name="simulated", options=Options, open=lambda *_: provider)},
    )
    simulated, asked = replace(source, name="simulated"), len(provider.asked)

    def put(**more: Any) -> Synced:
        task = Asked(command="sync", symbols=[ETH], bars=100)
        return syncing.sync(home, replace(simulated, **more), task, clock=ManualClock(NOW), watcher=Watcher())

    for given in ({}, {"into_simulated": True}):
        with pytest.raises(ProfileError, match="mix them by --into-real"):
            put(**given)
    with pytest.raises(ProfileError, match="holds real ones; use another workspace"):
        syncing.repair(home, simulated, clock=ManualClock(NOW), symbols=[BTC], watcher=Watcher())
    assert (len(provider.asked), unfinished(home)) == (asked, [])
    assert put(into_real=True).account.stable == (ETH,)
