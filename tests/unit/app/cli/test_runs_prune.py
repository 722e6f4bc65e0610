"""Which runs go: every condition given must be true of them, and a tag protects."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tvquant.app.cli import main
from tvquant.app.cli.runs_prune import pruned
from tvquant.app.workspace import Workspace
from tvquant.ledger import RunFolder

NOW = datetime.now(UTC)
AGES = (400, 40, 30, 2)
"""Days since the runs began, in the order of making."""
IDS = [f"{NOW - timedelta(days=age):%Y%m%dT%H%M%S}-demo-{age:06x}" for age in AGES]
FOLDERS = [RunFolder(Path(name)) for name in IDS]


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "ws")
    made.create()
    for name in IDS:
        made.new_run(name).path.mkdir()
        (made.runs / name / "file").write_bytes(b"x" * 1000)
    return made


def gone(**rules: object) -> list[int]:
    """Ages of those that go."""
    rules = {"keep": None, "before": None, "tag": None, "tags": {}} | rules
    found = pruned(FOLDERS, rules.pop("tags"), **rules)  # type: ignore[arg-type]
    return [AGES[FOLDERS.index(one)] for one in found]


def test_each_condition_alone() -> None:
    assert gone(keep=1) == [400, 40, 30]
    assert gone(keep=3) == [400]
    assert gone(keep=4) == gone(keep=9) == []
    began = datetime.strptime(IDS[2].split("-")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    assert gone(before=began) == [400, 40]
    assert gone(before=began + timedelta(seconds=1)) == [400, 40, 30]
    assert gone(tag="x", tags={IDS[1]: ["x"], IDS[3]: ["y", "x"]}) == [40, 2]


def test_together_they_narrow_and_a_tag_protects() -> None:
    tags = {IDS[0]: ["x"], IDS[2]: ["x"], IDS[3]: ["x"]}
    before = NOW - timedelta(days=35)
    assert gone(keep=1, before=before) == [400, 40]
    assert gone(keep=1, tag="x", tags=tags) == [400, 30]
    assert gone(before=before, tag="x", tags=tags) == [400]
    assert gone(keep=3, before=before) == [400]
    assert gone(keep=1, tags={IDS[1]: ["x"]}) == [400, 30]


def test_a_run_whose_name_has_no_date_is_never_old() -> None:
    odd = RunFolder(Path("20269999T000000-demo-aaaaaa"))
    assert pruned([odd], {}, keep=None, before=NOW, tag=None) == ()


def test_pruning_removes_says_what_and_leaves_the_rest(home: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("-w", str(home.root))
    assert main(["runs", "tag", IDS[1], "paper", *where]) == 0
    assert main(["runs", "prune", "--keep", "1", "--dry-run", "--json", *where]) == 0
    said = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert (said["would_remove"], said["removed"], said["bytes"]) == ([IDS[0], IDS[2]], [], 2000)
    assert len(home.all_runs()) == 4
    assert main(["runs", "prune", "--keep", "1", "--yes", *where]) == 0
    out = capsys.readouterr().out
    assert "removed: 2 of 4 runs" in out
    assert "1 stay because they have a tag" in out
    assert [one.id for one in home.all_runs()] == [IDS[1], IDS[3]]
    assert IDS[0] not in (home.runs.parent / "INDEX.md").read_text()
    assert main(["runs", *where]) == 0
    assert "paper" in capsys.readouterr().out
    assert main(["runs", "prune", "--tag", "paper", "--yes", *where]) == 0
    assert [one.id for one in home.all_runs()] == [IDS[3]]


def test_nothing_goes_without_a_condition_or_with_tags_that_cannot_be_read(
    home: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "prune", "--yes", "-w", str(home.root)]) == 2
    assert "say which runs go" in capsys.readouterr().err
    assert main(["runs", "prune", "--older-than", "999999", "--yes", "-w", str(home.root)]) == 2  # before the year 1
    assert "--older-than': Input should be less than" in capsys.readouterr().err
    (home.runs.parent / ".tags.json").write_text("{")
    assert main(["runs", "prune", "--keep", "1", "--yes", "-w", str(home.root)]) == 3
    assert len(home.all_runs()) == 4


@pytest.mark.parametrize(
    ("keep", "asked"),
    [(3, f", {IDS[0]}? [y/N]"), (2, f", from {IDS[0]} to {IDS[1]}? [y/N]")],
    ids=["one", "two"],  # of what workers collect at different seconds nothing may be in a test's name
)
def test_the_question_names_what_goes(
    home: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, keep: int, asked: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert main(["runs", "prune", "--keep", str(keep), "-w", str(home.root)]) == 1
    assert asked in capsys.readouterr().err
    assert len(home.all_runs()) == len(IDS)
