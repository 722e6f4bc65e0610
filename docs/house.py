"""Write `docs/images/house.svg`: the rooms in their layers, and which room imports which.

Layers are those of the import contract in `pyproject.toml`, arrows are imports as the sources have them. An import that
a longer way implies already is left out (the transitive reduction of the graph). `--check` changes nothing and exits 1
when the picture is stale.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "tvquant"
TARGET = ROOT / "docs" / "images" / "house.svg"

WIDTH, ROW, BOX, HEIGHT = 980, 92, 116, 34
"""Pixels: of the picture, between layers, of a room across and down."""
SIDE = (0, -110, 110)
"""Pixels by which a room that has its layer alone stands aside, so that arrows pass it."""


def layers() -> list[list[str]]:
    """Return the rooms that are there, layer by layer, the highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    rows = next(one["layers"] for one in contracts if one["type"] == "layers" and one["containers"] == ["tvquant"])
    named = [re.findall(r"\w+", row) for row in rows]
    return [found for row in named if (found := [room for room in row if (PACKAGE / room).is_dir()])]


def imports() -> dict[str, set[str]]:
    """Return for each room the other rooms that any of its modules imports."""
    found: dict[str, set[str]] = {path.name: set() for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0]
        if room in found:
            found[room] |= {name for name in _rooms(path) if name != room and name in found}
    return found


def reduced(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return the graph without the arrows that a longer way implies."""

    def below(room: str) -> set[str]:
        return graph[room].union(*(below(one) for one in graph[room]))

    return {room: direct - set().union(*(below(one) for one in direct)) for room, direct in graph.items()}


def picture() -> str:
    """Return the SVG of the house."""
    place = {
        room: (WIDTH * (k + 1) / (len(row) + 1) + SIDE[level % 3] * (len(row) == 1), 40 + ROW * level)
        for level, row in enumerate(layers())
        for k, room in enumerate(row)
    }
    height = 80 + ROW * (len(layers()) - 1)
    arrows = [
        f'<path d="M{x:.0f},{y + HEIGHT / 2:.0f} C{x:.0f},{y + ROW / 2:.0f} {u:.0f},{v - ROW / 2:.0f} '
        f'{u:.0f},{v - HEIGHT / 2 - 3:.0f}"/>'
        for room, below in sorted(reduced(imports()).items())
        for (x, y), (u, v) in [(place[room], place[one]) for one in sorted(below)]
    ]
    boxes = [
        f'<g transform="translate({x - BOX / 2:.0f},{y - HEIGHT / 2:.0f})">'
        f'<rect width="{BOX}" height="{HEIGHT}" rx="5"/>'
        f'<text x="{BOX / 2:.0f}" y="{HEIGHT / 2 + 5:.0f}">{room}</text></g>'
        for room, (x, y) in place.items()
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
            "<style>path{fill:none;stroke:#7a8599;stroke-width:1.2;marker-end:url(#tip)}"
            "rect{fill:#eef3fb;stroke:#3b5b8c}text{font-size:14px;text-anchor:middle;fill:#14243d}</style>",
            '<defs><marker id="tip" markerWidth="7" markerHeight="7" refX="5" refY="3" orient="auto">'
            '<polygon points="0,0 6,3 0,6" fill="#7a8599"/></marker></defs>',
            f'<rect width="{WIDTH}" height="{height}" style="fill:#fff;stroke:none"/>',
            *arrows,
            *boxes,
            "</svg>\n",
        ]
    )


def main(arguments: list[str]) -> int:
    """Write the picture, or with `--check` compare it; return the exit code."""
    made = picture()
    if "--check" not in arguments:
        TARGET.write_text(made, "utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text("utf-8") == made:
        return 0
    print(f"{TARGET.relative_to(ROOT)} is stale; run `python docs/house.py` and commit it", file=sys.stderr)
    return 1


def _rooms(path: Path) -> Iterator[str]:
    """Yield the rooms that a module imports anywhere, `TYPE_CHECKING` included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        yield from (parts[1] for parts in (name.split(".") for name in names) if parts[0] == "tvquant" and parts[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
