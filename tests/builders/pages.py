"""Pages of the documentation, taken apart: fenced blocks with what a hidden comment says of them, and commands in them.

What a page may say to its tests, in comments that no reader sees:

`<!-- workspace: NAME -->` : which workspace its blocks begin in (see `tests/e2e/test_documentation.py`).
`<!-- file: PATH -->` : the next block is written there. Yaml and Python may say so to the reader instead, by
`# PATH` as their first line.
`<!-- exit: CODE -->` : how the last command of the next block ends.
`<!-- not run: REASON -->` : the next block cannot be run here; its words are checked all the same.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHELLS = ("bash", "console", "sh")
_FENCE = re.compile(r"^```(\w*)\s*$")
_SAID = re.compile(r"^<!-- (workspace|file|exit|not run): (.+) -->$")
_PATH = re.compile(r"^# (\S+\.(?:yaml|py|csv))$")
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block: where it stands, its language and text, and what its page says of it."""

    line: int
    language: str
    text: str
    file: str | None
    exit: int
    unrun: str

    def commands(self) -> Iterator[list[str]]:
        """Yield the words of each command of a shell block; of a console only what is behind a prompt."""
        lines = self.text.replace("\\\n", " ").splitlines()
        if self.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        for line in lines:
            words: list[str] = []
            for word in shlex.split(line, comments=True):
                if word == "&&":
                    yield words
                    words = []
                else:
                    words.append(word)
            if words:
                yield words


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page: its name, the workspace it begins in, its blocks, and the code spans of its prose with their lines."""

    name: str
    workspace: str | None
    blocks: tuple[Block, ...]
    spans: tuple[tuple[int, str], ...]
    indented: tuple[int, ...]

    @classmethod
    def of(cls, path: Path) -> "Page":
        """Read a page; ValueError where a comment to the tests belongs to no block."""
        name, said, blocks, spans, indented = str(path.name), {}, [], [], []
        workspace, opened, language, body = None, 0, "", list[str]()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            fence, comment = _FENCE.match(line), _SAID.match(line)
            if opened and not line.startswith("```"):
                body.append(line)
            elif opened:
                blocks.append(_block(opened, language, body, said))
                opened, said = 0, {}
            elif fence:
                opened, language, body = number, fence[1], []
            elif comment and comment[1] == "workspace":
                workspace = comment[2]
            elif comment:
                said[comment[1]] = comment[2]
            elif line.strip() and said:
                raise ValueError(f"{name}:{number}: a block was expected behind {said}")
            else:
                spans += [(number, one) for one in _SPAN.findall(line)]
                indented += [number] if re.match(r"^    (\$ )?tvquant ", line) else []
        return cls(name=name, workspace=workspace, blocks=tuple(blocks), spans=tuple(spans), indented=tuple(indented))


def _block(line: int, language: str, body: list[str], said: dict[str, str]) -> Block:
    told = _PATH.match(body[0]) if body and language in ("yaml", "python") else None
    return Block(
        line=line,
        language=language,
        text="\n".join(body) + "\n",
        file=said.get("file") or (told[1] if told else None),
        exit=int(said.get("exit", 0)),
        unrun=said.get("not run", ""),
    )


def pages() -> list[Path]:
    """Return the README and every page below `docs/` but decisions."""
    below = (path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "adr")
    return [ROOT / "README.md", *sorted(below)]
