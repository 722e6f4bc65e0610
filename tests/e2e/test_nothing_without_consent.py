"""No command sends anything to a source whose terms are not agreed to, counted by a server: not even a connection."""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders.screened_lake import COINS, screened_lake
from tvquant.app import consents, online
from tvquant.app.clock import SystemClock
from tvquant.app.workspace import Workspace
from tvquant.market.providers.catalogue import PROVIDERS
from tvquant.market.terms import TRADINGVIEW, YAHOO

SCANNER = "version: 1\nexchange: BINANCE\nkinds: [spot]\ncurrency: USD\nlogic: trend\ndirection: LONG\nfilters: []\n"
PROFILE = """\
version: 1
extends: crypto_spot
universe: {{symbols: [BINANCE:{coin}USDT]}}
data: {{providers: {{BINANCE: {{name: tradingview, url: "{url}"}}}}}}
"""
COIN, SHARE = f"BINANCE:{COINS[0]}USDT", "NASDAQ:AAPL"


class Door:
    """Counts who comes, and shuts the door on them."""

    def __init__(self) -> None:
        self.came = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                one, _ = self._listening.accept()
            except OSError:
                return
            self.came += 1
            one.close()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    made = Door()
    yield made
    made.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, door: Door) -> Workspace:
    made = screened_lake(tmp_path_factory.mktemp("shut") / "ws", last=datetime.now(UTC) - timedelta(days=1))
    (made.profiles / "scanners").mkdir(parents=True, exist_ok=True)
    (made.profiles / "scanners" / "all.yaml").write_text(SCANNER)
    (made.profiles / "mine.yaml").write_text(PROFILE.format(coin=COINS[0], url=f"ws://{door.host}"))
    return made


def commands(host: str) -> dict[str, tuple[str, ...]]:
    chart = ("--provider", "tradingview", "--option", f"url=ws://{host}")
    yahoo = ("--provider", "yahoo", "--option", f"url=http://{host}")
    return {
        "sync charts": ("data", "sync", "--symbol", COIN, *chart),
        "sync shares": ("data", "sync", "--symbol", SHARE, *yahoo),
        "sync a profile": ("data", "sync", "mine"),
        "repair charts": ("data", "repair", COIN, *chart),
        "repair shares": ("data", "repair", SHARE, *yahoo),
        "scan": ("scan", "all", "--live", "--url", f"http://{host}"),
        "diff": ("scan", "diff", "all", "--live", "--url", f"http://{host}"),
    }


@pytest.fixture
def two_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other is looked at: they have no terms, and addresses in the world."""
    monkeypatch.setattr(online, "PROVIDERS", {name: PROVIDERS[name] for name in ("tradingview", "yahoo")})


def looking(host: str) -> tuple[str, ...]:
    options = (f"tradingview.url=ws://{host}", f"yahoo.url=http://{host}", f"screener.url=http://{host}")
    return ("doctor", "--online", "--json", *(word for one in options for word in ("--option", one)))


@pytest.mark.usefixtures("two_providers")
def test_nobody_is_asked_before(home: Workspace, door: Door, tvquant: Callable[..., Any]) -> None:
    """Agreements to other texts, and to those of another source, are none; nor is one that was taken back."""
    consents.agree(home, "tradingview", TRADINGVIEW, clock=SystemClock())
    consents.withdraw(home, "tradingview")
    consents.agree(home, "screener", TRADINGVIEW, clock=SystemClock())
    consents.agree(home, "yahoo", f"{YAHOO} ", clock=SystemClock())
    for what, words in commands(door.host).items():
        said = tvquant(*words, "-w", home.root)
        assert said.code == 2, (what, said.out, said.err)
        assert "nothing was sent" in said.err, (what, said.err)
    sources = tvquant(*looking(door.host), "-w", home.root).document["sources"]
    assert {name: [line["stands"] for line in lines] for name, lines in sources.items()} == {
        name: ["not asked"] for name in ("screener", "tradingview", "yahoo")
    }
    assert door.came == 0
    consents.agree(home, "tradingview", TRADINGVIEW, clock=SystemClock())  # of the charts and the screener
    sources = tvquant(*looking(door.host), "-w", home.root).document["sources"]
    assert {name: lines[0]["stands"] for name, lines in sources.items()} == {
        "screener": "wrong", "tradingview": "wrong", "yahoo": "not asked",
    }  # fmt: skip
    assert door.came >= 2
