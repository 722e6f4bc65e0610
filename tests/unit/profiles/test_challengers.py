"""Challengers in a profile: what each selects by, what is refused, and who decides where nothing is said."""

from typing import Any

import pytest

from builders.profiles import plain_presets, profile_of, resolved_of
from tvquant.core.errors import ProfileError
from tvquant.profiles import from_manifest, to_manifest
from tvquant.profiles.files import DEFAULTS
from tvquant.selection import SELECTION_MODELS


def refused(**challengers: Any) -> str:
    with pytest.raises(ProfileError) as caught:
        profile_of(challengers=challengers)
    return str(caught.value)


def test_a_challenger_selects_as_the_profile_does_but_for_its_own_keys() -> None:
    given = {"v3.4": {"model": "v3.4"}, "wide": {"top_n": 5, "vetoes": ["kurtosis"], "null_share": 0.2}}
    resolved = resolved_of(challengers=given)
    profile = resolved.profile
    wide = profile.challenger("wide")
    changed = {"top_n": 5, "vetoes": ["kurtosis"], "null_share": 0.2}
    assert wide.selection.model_dump(mode="json") == profile.selection.model_dump(mode="json") | changed
    assert profile.challenger("v3.4").selection.model == "v3.4"
    assert wide.model_dump(exclude={"selection"}) == profile.model_dump(exclude={"selection"})
    again = from_manifest(to_manifest(resolved))
    assert again.digest == resolved.digest != resolved_of().digest
    assert again.profile.challenger("wide").selection == wide.selection


def test_what_a_challenger_cannot_be_is_refused_in_one_line() -> None:
    assert "challengers: x: unknown selection model 'v9'" in refused(x={"model": "v9"}).replace("selection.model: ", "")
    assert "x: selection.topn: unknown key - did you mean selection.top_n?" in refused(x={"topn": 3})
    assert "x: selection.vetoes: unknown veto 'entropi' - did you mean entropy?" in refused(x={"vetoes": ["entropi"]})
    assert "x: expected greater than or equal to 1, found 0" in refused(x={"top_n": 0}).replace("a number ", "")
    assert "0.9" in refused(x={"null_share": 0.9})
    assert "x: {'model': 'v4'} is what the profile selects by itself" in refused(x={"model": "v4"})
    assert "selection.model all does not use it" in refused(x={"model": "all", "top_n": 2})
    for name in ("X", "a b", "a/b", ""):
        assert "challengers" in refused(**{name: {"model": "v3.4"}})
    assert "challengers" in refused(x={})
    assert "challengers" in refused(x="v3.4")


def test_a_rule_is_stated_whole_or_not_at_all() -> None:
    assert profile_of().promotion.unstated == ("promotion.statistic", "promotion.margin", "promotion.windows")
    stated = {"promotion.statistic": "mean_difference", "promotion.margin": 0, "promotion.windows": 12}
    keys = {key.replace(".", "__"): value for key, value in stated.items()}
    assert profile_of(**keys).promotion.unstated == ()
    for key, wrong in (("margin", -0.1), ("windows", 0), ("confidence", 1.0), ("block", 0), ("statistic", "sharpe")):
        with pytest.raises(ProfileError, match=f"promotion.{key}"):
            profile_of(**{f"promotion__{key}": wrong})


@pytest.mark.requirement("R-TRN-03")
def test_v4_decides_wherever_a_profile_says_nothing_and_every_other_model_can_challenge_it() -> None:
    layers = {"defaults", "crypto_rating_sleeve"}
    names = plain_presets() - layers
    assert len(names) > 10
    for name in names:
        resolved = resolved_of(name)
        assert (resolved.profile.selection.model, resolved.layers["selection.model"]) == ("v4", DEFAULTS)
    for model in set(SELECTION_MODELS) - {"v4"}:
        assert profile_of(challengers={"legacy": {"model": model}}).challenger("legacy").selection.model == model
