"""Every file of presets and of the user, checked without running anything (R-CFG-07).

Lists of members, then scanners of all layers, then profiles: what nothing uses is checked as well.
"""

from collections.abc import Sequence
from pathlib import Path

from tvquant.core.errors import DataError, ProfileError
from tvquant.profiles.files import SCANNERS, UNIVERSES, available
from tvquant.profiles.layers import lint
from tvquant.profiles.members import load_members
from tvquant.profiles.scanners import check_scanner
from tvquant.profiles.vocabulary import Vocabulary


def lint_all(vocabulary: Vocabulary, *, search: Sequence[Path] = ()) -> dict[str, list[str]]:
    """Sort and name of every file -> what is wrong with it: which file, which line where it is known, and why."""
    found: dict[str, list[str]] = {}
    for name in UNIVERSES.available(search):
        found[f"{UNIVERSES.noun} {name}"] = _members(name, search)
    for name in SCANNERS.available(search):
        found[f"{SCANNERS.noun} {name}"] = check_scanner(name, vocabulary, search=search)
    for name in available(search):
        found[f"profile {name}"] = [str(problem) for problem in lint(name, vocabulary, search=search)]
    return found


def _members(name: str, search: Sequence[Path]) -> list[str]:
    try:
        load_members(name, search=search)
    except (ProfileError, DataError) as error:
        return [str(error)]
    return []
