"""Execute `first_hour.ipynb` in this process and store what its cells print; no Jupyter is needed for that.

Cells run in order, in one namespace, in an empty folder. `python examples/execute.py` writes the notebook anew.
"""

import contextlib
import io
import json
import tempfile
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).with_name("first_hour.ipynb")


def printed(notebook: dict[str, Any], folder: Path) -> list[str]:
    """Return what each code cell prints, when run in a folder."""
    space: dict[str, Any] = {"__name__": "__main__"}
    texts = []
    with contextlib.chdir(folder):
        for cell in code_cells(notebook):
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                exec(compile("".join(cell["source"]), f"cell {cell['id']}", "exec"), space)  # noqa: S102 (it is ours)
            texts.append(said.getvalue())
    return texts


def stored(notebook: dict[str, Any]) -> list[str]:
    """Return what is stored as printed by each code cell."""
    return ["".join("".join(one["text"]) for one in cell["outputs"]) for cell in code_cells(notebook)]


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cells that are code."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def read() -> dict[str, Any]:
    """Return the notebook."""
    found: dict[str, Any] = json.loads(NOTEBOOK.read_text("utf-8"))
    return found


if __name__ == "__main__":
    found = read()
    with tempfile.TemporaryDirectory() as empty:
        texts = printed(found, Path(empty))
    for number, (cell, text) in enumerate(zip(code_cells(found), texts, strict=True), start=1):
        lines = text.splitlines(keepends=True)
        cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": lines}] if lines else []
        cell["execution_count"] = number
    NOTEBOOK.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
