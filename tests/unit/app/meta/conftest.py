"""One workspace with the finished runs of two sleeves, made once; who writes takes a copy."""

from pathlib import Path

import pytest

from builders.metas import SLEEVES, played, sleeves_workspace
from tvquant.app.workspace import Workspace


@pytest.fixture(scope="session")
def sleeves_home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    home = sleeves_workspace(Path(tmp_path_factory.mktemp("sleeves") / "ws"))
    for name in SLEEVES:
        played(home, name)
    return home
