"""Markets, profiles and scanners that make no sense: one clear line and nothing written, or an outcome that says so."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.app.cli import main
from tvquant.core.panel import Floats
from tvquant.ledger import records

pytestmark = pytest.mark.xdist_group("malformed")

COINS = ("BTC", "ETH", "XRP", "ADA", "SOL", "DOT", "LTC", "BCH")
ROWS = 170
"""Windows at 60, 80 ... 160; those before 100 lack history and are not played."""
RUNS = Path("artifacts") / "summaries" / "runs"
CAP = 0.25


def walk(seed: int, *, drift: float = 0.002, common: float = 0.0) -> Floats:
    """Closes whose moves share a part of their variance; every seed has its own volatility."""
    own, shared = (np.random.default_rng([k, 5]).standard_normal(ROWS) for k in (seed, 999))
    moves = 0.01 * (1 + seed % 7) * (np.sqrt(common) * shared + np.sqrt(1 - common) * own)
    return np.asarray(100.0 * np.exp((drift + moves).cumsum()))


def coin(name: str, close: Floats, *, volume: float | None = 1e6) -> pl.DataFrame:
    """Daily bars of one coin that open where they close."""
    first = pl.datetime(2023, 1, 1, time_zone="UTC")
    days = pl.select(pl.datetime_range(first, first + pl.duration(days=ROWS - 1), "1d")).to_series()
    columns: dict[str, Any] = {"symbol": f"BINANCE:{name}USDT", "timestamp": days}
    columns |= {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close}
    return pl.DataFrame(columns if volume is None else columns | {"volume": np.full(ROWS, volume)})


def coins(count: int = len(COINS), **given: Any) -> list[pl.DataFrame]:
    return [coin(name, walk(seed, **given)) for seed, name in enumerate(COINS[:count])]


@dataclass(frozen=True)
class Home:
    """A workspace, how to call commands in it, and what its files are."""

    root: Path
    tvquant: Callable[..., Any]
    files: Callable[[Path], dict[str, bytes]]

    def holding(self, frames: Iterable[pl.DataFrame]) -> "Home":
        """The same after an import."""
        file = self.root.parent / "bars.parquet"
        pl.concat(frames).write_parquet(file)
        assert self.tvquant("data", "import", file, "-w", self.root).code == 0
        return self

    def call(self, command: str, profile: str = "crypto_spot", *words: object, **settings: object) -> Any:
        """Settings are profile keys, a double underscore for each point."""
        sets = [word for key, value in settings.items() for word in ("--set", f"{key.replace('__', '.')}={value}")]
        return self.tvquant(command, profile, *words, *sets, "-w", self.root)

    def played(self, profile: str = "crypto_spot", **settings: object) -> "Played":
        said = self.call("run", profile, "--json", **settings)
        assert said.code == 0, said.err
        folder = Path(said.document["report"]).parents[1]
        assert self.tvquant("ledger", "verify", "latest", "-w", self.root).code == 0
        return Played(folder, {cell["cell"]: cell for cell in said.document["cells"]})

    def refused(self, profile: str = "crypto_spot", *, code: int, words: Iterable[str], **settings: object) -> None:
        """A run is refused before anything is written."""
        before = self.files(self.root)
        one_clear_line(self.call("run", profile, **settings), code, words)
        assert self.files(self.root) == before


@dataclass(frozen=True)
class Played:
    """A finished run."""

    folder: Path
    told: dict[str, Any]

    def table(self, name: str, cell: str = "v4/custom/hrp/custom") -> pl.DataFrame:
        return pl.read_parquet(self.folder / "results" / f"{name}.parquet").filter(pl.col("cell") == cell)

    @property
    def strategies(self) -> list[str]:
        return [cell for cell in self.told if cell.startswith("v4/")]


def one_clear_line(said: Any, code: int, words: Iterable[str]) -> None:
    assert said.code == code, said.err
    *told, line = said.err.strip().splitlines()
    assert len(told) <= 1, said.err
    assert all(one.startswith("health of ") for one in told), said.err
    assert "Traceback" not in said.err
    for word in words:
        assert word in line, line


def finite_and_capped(run: Played) -> None:
    """Every weight of every strategy is finite, not negative, under its caps, and with cash it is one."""
    for cell in run.strategies:
        atoms, windows = run.table("atoms", cell), run.table("windows", cell)
        assert atoms["weight"].is_finite().all()
        assert atoms["weight"].min() >= 0.0
        for group in ("symbol", "cluster", "allocation_cluster"):
            assert atoms.group_by("window", group).agg(pl.col("weight").sum())["weight"].max() <= CAP + 1e-9
        held = dict(atoms.group_by("window").agg(pl.col("weight").sum()).iter_rows())
        for window, cash in windows.select("window", "cash").iter_rows():
            assert held.get(window, 0.0) + cash == pytest.approx(1.0, abs=1e-12)
        assert run.table("returns", cell)["return"].is_finite().all()


@pytest.fixture
def home(tmp_path: Path, tvquant: Callable[..., Any], files: Callable[..., Any]) -> Home:
    root = tmp_path / "ws"
    assert tvquant("init", root).code == 0
    return Home(root, tvquant, files)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with all coins."""
    folder = tmp_path_factory.mktemp("good")
    root, file = folder / "ws", folder / "bars.parquet"
    pl.concat(coins()).write_parquet(file)
    assert main(["init", str(root)]) == 0
    assert main(["data", "import", str(file), "-w", str(root)]) == 0
    return root


