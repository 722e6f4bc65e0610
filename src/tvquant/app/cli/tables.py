"""Tables of plain text: as wide as they are where nobody looks, within the terminal where somebody does.

1. Output that goes to a file or another program is never folded: a row is a line.
2. At a terminal the widest columns of words are folded until the table fits; nothing is cut off.
3. Where columns of numbers alone are too wide, each row becomes a block of names and values.
"""

import re
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

GAP = "  "
NARROWEST = 10
"""Columns that a folded text has at least."""
LABEL = re.compile(r"\s*\S+(?: \S+)? {2,}")
"""A label with its text behind it, which is where the lines below begin."""
BREAKS = " ,_:/-.+|"
"""Characters behind which a long text is rather broken than elsewhere."""


def columns() -> int | None:
    """Return the width of the terminal that the answer goes to; None where it goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[int] = ()) -> str:
    """Return plain columns: texts to the left, the columns in `right` to the right."""
    return "\n".join(line for lines in blocks(head, rows, right=right) for line in lines)


def blocks(head: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[int] = ()) -> list[list[str]]:
    """Return the lines of the head, then those of each row."""
    cells, aligned = [list(head), *([str(value) for value in row] for row in rows)], frozenset(right)
    natural = [max(cell_width(row[k]) for row in cells) for k in range(len(head))]
    within = columns()
    widths = natural if within is None else fitted(natural, within - len(GAP) * (len(head) - 1), aligned)
    if widths is None:
        return [[], *(_listed(head, row) for row in cells[1:])]
    return [_folded(row, widths, aligned) for row in cells]


def fitted(natural: Sequence[int], room: int, fixed: frozenset[int]) -> list[int] | None:
    """Return widths that sum to the room at most; the widest that may be folded give first. None where none do."""
    widths = list(natural)
    while sum(widths) > room:
        folding = [k for k in range(len(widths)) if k not in fixed and widths[k] > NARROWEST]
        if not folding:
            return None
        widest = max(folding, key=lambda k: widths[k])
        widths[widest] -= 1
    return widths


def cell_width(text: str) -> int:
    """Return how many columns of a terminal a text takes: East Asian signs take two, marks above a letter none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def folded(text: str, width: int) -> list[str]:
    """Return a text in lines of at most that width, broken behind a space or a sign where there is one."""
    lines = []
    while cell_width(text) > width:
        end = 1
        while end < len(text) and cell_width(text[: end + 1]) <= width:
            end += 1
        space = text[: end + 1].rfind(" ")
        soft = max((at + 1 for at in range(end) if text[at] in BREAKS), default=0)
        cut = space if space > 0 else soft if soft > width // 3 else end
        lines.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*lines, text]


def prose(text: str) -> str:
    """Return lines for people, those that a terminal would break in a word broken at a blank, under their own text.

    A word that is longer than the terminal, such as a path, stays whole.
    """
    within = columns()
    if within is None:
        return text
    return "\n".join(_hung(line, within) if cell_width(line) > within else line for line in text.split("\n"))


def _hung(line: str, within: int) -> str:
    label = LABEL.match(line)
    if " " not in line[label.end() if label else 0 :].strip():
        return line
    below = " " * (label.end() if label and label.end() < within // 2 else len(line) - len(line.lstrip()))
    return textwrap.fill(line, within, subsequent_indent=below, break_long_words=False, break_on_hyphens=False)


def _folded(row: Sequence[str], widths: Sequence[int], aligned: frozenset[int]) -> list[str]:
    """Return one row in as many lines as its longest cell needs."""
    parts = [folded(cell, width) for cell, width in zip(row, widths, strict=True)]
    lines = []
    for at in range(max(map(len, parts))):
        cells = [part[at] if at < len(part) else "" for part in parts]
        padded = (_padded(cell, widths[k], right=k in aligned) for k, cell in enumerate(cells))
        lines.append(GAP.join(padded).rstrip())
    return lines


def _padded(cell: str, width: int, *, right: bool) -> str:
    room = " " * (width - cell_width(cell))
    return room + cell if right else cell + room


def _listed(head: Sequence[str], row: Sequence[str]) -> list[str]:
    """Return one row as its first cell, and the others below it by name."""
    widest = max(cell_width(name) for name in head[1:])
    below = zip(head[1:], row[1:], strict=True)
    return [row[0], *(f"{GAP}{_padded(name, widest, right=False)}{GAP}{cell}".rstrip() for name, cell in below)]
