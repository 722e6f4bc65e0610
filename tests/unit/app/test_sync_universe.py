"""A sync asks each asset of who delivers its exchange: several providers, one lake, one plan, one account."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from builders.clocks import ManualClock
from tvquant.app import deliveries, syncing
from tvquant.app.cli.profile import resolved
from tvquant.app.cli.source_options import Given
from tvquant.app.cli.sync_messages import SyncOutput
from tvquant.app.deliveries import Deliveries, Source
from tvquant.app.progress import Watcher
from tvquant.app.syncing import Asked, Synced
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.panel import Basis
from tvquant.lake.storage import tables
from tvquant.lake.writing.declared_basis import Doubt
from tvquant.market.plans import PlanBook
from tvquant.market.providers.contract import Malformed, ProviderFactory
from tvquant.profiles import Options

sys.path.insert(0, str(Path(__file__).parents[1] / "market"))
from table_provider import BTC, ETH, NOW, TableProvider, day, made_bars, walk

SOL = "BINANCE:SOLUSDT"
AAPL, MSFT = "NASDAQ:AAPL", "NASDAQ:MSFT"


type Sync = Callable[..., Synced]


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "ws")
    made.create()
    return made


def opening(name: str, provider: TableProvider) -> ProviderFactory[Options]:
    """What opens this provider, without options."""
    return ProviderFactory(name=name, options=Options, open=lambda *_: provider)


@pytest.fixture
def provider() -> TableProvider:
    """Three coins with 120 bars up to yesterday."""
    return TableProvider(
        {name: made_bars(name, walk(120, seed=k), last=day()) for k, name in enumerate((BTC, ETH, SOL))}
    )


@pytest.fixture
def other(provider: TableProvider, monkeypatch: pytest.MonkeyPatch) -> TableProvider:
    """A second provider, which has two shares, and a coin that the first one delivers."""
    names = {AAPL: 1, MSFT: 2, BTC: 3}
    monkeypatch.setattr("tvquant.market.merging.GATHER", 0.0)
    made = TableProvider({name: made_bars(name, walk(200, seed=k), last=day()) for name, k in names.items()})
    named = {"told": opening("told", provider), "other": opening("other", made)}
    monkeypatch.setattr(deliveries, "PROVIDERS", deliveries.PROVIDERS | named)
    return made


BOTH = Deliveries(by_key={"BINANCE": Source(name="told"), "NASDAQ": Source(name="other")})


def unfinished(home: Workspace) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.command, one.symbols) for one in PlanBook(home.lake().folder).unfinished()]


@pytest.fixture
def sync_both(home: Workspace, other: TableProvider) -> Sync:
    def done(command: str = "both", who: Deliveries = BOTH, **asked: Any) -> Synced:
        asked = {"bars": 100} | asked
        return syncing.sync(home, who, Asked(command=command, **asked), clock=ManualClock(NOW), watcher=Watcher())

    return done


def test_each_asset_is_asked_of_the_provider_of_its_exchange(
    sync_both: Sync, provider: TableProvider, other: TableProvider, home: Workspace
) -> None:
    other.spoil = {MSFT: [Malformed("not today", retryable=False)]}
    other.tables |= dict.fromkeys(("BINANCE:XRPUSDT", "OKX:BTCUSDT"), other.tables[BTC])  # not for it to deliver
    done = sync_both()
    assert {one[0] for one in provider.asked} == {BTC, ETH, SOL}
    assert {one[0] for one in other.asked} == {AAPL, MSFT}  # the coin that it lists too is the other one's
    assert (done.account.asked, done.account.stable) == (5, (BTC, ETH, SOL, AAPL))
    assert done.account.missing == {MSFT: "no bars: not today"}
    assert (done.provider, dict(done.shares), home.lake().symbols()) == (
        "told, other",
        {"told": 3, "other": 2},
        (BTC, ETH, SOL, AAPL),
    )
    document = SyncOutput(done=done).document()
    assert (document["provider"], document["providers"]) == ("told, other", {"told": 3, "other": 2})
    assert set(document["metadata"]) == {"told", "other"}
    assert [line[:6] for line in SyncOutput(done=done).text() if "ticks and lots" in line] == ["told: ", "other:"]
    stored = tables.read(home.lake().root, "bars", ["symbol", "source"], where=pl.lit(True)).unique()
    assert dict(stored.rows()) == dict.fromkeys((BTC, ETH, SOL, AAPL), "tables")
    assert unfinished(home) == []


def test_one_that_fails_altogether_does_not_take_the_other_along(
    sync_both: Sync, provider: TableProvider, other: TableProvider
) -> None:
    provider.spoil = {name: [Malformed("gone", retryable=False)] for name in (BTC, ETH, SOL)}
    done = sync_both()
    assert (set(done.account.missing), done.account.stable) == ({BTC, ETH, SOL}, (AAPL, MSFT))
    provider.spoil = {name: [Malformed("gone", retryable=False)] for name in (BTC, ETH, SOL)}
    other.spoil = {name: [Malformed("gone too", retryable=False)] for name in (AAPL, MSFT)}
    with pytest.raises(DataError, match=r"none of 5 assets could be fetched from told, other: gone$"):
        sync_both(forced=True)


def test_who_was_asked_for_nothing_has_no_line_on_steps(sync_both: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    listing, listed = TableProvider.instruments, []

    async def instruments(self: TableProvider, symbol: str | None = None) -> pl.DataFrame:
        listed.append(MSFT in self.tables)
        return await listing(self, symbol)

    monkeypatch.setattr(TableProvider, "instruments", instruments)
    done = sync_both(symbols=[BTC])
    assert set(listed) == {False}  # a server without a part in it, which may be dead, is not waited for
    assert set(done.metadata) == {"told", "other"}
    assert [line[:6] for line in SyncOutput(done=done).text() if "ticks and lots" in line] == ["told: "]


def test_all_providers_are_open_and_every_asset_has_one_before_any_is_asked(
    sync_both: Sync, provider: TableProvider, other: TableProvider, home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ProfileError, match=r"data\.providers names no provider for NYSE:IBM"):
        sync_both(symbols=[BTC, "NYSE:IBM"])
    needing = replace(opening("other", other), terms="Agree.")
    monkeypatch.setattr(deliveries, "PROVIDERS", {"told": opening("told", provider), "other": needing})
    with pytest.raises(ProfileError, match="terms other --agree"):
        sync_both()
    assert (provider.asked, other.asked, unfinished(home)) == ([], [], [])


def test_each_provider_answers_for_its_own_basis(
    sync_both: Sync, provider: TableProvider, other: TableProvider
) -> None:
    other.capabilities = replace(other.capabilities, tells_basis=False)
    with pytest.raises(ProfileError, match="adjusted for is not known; declare --basis"):
        sync_both()
    assert (provider.asked, other.asked) == ([], [])
    declared = Deliveries(by_key=BOTH.by_key | {"NASDAQ": Source(name="other", basis=Basis.SPLIT)})
    other.basis = Basis.SPLIT
    assert sync_both(who=declared).account.stable == (BTC, ETH, SOL, AAPL, MSFT)


def test_all_that_were_opened_are_closed_however_it_ends(
    sync_both: Sync, provider: TableProvider, other: TableProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[TableProvider] = []

    async def close(self: TableProvider) -> None:
        closed.append(self)

    monkeypatch.setattr(TableProvider, "close", close)
    sync_both(symbols=[BTC])
    assert [one is provider for one in closed] == [False, True]
    needing = replace(opening("other", other), terms="Agree.")
    monkeypatch.setattr(deliveries, "PROVIDERS", {"told": opening("told", provider), "other": needing})
    with pytest.raises(ProfileError, match="terms other --agree"):
        sync_both()
    assert [one is provider for one in closed] == [False, True, True]


def test_an_interrupted_sync_of_several_goes_on_and_what_no_one_delivers_any_more_is_said(
    sync_both: Sync, provider: TableProvider, other: TableProvider, home: Workspace
) -> None:
    other.spoil = {AAPL: [KeyboardInterrupt()], MSFT: [KeyboardInterrupt()]}
    with pytest.raises(KeyboardInterrupt):
        sync_both()
    assert unfinished(home) == [("both", (BTC, ETH, SOL, AAPL, MSFT))]
    held, asked = home.lake().symbols(), len(provider.asked)
    assert held == (BTC, ETH, SOL)
    alone = sync_both(who=Deliveries(by_key={"BINANCE": Source(name="told")}))
    assert dict(alone.aside) == dict.fromkeys((AAPL, MSFT), syncing.LOST)
    assert len(provider.asked) == asked  # the lake has all of it
    other.spoil = {}
    assert sync_both().account.stable == (BTC, ETH, SOL, AAPL, MSFT)


def test_a_profile_names_who_delivers_its_assets(
    home: Workspace, provider: TableProvider, other: TableProvider, sync_both: Sync
) -> None:
    """Its universe is found provider by provider; what is particular to one provider is not given to all."""
    (home.profiles / "mine.yaml").write_text(
        "version: 1\nextends: crypto_spot\nuniverse:\n  kinds: [spot, stock]\n  exclude_symbols: ['BINANCE:SOLUSDT']\n"
        "data:\n  providers: {BINANCE: {name: files, basis: raw}, NASDAQ: {name: files, path: x, basis: split}}\n"
    )
    profile = resolved(home, "mine")
    given = Given(accept=True, into_real=True).sources(profile, home)
    assert isinstance(given, Deliveries)
    assert [(one.basis, one.doubt, one.into_real) for one in given.every] == [
        (Basis.RAW, Doubt.ACCEPT, True),
        (Basis.SPLIT, Doubt.ACCEPT, True),
    ]
    assert given.every[1].options == {"path": str(home.root / "x"), "basis": "split"}  # wherever the command is given
    done = sync_both(profile=profile)
    assert done.account.stable == (BTC, ETH, AAPL, MSFT)
    with pytest.raises(ProfileError, match="option seed is of one provider, and mine names several"):
        Given(seed=1).sources(profile, home)
    named = Given(provider="simulated", seed=1).sources(profile, home)
    assert isinstance(named, Source)
    assert named.name == "simulated"


def test_a_provider_that_lists_nothing_says_so(
    home: Workspace, sync_both: Sync, provider: TableProvider, other: TableProvider
) -> None:
    other.capabilities = replace(other.capabilities, instruments=False)
    done = sync_both()
    assert done.account.stable == (BTC, ETH, SOL)
    assert dict(done.aside) == {
        "other": "it lists nothing; name its assets by --symbol, or by universe.symbols of the profile"
    }
    with pytest.raises(DataError, match="provider other lists nothing; name its assets by --symbol"):
        sync_both(who=Deliveries(by_key={"NASDAQ": Source(name="other")}))
    assert sync_both(symbols=[AAPL]).account.stable == (AAPL,)
