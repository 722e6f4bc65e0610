"""The schema of meta-profiles: its rules between keys, each refused with the key and what would be right."""

from typing import Any

import pytest

from tvquant.core.errors import ProfileError
from tvquant.core.problems import Limits
from tvquant.profiles import ResolvedMeta, Vocabulary, load_mapping, resolve_meta
from tvquant.profiles.files import packaged_defaults

TWO = {"long": {"profile": "binance_spot_rating_all_long"}, "short": {"profile": "binance_spot_rating_all_short"}}


def meta_of(vocabulary: Vocabulary, **keys: Any) -> ResolvedMeta:
    """Return the meta-profile of two sleeves with single keys set: `join__span` is join.span."""
    arguments = {f"--{key}": (key.replace("__", "."), value) for key, value in keys.items()}
    return resolve_meta(load_mapping({"sleeves": TWO}), vocabulary, arguments=arguments)


def test_what_a_meta_profile_says_nothing_of_has_the_documented_default(vocabulary: Vocabulary) -> None:
    meta = meta_of(vocabulary).profile
    assert (meta.streams.engine, meta.streams.simulator) == ("custom", "custom")
    assert (meta.join.span, meta.join.dropped) == ("all", 0.2)
    assert meta.gates.model_dump() == {
        "solved": 0.75,
        "drop": False,
        "exceptions": (),
        "parity": False,
        "mirror": 0.99,
    }
    assert (meta.windows.train, meta.windows.rule) == (60, 20)
    allocation = meta.allocation
    assert (allocation.engine, allocation.profiles, allocation.fallbacks) == ("custom", ("hrp",), ())
    assert (allocation.bounds, allocation.mixes, meta.most_invested) == ((0.0, 1.0), {}, 1.0)
    limits = meta.limits.limits()
    assert limits == Limits(
        gross=1.0,
        net=(-1.0, 1.0),
        position=0.25,
        cluster=0.25,
        position_key="limits.position",
        cluster_key="limits.cluster",
    )
    assert meta.clusters.model_dump() == {"distance": 0.5, "linkage": "ward", "max": 25, "lookbacks": (60, 120, 200)}
    assert meta.promotable


def test_what_profiles_share_has_one_default(vocabulary: Vocabulary) -> None:
    values, usual = meta_of(vocabulary).profile.values(), packaged_defaults().values
    for section in ("costs", "benchmark", "parity", "seed"):
        assert values[section] == usual[section]
    assert values["execution"].items() >= usual["execution"].items()
    assert values["allocation"]["means"] == usual["allocation"]["means"]
    assert values["allocation"]["covariance"].items() >= usual["allocation"]["covariance"].items()


def test_a_sleeve_is_the_profile_of_its_name_and_the_order_of_names_is_theirs(vocabulary: Vocabulary) -> None:
    names = ("binance_spot_rating_ma_short", "binance_spot_rating_all_long")
    pinned = {"run": "20260101T000000-binance_spot_rating_ma_short-0a1b2c"}
    found = [
        resolve_meta(load_mapping({"sleeves": dict(order)}), vocabulary)
        for order in ([(names[0], pinned), (names[1], None)], [(names[1], {}), (names[0], pinned)])
    ]
    for one in found:
        assert {name: (s.profile, s.run) for name, s in one.profile.sleeves.items()} == {
            names[0]: (names[0], pinned["run"]),
            names[1]: (names[1], None),
        }
        assert list(one.profile.sleeves) == sorted(names)
    assert found[0].digest == found[1].digest


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"sleeves": {}}, "sleeves: expected "),
        ({"sleeves": ["long"]}, "sleeves: expected a mapping of a name to profile and run, found "),
        ({"sleeves": {"Long": {"profile": "crypto_spot"}}}, "sleeves: expected 1 to 64 of a-z, 0-9 and _"),
        ({"sleeves": {"long": {"profil": "crypto_spot"}}}, "unknown key 'profil' - did you mean profile?"),
        ({"sleeves": {"long": {"run": "last", **TWO["long"]}}}, "sleeves: "),
        ({"sleeves": {**TWO, "twin": TWO["long"]}}, "long and twin are the same run of binance_spot_rating_all_long"),
        ({"join__span": 60}, r"join.span: expected more rows than windows.train \(60\), or all, found 60"),
        ({"join__dropped": 1.1}, "join.dropped: "),
        ({"gates__solved": 1.1}, "gates.solved: "),
        ({"gates__mirror": 0.0}, "gates.mirror: "),
        ({"gates__exceptions": ["costs.slippage"]}, "gates.exceptions: costs.slippage: unknown key - did you mean"),
        ({"gates__exceptions": ["selection.top_n"]}, "selection.top_n: sleeves may differ in it anyway; leave it out"),
        ({"gates__exceptions": ["execution.simulators"]}, "execution.simulators: sleeves may differ in it anyway"),
        ({"windows__step": {"week": "fri"}}, "windows.step: expected a number of rows"),
        ({"windows__test": 20}, "windows.test: unknown key"),
        ({"allocation__bounds": [0.51, 1.0]}, "2 sleeves of at least 0.51 are 1.02 together, above 1; lower the least"),
        ({"allocation__bounds": [0.6, 0.4]}, r"allocation.bounds: expected \[least, most\], found \[0.6, 0.4\]; swap"),
        ({"allocation__bounds": 0.4}, r"allocation.bounds: expected \[least, most\], found 0.4"),
        ({"allocation__bounds": [0.0, 1.1]}, "allocation.bounds: expected 0 <= least <= most <= 1"),
        ({"allocation__bounds": [-0.1, 1.0]}, "allocation.bounds: expected 0 <= least <= most <= 1"),
        ({"allocation__bounds": [0.0, 0.0]}, "and a most above 0"),
        ({"allocation__mixes": {"half": {"lng": 0.5}}}, "half: unknown sleeve 'lng' - did you mean long?"),
        ({"allocation__mixes": {"much": {"long": 0.6, "short": 0.5}}}, "much: the weights are 1.1 together, expected"),
        ({"allocation__mixes": {"none": {"long": 0.0}}}, "none: the weights are 0 together"),
        ({"allocation__mixes": {"equal": {"long": 0.5}}}, "equal is the mix of equal weights, which is always there"),
        ({"allocation__fallbacks": ["hrp"]}, "allocation.fallbacks: hrp is what fails"),
        ({"limits__net": [0.2, 1.0]}, r"limits.net: expected an interval that holds 0, found \[0.2, 1.0\]"),
        ({"limits__position": 0.0}, "limits.position: "),
        ({"clusters__lookbacks": [19]}, "clusters.lookbacks: "),
        ({"execution__lots": True}, "execution.lots: is measured against execution.nav"),
        ({"data__span": 500}, "data: unknown key"),
    ],
)
def test_a_broken_rule_names_its_key_and_what_would_be_right(
    vocabulary: Vocabulary, keys: dict[str, Any], said: str
) -> None:
    with pytest.raises(ProfileError, match=said):
        meta_of(vocabulary, **keys)


def test_bounds_at_their_limits_are_bounds(vocabulary: Vocabulary) -> None:
    assert meta_of(vocabulary, allocation__bounds=[0.5, 0.5]).notices == ()
    mixes = {"cautious": {"long": 0.3}, "fixed": {"long": 0.7, "short": 0.3}}
    meta = meta_of(vocabulary, allocation__bounds=[0.0, 0.4], allocation__mixes=mixes, join__span=61)
    assert meta.profile.most_invested == 0.8
    assert meta.notices == ("20% of equity is always cash: 2 sleeves hold at most 0.4 each",)
    assert meta.profile.allocation.mixes == mixes
