import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tvquant.core.errors import ProfileError
from tvquant.profiles import ProfileProblem, ResolvedProfile, Vocabulary, dump, lint, load, resolve
from tvquant.profiles.scanners import load_scanner

type Write = Callable[..., Path]


def with_argument(vocabulary: Vocabulary, key: str, value: Any, preset: str = "us_equities") -> ResolvedProfile:
    return resolve(load(preset), vocabulary, arguments={"--option": (key, value)})


@pytest.mark.requirement("R-CFG-01")
def test_argument_over_environment_over_profile_over_defaults(
    folder: Path, write: Write, vocabulary: Vocabulary
) -> None:
    write("demo", "extends: us_equities\nwindows: {train: 70, step: 7}\ndata: {span: 700, lookback: 700}\n")
    environment = {"TVQUANT_WINDOWS__TRAIN": "80", "TVQUANT_DATA__SPAN": "800", "TVQUANT_SEED": "8", "PATH": "/bin"}
    arguments = {"--train": ("windows.train", 90)}
    resolved = resolve(load("demo", search=[folder]), vocabulary, environment=environment, arguments=arguments)
    p, layers = resolved.profile, resolved.layers
    found = [
        (p.windows.train, layers["windows.train"]),
        (p.data.span, layers["data.span"]),
        (p.data.lookback, layers["data.lookback"]),
        (p.benchmark.market, layers["benchmark.market"]),
        (p.costs.slippage_bps, layers["costs.slippage_bps"]),
        (p.seed, layers["seed"]),
        (p.windows.test, layers["windows.test"]),
    ]
    assert found == [
        (90, "argument --train"),
        (800, "environment TVQUANT_DATA__SPAN"),
        (700, "profile demo (profiles/demo.yaml)"),
        (("AMEX:SPY",), "preset us_equities"),
        (5.0, "defaults"),
        (8, "environment TVQUANT_SEED"),
        (7, "windows.step of profile demo (profiles/demo.yaml)"),
    ]


@pytest.mark.requirement("R-CFG-01")
def test_mappings_merge_and_lists_replace(folder: Path, write: Write, vocabulary: Vocabulary) -> None:
    write("a", "extends: us_equities\nallocation: {limits: {gross: 0.5}, fallbacks: [equal_weight, min_variance]}\n")
    write("b", "extends: a\nallocation: {fallbacks: [equal_weight]}\nuniverse: {kinds: [etf]}\n")
    profile = resolve(load("b", search=[folder]), vocabulary).profile
    assert (profile.allocation.limits.gross, profile.allocation.limits.position) == (0.5, 0.25)
    assert profile.allocation.fallbacks == ("equal_weight",)
    assert [kind.value for kind in profile.universe.kinds] == ["etf"]


def test_nested_and_list_values_come_from_the_environment(vocabulary: Vocabulary) -> None:
    environment = {"TVQUANT_ALLOCATION__LIMITS__NET": "[0, 0.5]", "TVQUANT_UNIVERSE__SYMBOLS": "[NYSE:IBM, AMEX:SPY]"}
    profile = resolve(load("us_equities"), vocabulary, environment=environment).profile
    assert profile.allocation.limits.net == (0.0, 0.5)
    assert profile.universe.symbols == ("NYSE:IBM", "AMEX:SPY")


def test_test_follows_step_until_it_is_set(vocabulary: Vocabulary) -> None:
    assert with_argument(vocabulary, "windows.step", 5).profile.windows.test == 5
    assert with_argument(vocabulary, "windows.test", 40).profile.windows.test == 40


