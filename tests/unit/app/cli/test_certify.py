"""`tvquant certify`, on a matrix of two cells: what it keeps, and what the next one says of it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from builders.clocks import ManualClock
from builders.workspaces import coin_closes, workspace_of
from tvquant.app.certification import place_of, release_profile
from tvquant.app.cli import main
from tvquant.app.progress import Watcher
from tvquant.app.run import run
from tvquant.app.tournament import Widening
from tvquant.app.workspace import Workspace

CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))
SETTINGS = {
    "execution.convention": "next_close", "benchmark.market": [], "selection.min_winners": 2, "promotion.block": 5,
}  # fmt: skip
SMALL = Widening(selections=("v3.4", "v4"), risk=("hrp",), engines=("custom",), simulators=("custom",))


class Stopped(Watcher):
    """Interrupts what it watches after half of the steps."""

    def steps(self, done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    coins = {"BTC": 3, "ETH": 5, "SOL": 7, "XRP": 11}
    closes = coin_closes(coins, datetime(2024, 1, 1, tzinfo=UTC), 162)
    return workspace_of(tmp_path_factory.mktemp("made") / "ws", closes, recorded_at=CLOCK.now())


@pytest.fixture
def certify(home: Workspace, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    def call(*words: str, text: bool = False) -> Any:
        assert main(["certify", *words, "-w", str(home.root), *(() if text else ("--json",))]) == 0
        out, _ = capsys.readouterr()
        return out if text else json.loads(out)

    return call


def play(home: Workspace, watcher: Watcher, *, again: bool = False, **more: Any) -> None:
    sets = {f"--set {key}": (key, value) for key, value in {**SETTINGS, **more}.items()}
    profile = release_profile(home, "crypto_spot", sets, matrix=SMALL)
    run(home, profile, clock=CLOCK, jobs=1, again=again, watcher=watcher)


@pytest.mark.requirement("R-TRN-05")
@pytest.mark.requirement("R-TRN-06")
def test_an_interrupted_certification_goes_on_is_kept_and_the_next_one_is_held_against_it(
    home: Workspace, certify: Callable[..., Any]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        play(home, Stopped())
    first = certify("--resume", "latest")
    kept = first["certification"]
    assert (kept["number"], kept["before"], kept["changes"]) == (1, None, None)
    assert kept["grid"] == {"asked": 2, "cells": 2, "exclusions": []}
    assert [(one["selection"], one["risk_profile"]) for one in kept["versions"]] == [("v3.4", "hrp"), ("v4", "hrp")]
    assert kept["best"]["trials"] == 2
    assert 0.0 < kept["best"]["deflated"] < 1.0
    assert set(kept["stability"]) == {"v3.4", "v4"}
    document = json.loads((place_of(home, "crypto_spot") / "0001.json").read_text("utf-8"))
    assert set(document["bounds"]) == {"caps", "volatility", "friction", "windows", "thresholds"}
    assert document["bounds"]["windows"]["windows.step"] == 20
    assert document["bounds"]["caps"]["allocation.limits.position"] == 0.25
    assert {one["cell"] for one in first["cells"]} == set(document["cells"])
    play(home, Watcher(), again=True)
    equal = certify("--resume", "latest")["certification"]
    assert (equal["number"], equal["before"]) == (2, 1)
    assert equal["changes"] == {
        "nothing": True, "data": False, "code": False, "bounds": {}, "changed": [], "came": [], "went": [],
    }  # fmt: skip
    play(home, Watcher(), **{"costs.slippage_bps": 60.0})
    said = certify("--resume", "latest", text=True)
    assert "certification 3 of crypto_spot: 2 of 2 cells" in said
    assert "Since certification 2 (1 of the bounds differ):" in said
    assert "  costs.slippage_bps: 5.0 -> 60.0" in said
    again = certify("--resume", "latest")["certification"]
    assert (again["number"], again["before"]) == (3, 2)  # the same run is not certified twice
    dearer = {one["key"]: one["found"] for one in again["changes"]["changed"]}
    assert set(dearer) == set(document["cells"])
    assert all(found["low"] < found["difference"] < min(0.0, found["high"]) for found in dearer.values())


def test_profile_or_run_and_not_both(home: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in (
        ((), "exactly one of them"),
        (("crypto_spot", "--resume", "latest"), "exactly one of them"),
        (("--resume", "latest", "--again"), "takes no --again"),
    ):
        assert main(["certify", *words, "-w", str(home.root)]) == 2
        assert message in capsys.readouterr().err
