"""Options that are converted here come out as typer converts them."""

from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.main import get_command

from tvquant.app.cli.command_tree import Command

GIVEN: list[Any] = []


def command(
    text: Annotated[str, typer.Argument()],
    path: Annotated[Path | None, typer.Option(envvar="TVQUANT_TEST_PATH")] = None,
    number: Annotated[int, typer.Option(min=1)] = 1,
    many: Annotated[list[str] | None, typer.Option()] = None,
    flag: Annotated[bool, typer.Option("--flag")] = False,
) -> None:
    GIVEN.append((text, path, number, many, flag))


@pytest.mark.parametrize(
    "words",
    [
        ["a"],
        ["", "--path", ""],
        ["a b", "--path", "./x/../y", "--flag"],
        ["\u202e", "--path", "~/a\tb", "--number", "3"],
        ["a", "--many", "1", "--many", "b", "--flag"],
    ],
)
@pytest.mark.parametrize("home", ["", "in/the/environment"])
def test_both_conversions_agree(words: list[str], home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TVQUANT_TEST_PATH", home)
    GIVEN.clear()
    for cls in (None, Command):
        app = typer.Typer()
        app.command(cls=cls)(command)
        get_command(app)(words, standalone_mode=False)
    assert GIVEN[0] == GIVEN[1]
    assert type(GIVEN[0][1]) is type(GIVEN[1][1])