@pytest.mark.requirement("R-SIM-01")
def test_a_test_shorter_than_the_step_is_refused(vocabulary: Vocabulary) -> None:
    with pytest.raises(ProfileError, match=r"windows.test: expected at least windows.step \(20\), found 19"):
        with_argument(vocabulary, "windows.test", 19)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("windows.trian", 3, "windows.trian: unknown key - did you mean windows.train?"),
        ("train", 60, "train: unknown key - did you mean windows.train?"),
        ("window.train", 60, "window: unknown key - did you mean windows?"),
        ("windows.zzz", 60, "windows.zzz: unknown key (known: train, step, test)"),
        ("risk.profiles", [], "risk.profiles: unknown key - did you mean allocation.profiles?"),
        ("limits.gross", 1, "limits: unknown key - did you mean allocation.limits?"),
        ("windows.seed", 1, "windows.seed: unknown key - did you mean seed?"),
        ("windows", None, "windows: expected a mapping of its keys, found nothing (null)"),
        ("windows.train.rows", 3, "windows.train: expected a valid integer, found {'rows': 3}"),
        ("windows.train", "60", "windows.train: expected a valid integer, found '60'"),
        ("windows.train", 60.0, "windows.train: expected a valid integer, found 60.0"),
        ("windows.train", True, "windows.train: expected a valid integer, found True"),
        ("windows.train", None, "windows.train: expected a valid integer, found nothing (null)"),
        ("data.min_history", 89, "data.min_history: expected greater than or equal to 90, found 89"),
        ("data.span", 0, "data.span: expected greater than or equal to 1 or 'all', found 0"),
        ("data.span", "al", "data.span: expected a valid integer or 'all', found 'al'"),
        ("data.max_missing", 10, "data.max_missing: expected less than 1, found 10"),
        ("data.interval", "1h", "data.interval: unknown name '1h'"),
        ("costs.borrow_rate", "1e-3", "wants a dot and a sign in such a number, as in 1.0e-3"),
        ("costs.slippage_bps", float("nan"), "costs.slippage_bps: expected a finite number, found nan"),
        ("costs.slippage_bps", float("inf"), "costs.slippage_bps: expected"),
        ("costs.commission_bps", -1, "costs.commission_bps: expected greater than or equal to 0, found -1"),
        ("universe.kinds", ["stok"], "universe.kinds: unknown name 'stok' - did you mean stock? (known: etf, fiat,"),
        ("universe.kinds", "stock", "universe.kinds: expected a list, found 'stock'"),
        ("universe.kinds", [], "universe.kinds: expected at least 1 item, found []"),
        ("universe.membership", "dynamic", "universe.membership: unknown name 'dynamic'"),
        ("universe.symbols", ["SPY"], "universe.symbols: expected EXCHANGE:TICKER, found 'SPY'"),
        ("benchmark.market", ["A:B", "A:B"], "benchmark.market: names 'A:B' more than once"),
        ("challengers", {"V4": {"top_n": 1}}, "challengers: expected 1 to 40 of a-z, 0-9, _ and ., found 'V4'"),
        ("challengers", ["v3.4"], "challengers: expected a mapping of keys, found ['v3.4']"),
        ("description", "a\nb", "description: expected one line of text, found 'a\\nb'"),
        ("allocation.limits.net", [1], "allocation.limits.net: expected [lowest, highest], found [1]"),
        ("allocation.limits.net", [1, -1], "allocation.limits.net: expected [lowest, highest], found [1.0, -1.0]"),
        ("allocation.limits.position", 25, "allocation.limits.position: expected less than or equal to 1, found 25"),
        ("allocation.engines", ["custm"], "unknown engine 'custm' - did you mean custom? (known: custom)"),
        ("allocation.engines", ["riskfolio"], "engine 'riskfolio' is not installed; install tvquant[engines]"),
        (
            "allocation.fallbacks",
            ["hpr"],
            "unknown risk profile 'hpr' - did you mean hrp? (known: barbell, equal_weight,",
        ),
        ("selection.model", "basline", "unknown selection model 'basline' - did you mean baseline?"),
        ("execution.simulators", ["vector"], "unknown simulator 'vector' (known: custom)"),
        ("execution.convention", "open", "execution.convention: unknown name 'open' - did you mean next_open?"),
        ("seed", -1, "seed: expected greater than or equal to 0, found -1"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(vocabulary: Vocabulary, key: str, value: Any, said: str) -> None:
    with pytest.raises(ProfileError) as caught:
        with_argument(vocabulary, key, value)
    message = str(caught.value)
    assert said in message
    assert message.startswith("profile us_equities: ")
    assert message.endswith("(argument --option)"), "one problem, and it names the layer"
    assert message.isprintable()


RATED = "binance_spot_rating_ma_long"


@pytest.mark.requirement("R-UNI-19")
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            ["binance_spot_base"],
            "scanner binance_spot_base: is of layer universe, a pool or a part; name a scanner",
        ),
        (["binance_spot_rating_ma_lon"], f"no scanner 'binance_spot_rating_ma_lon' - did you mean {RATED}?"),
        (["A"], "scanner name 'A': expected 1 to 64"),
        ([RATED, RATED], f"names '{RATED}' more than once"),
        (RATED, f"expected a list, found '{RATED}'"),
        ([3], "expected a scanner's name, found 3"),
        (None, "expected a list, found nothing (null)"),
        ([{"name": "x", "pool": [], "signal": []}], "item 1 lacks exchange, kinds, exclude_kinds, currency, logic"),
    ],
)
def test_scanners_that_cannot_recruit_are_refused(vocabulary: Vocabulary, value: Any, said: str) -> None:
    with pytest.raises(ProfileError) as caught:
        with_argument(vocabulary, "universe.scanners", value, "crypto_spot")
    message = str(caught.value)
    assert message.startswith("profile crypto_spot: universe.scanners: ")
    assert said in message
    assert message.endswith("(argument --option)")


