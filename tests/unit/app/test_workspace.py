import os
import re
from errno import ENOSPC
from math import inf
from pathlib import Path

import pytest

from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, ProfileError
from tvquant.lake.storage.location import Place

IDS = ("20260101T000000-demo_sp500-aaaaaa", "20260102T000000-demo_sp500-abbbbb")


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "ws")
    made.create()
    for name in (*IDS, "notes"):
        (made.runs / name).mkdir()
    return made


def test_runs_are_found_by_id_part_and_latest(home: Workspace) -> None:
    assert [run.id for run in home.all_runs()] == list(IDS)
    assert home.run(IDS[0]).id == IDS[0]
    assert home.run("abbbbb").id == IDS[1]
    assert home.run("latest").id == IDS[1]


def test_the_latest_run_is_the_one_that_was_made_last_whatever_its_clock_said(home: Workspace) -> None:
    """Those that nobody entered stand before all others, by their dates."""
    dated = ("20310101T000000-demo_sp500-cccccc", "20260103T000000-demo_sp500-dddddd")
    for name in dated:
        home.new_run(name).path.mkdir()
    assert [run.id for run in home.all_runs()] == [*IDS, *dated]
    assert home.run("latest").id == dated[1]
    home.run(dated[1]).path.rmdir()
    assert home.run("latest").id == dated[0]


@pytest.mark.parametrize(
    ("name", "why"), [("demo", "ambiguous"), ("zzz", "does not exist"), ("../ws", "does not exist")]
)
def test_a_run_that_is_not_one_is_refused(home: Workspace, name: str, why: str) -> None:
    with pytest.raises(ProfileError, match=why):
        home.run(name)


def test_create_keeps_what_is_there(home: Workspace) -> None:
    (home.profiles / "mine.yaml").write_text("version: 1\n")
    home.create()
    assert (home.profiles / "mine.yaml").read_text() == "version: 1\n"


def test_only_one_may_write(home: Workspace) -> None:
    with (
        home.writing(),
        pytest.raises(DataError, match="another tvquant command") as caught,
        Workspace(home.root).writing(),
    ):
        pass
    assert caught.value.retryable
    with home.writing():
        pass


def test_who_writes_is_named_and_waited_for(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second writer says for whom it waits; it goes on when the first has ended, or gives up after its time."""
    told: list[str] = []
    monkeypatch.setattr("sys.argv", ["/bin/tvquant", "run", "a b", "\u202e"])
    who = rf"another tvquant command \(`tvquant run 'a b' .*u202e.*`, process {os.getpid()}, since 2.* UTC\) is writing"
    waits = r"--wait .in Python `Workspace.open.*wait="
    with (
        home.writing(),
        pytest.raises(DataError, match=f"{who}.*{waits}"),
        Workspace(home.root, wait=0.01).writing(),
    ):
        pass
    first = home.writing()
    first.__enter__()

    def tell(line: str) -> None:
        told.append(line)
        first.__exit__(None, None, None)

    with Workspace(home.root, wait=inf, tell=tell).writing():
        assert re.match(f"waiting: {who}", told[0])
    assert [path.name for path in (home.root / "data").iterdir() if path.name.startswith(".writer")] == []


def test_a_full_disk_keeps_nobody_from_making_room(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", refuse)
    with home.writing(), pytest.raises(DataError, match=r"^another tvquant command is writing"):  # noqa: SIM117
        with Workspace(home.root).writing():
            pass


def test_outside_a_workspace_is_the_users_to_mend(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="tvquant init"):
        Workspace(tmp_path).require()


def test_the_lake_stands_in_the_folder_unless_the_environment_names_a_uri(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TVQUANT_LAKE_URI", raising=False)
    folder = home.root / "data" / "lakehouse"
    assert home.lake().root == folder
    monkeypatch.setenv("TVQUANT_LAKE_URI", "s3://bucket/lake/")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    place = home.lake().root
    assert isinstance(place, Place)
    assert (place.uri, place.folder) == ("s3://bucket/lake", folder)
    assert place.options["AWS_SECRET_ACCESS_KEY"] == "hush"
    assert all(name.startswith("AWS_") for name in place.options)


def test_a_uri_does_not_hide_the_lake_of_the_folder(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.root / "data" / "lakehouse" / "bars" / "_delta_log").mkdir(parents=True)
    monkeypatch.setenv("TVQUANT_LAKE_URI", "s3://bucket/lake")
    with pytest.raises(ProfileError, match="TVQUANT_LAKE_URI is set, but"):
        home.lake()
