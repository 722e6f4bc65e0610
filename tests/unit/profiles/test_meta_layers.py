"""Sleeves followed to their own files: circles, depth, and grids that lack the stream that is asked for."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tvquant.core.errors import ProfileError
from tvquant.profiles import (
    ResolvedMeta,
    ResolvedProfile,
    Vocabulary,
    dump,
    explain,
    from_manifest,
    lint,
    load,
    meta_from_manifest,
    resolve,
    resolve_meta,
    sleeves_of,
    to_manifest,
)

type Write = Callable[..., Path]
LONG = "sleeves: {binance_spot_rating_all_long: }\n"


@pytest.fixture
def meta(vocabulary: Vocabulary) -> ResolvedMeta:
    environment = {"TVQUANT_JOIN__SPAN": "400", "TVQUANT_DATA__SPAN": "700", "TVQUANT_HOME": "/x"}
    return resolve_meta(load("meta_benchmark"), vocabulary, environment=environment)


@pytest.mark.requirement("R-CFG-01")
def test_arguments_come_over_the_environment_over_files_over_defaults(
    vocabulary: Vocabulary, meta: ResolvedMeta
) -> None:
    rows = {row.key: (row.value, row.layer) for row in explain(meta)}
    assert rows["join.span"] == (400, "environment TVQUANT_JOIN__SPAN")
    assert rows["allocation.bounds"] == ([0.05, 0.95], "preset meta_benchmark")
    assert rows["gates.solved"] == (0.75, "defaults")
    assert (meta.is_own("join.span"), meta.is_own("allocation.bounds"), meta.is_own("gates.solved")) == (
        True,
        False,
        False,
    )
    assert tuple(rows) == vocabulary.meta_keys.leaves
    arguments = {"--set join.span": ("join.span", 450)}
    over = resolve_meta(
        load("meta_benchmark"), vocabulary, environment={"TVQUANT_JOIN__SPAN": "1"}, arguments=arguments
    )
    assert (over.profile.join.span, over.layers["join.span"]) == (450, "argument --set join.span")


def test_a_variable_of_a_meta_profile_is_none_of_a_profile_and_the_other_way_round(
    vocabulary: Vocabulary, meta: ResolvedMeta
) -> None:
    environment = {"TVQUANT_JOIN__SPAN": "400", "TVQUANT_DATA__SPAN": "700"}
    assert resolve(load("crypto_spot"), vocabulary, environment=environment).profile.data.span == 700
    found = sleeves_of(meta.profile, vocabulary, environment=environment)
    assert {name: one.profile.data.span for name, one in found.items() if isinstance(one, ResolvedProfile)} == {
        "binance_spot_rating_all_long": 700,
        "binance_spot_rating_all_short": 700,
    }
    for raw, resolver in ((load("crypto_spot"), resolve), (load("meta_benchmark"), resolve_meta)):
        with pytest.raises(ProfileError, match=r"join(\.spam)?: unknown key"):
            resolver(raw, vocabulary, environment={"TVQUANT_JOIN__SPAM": "1"})


def test_a_manifest_gives_the_same_meta_profile_back(meta: ResolvedMeta, vocabulary: Vocabulary, folder: Path) -> None:
    manifest = json.loads(json.dumps(to_manifest(meta), sort_keys=True))
    assert meta_from_manifest(manifest) == meta
    with pytest.raises(ProfileError, match="manifest: it is of a meta-portfolio"):
        from_manifest(manifest)
    with pytest.raises(ProfileError, match="manifest: it is of a profile without sleeves"):
        meta_from_manifest(to_manifest(resolve(load("crypto_spot"), vocabulary)))
    (folder / "copy.yaml").write_text(dump(meta), encoding="utf-8")
    assert resolve_meta(load("copy", search=[folder]), vocabulary).digest == meta.digest
    del manifest["layers"]["gates.mirror"], manifest["profile"]["gates"]["mirror"]
    with pytest.raises(ProfileError, match="manifest: digest"):
        meta_from_manifest(manifest)
    manifest["profile"]["gates"]["mirror"] = 0.5
    with pytest.raises(ProfileError, match="manifest: layers"):
        meta_from_manifest(manifest)


def test_each_resolver_refuses_what_is_the_others_and_says_which_command_takes_it(vocabulary: Vocabulary) -> None:
    with pytest.raises(ProfileError, match=r"^meta_benchmark is a meta-portfolio.*`tvquant meta meta_benchmark` plays"):
        resolve(load("meta_benchmark"), vocabulary)
    with pytest.raises(ProfileError, match=r"profile crypto_spot has no sleeves.*`tvquant run` plays it"):
        resolve_meta(load("crypto_spot"), vocabulary)


@pytest.mark.requirement("R-META-01")
def test_levels_nest_three_deep_and_no_further(folder: Path, write: Write, vocabulary: Vocabulary) -> None:
    write("one", LONG)
    for name, below in (("two", "one"), ("three", "two"), ("four", "three")):
        write(name, f"sleeves: {{below: {{profile: {below}}}, binance_spot_rating_all_short: }}\n")
    third = resolve_meta(load("three", search=[folder]), vocabulary)
    sleeves = sleeves_of(third.profile, vocabulary, search=[folder])
    assert {name: type(one) for name, one in sleeves.items()} == {
        "below": ResolvedMeta,
        "binance_spot_rating_all_short": ResolvedProfile,
    }
    with pytest.raises(
        ProfileError, match="at most 3 meta-portfolios above each other, found four -> three -> two -> one"
    ):
        resolve_meta(load("four", search=[folder]), vocabulary)
    (problem,) = lint("four", vocabulary, search=[folder])
    assert (problem.key, problem.layer) == ("sleeves", "profile four (profiles/four.yaml), line 2")


@pytest.mark.requirement("R-META-01")
def test_a_circle_is_refused_with_its_way(folder: Path, write: Write, vocabulary: Vocabulary) -> None:
    write("self", "sleeves: {self: }\n")
    with pytest.raises(ProfileError, match="sleeve self: circle self -> self; a meta-portfolio cannot be a sleeve of"):
        resolve_meta(load("self", search=[folder]), vocabulary)
    write("a", "sleeves: {x: {profile: b}}\n")
    write("b", "sleeves: {y: {profile: a}}\n")
    with pytest.raises(ProfileError, match="sleeve x: meta-profile b: sleeves: sleeve y: circle a -> b -> a"):
        resolve_meta(load("a", search=[folder]), vocabulary)


def test_a_sleeve_that_is_wrong_or_missing_is_named(folder: Path, write: Write, vocabulary: Vocabulary) -> None:
    write("bad", "extends: crypto_spot\nwindows: {train: 0}\n")
    write("m", "sleeves: {good: {profile: crypto_spot}, worse: {profile: bad}, lost: {profile: cripto_spot}}\n")
    problems = [str(one) for one in lint("m", vocabulary, search=[folder])]
    assert [one.partition(" (profile m")[0] for one in problems] == [
        "sleeves: sleeve lost: no profile 'cripto_spot' - did you mean crypto_spot? (known: "
        + problems[0].partition("(known: ")[2].partition(")")[0]
        + ")",
        "sleeves: sleeve worse: profile bad: windows.train: expected greater than or equal to 2, found 0 "
        "(profile bad (profiles/bad.yaml), line 3)",
    ]


@pytest.mark.requirement("R-META-03")
def test_a_sleeve_without_the_stream_that_is_asked_for_is_refused_by_name(
    folder: Path, write: Write, vocabulary: Vocabulary
) -> None:
    words = replace(
        vocabulary,
        engines={**vocabulary.engines, "narrow": frozenset({"hrp"})},
        simulators=frozenset({"custom", "other"}),
        refusals={"other": frozenset({"borrow"})},
    )
    write("thin", "extends: crypto_spot\nallocation: {profiles: [equal_weight]}\n")
    write(
        "both",
        "extends: crypto_spot\nallocation: {engines: [custom, narrow]}\nexecution: {simulators: [custom, other]}\n",
    )
    write("inner", "sleeves: {both: }\n")
    write("dear", "extends: both\ncosts: {borrow_rate: 0.0}\ngrid: {costs: {dear: {borrow_rate: 0.1}}}\n")

    def said(text: str) -> list[str]:
        write("m", text)
        return [one.text for one in lint("m", words, search=[folder])]

    assert said("sleeves: {s: {profile: thin}}\n") == [
        "sleeve s: thin has no stream of hrp: its allocation.profiles has equal_weight; add hrp there, or change "
        "allocation.profiles of m"
    ]
    assert said("sleeves: {both: }\nallocation: {profiles: [hrp, equal_weight]}\n") == []
    assert said("sleeves: {both: }\nallocation: {profiles: [hrp, risk_parity]}\nstreams: {engine: narrow}\n") == [
        "sleeve both: both has no stream of risk_parity: narrow does not solve risk_parity; change "
        "allocation.profiles of m"
    ]
    assert said("sleeves: {thin: }\nallocation: {profiles: [equal_weight]}\nstreams: {engine: narrow}\n") == [
        "sleeve thin: thin has no stream of narrow: its allocation.engines has custom; add narrow there, or change "
        "streams.engine of m"
    ]
    assert said("sleeves: {both: }\nstreams: {simulator: other}\n") == [
        "sleeve both: both has no stream of other: other refuses borrow (costs.borrow_rate); change "
        "streams.simulator of m"
    ]
    assert said("sleeves: {dear: }\nstreams: {simulator: other}\n") == [], "what is refused is another book of it"
    assert said("sleeves: {inner: }\nallocation: {profiles: [equal_weight]}\nstreams: {engine: narrow}\n") == [
        "sleeve inner: inner has no stream of narrow: its allocation.engine has custom; add narrow there, or change "
        "streams.engine of m",
        "sleeve inner: inner has no stream of equal_weight: its allocation.profiles has hrp; add equal_weight there, "
        "or change allocation.profiles of m",
    ]


def test_simulators_that_keep_no_book_are_noted(folder: Path, write: Write, vocabulary: Vocabulary) -> None:
    words = replace(vocabulary, simulators=frozenset({"custom", "other"}), refusals={"other": frozenset({"leverage"})})
    write("m", f"{LONG}execution: {{simulators: [custom, other]}}\n")
    assert resolve_meta(load("m", search=[folder]), words).notices == ()
    write("m", f"{LONG}execution: {{simulators: [custom, other]}}\nlimits: {{gross: 1.5}}\n")
    raw = load("m", search=[folder])
    assert resolve_meta(raw, words).notices == ("simulator other refuses leverage: no book of it is made",)
    arguments = {"-s": ("execution.simulators", ["other"])}
    with pytest.raises(
        ProfileError, match=r"limits\.gross: leverage is refused by all of execution\.simulators \(other\)"
    ):
        resolve_meta(raw, words, arguments=arguments)


def test_a_file_that_builds_on_a_meta_profile_is_one(folder: Path, write: Write, vocabulary: Vocabulary) -> None:
    write("mine", "extends: meta_benchmark\njoin: {span: 100}\n")
    raw = load("mine", search=[folder])
    assert (raw.is_meta, load("crypto_spot").is_meta) == (True, False)
    assert raw.sleeves == {name: name for name in ("binance_spot_rating_all_long", "binance_spot_rating_all_short")}
    assert resolve_meta(raw, vocabulary).profile.join.span == 100
    with pytest.raises(ProfileError, match="the name 'meta_defaults' is taken by the packaged defaults"):
        load("meta_defaults")


def test_what_comes_back_to_a_recorded_meta_profile_is_refused(
    folder: Path, write: Write, vocabulary: Vocabulary, meta: ResolvedMeta
) -> None:
    """A run holds the meta-profile; a file of a sleeve may have changed since."""
    write("binance_spot_rating_all_long", "sleeves: {meta_benchmark: }\n")
    with pytest.raises(ProfileError, match="circle meta_benchmark -> binance_spot_rating_all_long -> meta_benchmark"):
        sleeves_of(meta.profile, vocabulary, search=[folder])
