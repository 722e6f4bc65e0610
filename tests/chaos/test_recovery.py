"""Files of a workspace that are cut anywhere: every command names the file or says what it said before; doctor mends.

A workspace with a lake, a registry and a finished run is made once and copied for every cut.
"""

import os
import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builders.clocks import ManualClock
from builders.profiles import resolved_of
from builders.workspaces import coin_closes, workspace_of
from tvquant.app.cli import main
from tvquant.app.progress import Watcher
from tvquant.app.run import run
from tvquant.app.workspace import Workspace
from tvquant.core.panel import Basis
from tvquant.lake.writing.upserts import upsert
from tvquant.ledger.lines import AUDIT, HEAD
from tvquant.market.registry import AssetState, RegistryManager

NOW = datetime(2025, 1, 2, tzinfo=UTC)
COINS = {"BTC": 3, "ETH": 5, "SOL": 7, "XRP": 11, "ADA": 2}


CLOCK = ManualClock(NOW)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    first = datetime(2024, 1, 1, tzinfo=UTC)
    folder = tmp_path_factory.mktemp("whole") / "ws"
    home = workspace_of(folder, coin_closes(COINS, first, 240), recorded_at=NOW)
    later = coin_closes(COINS, first + timedelta(days=240), 1)
    upsert(home.lake(), later, interval="1d", basis=Basis.RAW, source="s", recorded_at=NOW, reason="r")
    registry = RegistryManager(home.lake().folder)
    for coin in COINS:
        registry.update(f"BINANCE:{coin}USDT", "1d", state=AssetState.STABLE, bars=241)
    run(home, resolved_of(execution__convention="next_close"), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    return home


def newest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda one: (one.stat().st_mtime_ns, one.name))


def lakehouse(home: Workspace) -> Path:
    return home.root / "data" / "lakehouse"


def log_entry(table: str) -> Callable[[Workspace], Path]:
    return lambda home: newest(lakehouse(home) / table / "_delta_log", "*.json")


def data_file(table: str) -> Callable[[Workspace], Path]:
    return lambda home: newest(lakehouse(home) / table, "*.parquet")


def record_of(table: str) -> Callable[[Workspace], Path]:
    return lambda home: newest(lakehouse(home) / ".committed" / table, "*.json")


def of_run(name: str) -> Callable[[Workspace], Path]:
    return lambda home: home.all_runs()[-1].path / name


KINDS: dict[str, Callable[[Workspace], Path]] = {
    **{f"log of {table}": log_entry(table) for table in ("bars", "journal", "instruments")},
    **{f"file of {table}": data_file(table) for table in ("bars", "journal", "instruments")},
    "record": record_of("bars"),
    "registry": lambda home: lakehouse(home) / ".registry.json",
    "ledger": of_run(AUDIT),
    "head": of_run(HEAD),
    "snapshot": of_run("data/snapshot.json"),
    "health": of_run("data/health.json"),
    "results": lambda home: newest(home.all_runs()[-1].results, "*.parquet"),
    "page": of_run("report/index.html"),
}
GATE = ("log of bars", "file of bars", "registry", "ledger", "results")
CUTS = [(kind, share) for kind, share in zip(GATE, (0.0, 0.6, 0.99, 0.5, 0.0), strict=True)]
if os.environ.get("TVQUANT_PROOF"):
    draw = random.Random()
    CUTS += [(kind, draw.random()) for kind in (list(KINDS) * 4)[:50]]

READERS = (
    ("data", "status"),
    ("data", "audit"),
    ("data", "ls", "BINANCE:BTCUSDT"),
    ("select", "crypto_spot", "--set", "execution.convention=next_close"),
    ("ledger", "verify", "latest"),
    ("runs",),
)


@pytest.fixture
def said(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """What a command ends with and says."""

    def call(home: Workspace, *words: str) -> tuple[int, str]:
        capfd.readouterr()
        code = main([*words, "-w", str(home.root)])
        done = capfd.readouterr()
        return code, (done.out + done.err).replace(str(home.root), "W")

    return call


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, ...], tuple[int, str]]:
    """What the whole workspace answers, asked once."""
    return {}


@pytest.mark.parametrize(("kind", "share"), CUTS)
def test_a_cut_is_named_or_changes_nothing_and_is_mended(
    made: Workspace,
    said: Callable[..., tuple[int, str]],
    answers: dict[tuple[str, ...], tuple[int, str]],
    tmp_path: Path,
    kind: str,
    share: float,
) -> None:
    if not answers:
        answers.update((words, said(made, *words)) for words in READERS)
    shutil.copytree(made.root, tmp_path / "ws")
    home = Workspace(tmp_path / "ws")
    path = KINDS[kind](home)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    for words in READERS:
        code, text = said(home, *words)
        assert "Traceback" not in text
        assert code != 70, text
        state = words == ("runs",) and any(one in text for one in ("truncated", "tampered", "altered"))
        named = path.name in text or state
        assert (code, text) == answers[words] or named, f"{words} says nothing of {path.name}: {text}"
    code, text = said(home, "doctor")
    assert code == 3
    assert path.name in text
    code, text = said(home, "doctor", "--fix")
    assert code == 0, text
    kept = [one for one in (home.root / "data" / "recovered").rglob("*") if one.is_file()]
    assert int(share * len(content)) in {one.stat().st_size for one in kept}
    assert said(home, "doctor")[0] == 0
    if kind in ("ledger", "head", "health", "results", "page"):
        assert said(home, "run", "--resume", home.all_runs()[-1].id)[0] == 0
        assert result_of(home) == result_of(made)
    for words in READERS:
        code, text = said(home, *words)
        assert code == 0, (words, text)
        counted = words in (
            ("data", "status"),
            ("ledger", "verify", "latest"),
            ("runs",),
        )  # versions, records of a resumed run, and that it was verified since
        assert text == answers[words][1] or counted or kind == "file of bars", words


def result_of(home: Workspace) -> str:
    from tvquant.app.finished_runs import result_digest
    from tvquant.ledger.recorded_run import RecordedRun

    return result_digest(RecordedRun(home.all_runs()[-1]))