@pytest.mark.requirement("R-UNI-19")
@pytest.mark.parametrize(
    ("declared", "atom", "missing"),
    [
        ("logic: hold\n", "hold LONG", ["direction"]),
        ("direction: SHORT\n", "trend SHORT", ["logic"]),
        ("", "trend LONG", ["logic", "direction"]),
    ],
)
def test_logic_and_direction_have_defaults_that_are_told(
    folder: Path, write: Write, vocabulary: Vocabulary, declared: str, atom: str, missing: list[str]
) -> None:
    write("half", f"extends: binance_spot_base\n{declared}", below="scanners")
    write("p", "extends: crypto_spot\nuniverse: {scanners: [half]}\n")
    resolved = resolve(load("p", search=[folder]), vocabulary)
    (scanner,) = resolved.profile.universe.scanners
    assert f"{scanner.logic} {scanner.direction}" == atom
    assert len(resolved.notices) == len(missing)
    for notice, key in zip(resolved.notices, missing, strict=True):
        assert notice.startswith(f"scanner half declares no {key}: its recruits are held ")


@pytest.mark.requirement("R-UNI-19")
@pytest.mark.requirement("R-SEL-30")
@pytest.mark.parametrize("side", ["long", "short"])
def test_a_profile_of_one_direction_assumes_none_and_refuses_the_other(
    folder: Path, write: Write, vocabulary: Vocabulary, side: str
) -> None:
    write("half", "extends: binance_spot_base\nlogic: hold\n", below="scanners")
    write("p", f"extends: crypto_spot\nuniverse:\n  direction: {side}\n  scanners: [half]\n")
    with pytest.raises(ProfileError, match=r"half declares no direction, and the profile holds one only.*line 5"):
        resolve(load("p", search=[folder]), vocabulary)
    other = {"long": "short", "short": "long"}[side]
    named = {"--s": ("universe.scanners", [f"binance_spot_rating_ma_{other}"])}
    with pytest.raises(ProfileError, match=f"is {other.upper()}, and universe.direction is {side}"):
        resolve(load("p", search=[folder]), vocabulary, arguments=named)
    named = {"--s": ("universe.scanners", [f"binance_spot_rating_ma_{side}"])}
    assert resolve(load("p", search=[folder]), vocabulary, arguments=named).notices == ()


