"""Options: the keys of a profile that belong to members of plug-in families, declared beside each member.

A member lists its declarations (`options`), `app` hands those of all catalogues to the `Vocabulary`, and `resolve`
checks and explains their keys as those of the schema. The member takes its values from the section of its family.
"""

from typing import ClassVar

from pydantic import ConfigDict

from tvquant.core.errors import ProfileError
from tvquant.profiles.fields import Section


class Options(Section):
    """Base of a declaration: every field is a key with a type, a range, a default and an entry under `Parameters`.

    `under` is the name of the member where the keys are its alone: they are written `selection.<member>.<key>`. It is
    empty where several members share the keys, which are then written `selection.<key>`.
    """

    under: ClassVar[str] = ""


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
