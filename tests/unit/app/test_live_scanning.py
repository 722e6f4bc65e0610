"""Scanners asked of a screener on loopback that evaluates their requests."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from builders.clocks import NOON, ManualClock
from builders.loopback import Loopback
from builders.loopback_thread import serving
from builders.scanner_server import COINS, ScannerServer, crypto, row
from tvquant.app import consents
from tvquant.app.live_scanning import LiveScan, Screener, scan_live
from tvquant.app.scanning import archive, scanner_here
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.instants import instant
from tvquant.lake.reading.scans import stored_scans
from tvquant.market.providers.contract import RateLimits, Unsupported
from tvquant.market.providers.tradingview.member import TRADINGVIEW

FAST = RateLimits(requests_per_second=1e4, burst=1000, bars_per_request=150, concurrency=1, timeout=5.0)
ALL, MA = "binance_spot_rating_all_long", "binance_spot_rating_ma_long"


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "ws")
    made.create()
    consents.agree(made, TRADINGVIEW.name, TRADINGVIEW.terms, clock=ManualClock())
    return made


def scanned(
    home: Workspace, server: ScannerServer, *names: str, at: datetime = NOON, beside: tuple[str, ...] = ()
) -> tuple[Loopback, LiveScan]:
    scanners = [scanner_here(home, name) for name in names]
    with serving(server) as loopback:
        screener = Screener(clock=ManualClock(at), url=loopback.url, limits=FAST)
        return loopback, scan_live(home, scanners, screener, beside=beside)


def truth(band: float = 0.1) -> set[str]:
    """The 200 most traded pairs of the market's table, of those beyond the floor and the band."""
    coins = sorted(crypto()[:COINS], key=lambda one: -one["24h_vol|5"])[:200]
    return {one["s"] for one in coins if one["24h_vol|5"] > 20e6 and one["Recommend.All"] > band}


@pytest.mark.requirement("R-UNI-09")
@pytest.mark.requirement("R-UNI-10")
def test_a_live_scan_is_the_scanner_on_the_whole_market(home: Workspace) -> None:
    loopback, found = scanned(home, ScannerServer(), ALL)
    atoms = {atom.physical_symbol for atom in found.scanned.found.atoms}
    assert atoms == truth()
    assert len(atoms) > 50
    (audit,) = found.scanned.audits
    assert (audit.leaked, audit.neutral, audit.found) == (0, 0, len(atoms))
    assert audit.found == audit.kept + audit.merged + audit.cut
    assert (audit.at_neutral_band, audit.at_zero) == (len(atoms), len(truth(0.0)))
    assert len(truth(0.0)) > len(atoms)
    assert any("the ceiling of 200 by value_traded_last binds" in one for one in found.scanned.caveats())
    paths = [(one.method, one.path) for one in loopback.requests]
    assert paths[:2] == [("GET", "/crypto/metainfo"), ("POST", "/crypto/scan")]
    assert (found.scanned.bar, found.scanned.known_at) == (np.datetime64(NOON.date(), "us"), instant(NOON))


def test_nothing_is_sent_before_the_terms_are_agreed_to(home: Workspace) -> None:
    consents.withdraw(home, TRADINGVIEW.name)
    with serving(ScannerServer()) as loopback:
        with pytest.raises(ProfileError, match="tvquant data terms tradingview --agree"):
            scan_live(home, [scanner_here(home, ALL)], Screener(clock=ManualClock(), url=loopback.url, limits=FAST))
        assert loopback.requests == []