@pytest.fixture
def good(stored: Path, tmp_path: Path, tvquant: Callable[..., Any], files: Callable[..., Any]) -> Home:
    """A copy of it."""
    return Home(Path(shutil.copytree(stored, tmp_path / "ws")), tvquant, files)


def scanner(home: Home, name: str, text: str) -> None:
    folder = home.root / "profiles" / "scanners"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(f"version: 1\ndescription: Test.\n{text}")


# Profiles -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"selection__top_n": 0}, ["selection.top_n", "1", "found 0"]),
        ({"selection__top_n": 1.5}, ["selection.top_n", "integer"]),
        ({"selection__min_winners": 20, "selection__max_winners": 10}, ["selection.max_winners", "min_winners (20)"]),
        ({"selection__min_winners": 0}, ["selection.min_winners", "found 0"]),
        ({"selection__null_share": 0.5}, ["selection.null_share", "less than 0.5"]),
        ({"selection__null_share": ".nan"}, ["selection.null_share", "finite"]),
        ({"selection__cluster_distance": 0}, ["selection.cluster_distance", "greater than 0"]),
        ({"selection__max_clusters": 0}, ["selection.max_clusters", "found 0"]),
        ({"selection__cluster_lookbacks": "[]"}, ["selection.cluster_lookbacks", "at least 1"]),
        ({"selection__cluster_lookbacks": "[3]"}, ["selection.cluster_lookbacks", "20", "found 3"]),
        ({"selection__max_volatility": -1}, ["selection.max_volatility", "found -1"]),
        ({"selection__model": "v5"}, ["selection.model", "baseline, liquid_htr"]),
        ({"data__rating_min_bars": 0}, ["data.rating_min_bars", "found 0"]),
        ({"allocation__fallbacks": "[barbel]"}, ["allocation.fallbacks", "'barbel'", "did you mean barbell?"]),
        ({"allocation__fallbacks": "[min_varianc]"}, ["allocation.fallbacks", "did you mean min_variance?"]),
        ({"allocation__limits__cluster": 0}, ["allocation.limits.cluster", "found 0"]),
        ({"risk__primary": "herc"}, ["risk.primary", "'herc'", "allocation.profiles"]),
        ({"universe__scanners": "[binance_spot_rating_ma_lon]"}, ["did you mean binance_spot_rating_ma_long?"]),
        ({"universe__scanners": "[binance_spot_base]"}, ["binance_spot_base: is of layer universe", "pool"]),
        ({"universe__scanners": 3}, ["universe.scanners", "expected a list"]),
        (
            {"universe__scanners": "[binance_spot_rating_ma_long, binance_spot_rating_ma_long]"},
            ["universe.scanners", "more than once"],
        ),
    ],
)  # fmt: skip
def test_a_profile_that_makes_no_sense_is_refused_by_its_key(
    settings: dict[str, object], words: list[str], good: Home
) -> None:
    good.refused(code=2, words=["profile crypto_spot", *words], **settings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("logic: hold\ndirection: LONG\nfilters: [{field: recommend_ma, above: 0.1, below: 0.5}]\n",
         ["scanners/odd.yaml", "line 5", "one of above, below, at_least, at_most, found both"]),
        ("logic: hold\ndirection: LONG\nfilters: [{field: recommend_ma}]\n", ["line 5", "found none"]),
        ("logic: hold\ndirection: LONG\nfilters: [{field: recommend_ma, above: .nan}]\n", ["line 5", "finite"]),
        ("logic: hold\ndirection: LONG\nfilters: [{field: recommend_mb, above: 0.1}]\n",
         ["scanner odd", "did you mean recommend_ma?"]),
        ("logic: rating_ma\ndirection: LONG\nfilters: [{field: adv_median_30, above: 0.1}]\n",
         ["scanners/odd.yaml", "filters adv_median_30", "vetoes"]),
        ("logic: hold\ndirection: LONG\nfilters:\n"
         "  - {field: recommend_ma, above: 0.1}\n  - {field: recommend_ma, above: 0.2}\n", ["more than once"]),
        ("logic: hopeful\ndirection: LONG\n", ["unknown logic 'hopeful'", "hold, mean_reversion"]),
        ("logic: hold\ndirection: UP\n", ["scanners/odd.yaml", "line 4", "LONG, SHORT"]),
        ("extends: odd\n", ["circle odd -> odd"]),
        ("extends: nobody\n", ["scanners/odd.yaml", "line 3", "'nobody'"]),
        ("logc: hold\n", ["line 3", "did you mean logic?"]),
        ("logic: [hold\n", ["scanners/odd.yaml"]),
    ],
)  # fmt: skip
@pytest.mark.requirement("R-UNI-02")
@pytest.mark.requirement("R-UNI-15")
def test_a_scanner_that_makes_no_sense_is_refused_by_its_line(text: str, words: list[str], good: Home) -> None:
    scanner(good, "odd", text)
    good.refused(code=2, words=["universe.scanners", *words], universe__scanners="[odd]")


