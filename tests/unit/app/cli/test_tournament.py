"""`tvquant tournament`: what it says before, what it plays, and how it goes on."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from builders.clocks import ManualClock
from builders.workspaces import coin_closes, workspace_of
from tvquant.app.cli import main
from tvquant.app.progress import Watcher
from tvquant.app.run import run
from tvquant.app.tournament import Widening, widened
from tvquant.app.workspace import Workspace
from tvquant.ledger.recorded_run import RecordedRun

CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))
SETTINGS = {"execution.convention": "next_close", "benchmark.market": [], "selection.min_winners": 2}
SET = [f"{key}={json.dumps(value)}" for key, value in SETTINGS.items()]
PLAYED = ("--selection", "v3.4,v4", "--risk", "hrp", "--test", "20,10")
WIDENING = Widening(selections=["v3.4", "v4"], risk=["hrp"], test=[20, 10])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    coins = {"BTC": 3, "ETH": 5, "SOL": 7, "XRP": 11}
    closes = coin_closes(coins, datetime(2024, 1, 1, tzinfo=UTC), 121)
    return workspace_of(tmp_path_factory.mktemp("made") / "ws", closes, recorded_at=CLOCK.now()).root


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Workspace:
    return Workspace(shutil.copytree(filled, tmp_path / "ws"))


@pytest.fixture
def tvquant(home: Workspace, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a command in the workspace; return its document, or with `text` what it printed."""

    def call(*words: str, text: bool = False) -> Any:
        sets = [part for one in SET for part in ("--set", one)] if "crypto_spot" in words else []
        assert main([*words, *sets, "-w", str(home.root), *(() if text else ("--json",))]) == 0
        out, _ = capsys.readouterr()
        return out if text else json.loads(out)

    return call


class Stopped(Watcher):
    """Interrupts what it watches after so many steps."""

    def steps(self, done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt


@pytest.mark.requirement("R-TRN-01")
def test_a_dry_run_says_what_is_played_and_an_interrupted_tournament_goes_on_to_that(
    home: Workspace, tvquant: Callable[..., Any]
) -> None:
    planned = tvquant("tournament", "crypto_spot", *PLAYED, "--dry-run")
    assert not home.all_runs()
    assert planned["grid"] == {
        "asked": 4, "cells": 2,
        "exclusions": [{
            "members": {"train": "60", "step": "20", "test": "10"},
            "why": "the test is shorter than the step: rows between would never be tested", "cells": 2,
        }],
    }  # fmt: skip
    sets = {f"--set {key}": (key, value) for key, value in SETTINGS.items()}
    profile = widened(home, "crypto_spot", WIDENING, sets)
    with pytest.raises(KeyboardInterrupt):
        run(home, profile, clock=CLOCK, jobs=1, again=False, watcher=Stopped())
    played = tvquant("tournament", "--resume", "latest")
    ledger = RecordedRun(home.run(played["run"]))
    assert {one["cell"] for one in played["cells"]} == set(planned["cells"]) == set(ledger.leaves)
    counted = {name: planned[name] for name in ("strategies", "baselines", "variants", "challengers", "paths", "books")}
    assert counted == {"strategies": 2, "baselines": 3, "variants": 0, "challengers": 0, "paths": 5, "books": 5}
    assert planned["windows"] == {"60-20-20": 2}
    assert planned["decisions"] == planned["snapshots"] == sum(map(len, ledger.decisions.values())) == 10
    assert ledger.grid.payload() == planned["grid"] == played["grid"]
    assert ledger.resolved.layers["grid.selections"] == "argument --selection"
    _disk(planned["estimate"]["disk_bytes"], home.run(played["run"]).path)
    shown = tvquant("runs", "show", "latest", text=True)
    assert "  2 of the grid's 4 strategy cells are made.\n  Left out: train 60, step 20, test 10: the test is" in shown
    page = (home.run(played["run"]).path / "report" / "index.html").read_text("utf-8")
    assert "2 of the 4 strategy cells" in page
    # The same grid is found again, by options and by keys.
    keys = ["grid.selections={v3.4: {model: v3.4}}", "allocation.profiles=[hrp]"]
    written = [part for one in (*keys, "grid.test=[20, 10]") for part in ("--set", one)]
    for again in (tvquant("tournament", "crypto_spot", *PLAYED), tvquant("run", "crypto_spot", *written)):
        assert (again["reused"], again["run"], again["result"]) == (True, played["run"], played["result"])


def _disk(expected: int, run: Path) -> None:
    """Hold an estimate against the ledger and the tables that there are."""
    files = [run / "audit.jsonl", *(run / "results").glob("*.parquet")]
    real = sum(file.stat().st_size for file in files)
    assert 0.4 * real < expected < 2.5 * real, (expected, real)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("crypto_spot", "--resume", "latest"), "exactly one of them"),
        (("--resume", "latest", "--engines", "custom"), "takes no option that says what is played"),
        (("crypto_spot", "--train", "60,x"), "--train: expected numbers of rows"),
        (("crypto_spot", "--starts", "tomorrow"), "--starts: expected dates"),
        (("crypto_spot", "--risk", "hrp,"), "--risk: 'hrp,' has an empty place"),
        (("crypto_spot", "--selection", ""), "--selection is empty; leave it out"),
        (("crypto_spot", "--phases", ""), "--phases is empty; leave it out"),
        (("--resume", "latest", "--phases", ""), "takes no option that says what is played"),
        (("crypto_spot", "--step", "now"), "grid.step: item 1|windows.step"),
        (("crypto_spot", "--test", "10"), "windows.test: expected at least windows.step (20), found 10"),
        (("crypto_spot", "--engines", "riskfolio", "--risk", "equal_weight"), "is solved by none of"),
    ],
)
def test_what_cannot_be_played_is_refused(
    words: tuple[str, ...], message: str, home: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tournament", *words, "-w", str(home.root)]) == 2
    said = capsys.readouterr().err
    assert any(one in said for one in message.split("|")), said


def test_old_names_answer(tvquant: Callable[..., Any]) -> None:
    for name in ("run_master_tournament", "backtest_engine"):
        assert "widen" in _help(name, tvquant)


def _help(name: str, tvquant: Callable[..., Any]) -> str:
    return str(tvquant(name, "--help", text=True))
