import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tvquant.core.errors import DataError, DiskError
from tvquant.market.registry import AssetRecord, AssetState, DataRegistry, RegistryManager

BTC = "BINANCE:BTCUSDT"
MOMENT = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def manager(tmp_path: Path) -> RegistryManager:
    return RegistryManager(tmp_path / ".registry.json", patience=0.3)


def test_an_asset_without_a_record_is_absent(manager: RegistryManager) -> None:
    assert manager.read().record(BTC, "1d") == AssetRecord(physical_symbol=BTC, interval="1d", state=AssetState.ABSENT)


def test_records_come_back_as_they_were_written(manager: RegistryManager) -> None:
    span = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC))
    written = manager.update(
        BTC, "4h", state=AssetState.DEGRADED, reason="gaps", last_bar=MOMENT, genesis=MOMENT, irreparable=(span,)
    )
    assert RegistryManager(manager.path).read().record(BTC, "4h") == written == manager.read().record(BTC, "4h")
    assert written.irreparable == (span,)
    assert manager.read().record(BTC, "1d").state is AssetState.ABSENT


def test_an_update_leaves_other_fields_and_records_alone(manager: RegistryManager) -> None:
    manager.update("BINANCE:ETHUSDT", "1d", bars=7)
    manager.update(BTC, "1d", bars=5, error="x")
    record = manager.update(BTC, "1d", error=None)
    assert (record.bars, record.error) == (5, None)
    assert manager.read().record("BINANCE:ETHUSDT", "1d").bars == 7


def test_a_text_is_parsed_once_and_what_others_write_is_seen(manager: RegistryManager) -> None:
    manager.update(BTC, "1d", bars=1)
    other = RegistryManager(manager.path)
    assert other.read() is other.read() == manager.read()
    manager.update(BTC, "1d", bars=2)
    assert other.read().record(BTC, "1d").bars == 2
    assert other.update(BTC, "1d", gaps=3).bars == 2
    assert manager.read().record(BTC, "1d").gaps == 3
    for text in ("", manager.path.read_text().replace('"bars": 2', '"bars": 9')):
        manager.path.write_text(text)
        for each in (manager, other, RegistryManager(manager.path)):
            with pytest.raises(DataError, match="torn or changed"):
                each.read()


def test_a_forgotten_asset_was_never_fetched(manager: RegistryManager) -> None:
    manager.forget([BTC])
    assert not manager.path.exists()
    other = manager.update("BINANCE:ETHUSDT", "1d", bars=7)
    for interval in ("1d", "4h"):
        manager.update(BTC, interval, bars=5, genesis=MOMENT)
    manager.forget([BTC])
    assert manager.read().records == {other.key: other}


def test_a_folder_names_its_registry(tmp_path: Path) -> None:
    assert RegistryManager(tmp_path).path == tmp_path / ".registry.json"


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2, "assets": []}', '{"version": 1, "assets": [{}]}'])
def test_a_file_that_is_no_registry_is_named(manager: RegistryManager, text: str) -> None:
    manager.path.write_text(text)
    with pytest.raises(DataError, match="doctor --fix"):
        manager.read()


WRITERS = 8 if os.environ.get("TVQUANT_PROOF") else 4
HUNDRED = """
import os, sys
os.fsync = os.fstat  # as everywhere in the suite: all others ask for the lock as long as one waits for the disk
from pathlib import Path
from tvquant.market.registry import RegistryManager
manager = RegistryManager(Path(sys.argv[1]))
for number in range(100):
    manager.update(sys.argv[2], "1d", bars=number + 1)
"""


