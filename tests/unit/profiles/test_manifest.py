import json
from pathlib import Path
from typing import Any

import pytest

from tvquant.core.digests import digest_json
from tvquant.core.errors import ProfileError
from tvquant.profiles import ResolvedProfile, Vocabulary, dump, explain, from_manifest, load, resolve, to_manifest


@pytest.fixture
def resolved(vocabulary: Vocabulary) -> ResolvedProfile:
    return resolve(load("demo_sp500"), vocabulary, environment={"TVQUANT_DATA__SPAN": "750"})


@pytest.mark.requirement("R-CFG-01")
def test_a_manifest_gives_the_same_profile_back(resolved: ResolvedProfile) -> None:
    text = json.dumps(to_manifest(resolved), allow_nan=False)
    back = from_manifest(json.loads(text))
    assert back == resolved
    assert to_manifest(back) == json.loads(text)


@pytest.mark.requirement("R-CFG-01")
def test_scanners_are_written_down_whole(vocabulary: Vocabulary, folder: Path) -> None:
    resolved = resolve(load("binance_spot_rating_ma_short"), vocabulary)
    text = json.dumps(to_manifest(resolved))
    assert from_manifest(json.loads(text)) == resolved
    (scanner,) = {row.key: row.value for row in explain(resolved)}["universe.scanners"]
    assert scanner["signal"] == [{"field": "recommend_ma", "below": -0.1}]
    (folder / "copy.yaml").write_text(dump(resolved), encoding="utf-8")
    copy = resolve(load("copy", search=[folder]), vocabulary)
    assert copy.digest == resolved.digest, "a dump needs no scanner file"
    changed = json.loads(text)
    changed["profile"]["universe"]["scanners"][0]["signal"][0]["below"] = 0.0
    with pytest.raises(ProfileError, match="manifest: digest"):
        from_manifest(changed)


def test_a_manifest_that_was_changed_is_refused(resolved: ResolvedProfile) -> None:
    manifest = to_manifest(resolved)
    manifest["profile"]["costs"]["slippage_bps"] = 0.0
    with pytest.raises(ProfileError, match=rf"manifest: digest: expected \w+, found {resolved.digest}; it was changed"):
        from_manifest(manifest)


@pytest.fixture
def earlier(resolved: ResolvedProfile) -> dict[str, Any]:
    """A manifest as a version wrote it that did not know dates, limits by name and a risk-free rate."""
    manifest = json.loads(json.dumps(to_manifest(resolved)))
    for key in ("data.start", "data.end", "allocation.limits.names", "benchmark.risk_free"):
        del manifest["layers"][key]
        *sections, last = key.split(".")
        at = manifest["profile"]
        for name in sections:
            at = at[name]
        del at[last]
    values = {key: value for key, value in manifest["profile"].items() if key not in ("name", "description")}
    return {**manifest, "digest": digest_json(values)}


def test_keys_that_an_earlier_version_did_not_know_have_their_defaults_and_are_named(
    resolved: ResolvedProfile, earlier: dict[str, Any]
) -> None:
    back = from_manifest(earlier)
    assert back.profile == resolved.profile
    assert back.layers == {**resolved.layers}
    assert back.notices == (
        *resolved.notices,
        "recorded by a version that did not know data.start, data.end, allocation.limits.names, benchmark.risk_free: "
        "shown with the defaults of these keys, which change nothing",
    )


def test_a_manifest_of_an_earlier_version_is_held_to_its_digest(earlier: dict[str, Any]) -> None:
    earlier["profile"]["costs"]["slippage_bps"] = 0.0
    with pytest.raises(ProfileError, match="manifest: digest"):
        from_manifest(earlier)


def test_a_key_that_has_a_layer_or_no_default_was_taken_out(resolved: ResolvedProfile, earlier: dict[str, Any]) -> None:
    with pytest.raises(ProfileError, match=r"manifest: profile\.data\.start: "):
        from_manifest({**earlier, "layers": to_manifest(resolved)["layers"]})
    del earlier["layers"]["universe.kinds"], earlier["profile"]["universe"]["kinds"]
    with pytest.raises(ProfileError, match=r"manifest: profile\.universe\.kinds: "):
        from_manifest(earlier)


@pytest.mark.parametrize("key", ["max_kurtosis", "zzz"])
def test_a_manifest_with_other_options_is_refused(resolved: ResolvedProfile, key: str) -> None:
    manifest = to_manifest(resolved)
    selection = manifest["profile"]["selection"]
    if key in selection:
        del selection[key]
    else:
        selection[key] = 1.0
    with pytest.raises(ProfileError, match="manifest: layers: expected the layer of every key"):
        from_manifest(manifest)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"profile": None}, "manifest: profile: "),
        ({"profile": {"version": 2}}, "manifest: profile.version: "),
        ({"layers": {}}, "manifest: layers: expected the layer of every key"),
        ({"layers": None}, "manifest: layers: expected"),
        ({"digest": None}, "manifest: digest: expected"),
    ],
)
def test_what_is_no_manifest_is_refused(resolved: ResolvedProfile, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        from_manifest({**to_manifest(resolved), **change})


def test_explain_has_every_key_with_value_and_layer(resolved: ResolvedProfile, vocabulary: Vocabulary) -> None:
    rows = {row.key: (row.value, row.layer) for row in explain(resolved)}
    assert rows["data.span"] == (750, "environment TVQUANT_DATA__SPAN")
    assert rows["universe.kinds"] == (["stock"], "preset demo_sp500")
    assert rows["risk.primary"] == ("barbell", "defaults")
    assert rows["allocation.limits.net"] == ([-1.0, 1.0], "defaults")
    assert rows["selection.max_kurtosis"] == (20.0, "defaults")
    assert tuple(rows) == vocabulary.keys.leaves
    assert set(rows) == set(resolved.layers)


def test_a_dump_is_a_profile_of_its_own(resolved: ResolvedProfile, folder: Path, vocabulary: Vocabulary) -> None:
    (folder / "copy.yaml").write_text(dump(resolved), encoding="utf-8")
    copy = resolve(load("copy", search=[folder]), vocabulary)
    assert copy.digest == resolved.digest
    assert copy.profile.description == resolved.profile.description
    assert set(copy.layers.values()) == {"profile copy (profiles/copy.yaml)"}
