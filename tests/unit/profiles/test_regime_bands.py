"""Files of bands: what is accepted, and what a refusal says."""

import json
from pathlib import Path
from typing import Any

import pytest

from builders.profiles import resolved_of
from tvquant.core.errors import ProfileError
from tvquant.profiles.regime_bands import Bands, load_bands, packaged_bands


@pytest.fixture
def own(tmp_path: Path):
    """Return a function: changes of the packaged bands -> the folder of profiles that has them as `bands/own.json`."""

    def written(text: str = "", **changes: Any) -> Path:
        (tmp_path / "bands").mkdir(exist_ok=True)
        content = packaged_bands().model_dump(mode="json") | changes
        (tmp_path / "bands" / "own.json").write_text(text or json.dumps(content), "utf-8")
        return tmp_path

    return written


@pytest.mark.requirement("R-REG-10")
def test_the_packaged_bands_hold_what_they_were_made_of() -> None:
    bands = packaged_bands()
    assert (bands.sample, bands.draws, bands.made.isoformat()) == (None, 10_000, "2026-11-30")
    assert bands.quantiles.model_dump() == {
        "quiet": 0.10, "turbulent": 0.90, "crisis": 0.99, "growth": 0.50, "stress": 0.80,
    }  # fmt: skip
    assert bands.digest != bands.model_copy(update={"seed": bands.seed + 1}).digest


@pytest.mark.requirement("R-REG-10")
def test_a_profile_holds_the_content_of_the_file_that_it_names(own) -> None:
    folder = own(seed=7)
    (folder / "mine.yaml").write_text("version: 1\nextends: crypto_spot\nregime: {bands: own}\n", "utf-8")
    resolved = resolved_of("mine", search=folder)
    assert Bands.model_validate(resolved.profile.values()["regime"]["bands"]).seed == 7
    assert resolved.digest != resolved_of("crypto_spot").digest


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rows": [20, 252]}, "quiet: expected 2 figures, one for each of rows"),
        ({"rows": list(range(52))}, "rows: expected them ascending from 20 to 252"),
        ({"quiet": [float("nan")] * 52}, "finite number"),
        ({"quiet": [5.0] * 52}, "expected quiet <= turbulent <= crisis"),
        ({"seed": "7"}, "seed: expected a valid integer, found '7'"),
        ({"version": 2}, "version: unknown name 2"),
        ({"draw": 3}, "unknown key 'draw' - did you mean draws?"),
        ({"sample": {"profile": "p", "first": "2020-01-01", "last": "2020-13-01", "rows": 3, "digest": ""}},
         "sample.last: expected"),
    ],
)  # fmt: skip
def test_what_is_none_is_refused_in_one_line(own, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ProfileError) as caught:
        load_bands("own", [own(**changes)])
    assert str(caught.value).startswith("file of bands own (bands/own.json): ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "7"])
def test_what_is_no_document_is_refused(own, text: str) -> None:
    with pytest.raises(ProfileError, match="make it anew"):
        load_bands("own", [own(text)])


def test_a_name_that_no_file_bears_is_refused_with_a_near_one(own) -> None:
    with pytest.raises(ProfileError, match="no file of bands 'owm' - did you mean own"):
        load_bands("owm", [own()])
