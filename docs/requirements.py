"""Write `docs/requirements.md`: which tests prove which requirement, and which owned ones nothing proves yet.

A test is found by its mark `pytest.mark.requirement("R-...")`: on a function, on a class, or on a whole module as
`pytestmark`. The sources are parsed, never run. `--check` changes nothing and exits 1 when the file is stale.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "requirements.md"

OWNED = (
    "R-SIM-01", "R-SIM-03", "R-MET-02", "R-MET-04", "R-TRN-18", "R-LED-01", "R-LED-02", "R-LED-03", "R-LED-07",
    "R-LED-12", "R-ORC-06", "R-CFG-01",
    *(f"R-DAT-{n:02}" for n in (*range(1, 22), *range(23, 27))),
    *(f"R-UNI-{n:02}" for n in (1, 2, 3, *range(5, 22), 23)),
    *(f"R-FEA-{n:02}" for n in range(1, 15)),
    "R-CFG-02", "R-CFG-07",
    *(f"R-SEL-{n:02}" for n in range(1, 33)),
    "R-UNI-24", *(f"R-TRN-{n:02}" for n in (*range(1, 7), 10, 11, 12)), *(f"R-LED-{n:02}" for n in (4, 5, 6, 10)),
    *(f"R-RSK-{n:02}" for n in (*range(1, 9), *range(10, 26))),
    *(f"R-REG-{n:02}" for n in (1, 2, 4, 5, 7, 8, 9, 10)),
    "R-UNI-22", *(f"R-SYN-{n:02}" for n in (*range(1, 7), 8, 10)), "R-RSK-09",
    *(f"R-SIM-{n:02}" for n in (2, *range(4, 15), 17)), "R-MET-01", "R-MET-03", "R-MET-06", "R-MET-07",
    *(f"R-META-{n:02}" for n in (*range(1, 9), 10, 11, 12, 15, 16, 18)), "R-DAT-22", "R-UNI-04", "R-SYN-07", "R-SYN-09",
    "R-SIM-18", "R-TRN-14", "R-TRN-15", "R-TRN-16", "R-CFG-03", "R-CFG-04",
)  # fmt: skip
"""Requirements that this version answers for."""


def ids(mark: ast.expr) -> Iterator[str]:
    """Requirement ids in a decorator or in the value of `pytestmark`."""
    for node in ast.walk(mark):
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("mark.requirement")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)


def proofs(body: list[ast.stmt], path: str, inherited: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """(requirement id, `path::test`) of the tests in a module or class."""
    for node in body:
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == "pytestmark" for target in node.targets):
            inherited |= frozenset(ids(node.value))
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        own = inherited | {name for mark in node.decorator_list for name in ids(mark)}
        if isinstance(node, ast.ClassDef):
            yield from proofs(node.body, f"{path}::{node.name}", own)
        elif node.name.startswith("test_"):
            yield from ((name, f"{path}::{node.name}") for name in own)


def collect(tests: Path) -> dict[str, list[str]]:
    """Requirement id -> its tests, both sorted."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(tests.rglob("test_*.py")):
        module = ast.parse(path.read_text("utf-8"), str(path))
        for name, test in proofs(module.body, path.relative_to(tests.parent).as_posix()):
            found[name].add(test)
    return {name: sorted(found[name]) for name in sorted(found)}


def page(found: dict[str, list[str]], owned: tuple[str, ...] = OWNED) -> str:
    """The whole page."""
    unproven = [name for name in owned if name not in found]
    lines = [
        "# Requirements and their proofs",
        "",
        "Written by `python docs/requirements.py` from the marks in `tests/`; do not edit.",
        "",
        f"This version answers for {len(owned)} requirements; {len(owned) - len(unproven)} of them have tests.",
        "Tests of other requirements prove the part of them that exists.",
        "",
        "## Owned and unproven",
        "",
        *([f"- {name}" for name in unproven] or ["None."]),
        "",
        "## Proofs",
        "",
        "| requirement | owned | tests |",
        "|---|---|---|",
    ]
    for name, tests in found.items():
        cells = "<br>".join(f"`{test}`" for test in tests)
        lines.append(f"| {name} | {'yes' if name in owned else ''} | {cells} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page, or check it; the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: requirements.py [--check]", file=sys.stderr)
        return 2
    text = page(collect(ROOT / "tests"))
    if not arguments:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.is_file() and TARGET.read_text("utf-8") == text:
        return 0
    print("docs/requirements.md is stale; run `python docs/requirements.py` and commit it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