@pytest.mark.requirement("R-CFG-02")
def test_a_scanner_without_a_logic_gets_that_of_its_group(folder: Path, write: Write, vocabulary: Vocabulary) -> None:
    write("bare", "extends: binance_spot_base\ndirection: LONG\n", below="scanners")
    write("p", f"extends: crypto_spot\nuniverse:\n  strategies: {{hold: [bare, {RATED}], trend: [other]}}\n")
    write("other", "extends: binance_spot_base\ndirection: LONG\n", below="scanners")
    resolved = resolve(load("p", search=[folder]), vocabulary)
    held = [(scanner.name, scanner.logic) for scanner in resolved.profile.universe.scanners]
    assert held == [("bare", "hold"), (RATED, "rating_ma"), ("other", "trend")]
    assert resolved.notices == ()
    assert resolved.layers["universe.scanners"] == "profile p (profiles/p.yaml)"
    (folder / "copy.yaml").write_text(dump(resolved), encoding="utf-8")
    assert resolve(load("copy", search=[folder]), vocabulary).digest == resolved.digest


@pytest.mark.requirement("R-CFG-02")
@pytest.mark.parametrize(
    ("strategies", "said"),
    [
        (f"{{hold: [{RATED}], trend: [{RATED}]}}", f"universe.scanners: names '{RATED}' more than once"),
        ("{hold: []}", "universe.strategies: "),
        ("{hold: 3}", "universe.strategies: "),
        ("[hold]", "universe.strategies: "),
        ("{hold: [nobody]}", "universe.strategies: no scanner 'nobody'"),
        ("{odd: [bare]}", "scanner bare: unknown logic 'odd'"),
    ],
)
def test_groups_that_make_no_sense_are_refused(
    folder: Path, write: Write, vocabulary: Vocabulary, strategies: str, said: str
) -> None:
    write("bare", "extends: binance_spot_base\ndirection: LONG\n", below="scanners")
    write("p", f"extends: crypto_spot\nuniverse: {{strategies: {strategies}}}\n")
    with pytest.raises(ProfileError, match=re.escape(said)):
        resolve(load("p", search=[folder]), vocabulary)


@pytest.mark.requirement("R-UNI-14")
@pytest.mark.parametrize(("band", "bounds"), [(None, (0.1, -0.1)), (0, (0.0, 0.0)), (0.5, (0.5, -0.5))])
def test_the_rating_band_takes_the_place_of_the_neutral_one(
    folder: Path, write: Write, vocabulary: Vocabulary, band: float | None, bounds: tuple[float, float]
) -> None:
    names = [f"binance_spot_rating_ma_{side}" for side in ("long", "short")]
    arguments = {"--s": ("universe.scanners", names), "--b": ("universe.rating_band", band)}
    long, short = resolve(load("crypto_spot"), vocabulary, arguments=arguments).profile.universe.scanners
    assert [each.comparison for each in (*long.signal, *short.signal)] == [
        ("above", bounds[0]),
        ("below", bounds[1]),
    ]
    assert long.pool == load_scanner(names[0]).pool


@pytest.mark.requirement("R-UNI-08")
def test_a_scanner_for_research_needs_a_profile_for_research(
    folder: Path, write: Write, vocabulary: Vocabulary
) -> None:
    write("odd", f"extends: {RATED}\nresearch: true\n", below="scanners")
    write("p", "extends: crypto_spot\nuniverse: {scanners: [odd]}\n")
    with pytest.raises(ProfileError, match=r"scanner odd is for research only; set universe\.research: true"):
        resolve(load("p", search=[folder]), vocabulary)
    allowed = {"--r": ("universe.research", True)}
    assert resolve(load("p", search=[folder]), vocabulary, arguments=allowed).profile.universe.research


