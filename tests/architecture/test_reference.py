"""The reference pages are what schema and command tree say."""

import importlib.util
from types import ModuleType

import pytest
from sources import ROOT


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date(generator: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert generator.main(["--check"]) == 0, capsys.readouterr().err


def test_a_page_has_every_command_with_its_options(generator: ModuleType) -> None:
    page = generator.cli_page()
    for words in (
        "### tvquant data import",
        "## tvquant run",
        "### tvquant runs show",
        "`tvquant scan SCANNER... [OPTIONS]`",
    ):
        assert words in page
    assert "| `--jobs JOBS` | Worker processes" in page
    assert "| `--resume RUN` |" in page
