"""A profile on a lake that lacks something: a preset's wish is left out and told, the user's own is refused."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from builders.profiles import resolved_of
from tvquant.app.profile_fit import fitted, scarce
from tvquant.app.vocabulary import vocabulary
from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.lake import Lake, import_files
from tvquant.profiles import ResolvedProfile, from_manifest, load, resolve, to_manifest

STOCKS = ("NASDAQ:AAPL", "NYSE:KO", "NYSE:XOM")
TREND = {"kinds": [], "exchange": None, "exclude_kinds": [], "currency": None, "pool": [], "signal": []}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return lake_of(tmp_path_factory.mktemp("fitting"), *STOCKS)


def lake_of(folder: Path, *symbols: str) -> Lake:
    """A lake with one bar of each symbol."""
    day = datetime(2024, 1, 2, tzinfo=UTC)
    pl.DataFrame({"symbol": symbols, "timestamp": day, "close": 1.0}).write_parquet(folder / "bars.parquet")
    made = Lake(folder / "lakehouse")
    import_files(made, [folder / "bars.parquet"], basis=Basis.RAW, recorded_at=datetime(2026, 1, 2, tzinfo=UTC))
    return made


def profile(name: str = "us_equities", *, search: Path | None = None, **settings: Any) -> ResolvedProfile:
    return resolved_of(name, search=search, **settings)


def test_a_presets_benchmark_that_is_not_there_is_left_out_and_told(lake: Lake) -> None:
    found = fitted(lake.contents(), profile(selection__min_winners=2))
    assert found.symbols == STOCKS
    assert found.resolved.profile.benchmark.market == ()
    (notice,) = found.resolved.notices
    assert "benchmark.market of preset us_equities names AMEX:SPY, which the lake does not hold" in notice
    assert found.resolved.layers["benchmark.market"] == "preset us_equities, left out: the lake lacks AMEX:SPY"
    again = from_manifest(to_manifest(found.resolved))
    assert fitted(lake.contents(), again).resolved == found.resolved, "a run that goes on stays as it was begun"
    assert found.resolved.digest == profile(selection__min_winners=2, benchmark__market=[]).digest


@pytest.mark.parametrize("own", ["argument", "file", "environment"])
def test_a_users_own_benchmark_is_refused(own: str, lake: Lake, tmp_path: Path) -> None:
    text = "version: 1\nextends: us_equities\nselection: {min_winners: 2}\n"
    (tmp_path / "mine.yaml").write_text(f"{text}benchmark: {{market: [AMEX:SPY]}}\n" if own == "file" else text)
    raw = load("mine", search=[tmp_path])
    given = {
        "argument": {"arguments": {"--set benchmark.market": ("benchmark.market", ["AMEX:SPY"])}},
        "environment": {"environment": {"TVQUANT_BENCHMARK__MARKET": "[AMEX:SPY]"}},
        "file": {},
    }[own]
    with pytest.raises(DataError, match=r"benchmark\.market names AMEX:SPY, which the lake does not hold"):
        fitted(lake.contents(), resolve(raw, vocabulary(), **given))  # type: ignore[arg-type]
    assert fitted(lake.contents(), resolve(raw, vocabulary(), arguments={} if own != "file" else
                  {"--m": ("benchmark.market", [])})).symbols == STOCKS  # fmt: skip


def test_a_benchmark_that_is_there_stays(lake: Lake) -> None:
    found = fitted(lake.contents(), profile(benchmark__market=["NYSE:KO"], universe__symbols=["NYSE:XOM"]))
    assert found.symbols == ("NYSE:KO", "NYSE:XOM")
    assert found.resolved.profile.benchmark.market == ("NYSE:KO",)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "asks for 15 of a universe of 3 names"),
        ({"selection__min_winners": 4}, "asks for 4 of a universe of 3 names"),
        ({"selection__min_winners": 3}, ""),
        (
            {"selection__min_winners": 3, "universe__exclude_symbols": ["NYSE:KO"]},
            "asks for 3 of a universe of 2 names",
        ),
        ({"selection__model": "baseline"}, ""),
    ],
)
def test_a_floor_above_the_universe_is_told(settings: dict[str, Any], told: str, lake: Lake) -> None:
    said = fitted(lake.contents(), profile(benchmark__market=[], **settings)).resolved.notices
    assert [notice for notice in said if "min_winners" in notice] == list(said)
    assert (told in said[0]) if told else said == ()


def test_a_name_may_be_an_atom_for_each_reason() -> None:
    """Three names recruited long and short make six atoms; two scanners of one logic and side make three."""
    scanners = [{**TREND, "name": n, "logic": "trend", "direction": d} for n, d in (("a", "LONG"), ("b", "SHORT"))]
    both = profile(universe__scanners=scanners, selection__min_winners=6).profile
    assert (scarce(both, 3), bool(scarce(both, 2))) == ((), True)
    alike = profile(universe__scanners=[{**s, "direction": "LONG"} for s in scanners], selection__min_winners=6).profile
    assert scarce(alike, 3)


def test_members_that_the_lake_lacks_are_counted(lake: Lake) -> None:
    found = fitted(
        lake.contents(), profile(universe__scanners=["sp500_trend"], benchmark__market=[], selection__min_winners=1)
    )
    (notice,) = found.resolved.notices
    assert notice.startswith("of 503 names that the list sp500 has from 2024-01-02 to 2024-01-02, the lake lacks 500 (")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"names": {"NYSE:OXY": 0.1}}, "allocation.limits.names: names NYSE:OXY, which the lake does not hold"),
        (
            {"groups": {"oil": {"symbols": ["NYSE:XOM", "NYSE:OXY"], "max": 0.1}}},
            "allocation.limits.groups: group oil names NYSE:OXY, which the lake does not hold",
        ),
    ],
)
def test_a_limit_on_a_name_that_the_lake_lacks_is_refused(settings: dict[str, Any], told: str, lake: Lake) -> None:
    keys = {f"allocation__limits__{key}": value for key, value in settings.items()}
    with pytest.raises(DataError, match=told):
        fitted(lake.contents(), profile(**keys))
    fitted(lake.contents(), profile(allocation__limits__names={"NYSE:XOM": 0.1}))


@pytest.mark.requirement("R-SIM-17")
def test_a_borrow_rate_of_what_is_not_borrowed_is_refused(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"costs\.borrow_rates names NYSE:OXY, which is not in the universe of this lake"
    ):
        fitted(lake.contents(), profile(costs__borrow_rates={"NYSE:OXY": 0.3}))
    fitted(lake.contents(), profile(costs__borrow_rates={"NYSE:XOM": 0.3}))
    swap = "BINANCE:BTCUSDT.P"
    dear = profile("binance_perp_rating_all_long", costs__borrow_rates={swap: 0.3})
    with pytest.raises(DataError, match=rf"borrow_rates names {swap}, a short of which is not borrowed; drop it there"):
        fitted(lake_of(tmp_path, swap).contents(), dear)


def declared(weights: Any, **settings: Any) -> ResolvedProfile:
    fixed = {"allocation__profiles": ["fixed"], "risk__primary": "fixed", "allocation__fixed__weights": weights}
    room = {"allocation__limits__position": 1.0, "allocation__limits__cluster": 1.0, "selection__model": "all"}
    return profile(**{"benchmark__market": [], **fixed, **room, **settings})


def test_declared_weights_that_will_not_be_held_are_told(lake: Lake) -> None:
    contents = lake.contents()
    assert fitted(contents, declared({"NYSE:KO": 0.6, "NYSE:XOM": 0.4})).resolved.notices == ()
    (never,) = fitted(contents, declared({"NYSE:KO": 0.6, "NYSE:OXY": 0.4})).resolved.notices
    assert never.startswith("allocation.fixed.weights names NYSE:OXY, not in this lake's universe: that share is cash")
    (cut,) = fitted(
        contents, declared({"NYSE:KO": 0.6, "NYSE:XOM": 0.4}, allocation__limits__cluster=0.6)
    ).resolved.notices
    assert cut.startswith("allocation.limits.cluster is 0.6 and allocation.fixed.weights holds 1:")
    chosen = declared({"NYSE:KO": 0.6}, selection__model="v4", selection__min_winners=1)
    (left_out,) = fitted(contents, chosen).resolved.notices
    assert left_out.startswith("selection.model v4 chooses among the names")


def test_declared_weights_of_which_nothing_can_be_held_are_refused(lake: Lake) -> None:
    with pytest.raises(
        DataError, match=r"allocation\.fixed\.weights: none of NYSE:OXY is in the universe of this lake"
    ):
        fitted(lake.contents(), declared({"NYSE:OXY": 0.4}))
    fitted(lake.contents(), declared({"2024-01-02": {"NYSE:KO": 0.4}}))
    with pytest.raises(DataError, match="its first date is 2024-01-03, and the last bar of the lake is of 2024-01-02"):
        fitted(lake.contents(), declared({"2024-01-03": {"NYSE:KO": 0.4}}))
