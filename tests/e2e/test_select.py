"""`tvquant select`: one decision as of a date, as text and as a document; it leaves no trace."""

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

pytestmark = pytest.mark.xdist_group("malformed")

COINS = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOT", "LTC", "BCH", "TRX", "XLM", "BUSD", "EUR")


def closes(number: int, days: int) -> Any:
    """A walk up (odd numbers) or down; the stablecoin keeps its peg."""
    noise = np.random.default_rng([number, 4]).standard_normal(days) * 0.01 * (1 + number % 3)
    if COINS[number] == "BUSD":
        return 1.0 + noise / 100
    return 100.0 * np.exp(((0.01 if number % 2 else -0.01) + noise).cumsum())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten coins that rise or fall, a stablecoin and a currency, on 250 days."""
    from tvquant.app.cli import main

    root = tmp_path_factory.mktemp("select") / "ws"
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 9, 6), "1d", time_zone="UTC", eager=True)
    frames = []
    for number, coin in enumerate(COINS):
        frame = pl.DataFrame({"symbol": f"BINANCE:{coin}USDT", "timestamp": days, "close": closes(number, len(days))})
        frames.append(frame.with_columns(open="close", volume=pl.lit(1e9)))
    pl.concat(frames).write_parquet(root.parent / "coins.parquet")
    assert main(["init", str(root)]) == 0
    assert main(["data", "import", str(root.parent / "coins.parquet"), "-w", str(root)]) == 0
    return root


@pytest.fixture
def select(home: Path, tvquant: Callable[..., Any], files: Callable[..., Any]) -> Callable[..., Any]:
    """The command on a profile; it must answer, and change nothing."""

    def ask(profile: str, *words: object) -> Any:
        before = files(home)
        said = tvquant("select", profile, *words, "-w", home)
        assert (said.code, re.sub(r"^select: \d+ s\n", "", said.err, flags=re.M)) == (0, "")  # told on a slow machine
        assert files(home) == before
        return said

    return ask


def lines(said: Any) -> dict[str, str]:
    """The lines of the summary by their first word."""
    heads = (
        "cell",
        "as of",
        "bar",
        "asked",
        "quorum",
        "missing",
        "from",
        "notice",
        "stamps",
        "funnel",
        "out",
        "vetoed",
        "stage",
        "bets",
        "spread",
        "no value",
        "status",
        "cash",
    )
    return {head: line[len(head) :].strip() for line in said.out.splitlines() for head in heads
            if line.startswith(f"{head} ")}  # fmt: skip


def test_the_summary_says_what_the_document_says(select: Callable[..., Any]) -> None:
    words = ("--as-of", "2024-08-31")
    text, document = select("crypto_spot", *words), select("crypto_spot", *words, "--json").document
    told, decision = lines(text), document["decision"]
    funnel, chosen = decision["funnel"], decision["selection"]
    assert told["cell"] == document["cell"] == "v4/custom/barbell/custom"
    assert told["as of"] == "2024-09-01 00:00 UTC, when the bar of 2024-08-31 was known"
    assert document["bar"].startswith("2024-08-31")
    assert told["funnel"] == (
        f"{funnel['universe']} in the universe, {funnel['discovery']} recruited, {funnel['refined']} refined, "
        f"{funnel['selected']} selected ({funnel['atoms_selected']} atoms)"
    )
    assert (funnel["universe"], funnel["discovery"]) == (12, 10)
    assert told["out"] == "kind:stablecoin 1, kind:fiat 1"
    assert told["stage"].startswith(f"{chosen['stage']} of 4, ")
    assert told["bets"] == f"{chosen['effective_bets']:.1f} effective, of {len(chosen['winners'])} winners"
    first = max(chosen["shares"], key=chosen["shares"].__getitem__)
    assert told["spread"].startswith(f"{first} {100 * chosen['shares'][first]:.0f} %, ")
    assert "adx (the data have no high or low)" in told["no value"]
    assert told["status"] == decision["allocation"]["status"]
    assert told["cash"] == f"{100 * (1 - sum(decision['atoms'].values())):.1f} %"
    for winner in chosen["winners"]:
        atom = f"{winner['physical_symbol']}_{winner['logic']}_{winner['direction']}"
        (row,) = (line.split() for line in text.out.splitlines() if line.startswith(f"{atom} "))
        assert row[1:5] == [
            f"{chosen['scores'][atom]:.3f}", str(chosen["clusters"][atom]),
            f"{100 * decision['atoms'].get(atom, 0.0):.1f}", "%",
        ]  # fmt: skip
        assert " ".join(row[5:]) == winner["how"].replace("_", " ")


@pytest.mark.parametrize(("profile", "side"), [("long", 1), ("short", -1)])
def test_each_sleeve_recruits_its_side(profile: str, side: int, select: Callable[..., Any]) -> None:
    decision = select(f"binance_spot_rating_ma_{profile}", "--json").document["decision"]
    rising = {f"BINANCE:{coin}USDT" for coin in COINS[1:10:2]}
    falling = {f"BINANCE:{coin}USDT" for coin in COINS[0:10:2]}
    assert set(decision["weights"]) == (rising if side > 0 else falling)
    assert all(side * weight > 0.0 for weight in decision["weights"].values())
    assert decision["atoms"] == {
        f"{key}_rating_ma_{'LONG' if side > 0 else 'SHORT'}": abs(weight) for key, weight in decision["weights"].items()
    }


def test_the_baseline_model_selects_everyone(select: Callable[..., Any]) -> None:
    said = select("crypto_spot", "--model", "baseline", "--explain", "BINANCE:BTCUSDT")
    told = lines(said)
    assert told["cell"] == "baseline/custom/barbell/custom"
    assert "10 recruited, 10 refined, 10 selected" in told["funnel"]
    assert told["vetoed"] == "none"
    assert told["no value"] == "none"
    assert "current_only" in told["stamps"]
    assert "BINANCE:BTCUSDT_hold_LONG: won (passed through), weight " in said.out
    assert "This model scores nobody" in said.out


def test_one_symbol_is_explained_in_both_forms(select: Callable[..., Any]) -> None:
    document = select("crypto_spot", "--explain", "BINANCE:ETHUSDT", "--json").document
    (one,) = document["explanations"]
    (atom,) = one["atoms"]
    assert (one["symbol"], atom["atom"]) == ("BINANCE:ETHUSDT", "BINANCE:ETHUSDT_hold_LONG")
    text = select("crypto_spot", "--explain", "BINANCE:ETHUSDT").out
    assert f"score {atom['score']:.3f}, rank {atom['rank']} of {atom['of']}" in text
    rows = [line.split() for line in text.splitlines()]
    parts = {one["feature"]: one for one in atom["features"]}
    assert [f"{parts['momentum'][key]:.{digits}f}" for key, digits in (("probability", 3), ("part", 4))] == next(
        [row[-3], row[-1]] for row in rows if row[:1] == ["momentum"]
    )
    assert next(row[-1] for row in rows if row[:3] == ["sum", "=", "score"]) == f"{atom['score']:.4f}"
    assert sum(one["part"] for one in atom["features"]) == pytest.approx(atom["score"], abs=1e-12)
    below = text[text.index(f"{atom['atom']}: ") :].splitlines()
    assert max(map(len, below)) <= 80


def test_without_a_symbol_the_cash_is_told_by_cause(select: Callable[..., Any]) -> None:
    """Ten names of 5 % hold half; the parts are those of the document and add up to the cash."""
    words = ("--set", "allocation.limits.position=0.05", "--explain")
    document = select("crypto_spot", *words, "--json").document
    cash, parts = document["cash"]["cash"], document["cash"]["parts"]
    assert cash >= 0.5 - 1e-9
    assert "explanations" not in document
    assert cash == pytest.approx(1 - sum(document["decision"]["atoms"].values()), abs=1e-12)
    assert sum(part["share"] for part in parts) == pytest.approx(cash, abs=1e-9)
    text = select("crypto_spot", *words).out
    told = text[text.index("Why ") :].splitlines()
    assert told[0] == f"Why {100 * cash:.1f} % cash?"
    assert all(any(part["cause"][:40] in line for line in told) for part in parts)
    assert max(map(len, told)) <= 80


def test_a_vetoed_atom_says_its_rule_value_and_limit(select: Callable[..., Any]) -> None:
    """A volatility limit that the calmest keep: the others are out for good, each with its own figure."""
    words = ("--set", "selection.max_volatility=0.25")
    decision = select("crypto_spot", *words, "--json").document["decision"]
    hard = {symbol: veto for symbol, veto in decision["selection"]["vetoes"].items() if veto["hard"]}
    assert 0 < len(hard) < 10
    assert not set(hard) & set(decision["atoms"])
    symbol, veto = next(iter(hard.items()))
    assert (veto["rule"], veto["limit"]) == ("volatility", 0.25)
    assert veto["value"] > 0.25
    text = select("crypto_spot", *words, "--explain", symbol).out
    assert f"{symbol}: did not win" in text
    assert f"hard veto volatility: {veto['value']:.4g}, limit 0.25" in text


def test_an_excluded_symbol_says_why(select: Callable[..., Any]) -> None:
    said = select("crypto_spot", "--explain", "BINANCE:BUSDUSDT")
    assert said.out.splitlines()[-1] == "BINANCE:BUSDUSDT never reached selection: kind:stablecoin"
    document = select("binance_spot_rating_ma_long", "--explain", "BINANCE:BTCUSDT", "--json").document
    assert document["explanations"] == [
        {"symbol": "BINANCE:BTCUSDT", "excluded": "binance_spot_rating_ma_long: recommend_ma"}
    ]


def test_a_star_explains_every_winner(select: Callable[..., Any]) -> None:
    document = select("crypto_spot", "--explain", "*", "--json").document
    winners = [f"{w['physical_symbol']}_hold_LONG" for w in document["decision"]["selection"]["winners"]]
    assert [one["symbol"] for one in document["explanations"]] == winners
    text = select("crypto_spot", "--explain", "*").out
    assert all(f"{winner}: won (" in text for winner in winners)


def test_a_date_beyond_the_data_is_told_with_the_bar_that_answered(select: Callable[..., Any]) -> None:
    words = ("--as-of", "2025-01-31")
    told, document = lines(select("crypto_spot", *words)), select("crypto_spot", *words, "--json").document
    assert told["bar"].startswith("2024-09-06, closed ")
    assert told["asked"] == "2025-01-31, which has no bar; the last by then is of 2024-09-06"
    assert (told["missing"], told["from"]) == ("none of the names with a bar in five sessions", "nothing held")
    assert (document["asked"], document["bar"][:10]) == ("2025-01-31", "2024-09-06")
    assert (document["missing"], document["held"]) == ([], {})
    age = (datetime.now(UTC) - datetime(2024, 9, 7, tzinfo=UTC)).total_seconds() / 86400
    assert document["age_days"] == pytest.approx(age, abs=0.1)
    assert document["notices"] == [told["notice"]]
    assert "selection.min_winners asks for 15 of a universe of 10 names" in told["notice"]
    there = lines(select("crypto_spot", "--as-of", "2024-09-06"))
    assert "asked" not in there
    assert "quorum" not in there


def test_a_day_that_one_coin_has_yet_is_not_decided_on(home: Path, tmp_path: Path, tvquant: Callable[..., Any]) -> None:
    """The next day has arrived for one coin of ten: the book is the day's before, and that is said."""
    before = tvquant("select", "crypto_spot", "--json", "-w", home).document
    other = Path(shutil.copytree(home, tmp_path / "ws"))
    price = closes(1, 250)[-1]
    bar = {"symbol": "BINANCE:ETHUSDT", "timestamp": datetime(2024, 9, 7, tzinfo=UTC), "open": price, "close": price}
    pl.DataFrame([{**bar, "volume": 1e9}]).write_parquet(tmp_path / "day.parquet")
    assert tvquant("data", "import", tmp_path / "day.parquet", "-w", other).code == 0
    document = tvquant("select", "crypto_spot", "--json", "-w", other).document
    assert document["decision"]["weights"] == before["decision"]["weights"]
    assert document["decision"]["footing"] == {
        "asked": "2024-09-07T00:00:00.000000", "bar": "2024-09-06T00:00:00.000000", "quorum": True, "alive": 10,
        "present": 1, "missing": [],
    }  # fmt: skip
    told = lines(tvquant("select", "crypto_spot", "-w", other))
    assert told["quorum"] == "only 1 of 10 names have the bar of 2024-09-07: that of 2024-09-06 is decided on"
    assert told["bar"].startswith("2024-09-06, closed ")
    caveats = tvquant("scan", "binance_spot_base", "--json", "-w", other).document["caveats"]
    assert "only 1 of the 12 names with a bar in five sessions have that of 2024-09-07" in caveats
    assert tvquant("scan", "binance_spot_base", "--json", "-w", home).document["caveats"] == []
    linted = tvquant("profile", "lint", "crypto_spot", "-w", other)
    assert (linted.code, "note: selection.min_winners asks for 15 of a universe of 10" in linted.out) == (0, True)
    linted = tvquant("profile", "lint", "crypto_spot", "--json", "-w", other)
    assert (linted.document, "min_winners asks for 15" in linted.err) == ({"profile crypto_spot": []}, True)


def test_without_a_candidate_all_is_cash(select: Callable[..., Any]) -> None:
    said = select("crypto_spot", "--as-of", "2024-02-01", "--explain", "*")
    assert lines(said)["out"] == "history 10, kind:stablecoin 1, kind:fiat 1"
    assert said.out.rstrip().endswith("No candidate: all cash.")
