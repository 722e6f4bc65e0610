"""What the cache of compiled code may hold: it is read before it is compared with the source that it was made from."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import PACKAGE, ROOT, modules, shown, tree

pytestmark = pytest.mark.xdist_group("sources")  # one worker parses them

PLAIN = {"Floats", "Integers", "Bools", "Votes", "Tally", "NDArray", "np", "T", "float", "int", "bool", "tuple", "None"}
"""What signatures of cached functions are made of: arrays, scalars, and tuples of them."""
CACHING = {"compiled", "inner"}
WITHOUT_ENTRY = {"inner", "inlined", "part"}
"""Marks of functions that end the process when Python calls them."""


def test_signatures_of_cached_functions_name_no_class() -> None:
    """A class that a later version does not have would end its first run on an old cache."""
    found = {
        (shown(path), node.name): [a.annotation for a in node.args.args] + [node.returns]
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(mark, ast.Name) and mark.id in CACHING for mark in node.decorator_list)
    }
    assert len(found) > 20
    foreign = {
        function: ast.unparse(annotation)
        for function, annotations in found.items()
        for annotation in annotations
        if annotation is None
        or (
            ast.unparse(annotation) != "tuple[Any, ...]"
            and any(isinstance(part, ast.Name) and part.id not in PLAIN for part in ast.walk(annotation))
        )
    }
    assert not foreign


def test_python_calls_no_function_without_an_entry_from_it() -> None:
    """Called from Python such a function ends the process; a test calls what it was made from (`.py_func`)."""
    without = {
        (_dotted(path), node.name)
        for path in modules()
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef) and _marks(node) & WITHOUT_ENTRY
    }
    assert without
    files = (*modules(), *sorted((ROOT / "tests").rglob("*.py")))
    texts = {path: path.read_text("utf-8") for path in files}
    naming = [path for path, text in texts.items() if any(_may_call(path, text, *one) for one in without)]
    assert len(naming) > len({module for module, _ in without})
    assert not [f"{shown(path)}:{call}" for path in naming for call in _calls(path, without)]


def test_parts_of_simulation_are_compiled_once() -> None:
    """A boolean or whole constant has a type of its own: the part would be compiled once more for it."""
    room = [path for path in modules() if path.parent == PACKAGE / "simulation"]
    parts = {
        node.name for path in room for node in tree(path).body if isinstance(node, ast.FunctionDef) and _compiled(node)
    }
    calls = [
        (f"{shown(path)}:{node.lineno}", node)
        for path in room
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in parts
    ]
    assert len(calls) > 40
    assert not [
        place
        for place, call in calls
        if any(isinstance(given, ast.Constant) and isinstance(given.value, int) for given in call.args)
    ]


def _marks(node: ast.FunctionDef) -> set[str]:
    return {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def _may_call(path: Path, text: str, module: str, name: str) -> bool:
    """Whether a file names the function and, where it is not its own, the last part of its module."""
    return name in text and (module.rpartition(".")[2] in text or path.stem == module.rpartition(".")[2])


def _calls(path: Path, without: set[tuple[str, str]]) -> list[str]:
    """Return the calls from plain functions of a file to any of these: its own, imported, or of a module."""
    own = _dotted(path) if path.is_relative_to(PACKAGE) else ""
    known = {name for module, name in without if module == own}
    for node in tree(path).body:
        for alias in node.names if isinstance(node, ast.ImportFrom) else ():
            there, here = f"{node.module}.{alias.name}", alias.asname or alias.name
            known |= {here for module, name in without if f"{module}.{name}" == there}
            known |= {f"{here}.{name}" for module, name in without if module == there}
    if not known:
        return []
    last = {name.rpartition(".")[2] for name in known}
    return [
        f"{call.lineno}: {ast.unparse(call.func)}"
        for function in tree(path).body
        if isinstance(function, ast.FunctionDef) and not _compiled(function)
        for call in _in_python(function)
        if isinstance(call, ast.Call) and _last(call.func) in last and ast.unparse(call.func) in known
    ]


def _last(called: ast.expr) -> str:
    """Last part of a dotted name; empty for what is none."""
    return called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""


def _compiled(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and bool(_marks(node) & (WITHOUT_ENTRY | {"compiled"}))


def _in_python(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is in a node, but for compiled functions that are made there."""
    for child in ast.iter_child_nodes(node):
        if not _compiled(child):
            yield child
            yield from _in_python(child)
