"""What a tournament plays beside the profile's own."""

import pytest

from builders.profiles import profile_of
from tvquant.core.errors import ProfileError


def test_what_competes_is_the_profile_with_other_keys() -> None:
    made = profile_of(grid__selections={"tight": {"min_winners": 2}}, grid__costs={"dear": {"slippage_bps": 50.0}})
    own, tight = made.entrants.values()
    assert (own, tight.selection.min_winners, tight.costs) == (made, 2, made.costs)
    _, dear = made.costings.values()
    assert (dear.costs.slippage_bps, dear.costs.commission_bps, dear.selection) == (
        50.0,
        made.costs.commission_bps,
        made.selection,
    )


@pytest.mark.parametrize(
    ("phases", "rows"), [(1, (0,)), (3, (0, 6, 13)), (20, tuple(range(20))), ("all", tuple(range(20)))]
)
def test_phases_are_spread_over_the_step(phases: object, rows: tuple[int, ...]) -> None:
    assert profile_of(grid__phases=phases).phases == tuple(rows)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"selections": {"same": {"min_winners": 15}}}, "is what the profile selects by itself"),
        ({"selections": {"v4": {"min_winners": 2}}}, "is the profile's own selection"),
        ({"costs": {"same": {"slippage_bps": 5.0}}}, "is what the profile costs by itself"),
        ({"costs": {"odd": {"slippage_bps": -1.0}}}, "greater than or equal to 0"),
        ({"costs": {"rich": {"cash_yield": 0.05}}}, "is one for all books"),
        ({"train": [501]}, "is more than data.lookback"),
        ({"train": [120, 120]}, "more than once"),
        ({"phases": 21}, "a step of 20 rows has 20 phases, found 21"),
        ({"phases": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_played_is_refused(given: dict[str, object], why: str) -> None:
    with pytest.raises(ProfileError, match=why):
        profile_of(**{f"grid__{key}": value for key, value in given.items()})


def test_starts_and_phases_have_their_place() -> None:
    with pytest.raises(ProfileError, match=r"so does data\.span"):
        profile_of(grid__starts=["2020-01-01"], data__span=300)
    with pytest.raises(ProfileError, match=r"is behind data\.end"):
        profile_of(grid__starts=["2021-01-01"], data__end="2020-01-01")
    with pytest.raises(ProfileError, match="has one phase"):
        profile_of(grid__phases=2, windows__step="month_end", windows__test=None)


def test_the_last_that_can_be_played_is_taken() -> None:
    """A training as long as the lookback, one a row below the span, and a start on the last day."""
    assert profile_of(grid__train=[500]).grid.train == (500,)
    assert profile_of(grid__train=[299], data__span=300).grid.train == (299,)
    with pytest.raises(ProfileError, match=r"300 is more than data\.lookback .* or data\.span has"):
        profile_of(grid__train=[300], data__span=300)
    assert len(profile_of(grid__starts=["2020-01-01"], data__end="2020-01-01").grid.starts) == 1
