"""Workspaces that are made once per worker by the commands themselves, and how commands are called."""

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.forged import Forged, run_of


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def tvquant(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """Call the command line in this process; however slow the machine is, it does not say that it is still at work."""
    from tvquant.app.cli import main, watching

    for patience in ("EVERY", "COMPILING"):
        monkeypatch.setattr(watching, patience, 600.0)

    def call(*words: object) -> Said:
        capfd.readouterr()
        code = main([str(word) for word in words])
        captured = capfd.readouterr()
        return Said(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def answered() -> Callable[..., Any]:
    """Call a command that must succeed in this process, and read its document."""
    from tvquant.app.cli import main

    def call(*words: object) -> Any:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = main([*map(str, words), "--json"])
        assert code == 0, (words, code)
        return json.loads(out.getvalue())

    return call


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, answered: Callable[..., Any]) -> tuple[Path, dict[str, Any]]:
    """A workspace with a finished demo run, and what the command said."""
    home = tmp_path_factory.mktemp("demo") / "tvquant-demo"
    return home, answered("demo", home)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with eight coins, two of them listed late and one dead early, and a finished run."""
    from tvquant.app.cli import main

    root = tmp_path_factory.mktemp("leakcheck") / "ws"
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 8, 5), "1d", time_zone="UTC", eager=True)
    draw, parts = np.random.default_rng(0), []
    for number, coin in enumerate(["BTC", "ETH", "XRP", "ADA", "SOL", "DOT", "LTC", "BCH"]):
        close = 100.0 * np.exp((0.001 + 0.02 * draw.standard_normal(len(days))).cumsum())
        frame = pl.DataFrame(
            {"symbol": f"BINANCE:{coin}USDT", "timestamp": days, "open": close, "high": close, "low": close}
        )
        frame = frame.with_columns(close="open", volume=pl.Series(1e6 * np.exp(draw.standard_normal(len(days)))))
        parts.append(frame[60:] if number in (5, 6) else frame[:150] if number == 7 else frame)
    file = root.parent / "coins.parquet"
    pl.concat(parts).write_parquet(file)
    assert main(["init", str(root)]) == 0
    assert main(["data", "import", str(file), "-w", str(root)]) == 0
    assert main(["run", "crypto_spot", "-w", str(root)]) == 0
    return root


@pytest.fixture
def forged(small: Path) -> Iterator[Forged]:
    """Copies of that run, which are gone after the test: others ask for the latest."""
    made = Forged(small, run_of(small))
    yield made
    for folder in made.source.parent.glob("20241201T*"):
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Callable[..., Path]:
    """Name and declared basis of a shared file -> a workspace with it, for reading: who writes takes a copy."""
    from tvquant.app.cli import main

    made: dict[str, Path] = {}

    def call(file: str, basis: str | None = None) -> Path:
        if file not in made:
            root = tmp_path_factory.mktemp(file) / "ws"
            declared = ["--basis", basis] if basis else []
            assert main(["init", str(root)]) == 0
            assert main(["data", "import", str(shared_data / f"{file}.parquet"), *declared, "-w", str(root)]) == 0
            made[file] = root
        return made[file]

    return call


def _command(*words: object) -> list[str]:
    return [sys.executable, "-c", "import sys; from tvquant.app.cli import main; sys.exit(main())", *map(str, words)]


def _files(folder: Path) -> dict[str, bytes]:
    paths = (Path(root) / name for root, _, names in os.walk(folder) for name in names)
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths if p.name != ".lock"}


@pytest.fixture(scope="session")
def command() -> Callable[..., list[str]]:
    """The words of a child process that runs tvquant."""
    return _command


@pytest.fixture(scope="session")
def files() -> Callable[[Path], dict[str, bytes]]:
    """Every file below a folder with its content; the lock that guards writers is no content."""
    return _files
