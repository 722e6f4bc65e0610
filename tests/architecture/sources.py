"""The project's own Python files, parsed once, and what they import."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "tvquant"


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    """Name of the room a module stands in; empty for the package's own `__init__`."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def shown(path: Path) -> str:
    """The path as a message shows it."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """The parsed module."""
    return ast.parse(path.read_text("utf-8"), str(path))


def imports(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Dotted names and lines of all imports at or below the node; `from a import b` gives `a.b`."""
    for found in ast.walk(node):
        if isinstance(found, ast.Import):
            yield from ((alias.name, found.lineno) for alias in found.names)
        elif isinstance(found, ast.ImportFrom):
            yield from ((f"{found.module or ''}.{alias.name}", found.lineno) for alias in found.names)


@cache
def imported(path: Path) -> tuple[tuple[str, int], ...]:
    """Dotted names and lines of all imports of a module, wherever they stand."""
    return tuple(imports(tree(path)))


def imports_on_import(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Imports that run when the module is imported: all but those inside functions or for type checking only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in child.orelse:
                yield from imports(other)
        elif isinstance(child, ast.Import | ast.ImportFrom):
            yield from imports(child)
        else:
            yield from imports_on_import(child)
