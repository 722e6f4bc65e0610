"""The demo as a new user meets it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builders.loopback import Reply
from builders.loopback_thread import serving

pytestmark = pytest.mark.xdist_group("demo")

RISK_PROFILES = ("barbell", "equal_weight", "min_variance", "hrp", "risk_parity", "max_sharpe")
HEADLINE = "v4/custom/barbell/custom"


def test_it_ends_with_a_verified_run_and_a_report(
    demo: tuple[Path, dict[str, Any]], tvquant: Callable[..., Any]
) -> None:
    home, said = demo
    assert Path(said["report"]).is_file()
    assert {cell["cell"] for cell in said["cells"]} == {
        *(f"v4/custom/{risk}/custom" for risk in RISK_PROFILES), "base_universe_ew/custom",
        "benchmark/custom", "market/custom"
    }  # fmt: skip
    assert {cell["windows_failed"] for cell in said["cells"]} == {0}
    checked = tvquant("ledger", "verify", "latest", "--json", "-w", home)
    assert checked.code == 0
    assert checked.document["status"] == "ok"
    assert checked.document["unpaired"] == []
    assert said["cells"][0]["n"] > 8000


def test_stamps_say_what_the_data_are(demo: tuple[Path, dict[str, Any]]) -> None:
    stamps = {cell["cell"]: set(cell["stamps"]) for cell in demo[1]["cells"]}
    assert "price_return" in stamps["market/custom"]
    assert "price_return" not in stamps[HEADLINE]
    assert {"current_only", "no_volume", "swept_windows"} <= stamps[HEADLINE]


def test_a_second_demo_returns_the_same_run(demo: tuple[Path, dict[str, Any]], answered: Callable[..., Any]) -> None:
    """That the plan is the same one in another process, a run that goes on in one shows (`test_identity.py`)."""
    home, said = demo
    again = answered("demo", home)
    assert (again["run"], again["result"], again["reused"]) == (said["run"], said["result"], True)


@pytest.mark.requirement("R-LED-02")
@pytest.mark.requirement("R-CFG-01")
def test_genesis_and_the_resolved_copy_stand_in_the_run(
    demo: tuple[Path, dict[str, Any]], tvquant: Callable[..., Any]
) -> None:
    home, said = demo
    first = tvquant("ledger", "show", "latest", "--kind", "genesis", "--json", "-w", home).document[0]
    assert first["n"] == 1
    assert first["data"]["run_id"] == said["run"]
    assert first["data"]["timescales"] == {
        "train": 60, "test": 20, "step": 20, "lookback": 500, "selection": "v4", "rebalance": "window"
    }  # fmt: skip
    manifest = json.loads((Path(said["report"]).parents[1] / "manifest.json").read_text())
    assert manifest["profile"]["name"] == "demo_sp500"
    assert first["inputs"]["manifest"] == manifest["digest"]


@pytest.mark.requirement("R-ORC-06")
def test_the_workspace_root_stays_clean(demo: tuple[Path, dict[str, Any]]) -> None:
    home, said = demo
    assert {p.name for p in home.iterdir()} == {"profiles", "data", "artifacts"}
    assert {p.name for p in (home / "data").iterdir()} <= {"lakehouse", "logs", "incoming", ".lock"}
    assert {p.name for p in (home / "artifacts").iterdir()} == {"summaries"}
    assert {p.name for p in (home / "artifacts" / "summaries").iterdir()} == {"runs", "INDEX.md", ".index.json"}
    run = Path(said["report"]).parents[1]
    assert {p.name for p in run.iterdir()} <= {
        "manifest.json", "logs", "audit.jsonl", "audit.head", "data", "results", "report", "INDEX.md"
    }  # fmt: skip


def test_other_commands_answer(demo: tuple[Path, dict[str, Any]], tvquant: Callable[..., Any]) -> None:
    """To a person, and to a program; what takes a second answers a program in tests of smaller workspaces."""
    home, said = demo
    quick = (
        ("runs",), ("profile", "list"), ("profile", "show", "demo_sp500"), ("profile", "explain", "demo_sp500"),
        ("data", "ls", "NYSE:KO"),
    )  # fmt: skip
    for words in (
        *quick, ("profile", "lint"), ("data", "status"), ("data", "audit"), ("doctor",), ("runs", "show", "latest"),
        ("run", "demo_sp500", "--dry-run"), ("ledger", "show", "latest", "--last", "3"),
    ):  # fmt: skip
        human = tvquant(*words, "-w", home)
        assert (human.code, human.err) == (0, ""), words
        assert human.out.strip()
    for words in quick:
        assert tvquant(*words, "--json", "-w", home).document is not None
    assert said["run"] in tvquant("runs", "-w", home).out


@pytest.mark.requirement("R-TRN-11")
def test_every_stage_is_timed_and_little_time_has_no_name(
    demo: tuple[Path, dict[str, Any]], answered: Callable[..., Any]
) -> None:
    timing = answered("runs", "show", demo[1]["run"], "-w", demo[0])["timing"]
    flow = ["planning", "environment", "health", "pinning", "estimating", "regime", "optimisation", "deciding",
            "settling", "reporting", "sealing"]  # fmt: skip
    assert list(timing["parts"]) == flow
    assert sum(timing["parts"].values()) > 0.95 * timing["wall"]
    assert timing["wall"] > 0.5 * demo[1]["seconds"]


@pytest.mark.requirement("R-DAT-14", "R-DAT-15")
def test_the_assets_behind_the_atoms_of_a_run_pass_and_a_damaged_report_does_not(
    demo: tuple[Path, dict[str, Any]], tmp_path: Path, tvquant: Callable[..., Any]
) -> None:
    home = tmp_path / "ws"
    shutil.copytree(demo[0], home)
    said = tvquant("data", "audit", "--strict", "--run", "latest", "--json", "-w", home)
    assert said.code == 0, said.err
    assert said.document
    for row in said.document:
        assert row["atom"].startswith(f"{row['asset']}_")
        assert row["state"] == "ok"
    (report,) = (home / "artifacts" / "summaries" / "runs").glob("*/data/health.json")
    whole = report.read_text("utf-8")
    for damaged in (whole[:-20], whole.replace('"ok"', '"fine"', 1), "[]", "{}"):
        report.write_text(damaged, "utf-8")
        assert tvquant("data", "audit", "--strict", "--run", "latest", "-w", home).code == 1, damaged[:40]
    report.unlink()
    assert tvquant("data", "audit", "--strict", "--run", "latest", "-w", home).code == 1


def test_a_run_is_told_with_its_headline(
    demo: tuple[Path, dict[str, Any]], tvquant: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, made = demo
    with serving(lambda _: Reply("ok")) as webhook:
        monkeypatch.setenv("TVQUANT_NOTIFY_URL", f"{webhook.url}/hooks/secret")
        said = tvquant("run", "demo_sp500", "-w", home, "--json")
    assert (said.code, said.document["reused"]) == (0, True), said.err
    (request,) = webhook.requests
    message = request.json
    assert (message["command"], message["profile"], message["status"]) == ("run", "demo_sp500", "done")
    assert (message["run"], message["result"], message["reused"]) == (made["run"], made["result"], True)
    cell = next(one for one in made["cells"] if one["cell"] == message["headline"]["cell"])
    assert message["headline"]["sharpe"] == cell["sharpe"] is not None
    assert (message["cells"], message["cells_failed"]) == (len(made["cells"]), 0)
    assert "current_only_universe" in message["caveats"]
    assert str(home) not in request.body.decode()