@pytest.mark.requirement("R-DAT-19")
def test_many_writers_lose_no_update_and_the_file_always_parses(tmp_path: Path) -> None:
    path = tmp_path / ".registry.json"
    names = [f"BINANCE:S{who:03d}USDT" for who in range(WRITERS)]
    children = [subprocess.Popen([sys.executable, "-c", HUNDRED, str(path), name]) for name in names]
    seen = 0
    while any(child.poll() is None for child in children):
        time.sleep(0.002)  # or the reader takes the time that the writers need
        if path.exists():
            DataRegistry.from_json(path.read_text())
            seen += 1
    assert [child.returncode for child in children] == [0] * WRITERS
    assert seen > 0
    found = RegistryManager(path).read()
    assert {found.record(name, "1d").bars for name in names} == {100}
    assert [name.name for name in tmp_path.iterdir() if name.suffix not in (".lock", ".json")] == [
        ".registry.json.before"
    ]


def _dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


HOLD = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def held(manager: RegistryManager) -> "subprocess.Popen[str]":
    """Another process holds the lock."""
    lock = manager.path.with_name(".registry.json.lock")
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    yield child  # type: ignore[misc]
    child.kill()
    child.wait()


@pytest.mark.requirement("R-DAT-19")
def test_a_lock_whose_named_holder_is_dead_is_taken_over(
    manager: RegistryManager, held: "subprocess.Popen[str]"
) -> None:
    holder = manager.path.with_name(".registry.json.holder")
    holder.write_text(f"{_dead_process()} {platform.node()}")
    assert manager.update(BTC, "1d", bars=3).bars == 3
    assert not holder.exists()
    assert manager.update(BTC, "1d", bars=4).bars == 4


@pytest.mark.parametrize(
    "holder",
    [None, f"{os.getpid()} {platform.node()}", "1 elsewhere", "who knows"],
    ids=["none", "this process", "elsewhere", "unreadable"],
)
def test_a_lock_of_a_living_or_unknown_holder_is_respected(
    manager: RegistryManager, held: "subprocess.Popen[str]", holder: str | None
) -> None:
    if holder is not None:
        manager.path.with_name(".registry.json.holder").write_text(holder)
    with pytest.raises(DataError, match="locked by another process") as caught:
        manager.update(BTC, "1d", bars=3)
    assert caught.value.retryable
    assert not manager.path.exists()


def test_a_lock_is_let_go_where_its_holder_cannot_be_named(
    manager: RegistryManager, no_room: Callable[[], AbstractContextManager[None]]
) -> None:
    kept = []  # as a sync keeps the errors of its assets, and what these hold
    for _ in range(2):
        with no_room(), pytest.raises(DiskError, match="cannot be locked") as caught:
            manager.update(BTC, "1d", bars=3)
        kept.append(caught.value)
    assert not manager.path.exists()
    assert RegistryManager(manager.path, patience=0).update(BTC, "1d", bars=3).bars == 3


def test_the_document_is_plain(manager: RegistryManager) -> None:
    manager.update(BTC, "1d", state=AssetState.STABLE, last_bar=MOMENT)
    (record,) = json.loads(manager.path.read_text())["assets"]
    assert (record["state"], record["last_bar"]) == ("stable", "2024-06-01T00:00:00+00:00")


def test_a_registry_that_was_cut_or_changed_is_named_and_goes_back(manager: RegistryManager) -> None:
    manager.update("BINANCE:BTCUSDT", "1d", bars=7)
    before = manager.read()
    manager.update("BINANCE:BTCUSDT", "1d", bars=8)
    content = manager.path.read_bytes()
    for damaged in (b"", content[:1], content[:-4], content.replace(b'"bars": 8', b'"bars": 9')):
        manager.path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"\.registry\.json is torn or changed .*doctor --fix"):
            manager.read()
        assert "1 assets" in manager.mend()
        assert manager.read() == before
    manager.path.write_bytes(b"")
    manager.before.write_bytes(b"")
    assert "makes it anew" in manager.mend()
    assert manager.read() == DataRegistry()


def test_a_registry_without_a_digest_is_read(manager: RegistryManager) -> None:
    manager.update("BINANCE:BTCUSDT", "1d", bars=7)
    content = json.loads(manager.path.read_text())
    del content["digest"]
    manager.path.write_text(json.dumps(content))
    assert manager.read().record("BINANCE:BTCUSDT", "1d").bars == 7
