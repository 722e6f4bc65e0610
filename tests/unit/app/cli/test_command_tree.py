"""The help of all commands: whole, in sections, in 80 columns, and quick because nothing is loaded for it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from builders.workspaces import workspace_of
from tvquant import __version__
from tvquant.app.cli import main
from tvquant.app.cli.command_tree import ALIASES, TREE
from tvquant.app.cli.main import build


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def test_bare_is_help_and_names_every_command_in_its_section(capsys: pytest.CaptureFixture[str]) -> None:
    out = asked(capsys)
    assert out == asked(capsys, "--help")
    at = [out.index(f"\n{section}:\n") for section in ("Start", "Data", "Decide", "Judge", "Keep")]
    assert at == sorted(at)
    for name, entry in TREE.items():
        assert f"  {name:<{max(map(len, TREE))}}  {entry.summary}\n" in out
    assert asked(capsys, "--version") == f"tvquant {__version__}\n"


def test_every_help_fits_and_no_summary_is_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    groups = get_command(build()).commands.items()  # type: ignore[attr-defined]
    below = [(name, one) for name, group in groups if isinstance(group, TyperGroup) for one in group.commands]
    assert len(below) > 15
    for words in [[name] for name in TREE] + [list(pair) for pair in below]:
        out = asked(capsys, *words, "--help")
        assert max(map(len, out.splitlines())) <= 80
        assert not re.search(r"[a-z,;]\.\.\.", out), words
    assert asked(capsys, "data") == asked(capsys, "data", "--help")


@pytest.mark.requirement("R-CFG-05")
def test_old_names_answer_and_no_help_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    out = asked(capsys)
    for name in ALIASES:
        assert name not in out
        assert f"tvquant {name} " in asked(capsys, name, "--help")
    assert "validate_nautilus_parity" in ALIASES


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["runs", "show"], "Missing argument 'RUN'. (see `tvquant runs show --help`)"),
        (["data", "imprt"], "No such command 'imprt'. Did you mean 'import'? (see `tvquant data --help`)"),
        (["rnu"], "No such command 'rnu'. Did you mean 'run'? (see `tvquant --help`)"),
    ],
)
def test_wrong_words_name_the_help_that_is_meant(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err == f"tvquant: {line}\n"


def test_the_list_of_runs_loads_neither_numbers_nor_schemas(tmp_path: Path) -> None:
    """It answers in a moment: typer's conversions by pydantic alone cost more than all the rest."""
    home = workspace_of(tmp_path / "ws")
    program = (
        "import json, sys; from tvquant.app.cli import main\n"
        "code = main(['runs', '--json']); print(json.dumps([code, sorted(n for n in sys.modules if '.' not in n)]))"
    )
    environment = os.environ | {"TVQUANT_HOME": str(home.root)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    listed, loaded = (json.loads(line) for line in done.stdout.splitlines())
    assert (listed, loaded[0]) == ([], 0)
    heavy = {"pydantic", "numpy", "polars", "yaml", "rich", "jinja2", "typer_slim"}
    assert heavy & set(loaded[1]) == set()
