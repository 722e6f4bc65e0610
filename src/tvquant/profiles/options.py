"""Options: the keys of a profile that belong to members of plug-in families, declared beside each member.

A member lists its declarations (`options`), `app` hands those of all catalogues to the `Vocabulary`, and `resolve`
checks and explains their keys as those of the schema. The member takes its values from the section of its family.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from pydantic import ConfigDict

from tvquant.core.errors import ProfileError
from tvquant.profiles.fields import Section

type Reader = Callable[[str, Sequence[Path]], Any]
"""From the name of a file and the user's folders to the value that a profile would have in its place."""


class Options(Section):
    """Base of a declaration: every field is a key with a type, a range, a default and an entry under `Parameters`.

    `under` is the name of the member where the keys are its alone: they are written `selection.<member>.<key>`. It is
    empty where several members share the keys, which are then written `selection.<key>`. `from_files` reads those keys
    for which a profile may name a file; the resolved profile has its content.
    """

    under: ClassVar[str] = ""
    from_files: ClassVar[Mapping[str, Reader]] = {}

    def complaints(self, profile: Any) -> Iterator[tuple[str, str]]:  # noqa: ARG002 (the whole of it, resolved)
        """Yield key and text of what these values cannot be in this profile.

        Shared keys are always asked, those of one member where the profile names it.
        """
        yield from ()

    @classmethod
    def among(cls, values: Iterable["Options"]) -> Self:
        """Return the values of this declaration among those that a member is given.

        Raises
        ------
        ProfileError : none of them is of this declaration.
        """
        for each in values:
            if isinstance(each, cls):
                return each
        raise ProfileError(f"no value of {', '.join(cls.model_fields)}: {cls.__name__} is declared by nobody named")


class Declaring(Protocol):
    """What every member of a family declares of itself: the options that it takes."""

    @property
    def options(self) -> tuple[type[Options], ...]:
        """Declarations, each of which gets its keys in the profile's section of the family."""
        ...


def declared_by(members: Iterable[Declaring]) -> tuple[type[Options], ...]:
    """Return the declarations of all members, each once however many members share it."""
    return tuple(dict.fromkeys(declared for member in members for declared in member.options))


class FamilySection(Section):
    """Base of a section that names members of families; it holds the values of their options beside its own keys."""

    model_config = ConfigDict(extra="allow")

    def options[O: Options](self, declared: type[O]) -> O:
        """Return the values of the keys that a member declares.

        Raises
        ------
        ProfileError : the section was resolved without this member.
        """
        held = self.model_extra or {}
        values = held.get(declared.under, {}) if declared.under else held
        missing = [key for key in declared.model_fields if key not in values]
        if missing:
            raise ProfileError(f"no value of {', '.join(missing)}; was the profile resolved by another version?")
        return declared.model_validate({key: values[key] for key in declared.model_fields})

    def options_of(self, *members: Declaring) -> tuple[Options, ...]:
        """Return the values of all that these members declare; ProfileError as `options`."""
        return tuple(self.options(declared) for declared in declared_by(members))


def places_of(declarations: Mapping[str, Sequence[type[Options]]]) -> Iterator[tuple[str, type[Options]]]:
    """Yield each declaration with the dotted place of its keys."""
    for section, every in declarations.items():
        for declared in every:
            yield f"{section}.{declared.under}" if declared.under else section, declared


def defaults_of(declarations: Mapping[str, Sequence[type[Options]]]) -> dict[str, Any]:
    """Return the defaults of all declarations, nested as in a file."""
    out: dict[str, Any] = {}
    for place, declared in places_of(declarations):
        at = out
        for name in place.split("."):
            at = at.setdefault(name, {})
        at |= declared().model_dump(mode="json")
    return out