@pytest.mark.requirement("R-UNI-01")
def test_a_users_scanner_is_found_beside_the_profile_by_any_layer(
    folder: Path, write: Write, vocabulary: Vocabulary
) -> None:
    write("mine", f"extends: {RATED}\nfilters: [{{field: recommend_ma, above: 0.5}}]\n", below="scanners")
    path = write("p", "extends: crypto_spot\nuniverse: {scanners: [mine]}\n")
    other = write("q", "extends: crypto_spot\n")
    by_name = resolve(load("p", search=[folder]), vocabulary)
    by_path = resolve(load(path), vocabulary)
    by_variable = resolve(load(other), vocabulary, environment={"TVQUANT_UNIVERSE__SCANNERS": "[mine]"})
    by_argument = resolve(load(other), vocabulary, arguments={"--s": ("universe.scanners", ["mine"])})
    for resolved in (by_name, by_path, by_variable, by_argument):
        (scanner,) = resolved.profile.universe.scanners
        assert (scanner.name, scanner.signal[0].above) == ("mine", 0.5)
    assert by_variable.layers["universe.scanners"] == "environment TVQUANT_UNIVERSE__SCANNERS"
    assert by_name.digest == by_variable.digest


def test_the_definition_of_a_scanner_counts_in_the_digest(folder: Path, write: Write, vocabulary: Vocabulary) -> None:
    write("p", "extends: crypto_spot\nuniverse: {scanners: [mine]}\n")
    digests = set()
    for floor in (0.1, 0.2):
        write("mine", f"extends: {RATED}\nfilters: [{{field: recommend_ma, above: {floor}}}]\n", below="scanners")
        digests.add(resolve(load("p", search=[folder]), vocabulary).digest)
    assert len(digests) == 2


def test_a_fault_in_a_scanner_file_is_a_problem_of_the_profile(
    folder: Path, write: Write, vocabulary: Vocabulary
) -> None:
    write("bad", "filters: [{field: a}]\n", below="scanners")
    write("p", "extends: crypto_spot\nuniverse:\n  scanners: [bad]\n")
    (problem,) = lint("p", vocabulary, search=[folder])
    assert problem.key == "universe.scanners"
    assert problem.text.startswith("scanner bad (scanners/bad.yaml), line 2: filters.0: filter on a: expected one of")
    assert problem.layer == "profile p (profiles/p.yaml), line 4"


def test_a_problem_names_the_line_of_the_layer_that_set_the_value(
    folder: Path, write: Write, vocabulary: Vocabulary
) -> None:
    write("base", "extends: us_equities\n\nwindows:\n  train: sixty\n")
    write("demo", "extends: base\nseed: 2\n")
    with pytest.raises(ProfileError, match=r"found 'sixty' \(profile base \(profiles/base.yaml\), line 5\)$"):
        resolve(load("demo", search=[folder]), vocabulary)


def test_all_problems_are_listed_by_lint_and_counted_by_resolve(
    folder: Path, write: Write, vocabulary: Vocabulary
) -> None:
    path = write("p", "windows: {trian: 3, train: x}\nrisk: {primary: min_variance}\nallocation: {profiles: [hrpp]}\n")
    problems = lint("p", vocabulary, search=[folder])
    assert problems == lint(path, vocabulary)
    assert [problem.key for problem in problems] == [
        "windows.trian",
        "universe.kinds",
        "windows.train",
        "allocation.profiles",
    ]
    assert str(problems[1]) == "universe.kinds: no value; set it, or extend a profile that does (in no layer)"
    with pytest.raises(ProfileError, match=r"^profile p: windows.trian: .*; and 3 more \(tvquant profile lint"):
        resolve(load(path), vocabulary)


def test_lint_of_a_file_that_cannot_be_loaded_is_one_problem(write: Write, vocabulary: Vocabulary) -> None:
    path = write("p", "seed: 1\nseed: 2\n")
    text = "profile p (profiles/p.yaml), line 3: the key 'seed' appears twice; keep one"
    assert lint(path, vocabulary) == [ProfileProblem(key="", text=text, layer="")]


