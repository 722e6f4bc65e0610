"""The linter of all files: presets pass, and each way to be wrong is found with its file, line and reason."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tvquant.app.vocabulary import vocabulary as app_vocabulary
from tvquant.profiles import Vocabulary, available, lint, lint_all
from tvquant.profiles.files import SCANNERS, UNIVERSES
from tvquant.profiles.scanners import check_scanner

type Write = Callable[..., Path]


@pytest.mark.requirement("R-CFG-07")
@pytest.mark.requirement("R-UNI-03")
@pytest.mark.requirement("R-UNI-13")
@pytest.mark.requirement("R-UNI-16")
def test_every_preset_passes_and_none_is_left_out() -> None:
    found = lint_all(app_vocabulary())
    assert {name: problems for name, problems in found.items() if problems} == {}
    assert len(found) == len(UNIVERSES.available(())) + len(SCANNERS.available(())) + len(available())


@pytest.mark.requirement("R-CFG-07")
@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("logic: [hold\n", 3, "not readable as YAML"),
        ("layer: pool\n", 2, "layer: unknown name 'pool'"),
        ("extends: nobody\n", 2, "extends: no scanner 'nobody'"),
        ("extends: bad\n", 2, "extends: circle bad -> bad"),
        ("extends: trend\n", 2, "extends: expected a file of layer universe or hygiene or template or scanner, found"),
        ("strategy: crypto_hygiene\n", 2, "strategy: expected a file of layer strategy, found crypto_hygiene of hyg"),
        ("template: trend\n", 2, "template: expected a file of layer template, found trend of strategy"),
        ("layer: universe\nstrategy: trend\n", 3, "strategy: expected only in a file of layer scanner, found universe"),
        ("layer: hygiene\nlogic: hold\n", 3, "logic: expected in a strategy or a scanner, found in a file of layer hy"),
        ("members: nobody\n", 2, "members: no list of members 'nobody'"),
        ("quotes: [usdt]\n", 2, "quotes.0: "),
        ("largest: {field: recommend_ma, count: 0}\n", 2, "largest.count: "),
        ("largest: {field: recommend_mb, count: 1}\n", 2, "largest: unknown feature 'recommend_mb' - did you mean"),
        (
            "filters:\n  - {field: adx_14, above: 1}\n  - {field: adx_15, above: 1}\n",
            4,
            "filters.1: unknown feature 'adx_15'",
        ),
        (
            "filters:\n  - {field: adx_14, over: 1}\n",
            3,
            "filters.0: unknown key 'over' - did you mean above? (known: above,",
        ),
        ("largest: {field: adx_14, count: 1, top: 1}\n", 2, "largest: unknown key 'top' (known: count, field)"),
        ("filters: [{any: [{field: adx_14, above: 1}]}]\n", 2, "filters.0.any: "),
        ("logic: hopeful\n", 2, "logic: unknown logic 'hopeful'"),
        ("calendar: XNYSE\n", 2, "calendar: "),
        ("research: yes please\n", 2, "research: "),
    ],
)
def test_a_bad_scanner_is_found_though_nothing_uses_it(
    folder: Path, write: Write, body: str, line: int, said: str
) -> None:
    write("bad", body, below="scanners")
    (problem,) = check_scanner("bad", app_vocabulary(), search=[folder])
    assert problem.startswith(f"scanner bad (scanners/bad.yaml), line {line}: ")
    assert said in problem


@pytest.mark.requirement("R-CFG-07")
def test_a_bad_list_and_a_bad_profile_are_found(folder: Path, write: Write, vocabulary: Vocabulary) -> None:
    (folder / "universes").mkdir()
    (folder / "universes" / "bad.csv").write_text("ticker\n", encoding="utf-8")
    write("worse", "extends: us_equities\nwindow: 3\n")
    found = lint_all(vocabulary, search=[folder])
    assert found["list of members bad"] == [
        "list of members bad (universes/bad.csv): lacks the line `# as_of: ...` before the columns"
    ]
    assert found["profile worse"] == [
        "window: unknown key - did you mean windows? (profile worse (profiles/worse.yaml), line 3)"
    ]


@pytest.mark.requirement("R-UNI-08")
@pytest.mark.parametrize(
    ("base", "more", "floor"),
    [
        ("binance_spot_base", "filters: [{field: value_traded_last, above: 19_900_000}]\n", 20_000_000),
        ("binance_perp_base", "filters: [{field: value_traded_last, at_least: 49_900_000}]\n", 50_000_000),
        ("binance_liquid_base", "", 50_000_000),
        ("binance_spot_base", "kinds: [spot, swap]\n", 50_000_000),
        ("binance_spot_midcap_base", "research: false\n", 20_000_000),
    ],
)
def test_a_production_scanner_below_the_floor_fails(
    folder: Path, write: Write, base: str, more: str, floor: int
) -> None:
    words = app_vocabulary()
    write("low", f"extends: {base}\nlogic: hold\ndirection: LONG\n{more}", below="scanners")
    write("p", "extends: crypto_spot\nuniverse: {kinds: [spot, swap], scanners: [low]}\n")
    found = check_scanner("low", words, search=[folder]) + [str(each) for each in lint("p", words, search=[folder])]
    said = f"scanner low: expected value_traded_last above {floor} at least, found "
    assert [said in problem for problem in found] == [True, True]
    more = more.replace("research: false\n", "") + "research: true\n"
    write("low", f"extends: {base}\nlogic: hold\ndirection: LONG\n{more}", below="scanners")
    assert check_scanner("low", words, search=[folder]) == []
    (refused,) = lint("p", words, search=[folder])
    assert "scanner low is for research only; set universe.research: true, or drop it" in refused.text
    write("p", "extends: crypto_spot\nuniverse: {kinds: [spot, swap], scanners: [low], research: true}\n")
    assert lint("p", words, search=[folder]) == []


@pytest.mark.requirement("R-UNI-08")
@pytest.mark.parametrize("floor", [20_000_000, 20_100_000])
def test_a_production_scanner_at_the_floor_passes(folder: Path, write: Write, floor: int) -> None:
    body = f"extends: binance_spot_base\nfilters: [{{field: value_traded_last, above: {floor}}}]\n"
    write("enough", body, below="scanners")
    assert check_scanner("enough", app_vocabulary(), search=[folder]) == []
