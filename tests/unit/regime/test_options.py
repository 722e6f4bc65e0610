"""Options of the detector: what is refused before any work."""

from typing import Any

import pytest

from builders.profiles import profile_of, resolved_of
from tvquant.core.errors import ProfileError
from tvquant.profiles.regime_bands import packaged_bands
from tvquant.regime import options


@pytest.mark.parametrize(("name", "library"), [("hmm", "hmmlearn"), ("jump", "jumpmodels")])
def test_a_library_that_is_not_there_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, name: str, library: str
) -> None:
    keys: dict[str, Any] = {f"regime__{name}": True}
    resolved_of(**keys)
    monkeypatch.setattr(options, "find_spec", lambda asked: None if asked == library else object())
    with pytest.raises(ProfileError, match=rf"regime.{name}: {library} is not installed; install tvquant\[stats\]"):
        resolved_of(**keys)
    profile_of()


def test_bands_that_nobody_looks_at_are_refused() -> None:
    bands = packaged_bands().model_dump(mode="json")
    profile_of(regime__bands=bands)
    with pytest.raises(ProfileError, match=r"regime.bands: the preset as_specified has fixed figures"):
        profile_of(regime__bands=bands, regime__preset="as_specified")
