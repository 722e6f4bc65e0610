"""`data sync` and `run` tell a webhook how they ended, and end as they would without it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from builders.loopback import Loopback, Reply
from builders.loopback_thread import serving

SIM = "BINANCE:S004USDT"
SYNC = ("data", "sync", "--symbol", SIM, "--depth", 120, "--provider", "simulated")


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    with serving(lambda _: Reply("ok")) as server:
        monkeypatch.setenv("TVQUANT_NOTIFY_URL", f"{server.url}/hooks/secret")
        yield server


@pytest.fixture
def home(tmp_path: Path, tvquant: Callable[..., Any]) -> Path:
    assert tvquant("init", tmp_path / "ws").code == 0
    return tmp_path / "ws"


def test_a_sync_is_told_well_or_not(home: Path, tvquant: Callable[..., Any], webhook: Loopback) -> None:
    said = tvquant(*SYNC, "-w", home, "--json")
    part = tvquant(*SYNC, "--symbol", "BINANCE:NONEUSDT", "-w", home)
    lost = tvquant("data", "sync", "--symbol", SIM, "--provider", "files", "--path", home / "none", "-w", home)
    assert (said.code, part.code, lost.code) == (0, 3, 3)
    first, second, third = (request.json for request in webhook.requests)
    assert {name: first[name] for name in ("command", "profile", "status", "exit_code", "providers", "bars")} == {
        "command": "data sync",
        "profile": None,
        "status": "done",
        "exit_code": 0,
        "providers": {"simulated": 1},
        "bars": {"inserted": 120, "changed": 0},
    }
    assert first["counts"] == said.document["counts"]
    assert (second["status"], second["exit_code"], second["counts"]["missing"]) == ("partial", 3, 1)
    assert (third["status"], third["exit_code"], third["error"]) == ("failed", 3, "DataError")
    sent = b"".join(request.body for request in webhook.requests).decode()
    assert str(home.parent) not in sent
    assert not any("secret" in one.out + one.err for one in (said, part, lost))


def test_a_webhook_that_is_not_there_costs_a_line(
    home: Path, tvquant: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TVQUANT_NOTIFY_URL", "nowhere/secret")
    said = tvquant(*SYNC, "-w", home, "--json")
    assert (said.code, said.document["counts"]["stable"]) == (0, 1)
    assert said.err.count("warning: no notification was sent") == 1
    assert "secret" not in said.err