# Markets --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hole", "why"), [(float("nan"), "'NaN' is not a finite number"), (None, "is empty")])
def test_a_symbol_without_any_close_is_left_out_by_name(hole: float | None, why: str, home: Home) -> None:
    """The good symbols are imported; its rows go aside when that is asked for."""
    frames = coins()
    frames[3] = frames[3].with_columns(close=pl.lit(hole, dtype=pl.Float64))
    file = home.root.parent / "bars.parquet"
    pl.concat(frames).write_parquet(file)
    said = home.tvquant("data", "import", file, "-w", home.root)
    one_clear_line(said, 3, ["row 510", "'close'", why, f"{ROWS - 1} more bad rows"])
    assert home.tvquant("data", "import", file, "--quarantine", "-w", home.root).code == 0
    run = home.played()
    assert set(run.table("windows")["universe"]) == {7}
    finite_and_capped(run)


def test_a_price_that_never_moves_is_vetoed_with_its_reason(home: Home) -> None:
    frames = coins()
    frames[2] = coin("XRP", np.full(ROWS, 5.0))
    run = home.holding(frames).played()
    vetoes = run.table("vetoes")
    assert set(vetoes.filter(pl.col("reason") == "zero_variance")["atoms"]) == {1}
    assert "BINANCE:XRPUSDT" not in set(run.table("atoms")["symbol"])
    finite_and_capped(run)


def test_where_no_price_moves_there_is_no_run(home: Home) -> None:
    home.holding(coin(name, np.full(ROWS, 5.0)) for name in COINS)
    one_clear_line(home.call("run"), 3, ["no name was eligible", "8 names", "zero_variance 8"])
    (folder,) = (home.root / RUNS).glob("*-crypto_spot-*")
    failed = [r for r in records(folder, chain="run", kind="outcome") if r.metrics["status"] == "failed"]
    assert [(r.stage, "zero_variance" in r.data["why"]) for r in failed] == [(15, True)]
    assert not (folder / "report").exists()


def test_one_asset_holds_its_cap_and_forced_cash(home: Home) -> None:
    run = home.holding(coins(1)).played()
    for cell in run.strategies:
        assert run.table("atoms", cell)["weight"].to_list() == pytest.approx([CAP] * run.told[cell]["windows"])
        assert set(run.table("windows", cell)["flags"]) == {"sparse"}
        assert run.told[cell]["mean_forced_cash"] == pytest.approx(0.75, abs=1e-12)
    assert run.told["base_universe_ew/custom"]["mean_cash"] == 0.0
    finite_and_capped(run)


