"""The option `--explain [SYMBOL]`: it may stand without a symbol."""

from collections.abc import Sequence

EXPLAIN = "--explain"
CASH = ""
"""What is explained where no symbol is named: the cash."""


def with_symbol(words: Sequence[str]) -> list[str]:
    """Return the words of a command, `--explain` with its value: the symbol behind it, or none where none follows."""
    out: list[str] = []
    for at, word in enumerate(words):
        if word == "--":
            return [*out, *words[at:]]
        bare = word == EXPLAIN and (at + 1 == len(words) or words[at + 1].startswith("-"))
        out.append(f"{EXPLAIN}={CASH}" if bare else word)
    return out
