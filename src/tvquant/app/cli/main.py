"""The command tree, and how a command ends: exit codes and one line for every expected failure."""

import io
import json
import os
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tvquant.app.cli.command_tree import Family, Root
from tvquant.app.cli.exit_codes import BUG, Ending, ending
from tvquant.core.quoting import visible
from tvquant.core.version import VERSION

INTERRUPTED = 130
PANIC = "PanicException"
"""What libraries in Rust raise when they give up; it is no Exception, and no module has its class."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tvquant {VERSION}")
        raise typer.Exit


def build() -> typer.Typer:
    """Return the tree of all commands."""
    app = Family(
        cls=Root,
        name="tvquant",
        help="From liquid instruments to an audited, walk-forward-tested portfolio, by one declarative profile.",
        epilog="First steps: tvquant demo; tvquant init DIR. More of a command: tvquant COMMAND --help.",
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    return app


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Hold the options of the command itself."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (the console script exits with it)."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a sign gets its number
    try:
        code = build()(words, prog_name="tvquant", standalone_mode=False)
        if code == INTERRUPTED:  # typer ends so when Ctrl-C reaches a command
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        line = (
            "interrupted; a run goes on with `tvquant run --resume RUN` (see `tvquant runs`), a meta-portfolio and a "
            "sync when called again"
        )
        return _fail(words, Ending("Interrupted", line, INTERRUPTED))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: whatever is not expected here is a bug, logged whole
        end = ending(error)
        return _fail(words, end) if end else _bug(words, error)
    except BaseException as error:
        if type(error).__name__ != PANIC:
            raise
        return _bug(words, error)


def _bug(words: Sequence[str], error: BaseException) -> int:
    what = f"{type(error).__name__}: {error}"
    line = f"a bug in tvquant ({what}); the whole story is in {_crash_log(words)}"
    return _fail(words, Ending("Bug", line, BUG))


def _fail(words: Sequence[str], end: Ending) -> int:
    """Print the one line, with `--json` also the one document where there is none yet; return the exit code."""
    line = visible(" ".join(end.line.split()))
    if "--json" in words and not end.answered:
        print(json.dumps({"error": {"kind": end.kind, "message": line, "exit_code": end.code}}, ensure_ascii=False))
    if line or not end.answered:
        print(f"tvquant: {line}", file=sys.stderr)
    return end.code


def _crash_log(words: Sequence[str]) -> Path:
    """Write the traceback where logs live: the workspace when there is one, else the current directory's."""
    from tvquant.app.workspace import Workspace

    home = Path(os.environ.get("TVQUANT_HOME", "."))
    for option in ("--workspace", "-w"):
        if option in words[:-1]:
            home = Path(words[words.index(option) + 1])
    folder = Workspace(home.resolve()).logs
    if not folder.is_dir():
        traceback.print_exc()
        return Path("the lines above")
    target = folder / f"crash-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    story = f"tvquant {' '.join(words)}\n\n{traceback.format_exc()}"
    try:
        target.write_bytes(story.encode(errors="backslashreplace"))
    except OSError:
        print(story, file=sys.stderr)
        return Path("the lines above")
    return target
