"""Whatever stops a command is one line and its exit code; only what nobody expected is a bug."""

import json
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tvquant.app.cli.exit_codes import Answered, ending
from tvquant.app.cli.main import main
from tvquant.core.errors import DataError, LedgerError

MAIN = sys.modules[main.__module__]


class PanicException(BaseException):
    """As a library in Rust raises it."""


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (OSError(28, "No space left on device", "/x/data"), 3, "/x/data: No space left on device; make room"),
        (PermissionError(13, "Permission denied"), 3, "Permission denied"),
        (MemoryError("malloc of size 9"), 3, "memory of this machine is not enough (malloc of size 9)"),
        (UnicodeEncodeError("utf-8", "a\udcff.csv", 1, 2, "surrogates not allowed"), 2, "holds bytes that are no text"),
        (ModuleNotFoundError("No module named 'httpx'", name="httpx"), 2, "install tvquant[live]"),
        (ModuleNotFoundError("x", name="sklearn.cluster"), 2, "needs scikit-learn, which is not installed; install "),
        (ModuleNotFoundError("x", name="polars"), 2, "install tvquant again"),
        (ModuleNotFoundError("x", name="tvquant.nothing"), 70, "a bug in tvquant (ModuleNotFoundError"),
        (FileNotFoundError(2, "No such file or directory", "/x"), 70, "a bug in tvquant (FileNotFoundError"),
        (UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range"), 70, "a bug in tvquant (UnicodeEncodeError"),
        (PanicException("index out of bounds"), 70, "a bug in tvquant (PanicException: index out of bounds)"),
        (ValueError("a\nb"), 70, "a bug in tvquant (ValueError: a b); the whole story is in "),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_a_failure_is_one_line(
    error: BaseException,
    code: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def build() -> object:
        def command(*_: object, **__: object) -> None:
            raise error

        return command

    monkeypatch.setattr(MAIN, "build", build)
    (tmp_path / "data" / "logs").mkdir(parents=True)
    assert main(["runs", "--json", "-w", str(tmp_path)]) == code
    out, err = capsys.readouterr()
    assert err.startswith("tvquant: ")
    assert err.count("\n") == 1
    assert words in err
    assert json.loads(out)["error"]["exit_code"] == code
    assert len(list((tmp_path / "data" / "logs").iterdir())) == (1 if code == 70 else 0)


@pytest.mark.parametrize(
    ("bad", "code", "line"),
    [
        (Answered(DataError, "left out\nwhole"), 3, "tvquant: left out whole\n"),
        (Answered(LedgerError), 1, ""),
    ],
    ids=["with a line", "that says it all"],
)
def test_an_answer_that_is_bad_news_stays_the_only_document(
    bad: Answered, code: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command(*_: object, **__: object) -> None:
        print('{"answer": 1}')
        raise bad

    monkeypatch.setattr(MAIN, "build", lambda: command)
    assert main(["data", "import", "--json"]) == code
    out, err = capsys.readouterr()
    assert json.loads(out) == {"answer": 1}
    assert err == line


def test_what_ends_a_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MAIN, "build", lambda: lambda *_, **__: (_ for _ in ()).throw(SystemExit(5)))
    with pytest.raises(SystemExit):
        main([])


def test_every_package_of_an_extra_is_refused_with_its_extra() -> None:
    modules = {
        "scikit-learn": "sklearn",
        "pywavelets": "pywt",
        "pyportfolioopt": "pypfopt",
        "riskfolio-lib": "riskfolio",
    }
    extras = [line for line in metadata.requires("tvquant") or () if "extra ==" in line and "tvquant" not in line]
    assert len(extras) > 10
    for line in extras:
        package = line.split(">")[0].split("[")[0].split("<")[0].strip().lower()
        module = modules.get(package, package.replace("-", "_"))
        said = ending(ModuleNotFoundError("", name=module))
        assert said is not None
        assert f"{package.replace('_', '-')}, which is not installed; install tvquant[" in said.line


def test_a_name_of_bytes_that_are_no_text_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "w")]) == 0
    assert main(["data", "import", str(tmp_path / "a\udcff.csv"), "--basis", "raw", "-w", str(tmp_path / "w")]) in (
        2,
        3,
    )
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "udcff.csv" in err
