"""Profile files, and those of scanners and lists beside them: safe YAML in, layers out.

1. A profile is `NAME.yaml` in one of the user's folders, or else among the packaged presets; a scanner the same in the
   folder `scanners` of each of these, a list of members `NAME.csv` in the folder `universes`.
2. A file may name one parent of its sort (`extends`); the chain of files, for a profile over the packaged defaults,
   becomes layers.
3. Reading is stricter than YAML: text keys, none twice, no anchors, no tags beyond plain values; errors name the line.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from tvquant.core.errors import DataError, ProfileError
from tvquant.core.quoting import shown
from tvquant.profiles.fields import NAME, VERSION
from tvquant.profiles.messages import instead_of

PRESETS = Path(__file__).with_name("presets")
DEFAULTS, META_DEFAULTS = "defaults", "meta_defaults"
"""Files of what holds unless a profile, or a meta-profile, says otherwise; a value of either is called a default."""
SLEEVES = "sleeves"
"""Section that makes a profile a meta-profile."""
SHARED = ("execution", "costs", "benchmark", "parity", "seed")
"""Parts of a meta-profile whose defaults are those of profiles, as are those of its covariance and means."""
LARGEST = 1 << 20
"""Bytes of the largest file that is read."""
LARGEST_YAML = 1 << 17
"""Bytes of the largest file of YAML, which takes seconds to read where it is long; it names some 5,000 symbols."""
LONGEST_INTEGER = 64
"""Bits of the longest integer; no key takes a longer one, and one of thousands of digits cannot even be shown."""
DEEPEST = 10
"""Files of the longest chain of parents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Values from one source, nested as in a file.

    Parameters
    ----------
    label : what the source is called, such as `preset us_equities`.
    values : section -> key -> value.
    lines : dotted key -> line number, for files; items of lists by their number, from 0.
    """

    label: str
    values: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)

    def where(self, key: str) -> str:
        """Return the label, with the line of `key`, or of what it is in, when there is one."""
        while key and key not in self.lines:
            key = key.rpartition(".")[0]
        line = self.lines.get(key)
        return f"{self.label}, line {line}" if line else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Where files of one sort are.

    Parameters
    ----------
    noun : what one of them is called.
    preset : what a packaged one is called.
    below : folder in each of the user's folders, and in the packaged one; empty for the folder itself.
    suffix : how the name of such a file ends.
    """

    noun: str
    preset: str
    below: str = ""
    suffix: str = ".yaml"

    def folders(self, search: Sequence[Path]) -> tuple[Path, ...]:
        """Return the user's folders of this sort in their order, then the packaged one."""
        return tuple(folder / self.below for folder in (*search, PRESETS))

    def available(self, search: Sequence[Path]) -> dict[str, Path]:
        """Name -> file, sorted; a user's file hides a preset of its name."""
        found: dict[str, Path] = {}
        for folder in self.folders(search):
            for path in folder.glob(f"*{self.suffix}"):
                if self.below or path.stem not in (DEFAULTS, META_DEFAULTS):
                    found.setdefault(path.stem, path)
        return dict(sorted(found.items()))

    def check_name(self, name: str, context: str = "") -> None:
        """Refuse what cannot be a name, and the name that is taken."""
        if not re.fullmatch(NAME, name):
            raise ProfileError(f"{context}{self.noun} name {shown(name)}: expected 1 to 64 of a-z, 0-9 and _")
        if name in (DEFAULTS, META_DEFAULTS) and not self.below:
            raise ProfileError(
                f"{context}the name {name!r} is taken by the packaged defaults, which every profile extends"
            )

    def find(self, name: str, search: Sequence[Path], context: str = "") -> Path:
        """Return the first file of this name; ProfileError suggests a near one, `context` standing before it."""
        self.check_name(name, context)
        for folder in self.folders(search):
            path = folder / f"{name}{self.suffix}"
            if path.is_file():
                return path
        known = self.available(search)
        raise ProfileError(f"{context}no {self.noun} {name!r}{instead_of(name, list(known))}")

    def label(self, path: Path) -> str:
        """Return what a file is called in messages and manifests: never a path of this machine."""
        if path.parent != PRESETS / self.below:
            return f"{self.noun} {path.stem} ({path.parent.name}/{path.name})"
        return DEFAULTS if not self.below and path.stem in (DEFAULTS, META_DEFAULTS) else f"{self.preset} {path.stem}"


