"""One chain of commands, unchanged, over every member that speaks a protocol: sync, repair, scan, run.

Each is opened by the command line from its catalogue, on its own server on loopback, in the market and at the moment
of the contract suite.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from builders.clocks import ManualClock
from builders.lies import Wire
from builders.loopback_thread import beside
from builders.provider_members import COIN, MEMBERS, NOW, STOCK, marks
from tvquant.lake import Lake
from tvquant.market.providers.catalogue import PROVIDERS

type Call = Callable[..., Any]

SPEAKERS = [name for name, member in MEMBERS.items() if member.wired is not None]
PROOF, QUICK = bool(os.environ.get("TVQUANT_PROOF")), ("binance", "yahoo")
"""A gate plays a source of coins and one of shares; the proof plays all."""
COINS = (COIN, "BINANCE:S002USDT", "BINANCE:S003USDT")
SHARES = (STOCK,)
DEPTH = 130
OPTIONS: dict[str, Callable[[str], dict[str, str]]] = {
    "binance": lambda url: {"spot_url": url, "perpetual_url": url},
    "binance_archive": lambda url: {"url": url, "list_url": url},
}
"""Options of members that are reached at more than one address; of the others it is `url`."""
SCANNER = """
version: 1
layer: universe
description: Whatever trades.
exchange: {exchange}
kinds: [{kind}]
filters:
  - {{field: value_traded_last, above: 1}}
"""
PROFILE = """
version: 1
extends: {preset}
data: {{span: 30}}
windows: {{train: 20, test: 10, step: 10}}
universe: {{symbols: {symbols}}}
selection: {{model: all}}
allocation: {{profiles: [equal_weight], limits: {{position: 1.0, cluster: 1.0}}}}
risk: {{primary: equal_weight}}
benchmark: {{market: []}}
execution: {{simulators: [custom]}}
"""


BEGUN = time.monotonic()


class AtNow(datetime):
    """The machine's time is that of the market, and goes on."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return (NOW + timedelta(seconds=time.monotonic() - BEGUN)).astimezone(tz)


@contextmanager
def served(name: str, folder: Path, wire: Wire) -> Iterator[str]:
    """The address of a member's server, which runs in a thread of its own."""
    wired = MEMBERS[name].wired
    assert wired is not None
    with beside(wired(folder, wire)):
        yield wire.url


@dataclass(frozen=True)
class Chain:
    """A member's assets, and a workspace with a profile and a scanner of them."""

    provider: str
    home: Path
    symbols: tuple[str, ...]

    @property
    def lake(self) -> Lake:
        return Lake(self.home / "data" / "lakehouse")

    def words(self, url: str) -> list[str]:
        """The words that open the member on its server."""
        options = OPTIONS.get(self.provider, lambda url: {"url": url})(url)
        given = [word for key, value in options.items() for word in ("--option", f"{key}={value}")]
        return ["--provider", self.provider, *given, "-w", str(self.home), "--json"]


@pytest.fixture(params=[pytest.param(name, marks=marks(name)) for name in SPEAKERS if PROOF or name in QUICK])
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A member, at the moment of its market; servers of tests are not busy, so it may ask fast."""
    monkeypatch.setattr("tvquant.app.clock.datetime", AtNow)
    monkeypatch.setattr("tvquant.market.limiter.SHARE", 50.0)
    found: str = request.param
    return found


@pytest.fixture
def chain(name: str, tmp_path: Path, tvquant: Call) -> Chain:
    provider, home = name.split()[0], tmp_path / "ws"
    shares = "spot" not in PROVIDERS[provider].opened({}, ManualClock(NOW)).capabilities.kinds
    symbols = SHARES if shares else COINS
    assert tvquant("init", home).code == 0
    profile = PROFILE.format(preset="us_equities" if shares else "crypto_spot", symbols=list(symbols))
    scanner = SCANNER.format(exchange="NASDAQ" if shares else "BINANCE", kind="stock" if shares else "spot")
    (home / "profiles" / "scanners").mkdir()
    (home / "profiles" / "mine.yaml").write_text(profile)
    (home / "profiles" / "scanners" / "all.yaml").write_text(scanner)
    return Chain(provider, home, symbols)


def agreed(chain: Chain, wire: Wire, words: Sequence[str], tvquant: Call) -> None:
    """Agree to the terms, of a member that has them: it is sent nothing before."""
    if not PROVIDERS[chain.provider].terms:
        return
    refused = tvquant("data", "sync", "mine", *words)
    assert (refused.code, wire.requests) == (2, [])
    assert f"tvquant data terms {chain.provider} --agree" in refused.document["error"]["message"]
    assert tvquant("data", "terms", chain.provider, "--agree", "-w", chain.home).code == 0


@pytest.mark.requirement("R-DAT-12")
@pytest.mark.requirement("R-DAT-17")
def test_sync_repair_scan_and_run(name: str, chain: Chain, tmp_path: Path, tvquant: Call) -> None:
    wire, home, symbols = Wire(), chain.home, chain.symbols
    with served(name, tmp_path, wire) as url:
        words = chain.words(url)
        agreed(chain, wire, words, tvquant)
        synced = tvquant("data", "sync", "mine", "--depth", DEPTH, *words)
        assert synced.code == 0, synced.err + synced.out
        assert {one["symbol"]: one["state"] for one in synced.document["assets"]} == dict.fromkeys(symbols, "stable")
        before, asked = chain.lake.pin(symbols), len(wire.requests)
        assert asked >= len(symbols)
        again = tvquant("data", "sync", "mine", "--depth", DEPTH, *words)
        assert again.code == 0, again.err
        assert [one["inserted"] for one in again.document["assets"]] == [0] * len(symbols)
        assert chain.lake.pin(symbols) == before
        asked = len(wire.requests)
        repaired = tvquant("data", "repair", symbols[0], *words)
        assert repaired.code == 0, repaired.err
        assert len(wire.requests) > asked
    stored = chain.lake.ls(symbols[-1]).bars
    truth = MEMBERS[name].truth(symbols[-1], "1d").tail(len(stored))
    assert len(stored) > DEPTH / 2
    assert stored["close"].to_list() == pytest.approx(truth["close"].to_list())
    for other in symbols[1:]:
        assert chain.lake.pin([other]).symbols[other] == before.symbols[other]
    scanned = tvquant("scan", "all", "--as-of", (NOW - timedelta(days=3)).date(), "-w", home, "--json")
    assert scanned.code == 0, scanned.err
    assert all(symbol in scanned.out for symbol in symbols)
    made = tvquant("run", "mine", "-w", home, "--json")
    assert made.code == 0, made.err
    (cell,) = (one for one in made.document["cells"] if not one["baseline"])
    assert (cell["status"], cell["windows_without_candidate"]) == ("played", 0)
    assert cell["fills"] >= 1
    assert ("simulated" in cell["stamps"]) is (chain.provider == "simulated")
    assert tvquant("ledger", "verify", "latest", "-w", home).code == 0
