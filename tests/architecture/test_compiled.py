"""What the cache of compiled code may hold: it is read before it is compared with the source that it was made from."""

import ast

from sources import modules, shown, tree

PLAIN = {"Floats", "Integers", "Bools", "Votes", "Tally", "NDArray", "np", "T", "float", "int", "bool", "tuple", "None"}
"""What signatures of cached functions are made of: arrays, scalars, and tuples of them."""
CACHING = {"compiled", "inner"}


def test_signatures_of_cached_functions_name_no_class() -> None:
    """A class that a later version does not have would end its first run on an old cache."""
    found = {
        (shown(path), node.name): [a.annotation for a in node.args.args] + [node.returns]
        for path in modules()
        for node in tree(path).body
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