@pytest.mark.requirement("R-RSK-10")
def test_two_clusters_hold_two_caps_and_forced_cash(home: Home) -> None:
    """Four coins that are one, and one that goes its own way: half of the capital has no place."""
    home.holding([*coins(4, common=0.99), coin("SOL", walk(4))])
    run = home.played()
    for cell in run.strategies:
        windows = run.table("windows", cell)
        assert set(windows["allocation_clusters"]) == {2}
        # Of a barbell one cluster is the aggressor, with a tenth of the capital; equal weights are a fifth each.
        cash = 0.65 if "barbell" in cell else 0.55 if "equal_weight" in cell else 0.5
        assert windows["forced_cash"].to_list() == pytest.approx([cash] * len(windows), abs=1e-12)
        kept = windows["cash"] - windows["reference_cash"]
        assert kept.to_list() == pytest.approx([cash] * len(windows), abs=1e-9)
    finite_and_capped(run)


def test_a_date_without_a_candidate_is_cash_in_the_midst(home: Home) -> None:
    """Nobody has the bar before the window at 120, which stands on the one before it; the next looks back on a gap."""
    frames = [frame.filter(pl.int_range(pl.len()) != 119) for frame in coins()]
    run = home.holding(frames).played(data__lookback=40, windows__train=40)
    windows = {row["window"]: row for row in run.table("windows").iter_rows(named=True)}
    assert {window: row["status"] for window, row in windows.items()} == {
        100: "solved", 120: "solved", 140: "no_candidate", 160: "solved"
    }  # fmt: skip
    assert (windows[120]["decided_at"] - windows[120]["bar"]).days == 1
    assert (windows[140]["universe"], windows[140]["discovery"], windows[140]["refined"]) == (8, 8, 0)
    assert (windows[140]["cash"], windows[140]["bar"]) == (1.0, windows[140]["decided_at"])
    told = run.told["v4/custom/hrp/custom"]
    assert (told["windows_without_candidate"], told["windows_earlier_bar"]) == (1, 1)
    finite_and_capped(run)


def test_a_scanner_that_recruits_nobody_at_some_dates_holds_cash_there(home: Home) -> None:
    """Everything falls, then rises: a scanner for rising averages has nobody first."""
    closes = [np.where(np.arange(ROWS) < 120, 200.0 - np.arange(ROWS), np.arange(ROWS) - 40.0) + k for k in range(8)]
    home.holding(coin(name, close) for name, close in zip(COINS, closes, strict=True))
    scanner(home, "rising", "logic: rating_ma\ndirection: LONG\nfilters: [{field: recommend_ma, above: 0.1}]\n")
    run = home.played(universe__scanners="[rising]", data__rating_min_bars=60)
    windows = run.table("windows")
    assert windows["discovery"].to_list() == [0, 0, 8, 8]
    assert windows["status"].to_list()[:2] == ["no_candidate"] * 2
    assert windows["cash"].to_list()[:2] == [1.0, 1.0]
    finite_and_capped(run)


@pytest.mark.parametrize(
    ("profile", "volume", "words"),
    [
        ("binance_spot_rating_ma_long", 10.0, ["no name was eligible", "8 names", "0 recruited", "passed no scanner"]),
        ("binance_spot_rating_ma_long", None, ["filters value_traded_last", "no volume", "drop the scanner"]),
        ("crypto_spot", None, []),
    ],
)
def test_a_floor_that_nobody_reaches_or_nobody_can_know(
    profile: str, volume: float | None, words: list[str], home: Home
) -> None:
    """Below the floor at all dates, or without volume; without a floor the same data run and are stamped."""
    home.holding(coin(name, walk(seed), volume=volume) for seed, name in enumerate(COINS))
    if words:
        one_clear_line(home.call("run", profile, data__rating_min_bars=60), 3, words)
        assert not list((home.root / RUNS).glob("*/report/index.html"))
        assert home.call("select", profile).code == (3 if volume is None else 0)
        return
    run = home.played(profile)
    assert "no_volume" in run.told["v4/custom/hrp/custom"]["stamps"]
    (record, *_) = records(run.folder, kind="selection")
    assert record.data["absent"]["liquidity"] == "the data have no volume or quote_volume"


