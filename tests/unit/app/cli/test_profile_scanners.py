"""`tvquant profile scanner` and `tvquant profile lint`, over scanners, lists and profiles."""

import json
from pathlib import Path

import pytest

from tvquant.app.cli import main


@pytest.fixture
def home(tmp_path: Path) -> Path:
    assert main(["init", str(tmp_path / "home")]) == 0
    (tmp_path / "home" / "profiles" / "scanners").mkdir()
    return tmp_path / "home"


@pytest.mark.requirement("R-UNI-01")
def test_a_scanner_is_shown_flat_with_its_layers(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["profile", "scanner", "binance_spot_trend", "--json", "-w", str(home)]) == 0
    rows = {row["key"]: (row["value"], row["layer"]) for row in json.loads(capsys.readouterr().out)}
    assert rows["exchange"] == ("BINANCE", "L0 preset scanner binance_liquid_base")
    assert rows["exclude_kinds"][1] == "L1 preset scanner crypto_hygiene"
    assert rows["calendar"] == ("24x7", "L2 preset scanner crypto_24x7")
    assert rows["signal: perf_1m above"] == (0.5, "L3 preset scanner trend")
    assert main(["profile", "scanner", "binance_spot_tren", "-w", str(home)]) == 2
    assert "did you mean binance_spot_trend?" in capsys.readouterr().err


@pytest.mark.requirement("R-CFG-07")
def test_lint_finds_what_nothing_uses(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["profile", "lint", "-w", str(home)]) == 0
    assert "scanner sp500_trend: ok" in capsys.readouterr().out
    (home / "profiles" / "scanners" / "odd.yaml").write_text("version: 1\nlogik: x\n", encoding="utf-8")
    assert main(["profile", "lint", "--json", "-w", str(home)]) == 2
    found = {name: said for name, said in json.loads(capsys.readouterr().out).items() if said}
    assert found == {
        "scanner odd": ["scanner odd (scanners/odd.yaml), line 2: unknown key 'logik' - did you mean logic? (known: "
                        "calendar, currency, description, direction, exchange, exclude_kinds, filters, kinds, largest, "
                        "layer, logic, members, quotes, research, strategy, template)"]
    }  # fmt: skip


@pytest.mark.parametrize("by", ["odd", "{home}/profiles/scanners/odd.yaml", "sp500 odd"])
def test_one_scanner_is_linted_by_its_name_or_its_file(home: Path, by: str, capsys: pytest.CaptureFixture[str]) -> None:
    """So is everything else that bears the name; a file's own folder is searched first."""
    odd = home / "profiles" / "scanners" / "odd.yaml"
    odd.write_text("version: 1\nextends: binance_spot_base\nfilters:\n  - {field: adx_15, above: 1}\n")
    capsys.readouterr()
    named = by.format(home=home).split()
    elsewhere = home / "elsewhere"
    assert main(["init", str(elsewhere)]) == 0
    capsys.readouterr()
    where = elsewhere if len(named) == 1 and "/" in by else home
    assert main(["profile", "lint", *named, "--json", "-w", str(where)]) == 2
    found = json.loads(capsys.readouterr().out)
    (problem,) = found.pop("scanner odd")
    assert problem.startswith("scanner odd (scanners/odd.yaml), line 4: filters.0: unknown feature 'adx_15' - did you")
    assert found == ({"list of members sp500": [], "scanner sp500": []} if "sp500" in by else {})


@pytest.mark.parametrize(
    ("name", "said"), [("sp50", "no profile, scanner or list of members 'sp50' - did you mean sp500?"),
                       ("x.yaml", "x.yaml: no such file")],
)  # fmt: skip
def test_what_nothing_bears_is_no_profile_that_fails(
    home: Path, name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["profile", "lint", name, "-w", str(home)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.requirement("R-UNI-19")
def test_lint_tells_the_defaults_that_a_profile_takes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "profiles" / "scanners" / "bare.yaml").write_text("version: 1\nextends: binance_spot_base\n")
    profile = "version: 1\nextends: crypto_spot\nuniverse: {scanners: [bare]}\n"
    (home / "profiles" / "p.yaml").write_text(profile)
    capsys.readouterr()
    assert main(["profile", "lint", "p", "-w", str(home)]) == 0
    out = capsys.readouterr().out
    assert "p: ok\n  note: scanner bare declares no logic: its recruits are held for 'trend'" in out
    assert "  note: scanner bare declares no direction: its recruits are held LONG" in out


def test_explain_names_scanners_and_json_has_them_whole(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["profile", "explain", "us_equities", "--set", "universe.scanners=[sp500_trend]", "-w", str(home)]
    capsys.readouterr()
    assert main(asked) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("universe.scanners ")]
    assert "[sp500_trend]" in line
    assert main([*asked, "--json"]) == 0
    (value,) = [row["value"] for row in json.loads(capsys.readouterr().out) if row["key"] == "universe.scanners"]
    assert len(value[0]["members"]["names"]) > 1000
