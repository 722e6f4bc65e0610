"""The option `--wait [SECONDS]` of commands that write: how long to wait while another one writes."""

from collections.abc import Sequence
from typing import Annotated

import typer

WAIT = "--wait"
UNTIL_FREE = "inf"
WaitOption = Annotated[
    float | None,
    typer.Option(
        WAIT,
        metavar="[SECONDS]",
        min=0,
        help="Wait while another command writes here; without SECONDS for as long as it takes.",
        show_default=False,
    ),
]


def with_seconds(words: Sequence[str]) -> list[str]:
    """Return the words of a command, `--wait` with its value: those seconds, or until the other one has ended."""
    out: list[str] = []
    rest = iter(range(len(words)))
    for at in rest:
        if words[at] == "--":
            return [*out, *words[at:]]
        if words[at] != WAIT:
            out.append(words[at])
        elif at + 1 < len(words) and _number(words[at + 1]):
            out.append(f"{WAIT}={words[next(rest)]}")
        else:
            out.append(f"{WAIT}={UNTIL_FREE}")
    return out


def _number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()
