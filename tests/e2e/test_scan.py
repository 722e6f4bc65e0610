"""Scanners replayed on real Binance spot and perpetual files, judged by a plain re-screening of the same dates."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.panel import Panel
from tvquant.features import compute
from tvquant.features.rating_rules import LIBRARY_V3
from tvquant.lake import Lake

pytestmark = pytest.mark.xdist_group("real")

FILES = {
    "spot": ("crypto_binance_spot_1d_2021_2022.parquet", date(2021, 7, 20), 20e6),
    "perp": ("crypto_binance_perp_1d.parquet", date(2024, 8, 1), 50e6),
}
DATES, EVERY = 50, 8
RATINGS = {"all": "recommend_all", "ma": "recommend_ma", "osc": "recommend_other"}
SIDES = {"long": 1.0, "short": -1.0}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory, imported: Callable[..., Path]) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("scan")
    return {
        venue: Path(shutil.copytree(imported(name.removesuffix(".parquet")), folder / venue))
        for venue, (name, _, _) in FILES.items()
    }


def judged(panel: Panel, row: int) -> dict[str, Any]:
    """The names with a bar at the row, and what a plain look at the truncated panel says of them."""
    view = panel.until(panel.known_at[row].max())
    names = ("value_traded_last", *RATINGS.values())
    found = compute(view, names, rating_min_bars=200, rating_rules=LIBRARY_V3)
    there = [j for j in range(len(view.instruments)) if view.tradable[-1, j]]
    return {"view": view, "there": there, "values": {name: found.values[found.names.index(name)] for name in names}}


@pytest.mark.requirement("R-UNI-05")
@pytest.mark.requirement("R-UNI-06")
@pytest.mark.requirement("R-UNI-12")
@pytest.mark.requirement("R-UNI-13")
@pytest.mark.requirement("R-UNI-14")
@pytest.mark.requirement("R-DAT-25")
@pytest.mark.parametrize("venue", FILES)
def test_twelve_scanners_on_fifty_dates(homes: dict[str, Path], venue: str, tvquant: Callable[..., Any]) -> None:
    _, start, floor = FILES[venue]
    scanners = [f"binance_{venue}_rating_{logic}_{side}" for logic in RATINGS for side in SIDES]
    last = start + timedelta(days=EVERY * (DATES - 1))
    lake = Lake(homes[venue] / "data" / "lakehouse")
    panel = lake.panel(lake.pin(lake.contents().names(kinds={"spot"} if venue == "spot" else {"swap"})))
    found = {}
    for name in scanners:
        said = tvquant("scan", name, "--from", start, "--to", last, "--every", EVERY, "--json", "-w", homes[venue])
        assert said.code == 0, said.err
        found[name] = said.document
    assert all(len(one) == DATES for one in found.values())
    audits = [day["audit"][0] for one in found.values() for day in one]
    assert {(a["leaked"], a["neutral"]) for a in audits} == {(0, 0)}
    assert all(a["found"] == a["kept"] + a["merged"] + a["cut"] for a in audits)
    assert all(a["at_neutral_band"] <= a["at_zero"] and a["found"] == a["at_neutral_band"] for a in audits)
    assert sum(a["found"] for a in audits) > 20 * DATES
    for at in range(0, DATES, 7):
        row = int(np.searchsorted(panel.times, np.datetime64(start + timedelta(days=EVERY * at), "us")))
        plain = judged(panel, row)
        for logic, rating in RATINGS.items():
            for side, sign in SIDES.items():
                expected = {
                    plain["view"].keys[j]
                    for j in plain["there"]
                    if plain["values"]["value_traded_last"][j] > floor
                    and sign * plain["values"][rating][j] > 0.1
                    and not plain["view"].instruments[j].kinds & {"stablecoin", "fiat", "leveraged_token"}
                }
                day = found[f"binance_{venue}_rating_{logic}_{side}"][at]
                kept = {atom["physical_symbol"] for atom in day["atoms"]}
                merged = {key for atom in day["atoms"] for key in atom["alternatives"]}
                assert kept | merged == expected, (logic, side, at)  # nobody is lost by name


@pytest.mark.requirement("R-UNI-22")
def test_what_is_listed_delisted_or_traded_later_changes_no_past_scan(
    homes: dict[str, Path], tmp_path: Path, shared_data: Path, tvquant: Callable[..., Any]
) -> None:
    cut = date(2022, 4, 1)  # LUNA dies in May, other coins are listed later
    rows = pl.read_parquet(shared_data / FILES["spot"][0]).filter(pl.col("timestamp").dt.date() <= cut)
    rows.write_parquet(tmp_path / "past.parquet")
    home = tmp_path / "ws"
    assert tvquant("init", home).code == 0
    assert tvquant("data", "import", tmp_path / "past.parquet", "-w", home).code == 0
    for name in ("binance_spot_rating_all_long", "binance_spot_rating_ma_short"):
        past, now = (tvquant("scan", name, "--as-of", cut, "--json", "-w", w).document for w in (home, homes["spot"]))
        assert past == now
        assert past["bar"].startswith(str(cut))


@pytest.mark.requirement("R-UNI-21")
def test_one_date_of_a_replay_is_the_scan_of_that_date(homes: dict[str, Path], tvquant: Callable[..., Any]) -> None:
    home, name, day = homes["spot"], "binance_spot_rating_osc_long", "2022-03-03"
    alone = tvquant("scan", name, "--as-of", day, "--json", "-w", home).document
    many = tvquant("scan", name, "--from", "2022-03-01", "--to", "2022-03-05", "--json", "-w", home).document
    assert many[2] == alone


@pytest.mark.requirement("R-DAT-23")
def test_archived_scans_are_added_and_never_replaced(homes: dict[str, Path], tvquant: Callable[..., Any]) -> None:
    home, name = homes["spot"], "binance_spot_rating_all_long"
    from tvquant.lake.reading.scans import stored_scans

    for _ in range(2):
        assert tvquant("scan", name, "--as-of", "2022-03-03", "--archive", "-w", home).code == 0
    rows = stored_scans(home / "data" / "lakehouse", name)
    assert rows["scanned_at"].n_unique() == 2
    first, second = (part.drop("scanned_at") for part in rows.partition_by("scanned_at", maintain_order=True))
    assert first.equals(second)
    won = first.filter(pl.col("outcome") == "recruited")
    assert len(won) > 0
    for field in ("recommend_all", "recommend_ma", "recommend_other", "volatility_d", "volume_change_24h", "roc_9"):
        assert won[field].null_count() == 0
    assert set(won["logic"]) == {"rating_all"}
    assert (won["recommend_all"] > 0.1).all()


def test_what_a_person_sees(homes: dict[str, Path], tvquant: Callable[..., Any]) -> None:
    home = homes["spot"]
    said = tvquant("scan", "binance_spot_rating_all_long", "--as-of", "2022-03-03", "-w", home)
    assert said.code == 0, said.err
    assert "when the bar of 2022-03-03 was known" in said.out
    assert "0 neutral, 0 of another venue" in said.out
    assert "kind:leveraged_token" in said.out
    both = tvquant("scan", "binance_spot_rating_all_long", "binance_spot_rating_ma_long", "--as-of", "2022-03-03",
                   "--explain", "BINANCE:BTCUSDT", "-w", home)  # fmt: skip
    assert "rating_ma_LONG" in both.out
    assert "BINANCE:BTCUSDT: " in both.out
    changed = tvquant("scan", "diff", "binance_spot_rating_all_long", "2022-03-03", "2022-03-23", "-w", home)
    assert "entered" in changed.out
    assert "recommend_all" in changed.out
    listed = tvquant("scan", "list", "-w", home)
    assert "binance_spot_rating_all_long" in listed.out
    query = tvquant("scan", "binance_spot_rating_all_long", "--query", "-w", home)
    assert json.loads(query.out)[0]["body"]["filter"]


def test_a_replay_is_drawn_on_a_page(homes: dict[str, Path], tvquant: Callable[..., Any]) -> None:
    words = ("binance_spot_rating_all_long", "--from", "2022-03-03", "--every", 20, "--plot", "-w", homes["spot"])
    said = tvquant("scan", *words)
    page = homes["spot"] / "artifacts" / "scans" / "binance_spot_rating_all_long.html"
    assert (said.code, said.err) == (0, f"drawn: {page}\n")
    assert "BINANCE:ETHUSDT_rating_all_LONG" in page.read_text("utf-8")
    days = tvquant("scan", *words, "--json").document
    assert f"{len(days)} dates, 2022-03-03 to " in page.read_text("utf-8")


def test_a_list_without_dates_says_so(imported: Callable[..., Path], tvquant: Callable[..., Any]) -> None:
    home = imported("us_etf_1d_long", "split")
    shown = tvquant("scan", "sector_etfs", "--as-of", "2015-03-03", "-w", home)
    assert "current_only: the list sector_etfs" in shown.out


def test_what_is_not_priced_in_dollars_is_named(tmp_path: Path, tvquant: Callable[..., Any]) -> None:
    home, times = tmp_path / "ws", [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=k) for k in range(9)]
    one = pl.DataFrame({"timestamp": times, "open": 9.0, "high": 9.5, "low": 8.5, "close": 9.0, "volume": 1e9})
    names = ["BTCUSDT", *(f"{coin}EUR" for coin in ("BTC", "ETH", "LTC", "XRP", "ADA", "SOL"))]
    pl.concat(one.with_columns(symbol=pl.lit(f"BINANCE:{name}")) for name in names).write_parquet(
        tmp_path / "a.parquet"
    )
    assert tvquant("init", home).code == 0
    assert tvquant("data", "import", tmp_path / "a.parquet", "-w", home).code == 0
    said = tvquant("scan", "binance_spot_base", "-w", home)
    assert said.code == 0
    assert said.err == (
        "not priced in dollars, and so not scanned: BINANCE:ADAEUR, BINANCE:BTCEUR, BINANCE:ETHEUR, BINANCE:LTCEUR, "
        "BINANCE:SOLEUR and 1 more\n"
    )


def test_ratings_are_by_default_those_of_a_profile() -> None:
    import inspect

    from tvquant.app.cli.scan import at
    from tvquant.app.scanning import MAX_ATOMS
    from tvquant.app.vocabulary import vocabulary
    from tvquant.profiles import load, resolve

    profile = resolve(load("crypto_spot"), vocabulary()).profile
    given = inspect.signature(at).parameters
    assert given["rating_rules"].default == profile.data.rating_rules
    assert given["rating_min_bars"].default == profile.data.rating_min_bars
    assert profile.universe.max_atoms == MAX_ATOMS


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("no_such_scanner",), 2, "no_such_scanner"),
        (("binance_spot_rating_all_long", "--as-of", "1999-01-01"), 3, "no bar on or before 1999-01-01"),
        (("binance_spot_rating_all_long", "--to", "2022-01-01"), 2, "--from"),
        (("binance_spot_rating_all_long", "--plot"), 2, "--from"),
        (("binance_spot_rating_all_long", "--from", "2031-01-01"), 3, "no bar from 2031-01-01"),
        (("binance_perp_rating_all_long",), 3, "no bars in dollars"),
        (("binance_spot_rating_all_long", "--rating-rules", "clasic"), 2, "classic"),
        (("binance_spot_rating_all_long", "--explain", "BINANCE:NOUSDT"), 2, "had no bar"),
        (("binance_spot_rating_all_long", "--as-of", "yesterday"), 2, "yesterday"),
    ],
)
def test_wrong_words_are_one_clear_line(
    homes: dict[str, Path], tvquant: Callable[..., Any], words: tuple[str, ...], code: int, message: str
) -> None:
    said = tvquant("scan", *words, "-w", homes["spot"])
    assert said.code == code
    assert message in said.err
    assert len(said.err.strip().splitlines()) == 1
