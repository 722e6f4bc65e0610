"""The leak check finds every planted leak on forks of a real lake, and nothing in honest decisions.

A planted leak is a replay that cheats in one way. Its honest twin computes the same from what was known.
"""

import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.profiles import plain_presets, profile_of
from tvquant.core.calendars import calendar
from tvquant.core.instruments import Instant
from tvquant.core.panel import Basis, Floats, Panel
from tvquant.lake import Lake, import_files, perturbations
from tvquant.lake.forks import UNCHANGED, Forks
from tvquant.profiles import Profile
from tvquant.tournament.cells import cells
from tvquant.tournament.leakcheck import (
    ABSENT,
    Leak,
    Outcome,
    Payload,
    Replay,
    check,
    compare,
    first_difference,
    honest,
    summed,
)

FUNDING = "funding scrambled"
"""The fork that only perpetual swaps know."""
ROWS, ROW = 330, 270
"""Sessions of the market, and the row that decisions stand at."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)
COINS = ("BTC", "ETH", "XRP", "ADA", "SOL", "DOT", "LTC", "BCH", "TRX", "XLM", "EOS", "NEO")
CRYPTO = [f"BINANCE:{coin}USDT" for coin in COINS]
SWAPS = [f"{pair}.P" for pair in CRYPTO]
TICKERS = ("KO", "GE", "PG", "WMT", "JNJ", "XOM", "CVX", "BAC", "HD", "MRK", "UNH")
STOCKS = ["AMEX:SPY", *(f"NYSE:{ticker}" for ticker in TICKERS)]
FUNDS = ("SPY", "QQQ", "IWM", "DIA", "XLK", "XLF", "XLE", "TLT", "IEF", "LQD", "GLD", "SLV")
ETFS = [f"AMEX:{ticker}" for ticker in FUNDS]


def _sessions(symbol: str) -> pl.Series:
    market = calendar("24x7" if symbol.startswith("BINANCE:") else "XNYS")
    stamps = market.bars(np.datetime64("2021-01-04"), np.datetime64("2023-01-01"))[:ROWS]
    return pl.Series(stamps).dt.replace_time_zone("UTC")


def _history(symbol: str, number: int) -> pl.DataFrame:
    """A walk with dividends and splits; one of twelve dies after ROW, one has a hole there, one is listed there."""
    draw = np.random.default_rng([number, 0])
    close = 100.0 * np.exp((0.002 + 0.02 * (1 + number / 6) * draw.standard_normal(ROWS)).cumsum())
    if not symbol.startswith("BINANCE:"):
        close = close / np.where(np.arange(ROWS) >= ROW + 4 * number, 2.0, 1.0)  # raw prices show their split
    opens = close * np.exp(0.005 * draw.standard_normal(ROWS))
    frame = pl.DataFrame(
        {
            "symbol": symbol,
            "timestamp": _sessions(symbol),
            "open": opens,
            "high": np.maximum(opens, close),
            "low": np.minimum(opens, close),
            "close": close,
            "volume": 1e6 * np.exp(draw.standard_normal(ROWS)) * (50.0 if number == 3 else 1.0),
            "dividends": np.where(np.arange(ROWS) % (40 + number) == 7, 0.5, 0.0),
            "stock_splits": np.where(np.arange(ROWS) == ROW + 4 * number, 2.0, 1.0),
        }
    )
    keep = np.ones(ROWS, bool)
    if number == 9:
        keep[ROW + 20 :] = False
    if number == 10:
        keep[ROW + 10 : ROW + 25] = False
    if number == 11:
        keep[: ROW + 5] = False
    frame = frame.filter(pl.Series(keep))
    return frame.drop("dividends", "stock_splits") if symbol.startswith("BINANCE:") else frame


class World:
    """A market as it is stored, and every fork of it at the decision's close."""

    def __init__(self, symbols: list[str], folder: Path) -> None:
        file = folder / "bars.parquet"
        pl.concat(_history(symbol, number) for number, symbol in enumerate(symbols)).write_parquet(file)
        lake = Lake(folder / "lakehouse")
        import_files(lake, [file], basis=Basis.RAW, recorded_at=NOW)
        snapshot = lake.pin(symbols)
        self.panel = lake.panel(snapshot)
        self.at: Instant = self.panel.known_at[ROW].min()
        forks = Forks(lake=lake, snapshot=snapshot, panel=self.panel, folder=folder)
        self.forks = {name: panel for name, panel in forks.at(self.at) if name != UNCHANGED}

    def check(self, replay: Replay) -> dict[str, Outcome]:
        found = check(replay, replay(self.panel, self.at), self.forks.items(), window=250, at=self.at)
        return {one.fork: one for one in found}


