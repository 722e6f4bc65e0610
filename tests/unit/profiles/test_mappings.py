from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tvquant.app.vocabulary import vocabulary
from tvquant.core.errors import ProfileError
from tvquant.profiles import load_mapping, resolve


def test_a_mapping_is_the_last_layer_over_its_parents() -> None:
    raw = load_mapping({"extends": "us_equities", "data": {"span": np.int64(300)}, "costs.slippage_bps": np.float32(2)})
    assert raw.name == "from_python"
    labels = [layer.label for layer in raw.layers]
    assert labels == ["defaults", "preset us_equities", "profile from_python (a mapping)"]
    found = resolve(raw, vocabulary())
    assert (found.profile.data.span, found.profile.costs.slippage_bps, found.profile.description) == (300, 2.0, "")
    assert found.is_own("data.span")
    assert not found.is_own("data.lookback")


def test_it_finds_parents_in_the_users_folders_and_keeps_plain_values(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("version: 1\nextends: us_equities\nseed: 7\n", encoding="utf-8")
    given = {
        "name": "mine",
        "extends": "base",
        "universe": {"symbols": ("NYSE:A",)},
        "description": "d",
        "x": date(2020, 1, 1),
    }
    raw = load_mapping(given, search=[tmp_path])
    assert [layer.values.get("seed") for layer in raw.layers] == [0, None, 7, None]
    assert raw.layers[-1].values == {"universe": {"symbols": ["NYSE:A"]}, "description": "d", "x": date(2020, 1, 1)}
    assert given["universe"] == {"symbols": ("NYSE:A",)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({1: 2}, "profile from_python (a mapping): expected text as a key, found 1"),
        ({"data": {"span": object}}, "data.span: expected a plain value, list or mapping, found <class 'object'>"),
        ({"name": "Two words"}, "profile name 'Two words': expected 1 to 64 of a-z, 0-9 and _"),
        ({"name": 3}, "profile: name: expected 1 to 64"),
        ({"version": 2}, "profile from_python (a mapping): version: expected 1, found 2"),
        ({"extends": ["a"]}, "extends: expected one profile name, found ['a']"),
        ({"extends": "us_equites"}, "no profile 'us_equites' - did you mean us_equities?"),
        ({"name": "us_equities", "extends": "us_equities"}, "circle us_equities -> us_equities"),
    ],
)
def test_what_a_file_could_not_say_is_refused(values: dict, message: str) -> None:
    with pytest.raises(ProfileError) as caught:
        load_mapping(values)
    assert message in str(caught.value)
