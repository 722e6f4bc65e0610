"""One workspace with the finished runs of two sleeves and of their meta-portfolio; who writes takes a copy."""

import shutil
from pathlib import Path

import pytest

from builders.metas import SLEEVES, played, played_meta, sleeves_workspace, write_meta
from tvquant.app.workspace import Workspace


@pytest.fixture(scope="session")
def sleeves_home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    home = sleeves_workspace(Path(tmp_path_factory.mktemp("sleeves") / "ws"))
    for name in SLEEVES:
        played(home, name)
    write_meta(home, "pair")
    played_meta(home, "pair")
    return home


@pytest.fixture
def home(sleeves_home: Workspace, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(sleeves_home.root, tmp_path / "ws")))