def test_two_symbols_with_one_price_share_what_one_would_hold(home: Home) -> None:
    """One cluster, one correlation: hrp, risk_parity and equal_weight give both the same."""
    frames = coins()
    frames[5] = coin("DOT", walk(4))
    run = home.holding(frames).played(allocation__profiles="[hrp, risk_parity, min_variance, max_sharpe, equal_weight]")
    for cell in ("v4/custom/hrp/custom", "v4/custom/risk_parity/custom", "v4/custom/equal_weight/custom"):
        atoms = run.table("atoms", cell)
        twins = {name: atoms.filter(pl.col("symbol") == f"BINANCE:{name}USDT") for name in ("SOL", "DOT")}
        assert len(twins["SOL"]) == len(twins["DOT"]) > 0
        assert twins["SOL"]["weight"].to_list() == pytest.approx(twins["DOT"]["weight"].to_list(), abs=1e-9)
        assert twins["SOL"]["cluster"].to_list() == twins["DOT"]["cluster"].to_list()
    finite_and_capped(run)


def test_a_market_of_one_price_is_one_cluster(home: Home) -> None:
    """A covariance of rank one: every profile answers, or fails with a record; nothing is beyond one cluster's cap."""
    home.holding(coin(name, walk(4)) for name in COINS)
    run = home.played(allocation__profiles="[hrp, risk_parity, min_variance, max_sharpe, equal_weight]")
    for cell in run.strategies:
        held = run.table("windows", cell).filter(pl.col("names") > 0)
        assert held["gross"].to_list() == pytest.approx([CAP] * len(held), abs=1e-9)
        assert held["forced_cash"].to_list() == pytest.approx([0.75] * len(held), abs=1e-12)
    finite_and_capped(run)


def test_max_sharpe_without_a_positive_mean_falls_back_or_is_cash(home: Home) -> None:
    home.holding(coins(drift=-0.02))
    cell, made_by = "v4/custom/max_sharpe/custom", "decision/v4/custom/max_sharpe"
    profiles = "[hrp, max_sharpe]"
    alone = home.played(allocation__profiles=profiles)
    assert set(alone.table("windows", cell)["status"]) == {"failed"}
    assert set(alone.table("windows", cell)["cash"]) == {1.0}
    assert (alone.told[cell]["windows_failed"], alone.told[cell]["total_return"]) == (alone.told[cell]["windows"], 0.0)
    tried = next(records(alone.folder, chain=made_by, kind="decision")).data["allocation"]["attempts"]
    assert [attempt["outcome"] for attempt in tried] == ["no name has a positive expected return"]
    mended = home.played(allocation__profiles=profiles, allocation__fallbacks="[min_variance]")
    assert set(mended.table("windows", cell)["status"]) == {"fell_back"}
    made = next(records(mended.folder, chain=made_by, kind="decision")).data["allocation"]
    assert made["risk_profile"] == "min_variance"
    assert [attempt["what"].split(":")[0] for attempt in made["attempts"]] == ["max_sharpe", "min_variance"]
    finite_and_capped(mended)


# Questions ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--as-of", "2020-01-01"), 3, ["no bar on or before 2020-01-01", "2023-01-01"]),
        (("--as-of", "2023-02-30"), 2, ["--as-of", "2023-02-30"]),
        (("--as-of", "yesterday"), 2, ["--as-of", "yesterday"]),
        (("--explain", "BINANCE:NOPEUSDT"), 2, ["BINANCE:NOPEUSDT was not in the universe on 2023-06-19"]),
        (("--model", "v9"), 2, ["selection.model", "'v9'"]),
    ],
)
def test_a_question_that_has_no_answer_is_told_so(
    words: tuple[str, ...], code: int, said: list[str], good: Home
) -> None:
    before = good.files(good.root)
    one_clear_line(good.call("select", "crypto_spot", *words), code, said)
    assert good.files(good.root) == before


def test_a_date_before_any_history_has_no_candidate_to_explain(good: Home) -> None:
    said = good.call("select", "crypto_spot", "--as-of", "2023-01-05", "--explain", "*", "--json")
    assert said.code == 0, said.err
    assert said.document["explanations"] == []
    assert said.document["decision"]["weights"] == {}
    assert set(said.document["decision"]["excluded"].values()) == {"history"}
