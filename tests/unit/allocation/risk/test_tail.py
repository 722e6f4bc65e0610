import pytest

from builders.profiles import resolved_of
from tvquant.allocation.risk.tail import Tail
from tvquant.core.errors import ProfileError


def level(**options):
    found = resolved_of(allocation__profiles=["cvar_min"], risk__primary="cvar_min", **options)
    return found.profile.allocation.options(Tail).level


def test_the_level_is_95_percent_unless_a_profile_says_otherwise() -> None:
    assert level() == 0.95
    assert level(allocation__cvar_min__level=0.9) == 0.9
    with pytest.raises(ProfileError, match=r"allocation\.cvar_min\.level: expected less than 1, found 1"):
        level(allocation__cvar_min__level=1)
