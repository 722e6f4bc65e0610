"""No page names a command, an option, a key of a profile or a preset that there is not; links lead somewhere."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from builders.pages import ROOT, SHELLS, Page, pages

PLACEHOLDER = re.compile(r"^[A-Z\[<{.]|\.\.\.|^-?\d")
PROFILES, SCANNERS = ("PROFILE", "[PROFILE]"), ("SCANNER", "SCANNER...")
OWN = ("my_first",)
"""The profile that `tvquant init` writes."""
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@cache
def tree() -> Any:
    """The command tree."""
    from typer.main import get_command

    from tvquant.app.cli.main import build

    return get_command(build())


def every_command(command: Any) -> Iterator[Any]:
    yield command
    for below in getattr(command, "commands", {}).values():
        yield from every_command(below)


@cache
def options() -> frozenset[str]:
    return frozenset(word for one in every_command(tree()) for param in one.params for word in param.opts) | {"--help"}


@cache
def keys() -> frozenset[str]:
    from tvquant.app.vocabulary import vocabulary

    found = vocabulary()
    return frozenset(key for one in (found.keys, found.meta_keys) for key in (*one.leaves, *one.branches))


@cache
def presets() -> tuple[frozenset[str], frozenset[str]]:
    """Names of profiles, and of scanners with their layers."""
    folder = ROOT / "src" / "tvquant" / "profiles" / "presets"
    names = [frozenset(path.stem for path in place.glob("*.yaml")) for place in (folder, folder / "scanners")]
    return names[0] - {"defaults", "meta_defaults"} | set(OWN), names[1]


def faults(words: list[str], own: frozenset[str]) -> Iterator[str]:
    """Yield what is unknown in the words of a command behind `tvquant`; `own` names are written by the page itself."""
    command, rest = tree(), list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        if rest[0] in command.commands:
            command = command.commands[rest.pop(0)]
        elif "at" in command.commands:
            command = command.commands["at"]
        elif PLACEHOLDER.search(rest[0]):
            return
        else:
            yield f"unknown command {' '.join(words)!r}"
            return
    known = {word: param for param in command.params for word in param.opts if word.startswith("-")}
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
        if name.startswith("-") and name.strip("-"):
            if name not in known and name != "--help":
                yield f"unknown option {name} of {' '.join(words)!r}"
            elif name in known and not known[name].is_flag and not equals and rest:
                value = rest.pop(0)
                if name == "--set" and value.partition("=")[0] not in keys() and not PLACEHOLDER.search(value):
                    yield f"unknown key {value}"
        elif arguments and not PLACEHOLDER.search(word):
            param = arguments[0]
            named = (
                {}
                if "--keys" in words
                else {**dict.fromkeys(PROFILES, presets()[0]), **dict.fromkeys(SCANNERS, presets()[1])}
            )
            if param.metavar in named and word not in named[param.metavar] | own:
                yield f"unknown {param.metavar} {word!r} of {' '.join(words)!r}"
            if param.nargs == 1:
                arguments.pop(0)


def span_faults(text: str, own: frozenset[str]) -> Iterator[str]:
    """Yield what is unknown in a code span of prose."""
    words = text.split()
    sections = {key for key in keys() if "." not in key} | {key.partition(".")[0] for key in keys()}
    groups = {name for name, one in tree().commands.items() if hasattr(one, "commands")}
    if words[:1] == ["tvquant"]:
        yield from faults([word.strip("[]|") for word in words[1:] if word.strip("[]|")], own)
    elif len(words) > 1 and words[0] in groups and re.fullmatch(r"[a-z]+", words[1]):
        yield from faults(words, own)
    elif re.fullmatch(r"--[a-z][a-z-]*", words[0]) and words[0] not in options():
        yield f"unknown option {words[0]}"
    elif words[0].endswith(".csv"):  # a file of the report, such as one that is called as a section is
        return
    elif re.fullmatch(r"[a-z]+(\.[a-z_0-9]+)+", words[0].rstrip(":")) and words[0].partition(".")[0] in sections:
        yield from [] if words[0].rstrip(":") in keys() else [f"unknown key {words[0]}"]


def page_faults(page: Page) -> list[str]:
    own = frozenset(Path(block.file).stem for block in page.blocks if block.file)
    found = [f"{page.name}:{line}: {fault}" for line, text in page.spans for fault in span_faults(text, own)]
    for block in page.blocks:
        for words in block.commands() if block.language in SHELLS else ():
            if words[0] == "tvquant":
                found += [f"{page.name}:{block.line}: {fault}" for fault in faults(words[1:], own)]
    return found


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_a_page_names_nothing_that_there_is_not(path: Path) -> None:
    assert page_faults(Page.of(path)) == []
    links = [link for link in LINK.findall(path.read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_page_is_reached_from_the_front_page() -> None:
    linked = set(LINK.findall((ROOT / "docs" / "index.md").read_text("utf-8")))
    below = [
        path.relative_to(ROOT / "docs").as_posix() for path in pages() if path.name not in ("README.md", "index.md")
    ]
    assert [name for name in below if name not in linked] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("`tvquant data imprt FILE`", "unknown command"),
        ("`data imprt`", "unknown command"),
        ("`tvquant run --resum RUN`", "unknown option --resum"),
        ("`--no-such`", "unknown option --no-such"),
        ("`windows.stp`", "unknown key windows.stp"),
        ("`tvquant run us_equitis`", "unknown PROFILE 'us_equitis'"),
        ("`tvquant scan sp500_tend`", "unknown SCANNER"),
        ("```bash\ntvquant run us_equities --set windows.stp=3\n```", "unknown key windows.stp"),
        ("`tvquant run PROFILE --set KEY=VALUE`, `data.span`, `--json`, `tvquant scan sp500_trend`, `data sync`", ""),
    ],
)
def test_what_is_unknown_is_found(text: str, said: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{text}\n")
    found = page_faults(Page.of(page))
    assert [said in one for one in found] == [True] * bool(said)
