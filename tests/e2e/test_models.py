"""`tvquant models`: every model over all windows of a profile from one command, as text, document and files."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from builders.stocks import stock_bars
from builders.workspaces import workspace_of
from tvquant.core.panel import Basis
from tvquant.selection import SELECTION_MODELS

pytestmark = pytest.mark.xdist_group("malformed")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = workspace_of(
        tmp_path_factory.mktemp("models") / "ws", stock_bars(), recorded_at=datetime(2025, 1, 1, tzinfo=UTC),
        basis=Basis.SPLIT,
    )  # fmt: skip
    return made.root


def test_all_models_are_compared_from_one_command(home: Path, tvquant: Callable[..., Any]) -> None:
    words = ("models", "us_equities", "--set", "windows.step=60", "-w", home)
    said = tvquant(*words, "--csv", "--html", "--json")
    assert said.code == 0, said.err
    found = said.document
    assert {row["model"] for row in found["choices"]} == set(SELECTION_MODELS)
    assert {row["model"] for row in found["choices"] if not row["floor"]} == {"v4", "v3.4", "liquid_htr"}
    assert all(row["windows"] == found["windows"] == 6 for row in found["choices"])
    for name in ("winners", "fewest", "stage_4", "effective_bets", "jaccard", "adjusted_rand", "turnover"):
        assert all(row[name] is not None for row in found["choices"])
    assert {row["horizon"] for row in found["ic"]} == {"1", "5", "20", "window"}
    assert {"momentum", "fragility"} <= {row["feature"] for row in found["features"] if row["model"] == "v4"}
    assert [Path(one).exists() for one in found["files"]] == [True] * 6
    assert "current_only" in found["stamps"]
    text = tvquant(*words, "--models", "v4,v3.1", "--jobs", "2")
    assert text.code == 0, text.err
    table = text.out.split("What was chosen\n")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in table] == ["model", "v4", "without", "v3.1"]
    assert max(map(len, table)) <= 80
    (row,) = (one for one in found["alpha"] if (one["model"], one["floor"]) == ("v4", True))
    assert f"{100 * row['mean']:.2f} %" in text.out
    assert re.search(r"^selection alpha: not significant, none of \d \(5 %, Holm; the least p is", text.out, re.M)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [("v5", "--models: unknown selection model 'v5'"), ("v2", "selection.vetoes")],
)
def test_a_model_that_cannot_be_is_refused_by_name(
    chosen: str, said: str, home: Path, tvquant: Callable[..., Any]
) -> None:
    found = tvquant("models", "us_equities", "--set", "selection.vetoes=[adx]", "--models", chosen, "-w", home)
    assert (found.code, found.out) == (2, "")
    assert said in found.err
