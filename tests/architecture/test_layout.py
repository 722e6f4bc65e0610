"""Sizes of files, and that tests mirror the source."""

from pathlib import Path

from sources import PACKAGE, ROOT, modules, shown

LINES = 500

ELSEWHERE = {
    "tournament/cells.py": "plain values; made and read by the tests of matrix and play",
}
"""Modules that are proven by the tests of another one, and why."""


def test_no_file_is_over_the_limit() -> None:
    files = [path for folder in ("src", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    sizes = {shown(path): len(path.read_text("utf-8").splitlines()) for path in files}
    assert {name: size for name, size in sizes.items() if size > LINES} == {}


def mirrors(path: Path) -> list[Path]:
    """Where the test of a module may stand: `room/test_<module>.py`, or in the folder of its family."""
    inside = path.relative_to(PACKAGE)
    folder, name = ROOT / "tests" / "unit" / inside.parts[0], f"test_{inside.name}"
    return [folder / name, folder.joinpath(*inside.parts[1:-1]) / name]


def holds_behaviour(path: Path) -> bool:
    """Not a package's head, and not the contract or catalogue of a family: tests/contracts covers those."""
    return path.name not in ("__init__.py", "contract.py", "catalogue.py")


def test_every_module_has_its_mirror() -> None:
    checked = [path for path in modules() if holds_behaviour(path)]
    missing = {
        path.relative_to(PACKAGE).as_posix()
        for path in checked
        if not any(candidate.is_file() for candidate in mirrors(path))
    }
    assert missing - set(ELSEWHERE) == set()


def test_the_exceptions_are_still_needed() -> None:
    for name in ELSEWHERE:
        assert (PACKAGE / name).is_file(), f"{name} is gone: drop it from the exceptions"
        assert not any(path.is_file() for path in mirrors(PACKAGE / name)), f"{name} has its test now"