def test_two_scanners_make_atoms_of_their_own_and_an_unserved_name_is_not_judged(home: Workspace) -> None:
    coins = [
        row("BINANCE:AUSDT", **{"Recommend.All": 0.6, "Recommend.MA": 0.6}),
        row("BINANCE:AFDUSD", quote="FDUSD", **{"Recommend.All": 0.6, "24h_vol|5": 5e7}),
        row("BINANCE:BUSDT", **{"Recommend.MA": 0.6, "Recommend.All": 0.05}),
    ]
    _, found = scanned(home, ScannerServer(markets={"crypto": coins}), ALL, MA)
    assert [atom.symbol for atom in found.scanned.found.atoms] == [
        "BINANCE:AUSDT_rating_all_LONG", "BINANCE:AUSDT_rating_ma_LONG", "BINANCE:BUSDT_rating_ma_LONG",
    ]  # fmt: skip
    first, second = found.scanned.answers
    by_name = dict(zip(found.scanned.keys, zip(first.reasons(), second.reasons(), strict=True), strict=True))
    assert by_name["BINANCE:BUSDT"] == (f"{ALL}: not served", "")
    assert by_name["BINANCE:AFDUSD"] == ("", f"{MA}: not served")
    assert found.scanned.outcomes()["BINANCE:AFDUSD"] == "alternative of BINANCE:AUSDT"
    assert [(audit.found, audit.kept, audit.merged) for audit in found.scanned.audits] == [(2, 1, 1), (2, 2, 0)]
    assert not any(first.pooled[k] for k, key in enumerate(found.scanned.keys) if key == "BINANCE:BUSDT")


@pytest.mark.requirement("R-UNI-21")
def test_a_scanner_of_another_band_is_counted_at_both_by_the_screener(home: Workspace) -> None:
    folder = home.profiles / "scanners"
    folder.mkdir(parents=True, exist_ok=True)
    text = f"version: 1\nextends: {ALL}\nfilters:\n  - {{field: recommend_all, above: 0.5}}\n"
    (folder / "strong.yaml").write_text(text)
    server = ScannerServer()
    _, found = scanned(home, server, "strong")
    (audit,) = found.scanned.audits
    assert (audit.found, audit.at_neutral_band, audit.at_zero) == (len(truth(0.5)), len(truth()), len(truth(0.0)))
    assert [body["range"] for body in server.asked[-2:]] == [[0, 1], [0, 1]]


@pytest.mark.requirement("R-UNI-21")
def test_each_kind_is_counted_within_its_own_ceiling(home: Workspace) -> None:
    folder = home.profiles / "scanners"
    folder.mkdir(parents=True, exist_ok=True)
    text = f"version: 1\nextends: {ALL}\nkinds: [spot, swap]\nlargest: {{field: value_traded_last, count: 2}}\n"
    (folder / "both.yaml").write_text(text + "filters:\n  - {field: recommend_all, above: 0.5}\n")
    traded = {"A": 9e8, "B": 8e8, "C": 7e8, "D": 6e8}
    coins = [row(f"BINANCE:{k}USDT", **{"24h_vol|5": value, "Recommend.All": 0.3}) for k, value in traded.items()]
    swaps = [
        row(f"BINANCE:{k}USDT.P", "swap", **{"24h_vol|5": value / 10, "Recommend.All": 0.3})
        for k, value in traded.items()
    ]
    _, found = scanned(home, ScannerServer(markets={"crypto": [*coins, *swaps]}), "both")
    (audit,) = found.scanned.audits
    assert (audit.found, audit.at_neutral_band, audit.at_zero) == (0, 4, 4)
    _, found = scanned(home, ScannerServer(markets={"crypto": [*coins, *swaps[:2]]}), "both")  # one ceiling binds
    (audit,) = found.scanned.audits
    assert (audit.at_neutral_band, audit.at_zero) == (4, 4)


def test_a_screener_that_lies_recruits_nobody_by_it(home: Workspace) -> None:
    lies = [
        row("BINANCE:XUSDT.P", "swap", **{"Recommend.All": 0.9}),
        row("BINANCE:LOWUSDT", **{"Recommend.All": -1.0, "24h_vol|5": 9e8}),
    ]
    _, honest = scanned(home, ScannerServer(), ALL)
    _, found = scanned(home, ScannerServer(lies=lies), ALL)
    assert found.scanned.found == honest.scanned.found
    said = [one for one in found.scanned.caveats() if one.startswith("drift")]
    assert len(said) == 2
    (asked,) = found.asked
    assert asked.rows.drift == {f"{ALL}: kinds": ("BINANCE:XUSDT.P",), f"{ALL}: recommend_all": ("BINANCE:LOWUSDT",)}


def test_a_row_below_the_floor_of_the_pool_is_not_in_the_pool(home: Workspace) -> None:
    coins = [row("BINANCE:AUSDT", **{"Recommend.All": 0.6})]
    lies = [row("BINANCE:LOWUSDT", **{"Recommend.All": 0.6, "24h_vol|5": 2e7})]
    _, found = scanned(home, ScannerServer(markets={"crypto": coins}, lies=lies), ALL)
    (answer,) = found.scanned.answers
    assert dict(zip(found.scanned.keys, answer.pooled.tolist(), strict=True)) == {
        "BINANCE:AUSDT": True, "BINANCE:LOWUSDT": False,
    }  # fmt: skip


