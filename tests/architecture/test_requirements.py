"""The page of proofs is what its generator makes of the marks as they are."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from sources import ROOT

SCRIPT = ROOT / "docs" / "requirements.py"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("requirements", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_marks_of_functions_classes_and_modules_are_found(generator: ModuleType, tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_a.py").write_text(
        "pytestmark = [pytest.mark.slow, pytest.mark.requirement('R-A-01')]\n"
        "@pytest.mark.requirement('R-B-01')\n"
        "@pytest.mark.requirement('R-B-02')\n"
        "def test_one(): ...\n"
        "@pytest.mark.requirement('R-C-01')\n"
        "class TestMany:\n"
        "    def test_two(self): ...\n"
        "def not_a_test(): ...\n"
    )
    assert generator.collect(tests) == {
        "R-A-01": ["tests/test_a.py::TestMany::test_two", "tests/test_a.py::test_one"],
        "R-B-01": ["tests/test_a.py::test_one"],
        "R-B-02": ["tests/test_a.py::test_one"],
        "R-C-01": ["tests/test_a.py::TestMany::test_two"],
    }


def test_what_is_owned_and_unproven_is_named(generator: ModuleType) -> None:
    text = generator.page({"R-A-01": ["tests/test_a.py::test_one"]}, owned=("R-A-01", "R-Z-09"))
    assert "2 requirements; 1 of them" in text
    assert "- R-Z-09\n" in text
    assert "- R-A-01\n" not in text
    assert "| R-A-01 | yes | `tests/test_a.py::test_one` |" in text


def test_a_stale_page_fails_the_check(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    monkeypatch.setattr(generator, "TARGET", tmp_path / "requirements.md")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text("@pytest.mark.requirement('R-A-01')\ndef test_one(): ...\n")
    assert generator.main(["--check"]) == 1
    assert "is stale" in capsys.readouterr().err
    assert generator.main([]) == 0
    assert generator.main(["--check"]) == 0
    (tmp_path / "requirements.md").write_text("old")
    assert generator.main(["--check"]) == 1
