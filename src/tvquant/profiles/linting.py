"""Every file of presets and of the user, checked without running anything (R-CFG-07).

Lists of members, then scanners of all layers, then profiles: what nothing uses is checked as well.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tvquant.core.errors import DataError, ProfileError
from tvquant.profiles.files import PROFILES, SCANNERS, UNIVERSES, Shelf, load
from tvquant.profiles.layers import lint_raw
from tvquant.profiles.members import load_members
from tvquant.profiles.merging import ProfileProblem
from tvquant.profiles.messages import instead_of
from tvquant.profiles.meta_layers import lint_meta
from tvquant.profiles.scanners import check_scanner
from tvquant.profiles.vocabulary import Vocabulary


def lint(
    profile: str | Path,
    vocabulary: Vocabulary,
    *,
    search: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
) -> list[ProfileProblem]:
    """Return everything that is wrong with a profile or meta-profile, given by name or file; empty when nothing is."""
    try:
        raw = load(profile, search=search)
    except (ProfileError, DataError) as error:
        return [ProfileProblem(key="", text=str(error), layer="")]
    return (lint_meta if raw.is_meta else lint_raw)(raw, vocabulary, environment=environment)


def lint_all(vocabulary: Vocabulary, *, search: Sequence[Path] = ()) -> dict[str, list[str]]:
    """Sort and name of every file -> what is wrong with it: which file, which line where it is known, and why."""
    return {
        f"{shelf.noun} {name}": _linted(shelf, name, vocabulary, search)
        for shelf in (UNIVERSES, SCANNERS, PROFILES)
        for name in shelf.available(search)
    }


def lint_named(name: str, vocabulary: Vocabulary, *, search: Sequence[Path] = ()) -> dict[str, list[str]]:
    """Return the same of what bears a name, or of one file: a list of members, a scanner, a profile.

    A file of scanners or of members lies in a folder `scanners` or `universes`; its parents are looked for beside it.

    Raises
    ------
    ProfileError : nothing bears the name, or the file is of no sort.
    """
    path = Path(name)
    if path.suffix or path.name != name:
        return _linted_file(path, vocabulary, search)
    sorts = [shelf for shelf in (UNIVERSES, SCANNERS, PROFILES) if name in shelf.available(search)]
    if not sorts:
        known = sorted({one for shelf in (UNIVERSES, SCANNERS, PROFILES) for one in shelf.available(search)})
        raise ProfileError(f"no profile, scanner or list of members {name!r}{instead_of(name, known)}")
    return {f"{shelf.noun} {name}": _linted(shelf, name, vocabulary, search) for shelf in sorts}


def _linted_file(path: Path, vocabulary: Vocabulary, search: Sequence[Path]) -> dict[str, list[str]]:
    if not path.is_file():
        raise ProfileError(f"{path}: no such file; name a profile, a scanner or a list, or a file of one")
    folder = path.resolve().parent
    for shelf in (UNIVERSES, SCANNERS):
        if folder.name == shelf.below and path.suffix == shelf.suffix:
            return {f"{shelf.noun} {path.stem}": _linted(shelf, path.stem, vocabulary, (folder.parent, *search))}
    return {f"profile {path.stem}": [str(problem) for problem in lint(path, vocabulary, search=search)]}


def _linted(shelf: Shelf, name: str, vocabulary: Vocabulary, search: Sequence[Path]) -> list[str]:
    if shelf is UNIVERSES:
        return _members(name, search)
    if shelf is SCANNERS:
        return check_scanner(name, vocabulary, search=search)
    return [str(problem) for problem in lint(name, vocabulary, search=search)]


def _members(name: str, search: Sequence[Path]) -> list[str]:
    try:
        load_members(name, search=search)
    except (ProfileError, DataError) as error:
        return [str(error)]
    return []