@pytest.fixture(scope="module")
def crypto(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(CRYPTO, tmp_path_factory.mktemp("crypto"))


@pytest.fixture(scope="module")
def swaps(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(SWAPS, tmp_path_factory.mktemp("swaps"))


@pytest.fixture(scope="module")
def etfs(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(ETFS, tmp_path_factory.mktemp("etfs"))


@pytest.fixture(scope="module")
def stocks(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(STOCKS, tmp_path_factory.mktemp("stocks"))


type Score = Callable[[Panel, int], Floats]


def _selects(score: Score) -> Replay:
    """Scores the names that have a bar when the decision is made and holds the best three of them."""

    def replay(panel: Panel, at: Instant) -> Mapping[str, Payload]:
        row = len(panel.until(at).times) - 1
        have = [j for j in range(len(panel.keys)) if panel.tradable[row, j]]
        found = score(panel, row)
        scores = {panel.keys[j]: float(found[j]) for j in have if not np.isnan(found[j])}
        best = sorted(scores, key=lambda key: (-scores[key], key))[:3]
        return {"planted": {"selection": {"scores": scores}, "weights": dict.fromkeys(best, 1 / 3)}}

    return replay


def _min_max(panel: Panel, row: int) -> Floats:
    """Position of the price between its least and greatest of the whole sample."""
    close = panel.fields["close"]
    least = np.nanmin(close, axis=0)
    return (close[row] - least) / (np.nanmax(close, axis=0) - least)


def _centred(panel: Panel, row: int) -> Floats:
    """Momentum of a window that is centred on the decision."""
    return np.nansum(panel.fields["total_return"][row - 5 : row + 6], axis=0)


def _liquidity(panel: Panel, _: int) -> Floats:
    """Traded value of the last days of the data, not of the last days before the decision."""
    return np.nansum((panel.fields["close"] * panel.fields["volume"])[-20:], axis=0)


def _back_adjusted(panel: Panel, row: int) -> Floats:
    """Price level after adjustment for every split and dividend of the data, later ones included."""
    later = slice(row + 1, None)
    split, dividend = panel.fields["split"][later].prod(axis=0), panel.fields["dividend"][later].sum(axis=0)
    return panel.fields["close"][row] / split - dividend


def _health(panel: Panel, _: int) -> Floats:
    """Share of rows with a bar over the whole sample."""
    return panel.tradable.mean(axis=0)


def _survivors(panel: Panel, _: int) -> Floats:
    """One for a name that is still there at the end."""
    return panel.tradable[-5:].any(axis=0).astype(float)


def _never_delisted(panel: Panel, _: int) -> Floats:
    """The same, from facts that are read without asking since when they are known."""
    return np.array([float(all(f.field != "delisted_at" for f in i.facts)) for i in panel.instruments])


def _among_all(panel: Panel, row: int) -> Floats:
    """Rank among every name of the data, those not listed yet included."""
    return (panel.fields["close"][row] / len(panel.keys)).astype(np.float64)


PLANTED: dict[str, tuple[Score, set[str]]] = {
    "whole-sample min-max": (_min_max, {"rows deleted", "rows scrambled", "rows added"}),
    "centred window": (_centred, {"rows deleted", "rows scrambled"}),
    "today's liquidity": (_liquidity, {"rows deleted", "rows scrambled"}),
    "back-adjustment level": (_back_adjusted, {"rows deleted", "actions scrambled"}),
    "whole-sample health": (_health, {"rows deleted", "rows added"}),
    "future delisting": (_survivors, {"rows deleted", "rows added"}),
    "future delisting, as a fact": (_never_delisted, {perturbations.FACTS}),
    "cross-section of the future": (_among_all, {"listings added", "listings removed"}),
}


@pytest.mark.requirement("R-UNI-22")
@pytest.mark.requirement("R-SIM-03")
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_leak_is_found_with_its_fork_and_path(name: str, stocks: World) -> None:
    score, expected = PLANTED[name]
    found = stocks.check(_selects(score))
    assert expected <= {fork for fork, one in found.items() if one.leaks}
    for leak in (leak for one in found.values() for leak in one.leaks):
        assert leak.path.startswith("selection.scores.")
        assert leak.path.removeprefix("selection.scores.") in stocks.panel.keys
        assert (leak.window, leak.cell, leak.as_of) == (250, "planted", stocks.at)
        assert leak.before != leak.after


def test_the_planted_leaks_need_every_fork(stocks: World) -> None:
    assert set().union(*(expected for _, expected in PLANTED.values())) == set(stocks.forks) - {FUNDING}


@pytest.mark.parametrize("name", PLANTED)
def test_the_honest_twin_of_a_planted_leak_is_clean(name: str, stocks: World) -> None:
    cheat = _selects(PLANTED[name][0])
    found = stocks.check(lambda panel, at: cheat(panel.until(at), at))
    expected = dict.fromkeys(stocks.forks, (1, ())) | {FUNDING: (0, ())}
    assert {fork: (one.decisions, one.leaks) for fork, one in found.items()} == expected


LIKE_OTHERS = (
    *("crypto_production", "crypto_rating_all", "crypto_rating_ma", "crypto_rating_osc"),
    *("development_coins", "development_stocks", "institutional_etf"),
)
SLEEVES = (
    *("binance_spot_rating_all_long", "binance_spot_rating_osc_short"),
    *("binance_perp_rating_ma_short", "binance_perp_rating_osc_long"),
)
"""Of a dozen with one scanner each, every venue, rating and side; `crypto_rating_alpha` has the dozen."""
PRESETS = sorted(plain_presets())
if not os.environ.get("TVQUANT_PROOF"):  # of pools of several scanners one, with every rating and both venues
    alone = ("binance_spot_rating", "binance_perp_rating")
    PRESETS = [name for name in PRESETS if name not in LIKE_OTHERS and (name in SLEEVES or not name.startswith(alone))]


def _profile(name: str) -> Profile:
    kinds = _kinds(name)
    market = STOCKS if "stock" in kinds else ETFS if "etf" in kinds else SWAPS if "swap" in kinds else CRYPTO
    return profile_of(name, benchmark__market=market[:1])


def _kinds(name: str) -> set[str]:
    return {str(kind) for kind in profile_of(name).universe.kinds}


@pytest.mark.requirement("R-UNI-04")
@pytest.mark.requirement("R-UNI-22")
@pytest.mark.requirement("R-SIM-03")
@pytest.mark.parametrize("name", PRESETS)
def test_decisions_of_every_preset_are_clean(name: str, request: pytest.FixtureRequest) -> None:
    made, kinds = _profile(name), _kinds(name)
    shares = kinds & {"stock", "etf"}
    market = ("stocks" if "stock" in shares else "etfs") if shares else "swaps" if "swap" in kinds else "crypto"
    world: World = request.getfixturevalue(market)
    specs = {cell.key: cell.spec for cell in cells(made)}
    replay = honest(specs, {})
    decided = replay(world.panel, world.at)
    assert all(payload["weights"] for payload in decided.values())
    found = world.check(replay)
    assert [leak for one in found.values() for leak in one.leaks] == []
    nothing = {fork for fork, one in found.items() if one.decisions == 0}
    assert nothing == (set() if shares else {"actions scrambled"}) | (set() if market == "swaps" else {FUNDING})


def test_what_was_held_before_reaches_its_cell(crypto: World) -> None:
    """A replay that forgot `previous` would compare other decisions than those of the run."""
    from tvquant.tournament.decide import decide
    from tvquant.tournament.specs import Previous
    from tvquant.tournament.views import look

    made = {cell.key: cell.spec for cell in cells(_profile("crypto_spot"))}
    first = honest(made, {})(crypto.panel, crypto.at)
    key = next(key for key in made if first[key]["atoms"])
    before = Previous(atoms=dict.fromkeys(first[key]["atoms"], 0.01))
    again = honest(made, {key: before})(crypto.panel, crypto.at)[key]
    assert again == decide(look(crypto.panel, ROW), made[key], before).payload()


def test_a_fork_that_is_none_counts_no_decision(crypto: World) -> None:
    outcomes = list(check(lambda _, at: {"a": {"x": 1}}, {"a": {"x": 1}}, [("gone", None)], window=1, at=crypto.at))
    assert outcomes == [Outcome(fork="gone", decisions=0, leaks=())]


AT = np.datetime64("2021-01-01", "us")


def test_no_fork_is_in_memory_when_the_next_one_is_made() -> None:
    class Fork:
        pass

    def forks() -> Iterator[tuple[str, Any]]:
        for name in ("one", "two"):
            fork = Fork()
            seen = weakref.ref(fork)
            yield name, fork
            del fork
            assert seen() is None

    outcomes = check(lambda _panel, _at: {"cell": {}}, {"cell": {}}, forks(), window=1, at=np.datetime64(0, "us"))
    assert [one.decisions for one in outcomes] == [1, 1]


def test_every_cell_that_differs_is_a_leak_and_one_that_is_missing_too() -> None:
    before = {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1}}
    leaks = compare(before, {"a": {"x": 1}, "b": {"x": 2}}, fork="f", window=3, as_of=AT)
    assert leaks == (
        Leak(fork="f", window=3, as_of=AT, cell="b", path="x", before=1, after=2),
        Leak(fork="f", window=3, as_of=AT, cell="c", path="", before={"x": 1}, after=ABSENT),
    )


def test_outcomes_are_summed_by_fork() -> None:
    leak = compare({"a": {"x": 1}}, {"a": {"x": 2}}, fork="g", window=1, as_of=AT)
    parts = [
        Outcome(fork="f", decisions=2, leaks=()),
        Outcome(fork="g", decisions=2, leaks=leak),
        Outcome(fork="f", decisions=3, leaks=()),
        Outcome(fork="g", decisions=0, leaks=()),
    ]
    assert summed(parts) == (Outcome(fork="f", decisions=5, leaks=()), Outcome(fork="g", decisions=2, leaks=leak))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, None),
        ({"a": [1, 2]}, {"a": (1, 2.0)}, None),
        ({"a": float("nan")}, {"a": float("nan")}, None),
        ({"b": 1, "a": 1}, {"a": 2, "b": 2}, ("b", 1, 2)),
        ({"a": {"X:Y_LONG": 0.5}}, {"a": {"X:Y_LONG": 0.25}}, ("a.X:Y_LONG", 0.5, 0.25)),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, ("a[1].b", 2, 3)),
        ({"a": [1]}, {"a": [1, 2]}, ("a[1]", ABSENT, 2)),
        ({"a": 1}, {}, ("a", 1, ABSENT)),
        ({}, {"a": None}, ("a", ABSENT, None)),
        ({"a": 1}, {"a": True}, ("a", 1, True)),
        ({"a": None}, {"a": {}}, ("a", None, {})),
        ({"a": []}, {"a": {}}, ("a", [], {})),
        ({"a": "1"}, {"a": ["1"]}, ("a", "1", ["1"])),
    ],
)
def test_the_first_difference_has_its_path(before: Any, after: Any, expected: tuple[str, Any, Any] | None) -> None:
    found = first_difference(before, after)
    assert (found and (found.path, found.before, found.after)) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(before=JSON, after=JSON)
def test_there_is_a_difference_exactly_where_json_values_differ(before: Any, after: Any) -> None:
    def kind(value: Any) -> Any:
        """Python takes True for 1; JSON does not."""
        match value:
            case bool():
                return ("truth", value)
            case list():
                return [kind(item) for item in value]
            case dict():
                return {key: kind(item) for key, item in value.items()}
        return value

    assert (first_difference(before, after) is None) == (kind(before) == kind(after))
