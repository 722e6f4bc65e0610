"""Every page does what it says: its blocks are run in their order, in one workspace for each page.

Shell blocks are played here (`tvquant` in this process, and the few commands around it), yaml is linted as a profile or
layer, Python is executed. A page begins in a copy of one of the workspaces below; `tests/builders/pages.py` has the
comments by which it asks for another. Each of these has `prices.parquet` in it:

`stocks` (default) : the prices imported, one finished run of `us_equities`; `empty` : a workspace with nothing in it;
`coins` : coins of the simulated exchange; `outside` : no workspace, only the file.
"""

import contextlib
import os
import runpy
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders.pages import ROOT, SHELLS, Block, Page, pages
from builders.stocks import stock_bars

pytestmark = pytest.mark.xdist_group("documentation")

FIRST = date(2023, 1, 3)
"""Of the prices: the earliest day that a page asks for has enough before it."""

type Call = Callable[..., Any]
UNRUN = 12
"""Most blocks, of all pages, that may be left unrun: each has its reason beside it."""
SILENT = ("text", "json", "html")
"""Languages of blocks that show what something looks like."""
HEAD = "version: 1\nextends: us_equities\n"
"""What a fragment of a profile is linted with."""
SETUP: dict[str, tuple[str, ...]] = {
    "outside": (),
    "empty": ("init .",),
    "stocks": ("init .", "data import prices.parquet --basis split", "run us_equities --set allocation.profiles=[hrp]"),
    "coins": (
        "init .",
        "data sync --provider simulated --symbol BINANCE:BTCUSDT --symbol BINANCE:S003USDT --depth 300",
    ),
}
PAGES = {str(path.relative_to(ROOT)): Page.of(path) for path in pages()}


class Bases:
    """Workspaces that pages begin in, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        stock_bars(FIRST).write_parquet(folder / "prices.parquet")

    def copy(self, name: str, target: Path, tvquant: Call) -> None:
        """Put a copy of the workspace of that name at the target."""
        base = self.folder / name
        if not base.exists():
            base.mkdir()
            shutil.copy(self.folder / "prices.parquet", base)
            with contextlib.chdir(base):
                for line in SETUP[name]:
                    said = tvquant(*line.split())
                    assert said.code == 0, said.err
        shutil.copytree(base, target)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Bases:
    return Bases(tmp_path_factory.mktemp("bases"))


@pytest.fixture
def reader(tvquant: Call, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Block], None]]:
    """Run one block as its reader would."""
    names: dict[str, Any] = {"__name__": "__main__"}

    def shell(words: list[str], last: bool, block: Block) -> None:
        match words:
            case ["tvquant", *rest]:
                said = tvquant(*rest)
                wanted = block.exit if last else 0
                assert said.code == wanted, f"line {block.line}: {' '.join(words)}: {said.code}, {said.err}{said.out}"
            case ["cd", folder]:
                monkeypatch.chdir(folder)
            case ["export", *settings]:
                for one in settings:
                    monkeypatch.setenv(*one.split("=", 1))
            case ["mkdir", *folders]:
                for one in folders:
                    Path(one).mkdir(parents=True, exist_ok=True)
            case ["cp", source, target]:
                shutil.copy(source, target)
            case ["python", script]:
                runpy.run_path(script, run_name="__main__")
            case ["make", target]:
                assert f"\n{target}:" in (ROOT / "Makefile").read_text("utf-8"), f"line {block.line}: no {target}"
            case _:
                pytest.fail(f"line {block.line}: {words} cannot be played; use the commands that this test knows")

    def read(block: Block) -> None:
        written = Path(block.file or "")
        if block.file is not None:
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(block.text, "utf-8")
        if block.language in SHELLS:
            commands = list(block.commands())
            for place, words in enumerate(commands):
                shell(words, place == len(commands) - 1, block)
        elif block.language == "python":
            exec(compile(block.text, f"line {block.line}", "exec"), names)
        elif block.language == "yaml" and block.file is None:
            fragment = "version" not in yaml.safe_load(block.text)
            written = Path("profiles") / f"line_{block.line}.yaml"
            written.write_text(HEAD * fragment + block.text, "utf-8")
        if block.language == "yaml":
            said = tvquant("profile", "lint", written)
            assert said.code == 0, f"line {block.line}: {said.out}"

    before = Path.cwd()
    yield read
    os.chdir(before)


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if page.blocks])
def test_a_page_does_what_it_says(
    name: str, tmp_path: Path, bases: Bases, tvquant: Call, reader: Callable[[Block], None],
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    page = PAGES[name]
    if any("vectorbt" in block.text for block in page.blocks):
        request.getfixturevalue("vectorbt")  # before a block imports it, and compiles it
    monkeypatch.delenv("TVQUANT_HOME", raising=False)
    bases.copy(page.workspace or "stocks", tmp_path / "here", tvquant)
    monkeypatch.chdir(tmp_path / "here")
    for block in page.blocks:
        assert block.language, f"line {block.line}: say what the block is: bash, yaml, python, or text for an output"
        if not block.unrun and (block.language not in SILENT or block.file):
            reader(block)


def test_few_blocks_are_left_unrun_and_none_is_hidden() -> None:
    unrun = [f"{name}:{one.line}: {one.unrun}" for name, page in PAGES.items() for one in page.blocks if one.unrun]
    assert len(unrun) <= UNRUN, "\n".join(unrun)
    hidden = [f"{name}:{line}" for name, page in PAGES.items() for line in page.indented]
    assert not hidden, f"{hidden}: commands stand in indented blocks; fence them as bash, so that they are run"