def test_a_sound_profile_has_no_problem(vocabulary: Vocabulary) -> None:
    assert lint("demo_sp500", vocabulary) == []
    problems = lint("demo_sp500", vocabulary, environment={"TVQUANT_WINDOWS__TEST": "1"})
    assert [problem.layer for problem in problems] == ["environment TVQUANT_WINDOWS__TEST"]


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("TVQUANT_DATA_SPAN", "3", "between section and key stand two underscores, as in TVQUANT_DATA__SPAN"),
        ("TVQUANT_DATA__SPANN", "3", "data.spann: unknown key - did you mean data.span?"),
        ("TVQUANT_DATA__SPAN", "[1", "environment TVQUANT_DATA__SPAN, line 1: not readable as YAML"),
        (
            "TVQUANT_DATA__SPAN",
            "{a: 1}",
            "data.span: expected a valid integer or 'all', found {'a': 1} (env",
        ),
        ("TVQUANT_UNIVERSE__KINDS", "stock,etf", "universe.kinds: expected a list, found 'stock,etf'"),
        ("TVQUANT_DATA__LOOKBACK", "", "data.lookback: expected a valid integer, found nothing (null)"),
        ("TVQUANT___", "1", "unknown key"),
    ],
)
def test_environment_that_does_not_fit_is_refused(vocabulary: Vocabulary, variable: str, text: str, said: str) -> None:
    with pytest.raises(ProfileError) as caught:
        resolve(load("us_equities"), vocabulary, environment={variable: text})
    assert said in str(caught.value)


def test_variables_that_are_no_keys_are_left_to_others(vocabulary: Vocabulary) -> None:
    environment = {"TVQUANT_HOME": "/tmp", "HOME": "/", "XTVQUANT_DATA__SPAN": "3"}
    raw = load("us_equities")
    assert resolve(raw, vocabulary, environment=environment) == resolve(raw, vocabulary)


def test_an_unknown_key_may_be_anything(folder: Path, write: Write, vocabulary: Vocabulary) -> None:
    write("p", 'extends: us_equities\n"a\\nb": 1\nwindows: {"": 2}\n')
    assert [problem.key for problem in lint("p", vocabulary, search=[folder])] == [r"'a\nb'", "windows."]


def test_the_digest_is_of_values_only(folder: Path, write: Write, vocabulary: Vocabulary) -> None:
    write("a", "extends: us_equities\ndescription: one\ncosts: {borrow_rate: 0}\nallocation: {limits: {gross: 1}}\n")
    write("b", "extends: us_equities\nallocation: {limits: {gross: 1.0}}\ncosts: {borrow_rate: -0.0}\n")
    write("c", "extends: us_equities\ncosts: {borrow_rate: 0.001}\n")
    a, b, c = (resolve(load(name, search=[folder]), vocabulary).digest for name in "abc")
    assert a == b != c


def test_a_key_that_would_cut_what_the_model_holds_is_refused_where_the_user_set_it(
    folder: Path, write: Write, vocabulary: Vocabulary
) -> None:
    words = replace(vocabulary, contradictions={"baseline": frozenset({"max_winners"})})
    chosen = with_argument(words, "selection.model", "baseline")
    assert chosen.profile.selection.max_winners == 25  # a default cuts nothing, and neither does one written out
    (folder / "whole.yaml").write_text(dump(chosen).replace("name: us_equities\n", ""))
    assert resolve(load("whole", search=[folder]), words).digest == chosen.digest
    write("mine", "extends: us_equities\nselection: {model: baseline, max_winners: 30}\n")
    with pytest.raises(ProfileError, match=r"max_winners: is 30, and selection.model baseline does not use it"):
        resolve(load("mine", search=[folder]), words)
    assert with_argument(words, "selection.max_winners", 30).profile.selection.max_winners == 30
