"""The notebook in `examples/` prints what is stored in it, when its cells run in order in one process."""

import runpy
from pathlib import Path

import polars as pl
import pytest

pytestmark = pytest.mark.xdist_group("documentation")

ROOT = Path(__file__).resolve().parents[2]


def test_the_notebook_prints_what_it_shows(tmp_path: Path) -> None:
    tools = runpy.run_path(str(ROOT / "examples" / "execute.py"))
    notebook = tools["read"]()
    with pl.Config():  # the notebook's own settings end here
        texts = tools["printed"](notebook, tmp_path)
    assert sum(map(bool, texts)) == len(texts) - 1  # the first only imports
    assert texts == tools["stored"](notebook), "run python examples/execute.py, read the difference and commit it"
    assert tools["NOTEBOOK"].stat().st_size < 30_000
