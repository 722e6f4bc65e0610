"""Words that the catalogues of this issue will hand in, and a folder of profiles to write into."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tvquant.profiles import Vocabulary


@pytest.fixture
def vocabulary() -> Vocabulary:
    profiles = frozenset({"min_variance", "equal_weight"})
    return Vocabulary(
        selection_models=frozenset({"baseline"}),
        engines={"custom": profiles},
        risk_profiles=profiles,
        simulators={"custom": frozenset({"next_open", "next_close", "same_close"})},
        missing={"riskfolio": "engines"},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "profiles"
    path.mkdir()
    return path


@pytest.fixture
def write(folder: Path) -> Callable[..., Path]:
    def write(name: str, body: str, *, version: str = "version: 1\n") -> Path:
        path = folder / f"{name}.yaml"
        path.write_text(version + body, encoding="utf-8")
        return path

    return write
