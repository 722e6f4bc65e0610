"""Runs of one small workspace compared: by a parameter, by data, by both, with themselves."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from builders.clocks import ManualClock
from builders.profiles import resolved_of
from builders.workspaces import coin_closes, workspace_of
from tvquant.app.cli import main
from tvquant.app.progress import Watcher
from tvquant.app.run import run
from tvquant.app.workspace import Workspace
from tvquant.lake import import_files

CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))
CLOSES = coin_closes({"BTC": 3, "ETH": 5, "SOL": 7, "XRP": 11}, datetime(2024, 1, 1, tzinfo=UTC), 182)
CHANGED = datetime(2024, 5, 20, tzinfo=UTC)
HEADLINE = "v4/custom/barbell/custom"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str, str, str]:
    """Three runs: as it is; dearer, and decided more often; as the first, after two closes of BTC were revised."""
    home = workspace_of(tmp_path_factory.mktemp("diff") / "ws", CLOSES, recorded_at=CLOCK.now())

    def ran(**settings: Any) -> str:
        profile = resolved_of(execution__convention="next_close", **settings)
        return run(home, profile, clock=CLOCK, jobs=1, again=False, watcher=Watcher()).folder.id

    one = ran()
    other = ran(costs__slippage_bps=50.0, windows__step=10)
    revised = CLOSES.filter((pl.col("symbol") == "BINANCE:BTCUSDT") & (pl.col("timestamp") >= CHANGED)).head(2)
    file = home.root / "revised.parquet"
    revised.with_columns(pl.col("close") * 1.04).write_parquet(file)
    import_files(home.lake(), [file], recorded_at=CLOCK.now())
    return home, one, other, ran()


@pytest.fixture
def diff(made: tuple[Workspace, str, str, str], capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def call(*words: str, home: Workspace = made[0]) -> str:
        assert main(["runs", "diff", *words, "-w", str(home.root)]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return call


def test_parameters_are_named_with_what_they_cost(
    made: tuple[Workspace, str, str, str], diff: Callable[..., str]
) -> None:
    home, one, other, _ = made
    found = json.loads(diff(one[-6:], other, "--json"))
    assert found["why"] == (
        "The results differ because of parameters (costs.slippage_bps and 2 more); "
        "everything else that they follow from is equal."
    )
    assert (found["equal"], found["causes"], found["not_compared"]) == (False, ["parameters"], [])
    changes = {one["name"]: (one["values"], one["layers"]) for one in found["parameters"]}
    assert changes == {
        "windows.step": ([20, 10], ["preset crypto_spot", "argument --windows.step"]),
        "windows.test": ([20, 10], ["windows.step of preset crypto_spot", "windows.step of argument --windows.step"]),
        "costs.slippage_bps": ([5.0, 50.0], ["defaults", "argument --costs.slippage_bps"]),
    }
    assert found["parameters_from_another_layer"] == 0
    cheap, dear = found["cells"][HEADLINE]
    assert 0 < 5 * cheap["costs"]["slippage"] < dear["costs"]["slippage"]
    returns = [pl.read_parquet(home.run(name).results / "returns.parquet") for name in (one, other)]
    mine = [frame.filter(pl.col("cell") == HEADLINE) for frame in returns]
    shared = mine[0].join(mine[1], on="time", suffix="_other")
    equity = found["equity"]
    assert (equity["bars"], len(mine[1]) > len(shared)) == (len(shared), True)
    grown = [(1 + shared[name]).product() for name in ("return", "return_other")]
    assert equity["ends"] == pytest.approx(grown, rel=1e-12)
    decisions = found["decisions"]
    windows = [pl.read_parquet(home.run(name).results / "windows.parquet") for name in (one, other)]
    dates = [set(frame.filter(pl.col("cell") == HEADLINE)["decided_at"]) for frame in windows]
    assert decisions["shared"] == len(dates[0] & dates[1]) > 0
    assert decisions["alone"] == [len(dates[0] - dates[1]), len(dates[1] - dates[0])]


def test_data_are_named_by_symbol_and_by_date(made: tuple[Workspace, str, str, str], diff: Callable[..., str]) -> None:
    _, one, _, revised = made
    found = json.loads(diff(one, "latest", "--json"))
    assert found["runs"] == [one, revised]
    assert found["causes"] == ["data"]
    assert found["why"].startswith("The results differ because of data (1 symbol); everything else")
    [symbol] = found["data"]["symbols"]
    assert symbol["symbol"] == "BINANCE:BTCUSDT"
    assert symbol["rows"] == [2, "2024-05-20", "2024-05-21"]
    assert found["equity"]["parted"] == "2024-05-20"
    parting = found["decisions"]["parting"]
    assert parting["decided_at"] > "2024-05-20"
    assert sorted(parting["moved"] | parting["entered"] | parting["left"])


def test_both_are_named_and_neither_is_blamed(made: tuple[Workspace, str, str, str], diff: Callable[..., str]) -> None:
    text = diff(made[2], made[3])
    assert "The results differ; so do data (1 symbol) and parameters (costs.slippage_bps and 2 more), and any" in text
    for title in ("Parameters", "Data", "Code and packages", "Results", "Equity of the headlines", "Decisions of"):
        assert f"\n{title}" in text
    assert "BINANCE:BTCUSDT" in text


def test_a_run_differs_in_nothing_from_itself(made: tuple[Workspace, str, str, str], diff: Callable[..., str]) -> None:
    text = diff("latest", made[3])
    assert text.startswith("The results are equal, decision by decision.\n")
    assert text.count("Nothing differs") == 3
    assert "8 cells are in both; 8 of them have equal figures." in text
    assert "Their returns are equal on all." in text
    assert "0 of them differ" in text


def test_the_page_has_both_lines_in_one_figure_and_every_word_escaped(
    made: tuple[Workspace, str, str, str], diff: Callable[..., str]
) -> None:
    home, one, other, _ = made
    written = Path(json.loads(diff(one, other, "--html", "--json"))["page"])
    assert written.parent == home.runs.parent / "comparisons"
    page = written.read_text("utf-8")
    assert (written.parent / "plotly.min.js").is_file()
    assert page.count('<script type="application/json" data-figure') == 1
    spec = json.loads(page.split('data-figure="equity">', 1)[1].split("</script>", 1)[0])
    assert [(line["name"], line.get("yaxis", "y")) for line in spec["data"]] == [
        ("B", "y"), ("B", "y2"), ("A", "y"), ("A", "y2"),
    ]  # fmt: skip
    assert "because of parameters" in page
    assert f'<h1><span class="soft">tvquant runs</span> {one}' in page
    assert "INDEX.md" not in page


def test_a_run_of_another_version_is_compared_as_far_as_it_is_understood(
    made: tuple[Workspace, str, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Its keys, figures and decisions are there; what it lacks has a line, and another cell stands for it."""
    from tvquant.core.errors import ProfileError
    from tvquant.report.run import RunData

    def other_version(run: RunData) -> None:
        raise ProfileError("manifest: was it written by another version?")

    monkeypatch.setattr(RunData, "resolved", property(other_version))
    home = Workspace(shutil.copytree(made[0].root, tmp_path / "ws"))
    assert main(["runs", "diff", made[1], made[2], "--json", "-w", str(home.root)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["causes"] == ["parameters"]
    assert found["headlines"][0] == found["headlines"][1] is not None
    assert found["decisions"]["shared"] > 0
    assert any("written by another version" in line for line in found["not_compared"])
    assert any("stands for it" in line for line in found["not_compared"])


def test_what_is_no_run_is_refused(made: tuple[Workspace, str, str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "diff", made[1], "none", "-w", str(made[0].root)]) == 2
    assert "run 'none' does not exist" in capsys.readouterr().err