def test_columns_that_the_screener_no_longer_lists(home: Workspace) -> None:
    server = ScannerServer(unlisted=("ATR", "base_currency"))
    _, found = scanned(home, server, ALL)
    assert {atom.physical_symbol for atom in found.scanned.found.atoms} == truth()
    assert "the screener lists no column ATR, which is only recorded" in found.scanned.caveats()
    assert all("ATR" not in body["columns"] for body in server.asked)
    assert found.scanned.outcomes()["BINANCE:BTCUPUSDT"] == "kind:leveraged_token"
    assert np.isnan(found.scanned.features.row("atr_14")).all()
    server = ScannerServer(unlisted=("Recommend.All",))
    with pytest.raises(Unsupported, match=r"no Recommend\.All, which this scanner needs"):
        scanned(home, server, ALL)
    assert server.asked == []


def test_a_field_that_is_listed_and_refused_is_named(home: Workspace) -> None:
    server = ScannerServer()

    def gone(self: ScannerServer, _: object) -> None:
        self.unlisted = ("ADX",)

    server.before = gone
    with pytest.raises(DataError, match='Unknown field "ADX"'):
        scanned(home, server, ALL)


@pytest.mark.parametrize(
    ("at", "bar"),
    [
        (datetime(2026, 6, 1, 13, 29, tzinfo=UTC), "2026-05-29"),  # a Monday before the bell
        (datetime(2026, 6, 1, 13, 30, tzinfo=UTC), "2026-06-01"),
        (datetime(2026, 6, 2, 1, 0, tzinfo=UTC), "2026-06-01"),
        (datetime(2026, 6, 7, 18, 0, tzinfo=UTC), "2026-06-05"),
        (datetime(2026, 7, 3, 18, 0, tzinfo=UTC), "2026-07-02"),
    ],
)
def test_shares_are_of_their_last_session(home: Workspace, at: datetime, bar: str) -> None:
    profile = home.profiles / "scanners"
    profile.mkdir(parents=True, exist_ok=True)
    text = "version: 1\nkinds: [etf]\ncurrency: USD\nlogic: trend\ndirection: LONG\nfilters:\n"
    (profile / "funds.yaml").write_text(text + "  - {field: recommend_all, above: 0.5}\n")
    _, found = scanned(home, ScannerServer(), "funds", at=at)
    assert str(found.scanned.bar)[:10] == bar
    assert {atom.physical_symbol for atom in found.scanned.found.atoms} == {"AMEX:SPY", "AMEX:QZZQ"}


def test_coins_and_shares_are_two_markets(home: Workspace) -> None:
    server = ScannerServer()
    with pytest.raises(ProfileError, match="of one market"):
        scanned(home, server, ALL, "us_etf_trend")
    assert server.asked == []


def test_a_name_that_the_filters_kept_back_is_asked_for_beside(home: Workspace) -> None:
    served = next(iter(truth()))
    _, found = scanned(home, ScannerServer(), ALL, beside=("BINANCE:C000USDT", "BINANCE:NOUSDT", served))
    (asked,) = found.asked
    assert [one.key for one in asked.beside.instruments] == ["BINANCE:C000USDT"]
    assert asked.beside.outcome.reasons() == [f"{ALL}: value_traded_last"]
    assert "BINANCE:C000USDT" not in found.scanned.keys


@pytest.mark.requirement("R-DAT-23")
def test_an_archived_live_scan_says_that_it_is_one(home: Workspace) -> None:
    _, found = scanned(home, ScannerServer(), ALL)
    with home.writing():
        assert archive(home.lake(), [found.scanned], at=NOON, clock="live") == len(found.scanned.keys)
    rows = stored_scans(home.lake().root, ALL)
    assert set(rows["clock"]) == {"live"}
    won = rows.filter(outcome="recruited")
    assert set(won["symbol"]) == truth()
    assert (won["recommend_all"] > 0.1).all()
    assert won["roc_9"].null_count() == 0
