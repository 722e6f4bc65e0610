import pytest

from builders.profiles import resolved_of
from tvquant.allocation.risk.aggressors import Aggressors
from tvquant.core.errors import ProfileError
from tvquant.core.regimes import Regime


def aggressors(**options):
    found = resolved_of(allocation__profiles=["barbell"], risk__primary="barbell", **options)
    return found.profile.allocation.options(Aggressors)


@pytest.mark.requirement("R-RSK-14")
def test_shares_fall_with_the_regime_and_a_profile_may_set_each() -> None:
    assert [aggressors().share(one) for one in Regime] == [0.15, 0.10, 0.05, 0.03]
    assert aggressors(allocation__barbell__crisis=0.01).share(Regime.CRISIS) == 0.01
    with pytest.raises(ProfileError, match=r"allocation\.barbell\.quiet: expected less than 1, found 1"):
        aggressors(allocation__barbell__quiet=1)
