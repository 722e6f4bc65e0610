"""The demo's workspace, made once per worker by the command itself, and how commands are called."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


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
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A workspace with a finished demo run, and what the command said."""
    home = tmp_path_factory.mktemp("demo") / "tvquant-demo"
    done = subprocess.run(_command("demo", home, "--json"), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return home, json.loads(done.stdout)


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
