"""`tvquant profile` on meta-portfolios, and what commands answer that take a profile and get one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tvquant.app.workspace import Workspace


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a meta-portfolio of a meta-portfolio and a pinned run."""
    home = tmp_path_factory.mktemp("metas") / "ws"
    made = Workspace(home)
    made.create()
    (made.profiles / "pair.yaml").write_text(
        "version: 1\nextends: meta_benchmark\nallocation: {bounds: [0.0, 0.4], profiles: [hrp, equal_weight]}\n"
    )
    (made.profiles / "whole.yaml").write_text(
        "version: 1\ndescription: A pair beside coins.\nsleeves:\n  pair:\n"
        "  coins: {profile: crypto_spot, run: 20260101T000000-crypto_spot-0a1b2c}\n"
    )
    (made.profiles / "lost.yaml").write_text("version: 1\nsleeves: {nobody: }\n")
    return home


@pytest.mark.requirement("R-META-01")
def test_a_meta_portfolio_is_listed_with_the_tree_of_its_sleeves(home: Path, tvquant: Callable[..., Any]) -> None:
    lines = tvquant("profile", "list", "-w", home).out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("whole "))
    assert [line.rstrip() for line in lines[at : at + 5]] == [
        lines[at].rstrip(),
        *(
            f"{name:<{lines[0].index('from')}}sleeve"
            for name in (
                "  pair",
                "    binance_spot_rating_all_long",
                "    binance_spot_rating_all_short",
                "  coins: crypto_spot",
            )
        ),
    ]
    assert lines[at].endswith("workspace  A pair beside coins.")
    document = {one["name"]: one for one in tvquant("profile", "list", "--json", "-w", home).document}
    assert document["whole"]["sleeves"] == {"pair": "pair", "coins": "crypto_spot"}
    assert document["crypto_spot"]["sleeves"] == {}


def test_explain_names_each_key_its_layer_and_the_cells_that_are_weighed(
    home: Path, tvquant: Callable[..., Any]
) -> None:
    said = tvquant("profile", "explain", "whole", "--set", "join.span=300", "-w", home)
    assert said.code == 0
    assert "join.span" in said.out
    assert "argument --set join.span" in said.out
    assert said.out.splitlines()[-5:] == [
        "sleeves and the cells whose books are weighed",
        "  coins: crypto_spot, run 20260101T000000-crypto_spot-0a1b2c; cell v4/custom/hrp/custom",
        "  pair: pair; cell meta/custom/hrp/custom",
        "    binance_spot_rating_all_long: binance_spot_rating_all_long; cell v4/custom/hrp/custom, "
        "v4/custom/equal_weight/custom",
        "    binance_spot_rating_all_short: binance_spot_rating_all_short; cell v4/custom/hrp/custom, "
        "v4/custom/equal_weight/custom",
    ]
    assert tvquant("profile", "explain", "pair", "-w", home).out.splitlines()[-1] == (
        "note: 20% of equity is always cash: 2 sleeves hold at most 0.4 each"
    )
    rows = {row["key"]: row for row in tvquant("profile", "explain", "whole", "--json", "-w", home).document}
    assert (rows["join.span"]["value"], rows["join.span"]["layer"]) == ("all", "defaults")
    assert rows["sleeves"]["value"]["pair"] == {"profile": "pair", "run": None}
    keys = tvquant("profile", "explain", "--keys", "meta.join", "--json").document
    assert [one["key"] for one in keys] == ["meta.join.span", "meta.join.dropped"]


def test_a_meta_portfolio_is_shown_as_a_file_and_linted(home: Path, tvquant: Callable[..., Any]) -> None:
    shown = tvquant("profile", "show", "pair", "-w", home).out
    (home / "profiles" / "copy.yaml").write_text(shown)
    assert tvquant("profile", "lint", "copy", "-w", home).out.splitlines() == [
        "profile copy: ok",
        "  note: 20% of equity is always cash: 2 sleeves hold at most 0.4 each",
    ]
    (home / "profiles" / "copy.yaml").unlink()
    said = tvquant("profile", "lint", "lost", "-w", home)
    assert (said.code, said.out.splitlines()[1].partition(" (known")[0]) == (
        2,
        "  sleeves: sleeve nobody: no profile 'nobody'",
    )


@pytest.mark.parametrize(
    "words",
    [
        ("select", "pair", "--as-of", "2024-01-01"),
        ("tournament", "pair"),
        ("certify", "pair"),
        ("data", "sync", "pair"),
        ("regime", "calibrate", "pair"),
    ],
    ids=" ".join,
)
def test_a_command_for_profiles_says_in_one_line_who_plays_a_meta_portfolio(
    home: Path, tvquant: Callable[..., Any], words: tuple[str, ...]
) -> None:
    said = tvquant(*words, "-w", home)
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "tvquant: pair is a meta-portfolio, whose sleeves are profiles: `tvquant meta pair` plays it; name a profile\n"
    )
