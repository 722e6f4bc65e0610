"""Words such as the catalogues hand in, and folders of profiles and scanners to write into."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tvquant.app.vocabulary import vocabulary as app_vocabulary
from tvquant.atoms import LOGICS
from tvquant.features import TERMS
from tvquant.profiles import Vocabulary
from tvquant.selection import VETOES


@pytest.fixture
def vocabulary() -> Vocabulary:
    profiles = frozenset({"barbell", "min_variance", "equal_weight", "hrp", "risk_parity", "max_sharpe"})
    return Vocabulary(
        selection_models=frozenset({"baseline", "v4"}),
        engines={"custom": profiles},
        risk_profiles=profiles,
        covariances=frozenset({"exponential", "ledoit_wolf"}),
        means=frozenset({"shrunk", "zero"}),
        uninformed=frozenset({"zero"}),
        reads_means=frozenset({"max_sharpe"}),
        simulators=frozenset({"custom"}),
        features=frozenset(TERMS),
        logics=frozenset(LOGICS),
        vetoes=frozenset(VETOES),
        options=app_vocabulary().options,
        meta_options=app_vocabulary().meta_options,
        unsuited={"barbell": "sleeves have no scores"},
        missing={"riskfolio": "engines"},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "profiles"
    path.mkdir()
    return path


@pytest.fixture
def write(folder: Path) -> Callable[..., Path]:
    def write(name: str, body: str, *, version: str = "version: 1\n", below: str = "") -> Path:
        path = folder / below / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(version + body, encoding="utf-8")
        return path

    return write
