"""Tags of runs: words beside the index, refused where they cannot be read."""

from pathlib import Path

import pytest

from tvquant.app.run_tags import FILE, run_tags, tag_run
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, ProfileError

RUNS = ("20260101T000000-demo-aaaaaa", "20260102T000000-demo-bbbbbb")


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "ws")
    made.create()
    for name in RUNS:
        (made.runs / name).mkdir()
    return made


def test_tags_are_given_and_taken_and_go_with_their_run(home: Workspace) -> None:
    assert run_tags(home) == {}
    assert tag_run(home, RUNS[0], "paper") == ("paper",)
    assert tag_run(home, RUNS[0], "a.b-2") == ("a.b-2", "paper")
    tag_run(home, RUNS[1], "x")
    assert run_tags(home) == {RUNS[0]: ("a.b-2", "paper"), RUNS[1]: ("x",)}
    assert tag_run(home, RUNS[0], "paper", remove=True) == ("a.b-2",)
    assert tag_run(home, RUNS[0], "paper", remove=True) == ("a.b-2",)
    (home.runs / RUNS[1]).rmdir()
    tag_run(home, RUNS[0], "a.b-2", remove=True)
    assert run_tags(home) == {}


@pytest.mark.parametrize("word", ["", "two words", "-x", "a/b", "x" * 41, "<b>"])
def test_what_is_no_word_is_refused(home: Workspace, word: str) -> None:
    with pytest.raises(ProfileError, match="a tag is a word"):
        tag_run(home, RUNS[0], word)


@pytest.mark.parametrize("content", ["{", "[]", "3", '{"a": 3}'])
def test_a_file_that_cannot_be_read_protects_nobody_by_accident(home: Workspace, content: str) -> None:
    (home.runs.parent / FILE).write_text(content)
    with pytest.raises(DataError, match="cannot be read"):
        run_tags(home)
