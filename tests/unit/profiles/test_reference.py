import json

import pytest
import yaml

from tvquant.app.vocabulary import vocabulary
from tvquant.core.errors import ProfileError
from tvquant.profiles import explain, load, load_mapping, resolve, resolve_meta
from tvquant.profiles.reference import REQUIRED, among, meta_keys, profile_keys, scanner_keys, written
from tvquant.profiles.scanners import check_scanner

WORDS = vocabulary()
KEYS = {one.key: one for one in profile_keys(WORDS)}


def values(**arguments):
    found = resolve(load("us_equities"), WORDS, arguments={key: (key, value) for key, value in arguments.items()})
    return {row.key: row.value for row in explain(found)}


def test_every_key_of_the_schema_is_there_and_each_number_has_its_unit():
    assert tuple(KEYS) == WORDS.keys.leaves
    assert [key for key, one in KEYS.items() if "number" in one.type and not one.unit] == ["seed"]


def test_a_word_that_two_sections_use_is_told_by_its_section():
    of_features, own = KEYS["selection.weights"], KEYS["allocation.fixed.weights"]
    assert (of_features.type, of_features.unit) == ("choice", "")
    assert (own.type[:20], own.unit) == ("mapping of a symbol ", "fraction of equity")


def test_defaults_are_those_that_a_profile_gets():
    resolved = values()
    own = (
        "universe.kinds",
        "allocation.profiles",
        "risk.primary",
        "risk.anchors",
        "benchmark.market",
        "description",
        "windows.test",
    )
    assert {key: KEYS[key].default for key in KEYS if key not in own} == {
        key: value for key, value in resolved.items() if key not in (*own, "version", "name")
    }
    required = [key for key, one in KEYS.items() if one.default == REQUIRED]
    assert required == ["universe.kinds", "allocation.profiles"]


def test_keys_of_a_meta_profile_are_those_of_its_schema_with_units_defaults_and_examples_that_stand():
    keys = {one.key: one for one in meta_keys(WORDS)}
    assert tuple(keys) == tuple(f"meta.{key}" for key in WORDS.meta_keys.leaves)
    assert [key for key, one in keys.items() if "number" in one.type and not one.unit] == ["meta.seed"]
    assert [key for key, one in keys.items() if one.default == REQUIRED] == ["meta.sleeves"]
    two = {name: {"profile": f"binance_spot_rating_all_{name}"} for name in ("long", "short")}
    usual = {row.key: row.value for row in explain(resolve_meta(load_mapping({"sleeves": two}), WORDS))}
    for name, one in keys.items():
        key = name.removeprefix("meta.")
        if one.default != REQUIRED:
            assert one.default == usual[key], key
        (found,) = yaml.safe_load(one.line).items()
        assert found == (key.rpartition(".")[2], one.example)
        made = resolve_meta(load_mapping({"sleeves": two}), WORDS, arguments={"--key": (key, one.example)})
        assert {row.key: row.value for row in explain(made)}[key] == one.example
    assert keys["meta.allocation.bounds"].sort == "pair of numbers [least, most]; fraction of equity"
    assert "barbell" not in keys["meta.allocation.profiles"].choices


@pytest.mark.parametrize("key", KEYS)
def test_an_example_is_read_back_as_it_is_and_may_stand_there(key):
    one = KEYS[key]
    (found,) = yaml.safe_load(one.line).items()
    assert found == (
        key.rpartition(".")[2],
        yaml.safe_load(json.dumps(one.example).replace('"', "")) if "date" in one.type else one.example,
    )
    shown = values(**{key: one.example})[key]
    if key != "universe.scanners":
        assert shown == one.example


@pytest.mark.parametrize(
    ("key", "good", "bad", "said"),
    [
        ("costs.slippage_bps", 10_000.0, 10_000.1, "basis points; at least 0, at most 10000"),
        ("data.max_missing", 0.0, 1.0, "at least 0, below 1"),
        ("selection.max_kurtosis", 0.1, 0.0, "above 0"),
        ("windows.train", 2, 1, "rows (one bar each); at least 2"),
        ("windows.step", 1, 0, "rows (one bar each); at least 1"),
        ("windows.step", {"week": "friday"}, {"week": "fri"}, "month_end, quarter_end, year_end"),
        ("benchmark.risk_free", 1.0, -1.0, "fraction per year; above -1, at most 1"),
        ("data.start", "2019-01-01", "2019-01-01 10:00", "date or null"),
        ("selection.cluster_lookbacks", [20], [19], "not empty, each at least 20"),
        ("universe.kinds", ["stock"], [], "list of choices; not empty; spot, swap"),
        ("universe.rating_band", None, 1.1, "number or null; rating, from 0 to 1; at least 0, at most 1"),
        ("data.rating_adx", None, "falling", "choice or null; rising, cross"),
        ("risk.primary", "hrp", "hrpp", "choice; adaptive, barbell, cvar_min"),
    ],
)
def test_what_is_said_of_a_key_is_what_validation_does(key, good, bad, said):
    assert said in KEYS[key].sort
    assert values(**{key: good})[key] == good
    with pytest.raises(ProfileError):
        values(**{key: bad})


def test_the_example_of_each_scanner_key_makes_a_sound_scanner(tmp_path):
    folder = tmp_path / "scanners"
    folder.mkdir()
    rows = {one.key.removeprefix("scanner."): one.example for one in scanner_keys()}
    pool = {"version": 1, **rows, "exchange": None, "quotes": []}
    (folder / "mine.yaml").write_text(yaml.safe_dump(pool))
    assert check_scanner("mine", WORDS, search=[tmp_path]) == []
    assert {one.key for one in scanner_keys()} >= {"scanner.filters", "scanner.layer"}


def test_a_section_or_a_key_is_chosen_and_another_is_refused_with_the_nearest():
    every = profile_keys(WORDS)
    assert [one.key for one in among(every, "windows")] == ["windows.train", "windows.step", "windows.test"]
    assert [one.key for one in among(every, "data.span")] == ["data.span"]
    assert among(every, None) == every
    with pytest.raises(ProfileError, match="did you mean windows"):
        among(every, "window")


def test_values_are_written_as_yaml_reads_them():
    value = {"a": [1, 2.5, None, True], "b": "x"}
    assert yaml.safe_load(written(value)) == value