PROFILES = Shelf(noun="profile", preset="preset")
SCANNERS = Shelf(noun="scanner", preset="preset scanner", below="scanners")
UNIVERSES = Shelf(noun="list of members", preset="preset list of members", below="universes", suffix=".csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawProfile:
    """A profile as read: layers from the packaged defaults (first) to the named file (last); nothing is checked yet.

    `search` is where the scanners that it names are looked for.
    """

    name: str
    layers: tuple[Layer, ...]
    search: tuple[Path, ...] = ()

    @property
    def is_meta(self) -> bool:
        """Whether it is a meta-profile: a file of its chain has sleeves."""
        return any(SLEEVES in layer.values for layer in self.layers)

    @property
    def sleeves(self) -> dict[str, str]:
        """Name -> profile of each sleeve, as far as the files have them written as they should."""
        found: object = next((one.values[SLEEVES] for one in reversed(self.layers) if SLEEVES in one.values), {})
        if not isinstance(found, Mapping):
            return {}
        return {name: str((isinstance(one, Mapping) and one.get("profile")) or name) for name, one in found.items()}


def available(search: Sequence[Path] = ()) -> dict[str, Path]:
    """Name -> file of every profile that `load` would find, sorted; a user's file hides a preset of its name."""
    return PROFILES.available(search)


def load(profile: str | Path, *, search: Sequence[Path] = ()) -> RawProfile:
    """Read a profile and its parents.

    Parameters
    ----------
    profile : a name, or the path of a file (whose folder is then searched first for its parents).
    search : the user's folders, first one first; the packaged presets come last.

    Raises
    ------
    ProfileError : no such profile, a bad name, a chain that is a circle or too long, or YAML that is not accepted.
    DataError : the file cannot be read.
    """
    folders = (profile.parent, *search) if isinstance(profile, Path) else tuple(search)
    if isinstance(profile, Path):
        path = profile
        if path.suffix != ".yaml" or not path.is_file():
            raise ProfileError(f"profile file {str(path)!r}: expected an existing file NAME.yaml")
        PROFILES.check_name(path.stem)
    else:
        path = PROFILES.find(profile, folders)
    return RawProfile(name=path.stem, layers=over_defaults(_chain(path, folders)), search=folders)


def over_defaults(chain: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return a chain of files over the packaged defaults: those of meta-profiles where one of the files has sleeves."""
    meta = any(SLEEVES in layer.values for layer in chain)
    return packaged_meta_defaults() if meta else packaged_defaults(), *chain


def packaged_defaults() -> Layer:
    """Return the values that hold unless a profile says otherwise."""
    return read(PROFILES, PRESETS / f"{DEFAULTS}.yaml", own=False)[0]


def packaged_meta_defaults() -> Layer:
    """Return the values that hold unless a meta-profile says otherwise: its own, and those that all profiles share."""
    usual, layer = packaged_defaults().values, read(PROFILES, PRESETS / f"{META_DEFAULTS}.yaml", own=False)[0]
    estimates = {name: usual["allocation"][name] for name in ("covariance", "means")}
    values = {**layer.values, **{name: usual[name] for name in SHARED}}
    return replace(layer, values={**values, "allocation": {**values["allocation"], **estimates}})


def _chain(path: Path, search: Sequence[Path]) -> list[Layer]:
    """Return the file and its parents, the oldest first; ProfileError for a circle or a chain that is too long."""
    layer, parent = read(PROFILES, path, own=True)
    return with_parents(layer, parent, path.stem, search)


def with_parents(layer: Layer, parent: str | None, name: str, search: Sequence[Path]) -> list[Layer]:
    """Return a layer of that name behind those of its parents, the oldest first."""
    layers, names = [layer], [name]
    while parent is not None:
        context = f"{layer.where('extends')}: extends: "
        check_trail(context, (*names, parent))
        names.append(parent)
        layer, parent = read(PROFILES, PROFILES.find(parent, search, context), own=False)
        layers.append(layer)
    return layers[::-1]


def check_trail(context: str, trail: Sequence[str]) -> None:
    """Refuse a trail of files that comes back to one of them, or is too long."""
    line = " -> ".join(trail)
    if trail[-1] in trail[:-1]:
        raise ProfileError(f"{context}circle {line}; give one of these files another name")
    if len(trail) > DEEPEST:
        raise ProfileError(f"{context}expected at most {DEEPEST} files in a chain, found {line}")


def read(shelf: Shelf, path: Path, *, own: bool) -> tuple[Layer, str | None]:
    """Return one file as a layer, and the name of its parent.

    What belongs to the file itself is checked and taken out.
    """
    label = shelf.label(path)
    values, lines = _mapping(text_of(path, label), label)
    return headed(shelf, Layer(label=label, values=values, lines=lines), path.stem, own=own)


def headed(shelf: Shelf, layer: Layer, own_name: str, *, own: bool) -> tuple[Layer, str | None]:
    """Take out of a layer what belongs to its file, and check it; return the layer and the name of its parent."""
    values = dict(layer.values)
    version = values.pop("version", None)
    if type(version) is not int or version != VERSION:
        raise ProfileError(f"{layer.where('version')}: version: expected {VERSION}, found {shown(version)}")
    name = values.pop("name", own_name)
    if name != own_name:
        raise ProfileError(f"{layer.where('name')}: name: expected the file's own, {own_name}, found {shown(name)}")
    parent = values.pop("extends", None)
    if parent is not None and not isinstance(parent, str):
        raise ProfileError(f"{layer.where('extends')}: extends: expected one {shelf.noun} name, found {shown(parent)}")
    if not own:
        values.pop("description", None)  # it describes that file, not those that build on it
    elif "description" not in values:
        values["description"] = ""
    return replace(layer, values=values), parent


def text_of(path: Path, label: str) -> str:
    """Return the text of a file; `label` names it where it is too large, no UTF-8, or cannot be read."""
    try:
        size, most = path.stat().st_size, LARGEST_YAML if path.suffix == ".yaml" else LARGEST
        if size > most:
            raise ProfileError(f"{label}: expected at most {most} bytes, found {size}")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProfileError(f"{label}: expected UTF-8 text, found byte {error.start} to be none") from error
    except OSError as error:
        raise DataError(f"{label}: cannot be read: {error.strerror}") from error


@lru_cache(maxsize=512)
def _mapping(text: str, label: str) -> tuple[Mapping[str, Any], Mapping[str, int]]:
    """Return the sections of a file and the lines of its keys, read once: one check reads a parent file many times."""
    lines: dict[str, int] = {}
    value = _yaml(text, label, lines)
    if not isinstance(value, dict):
        raise ProfileError(f"{label}: expected a mapping of sections, found {shown(value)}")
    return MappingProxyType(value), MappingProxyType(lines)


def parse_value(text: str, label: str) -> Any:
    """Return a value written as YAML, for sources that give one text per key; ProfileError names `label`."""
    return _yaml(text, label, {})


def _yaml(text: str, label: str, lines: dict[str, int]) -> Any:
    """Return the value of one YAML document; `lines` receives the line of every dotted key."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        return None if node is None else _Walk(loader, label, lines).value(node, "")
    except yaml.MarkedYAMLError as error:
        place = f"{label}, line {error.problem_mark.line + 1}" if error.problem_mark else label
        raise ProfileError(f"{place}: not readable as YAML: {error.problem}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ProfileError(f"{label}, line {line}: not readable as YAML: a control character") from error
    except RecursionError as error:
        raise ProfileError(f"{label}: not readable as YAML: nested too deeply") from error


class _Walk:
    """Builds plain values from YAML nodes and refuses what a profile never needs.

    An alias makes one node appear twice; a few lines of aliases of aliases would grow without bound when layers merge.
    """

    def __init__(self, loader: yaml.SafeLoader, label: str, lines: dict[str, int]) -> None:
        self._loader, self._label, self._lines = loader, label, lines
        self._seen: set[int] = set()

    def _refuse(self, node: yaml.Node, why: str) -> ProfileError:
        return ProfileError(f"{self._label}, line {node.start_mark.line + 1}: {why}")

    def value(self, node: yaml.Node, prefix: str) -> Any:
        if id(node) in self._seen:
            raise self._refuse(node, "anchors and aliases are not accepted; repeat the value or use extends")
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, prefix)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self._item(item, f"{prefix}{at}") for at, item in enumerate(node.value)]
        if not isinstance(node, yaml.ScalarNode):
            raise self._refuse(node, f"the tag {node.tag!r} is not accepted")
        integer = node.tag == "tag:yaml.org,2002:int"
        try:
            if integer and len(node.value) > 2 * LONGEST_INTEGER:
                raise OverflowError(f"expected an integer of at most {LONGEST_INTEGER} bits")
            value = self._loader.construct_object(node)
            if integer and value.bit_length() > LONGEST_INTEGER:
                raise OverflowError(f"expected an integer of at most {LONGEST_INTEGER} bits")
            return value
        except (ValueError, OverflowError) as error:  # it looks like a date or a number and is none
            raise self._refuse(node, f"{shown(node.value)} is not readable: {error}; put quotes around text") from error

    def _item(self, node: yaml.Node, place: str) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        return self.value(node, f"{place}.")

    def _mapping(self, node: yaml.MappingNode, prefix: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            name = key_node.value
            if key_node.tag != "tag:yaml.org,2002:str":
                raise self._refuse(key_node, f"expected text as a key, found {shown(name)}")
            if name in out:
                raise self._refuse(key_node, f"the key {shown(name)} appears twice; keep one")
            self._lines.setdefault(f"{prefix}{name}", key_node.start_mark.line + 1)
            out[name] = self.value(value_node, f"{prefix}{name}.")
        return out
