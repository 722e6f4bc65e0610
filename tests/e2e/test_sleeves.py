"""Both spot sleeves on real data: who is recruited, what is held, and that what is held earns what prices say.

The prices that judge are those of the shared file itself, read here and never through the lake or a panel.
"""

import io
import math
import re
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog

from builders.sleeve_runs import HEADLINE, Sleeve, finished
from tvquant.app.vocabulary import vocabulary
from tvquant.ledger import records
from tvquant.profiles import load, resolve
from tvquant.report.tables import unpacked

pytestmark = pytest.mark.xdist_group("real")

CSV = re.compile(r'<script type="text/plain" data-csv="([^"]+)">([^<]*)</script>')
FILE = "crypto_binance_spot_1d_2021_2022.parquet"
LONG, SHORT = "binance_spot_rating_ma_long", "binance_spot_rating_ma_short"
PERPETUALS, SOLD = "crypto_binance_perp_1d.parquet", "binance_perp_rating_ma_short"
CAP = 0.25
FLOOR = 20e6
LUNA, BEFORE = "BINANCE:LUNAUSDT", date(2022, 5, 1)
REUSED = {LUNA: date(2022, 5, 31), "BINANCE:SUNUSDT": date(2021, 6, 18)}
"""First day of another token (or of another unit of it) under the same ticker."""

STABLE = {"BUSD", "TUSD", "USDC"}
FIAT = {"EUR", "GBP", "AUD"}
STEMS = ("1INCH", "ADA", "BNB", "BTC", "DOT", "EOS", "ETH", "FIL", "LINK", "LTC", "SUSHI", "TRX", "UNI", "XLM", "XRP",
         "XTZ", "YFI")  # fmt: skip
LEVERAGED = {f"{stem}{side}" for stem in STEMS for side in ("UP", "DOWN")}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, imported: Callable[..., Path]) -> Path:
    from tvquant.app.cli import main

    root = Path(shutil.copytree(imported(FILE.removesuffix(".parquet")), tmp_path_factory.mktemp("sleeves") / "ws"))
    for profile in (LONG, SHORT):
        assert main(["run", profile, "-w", str(root)]) == 0
    return root


@pytest.fixture(scope="module")
def sleeves(home: Path) -> dict[str, Sleeve]:
    found = finished(home)
    assert set(found) == {LONG, SHORT}
    return found


@pytest.fixture(scope="module")
def bars(shared_data: Path) -> dict[str, pl.DataFrame]:
    """Bars as they are in the file, by symbol, each date once."""
    return by_symbol(pl.read_parquet(shared_data / FILE))


def by_symbol(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    frame = frame.with_columns(date=pl.col("timestamp").dt.date())
    frame = frame.unique(["symbol", "date"], keep="first").sort("symbol", "date")
    return {str(symbol): part for (symbol,), part in frame.group_by("symbol")}


@pytest.fixture(scope="module")
def perpetuals(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> tuple[Sleeve, dict[str, pl.DataFrame]]:
    """The short sleeve of the forty most traded perpetual swaps, of whose funding nothing is known, and their bars."""
    from tvquant.app.cli import main

    folder = tmp_path_factory.mktemp("perpetuals")
    root, file, rows = folder / "ws", folder / "swaps.parquet", pl.read_parquet(shared_data / PERPETUALS)
    traded = rows.group_by("symbol").agg(pl.col("quote_volume").mean()).sort("quote_volume", descending=True)
    rows = rows.filter(pl.col("symbol").is_in(traded["symbol"][:40].implode()))
    rows.write_parquet(file)
    assert main(["init", str(root)]) == 0
    assert main(["data", "import", str(file), "-w", str(root)]) == 0
    assert main(["run", SOLD, "-w", str(root)]) == 0
    return finished(root)[SOLD], by_symbol(rows)


def referee() -> Any:
    """The slow rating of the feature room's tests."""
    import importlib.util

    place = Path(__file__).parents[1] / "unit" / "features" / "referee.py"
    spec = importlib.util.spec_from_file_location("rating_referee", place)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules.setdefault("rating_referee", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


def rating(known: pl.DataFrame) -> float:
    """Mean of the votes there are at the last bar."""
    fields = (known[name].to_list() for name in ("high", "low", "close", "volume"))
    votes = [vote for vote in referee().votes(*fields)[-1] if vote is not None]
    return sum(votes) / len(votes)


def base(key: str) -> str:
    """`BINANCE:ETHUPUSDT#2` -> `ETHUP`."""
    return key.split(":")[1].split("#")[0].removesuffix("USDT")


def test_the_two_sleeves_are_one_house_on_two_sides() -> None:
    """What holds of both profiles stands in their common base: only scanner, direction and description differ."""
    long, short = (resolve(load(name), vocabulary()).profile.values() for name in (LONG, SHORT))
    differing = {key for key in long if long[key] != short[key]}
    assert differing == {"name", "description", "universe"}
    differing = {key for key in long["universe"] if long["universe"][key] != short["universe"][key]}
    assert differing == {"scanners", "direction"}


@pytest.mark.requirement("R-SYN-03")
@pytest.mark.requirement("R-SIM-17")
def test_every_decision_of_a_sleeve_is_on_its_side(sleeves: dict[str, Sleeve]) -> None:
    for name, sign in ((LONG, 1), (SHORT, -1)):
        sleeve = sleeves[name]
        assert len(sleeve.strategies) == 6
        for cell in sleeve.strategies:
            weights, atoms = sleeve.of("weights", cell), sleeve.of("atoms", cell)
            assert len(weights) > 50
            assert (sign * weights["weight"] > 0.0).all()
            assert (atoms["weight"] >= 0.0).all()
            assert set(atoms["direction"]) == {"LONG" if sign > 0 else "SHORT"}
        stamps = {c["cell"]: set(c["stamps"]) for c in standings(sleeve.folder)}
        assert all(("research_only" in stamps[cell]) is (sign < 0) for cell in sleeve.strategies)
        assert all("research_only" not in stamps[f"{b}/custom"] for b in ("base_universe_ew", "market"))
        borrowed = {cell: sleeve.of("returns", cell)["borrow"].sum() > 0.0 for cell in sleeve.strategies}
        assert set(borrowed.values()) == {sign < 0}


@pytest.mark.requirement("R-TRN-12")
@pytest.mark.requirement("R-UNI-23")
def test_the_report_says_what_discovery_selection_and_optimisation_added(sleeves: dict[str, Sleeve]) -> None:
    """Each is a difference of two recorded books, and together they are the headline less the base universe."""
    for sleeve in sleeves.values():
        page = (sleeve.folder / "report" / "index.html").read_text("utf-8")
        (content,) = (text for name, text in CSV.findall(page) if "adds per year" in unpacked(text).splitlines()[0])
        told = pl.read_csv(io.StringIO(unpacked(content)))
        assert [one.split(" ")[0] for one in told["step"]] == ["discovery", "selection", "optimisation"]
        chain = ["base_universe_ew/custom", "raw_pool_ew/custom", "benchmark/custom", HEADLINE]
        means = [365 * float(sleeve.of("returns", cell)["return"].mean()) for cell in chain]
        assert told["adds per year"].to_list() == pytest.approx(np.diff(means).tolist(), abs=1e-12)
        assert (told["from"] < told["adds per year"]).all()
        assert (told["adds per year"] < told["to"]).all()
        assert (sleeve.of("weights", "raw_pool_ew/custom")["weight"].sign().n_unique()) == 1


def standings(folder: Path) -> list[dict[str, Any]]:
    from tvquant.report import standings as of_run

    return list(of_run(folder))


@pytest.mark.requirement("R-RSK-12")
@pytest.mark.requirement("R-RSK-24")
@pytest.mark.requirement("R-RSK-10")
def test_every_window_of_every_cell_keeps_the_caps(sleeves: dict[str, Sleeve]) -> None:
    """Summed here from the atoms: by allocation cluster, by selection cluster, by asset; and with cash it is one."""
    for sleeve in sleeves.values():
        for cell in sleeve.strategies:
            atoms, windows, weights = (sleeve.of(table, cell) for table in ("atoms", "windows", "weights"))
            for group in ("symbol", "cluster", "allocation_cluster"):
                sums = atoms.group_by("window", group).agg(pl.col("weight").sum())
                assert sums["weight"].max() <= CAP + 1e-9
            total = dict(atoms.group_by("window").agg(pl.col("weight").sum()).iter_rows())
            for row in windows.iter_rows(named=True):
                held = total.get(row["window"], 0.0)
                assert held + row["cash"] == pytest.approx(1.0, abs=1e-12)
                assert row["gross"] == pytest.approx(held, abs=1e-12)
                assert abs(row["net"]) == pytest.approx(held, abs=1e-12)  # one side only
                assert -1e-12 <= row["forced_cash"] + row["moved"] <= row["cash"] + 1e-9
            net = dict(weights.group_by("window").agg(pl.col("weight").abs().sum()).iter_rows())
            assert net == pytest.approx({window: w for window, w in total.items() if w}, abs=1e-12)


def most_held(atoms: pl.DataFrame, cap: float) -> float:
    """The largest sum of weights with no name and no cluster of either kind above the cap."""
    groups = [atoms[name].to_numpy() for name in ("symbol", "cluster", "allocation_cluster")]
    rows = np.array([group == one for group in groups for one in np.unique(group)], dtype=float)
    found = linprog(-np.ones(len(atoms)), A_ub=rows, b_ub=np.full(len(rows), cap), bounds=(0.0, cap))
    return -float(found.fun)


def test_cash_of_the_standings_is_that_of_the_windows(sleeves: dict[str, Sleeve]) -> None:
    for sleeve in sleeves.values():
        told = {row["cell"]: row for row in standings(sleeve.folder)}
        for cell in sleeve.strategies:
            windows = sleeve.of("windows", cell)
            for column in ("cash", "forced_cash"):
                assert told[cell][f"mean_{column}"] == pytest.approx(windows[column].mean(), abs=1e-12)
            held, protected = windows.filter(pl.col("names") > 0), sleeve.protected(cell)
            assert held["forced_cash"].max() > 0.0
            if "barbell" in cell or "equal_weight" in cell:  # what their parts have no room for goes to nobody
                continue
            for window, cash, regime in held.select("window", "forced_cash", "regime").iter_rows():
                cap = {"turbulent": 0.20, "crisis": 0.15}.get(regime, CAP)
                room = most_held(sleeve.of("atoms", cell).filter(pl.col("window") == window), cap)
                assert cash == pytest.approx(max(0.0, (0.5 if window in protected else 1.0) - room), abs=1e-9)


def test_a_date_without_a_candidate_is_all_cash(sleeves: dict[str, Sleeve]) -> None:
    """Before two hundred bars nobody has a rating; later there are dates at which no rating is on the right side."""
    for sleeve in sleeves.values():
        windows = sleeve.of("windows")
        empty = windows.filter(pl.col("atoms_selected") == 0)
        assert set(empty["status"]) == {"no_candidate"}
        assert set(empty["cash"]) == {1.0}
        early = windows.filter(pl.col("decided_at") < pl.datetime(2021, 7, 19))  # the 200th day
        assert len(early) == 5
        assert set(early["discovery"]) == {0}
        assert set(windows.filter(pl.col("atoms_selected") > 0)["status"]) <= {"solved", "fell_back"}
        told = next(row for row in standings(sleeve.folder) if row["cell"] == HEADLINE)
        assert told["windows_without_candidate"] == len(empty)
    late = sleeves[SHORT].of("windows").filter(pl.col("decided_at") > pl.datetime(2021, 7, 19))
    assert "no_candidate" in set(late["status"])


@pytest.mark.requirement("R-LED-04")
@pytest.mark.requirement("R-LED-05")
def test_the_ledger_has_scalars_in_metrics_and_a_snapshot_for_every_window_of_every_cell(
    sleeves: dict[str, Sleeve],
) -> None:
    for sleeve in sleeves.values():
        counted: Counter[str] = Counter()
        for record in records(sleeve.folder):
            assert all(v is None or isinstance(v, bool | int | float | str) for v in record.metrics.values())
            counted[record.chain] += record.kind == "snapshot"
        windows = sleeve.tables["windows"]
        assert {chain: n for chain, n in counted.items() if n} == dict.fromkeys(
            windows["cell"].unique(), windows["window"].n_unique()
        )


@pytest.mark.requirement("R-UNI-11")
def test_hygiene_is_counted_and_nothing_of_it_is_recruited(sleeves: dict[str, Sleeve]) -> None:
    for sleeve in sleeves.values():
        reasons: Counter[str] = Counter()
        for made in sleeve.decisions.values():
            out, funnel = made.excluded, made.funnel.payload()
            for key, reason in out.items():
                if reason.startswith("kind:"):
                    reasons[reason] += 1
                    kind = {"stablecoin": STABLE, "fiat": FIAT, "leveraged_token": LEVERAGED}[reason[5:]]
                    assert base(key) in kind, (key, reason)
                elif reason != "no_bar":
                    assert base(key) not in STABLE | FIAT | LEVERAGED, (key, reason)
            failed = sum(reason in ("history", "gap", "missing_rows", "extreme_return", "zero_variance")
                         for reason in out.values())  # fmt: skip
            assert funnel["universe"] == funnel["discovery"] + len(out) - failed
            assert funnel["refined"] == funnel["discovery"] - sum(funnel["vetoed"].values())
        assert set(reasons) == {"kind:stablecoin", "kind:fiat", "kind:leveraged_token"}
        everyone = set(sleeve.tables["weights"]["symbol"]) | set(sleeve.tables["atoms"]["symbol"])
        strategies = sleeve.tables["weights"].filter(pl.col("cell") != "market/custom")["symbol"]
        assert not {base(key) for key in everyone | set(strategies)} & (STABLE | FIAT | LEVERAGED)


@pytest.mark.requirement("R-UNI-05")
@pytest.mark.requirement("R-UNI-14")
@pytest.mark.requirement("R-UNI-22")
def test_recruits_are_rated_and_traded_as_their_bars_say(
    sleeves: dict[str, Sleeve], bars: dict[str, pl.DataFrame]
) -> None:
    """Rating and traded value again, in plain loops, of bars until the decision: recruits pass, the others do not."""
    judged: Counter[str] = Counter()
    for name, sign in ((LONG, 1), (SHORT, -1)):
        sleeve, days = sleeves[name], [d for d, one in sleeves[name].decisions.items() if one.funnel.discovery]
        for day in days[:: max(1, len(days) // 3)]:
            pool = set(sleeve.selections[day])
            out = {key: why for key, why in sleeve.decisions[day].excluded.items() if key not in pool}
            illiquid = {key for key, why in out.items() if why == f"{name}: value_traded_last"}
            unrated = {key for key, why in out.items() if why == f"{name}: recommend_ma"}
            for key in sorted(pool | illiquid | unrated):
                last = bars[key.split("#")[0]].filter(pl.col("date") == day).row(0, named=True)
                assert (last["quote_volume"] > FLOOR) is (key not in illiquid), (day, key)
            whole = [key for key in (*sorted(pool)[::4], *sorted(unrated)[::4]) if "#" not in key]
            for key in whole:
                assert (sign * rating(bars[key].filter(pl.col("date") <= day)) > 0.1) is (key in pool), (day, key)
                judged["recruited" if key in pool else "refused"] += 1
    assert min(judged["recruited"], judged["refused"]) >= 12


@pytest.mark.requirement("R-SYN-06")
@pytest.mark.parametrize("name", [LONG, SHORT])
def test_what_is_held_earns_what_prices_say_on_every_day(
    name: str, sleeves: dict[str, Sleeve], bars: dict[str, pl.DataFrame]
) -> None:
    """The book kept once more: quantities from weights, prices from the file, and no line of attribution.

    A short earns when what it holds falls. So on every day profit before costs and the price move of what is held,
    weighted by the size of each holding, have opposite signs in the short sleeve and the same one in the long sleeve.
    """
    sleeve, sign = sleeves[name], 1 if name == LONG else -1
    for cell in sleeve.strategies:
        book = rebuilt(sleeve, cell, bars)
        assert len(book.days) > 500
        assert book.pnl == pytest.approx(book.recorded, abs=2e-12)
        moving = np.abs(book.move) > 1e-12
        assert moving.sum() > 200
        assert (np.sign(book.pnl[moving]) == sign * np.sign(book.move[moving])).all()
        assert (np.sign(book.recorded[moving]) == sign * np.sign(book.move[moving])).all()
        events = sleeve.of("events", cell).filter(pl.col("kind") == "collateral_lost")
        assert book.lost == [(at.date(), key) for at, key in events.select("time", "symbol").iter_rows()]
        assert np.abs(book.recorded[~moving]).max(initial=0.0) < 1e-11


@pytest.mark.requirement("R-SIM-09")
@pytest.mark.requirement("R-SIM-17")
def test_swaps_pay_for_hours_that_nothing_is_known_of_and_lose_their_collateral_at_most(
    perpetuals: tuple[Sleeve, dict[str, pl.DataFrame]],
) -> None:
    """Three basis points of all that is held at every close, no borrow fee, and shorts end at twice their price."""
    sleeve, bars = perpetuals
    told, lost = {row["cell"]: row for row in standings(sleeve.folder)}, 0
    for cell in sleeve.strategies:
        book, account, windows = rebuilt(sleeve, cell, bars), sleeve.of("returns", cell), sleeve.of("windows", cell)
        assert book.pnl == pytest.approx(book.recorded, abs=2e-12)
        assert account["funding"].to_numpy() == pytest.approx(3e-4 * book.held, abs=1e-15)
        assert not account["borrow"].to_numpy().any()
        events = sleeve.of("events", cell).filter(pl.col("kind") == "collateral_lost")
        assert book.lost == [(at.date(), key) for at, key in events.select("time", "symbol").iter_rows()]
        lost += len(book.lost)
        row = told[cell]
        assert "assumed_funding" in row["stamps"]
        assert row["assumed_funding"] == pytest.approx(account["funding"].sum(), rel=1e-12)
        assert row["unassumed_total_return"] > row["total_return"]
        assert set(windows.filter(pl.col("names") > 0)["status"]) <= {"solved", "fell_back"}
        kept = pl.col("forced_cash") + pl.col("reference_cash") + pl.col("moved")
        invested = windows.filter(pl.col("names") > 0).select("window", kept - pl.col("net"))
        if "equal_weight" not in cell:
            protected = sleeve.protected(cell)
            wanted = {window: 0.5 if window in protected else 1.0 for window in invested["window"]}
            assert dict(invested.iter_rows()) == pytest.approx(wanted, abs=1e-8)
    assert lost > 0


@dataclass(frozen=True)
class Book:
    """By day, in capital of the start: profit before costs by prices, as recorded, and the move of what was held.

    `held` is the size of all that is held when a day closes, `lost` are day and name of each short whose price doubled.
    """

    days: list[date]
    pnl: np.ndarray
    recorded: np.ndarray
    move: np.ndarray
    held: np.ndarray
    lost: list[tuple[date, str]]


def rebuilt(sleeve: Sleeve, cell: str, bars: dict[str, pl.DataFrame]) -> Book:
    """Quantities are fixed at the decision's close and equity, filled at the next open, and held until the next fill.

    A name without a bar keeps its last price; what the book says it closed out is taken out here at the price it got.
    A short is taken out at twice the price of its last fill on the day that an opening (of a fill) or a close is there.
    """
    account = sleeve.of("returns", cell)
    days = [moment.date() for moment in account["time"]]
    equity = dict(zip(days, account["equity"].to_list(), strict=True))
    prices = generations(bars)
    orders: dict[date, dict[str, float]] = {}
    for window, at in sleeve.of("windows", cell).select("window", "decided_at").iter_rows():
        names = sleeve.of("weights", cell).filter(pl.col("window") == window)
        worth = equity.get(at.date(), 1.0)
        orders[at.date() + timedelta(days=1)] = {
            key: w * worth / prices[key][at.date()][1] for key, w in names.select("symbol", "weight").iter_rows()
        }
    events = sleeve.of("events", cell).filter(pl.col("kind") == "closed_out")
    closed = {(at.date(), key) for at, key in events.select("time", "symbol").iter_rows()}
    held: dict[str, float] = {}
    last: dict[str, float] = {}
    posted: dict[str, float] = {}
    lost: list[tuple[date, str]] = []
    pnl, move, size = [], [], []

    def collateral(day: date, at: Mapping[str, float]) -> list[tuple[float, float]]:
        gone = [key for key, units in held.items() if units < 0.0 and at.get(key, 0.0) >= 2.0 * posted[key]]
        lost.extend((day, key) for key in sorted(gone))
        return [(held.pop(key), 2.0 * posted[key] - last[key]) for key in gone]

    for day in days:
        opens = {key: prices[key][day][0] for key in {*held, *orders.get(day, {})} if day in prices[key]}
        parts = []
        if day in orders:
            parts += collateral(day, opens)
            parts += [(units, opens[key] - last[key]) for key, units in held.items() if key in opens]
            last |= opens
            lapsed = {key: units for key, units in held.items() if key not in opens}
            held = {key: units for key, units in orders[day].items() if key in opens} | lapsed
            posted |= {key: opens[key] for key in orders[day] if key in opens}
        closes = {key: prices[key][day][1] for key in held if day in prices[key]}
        size.append(math.fsum(abs(units) * closes.get(key, last[key]) for key, units in held.items()))
        parts += collateral(day, closes)
        for key, units in list(held.items()):
            if key in closes:
                parts.append((units, closes[key] - last[key]))
                last[key] = closes[key]
            if (day, key) in closed:
                parts.append((units, -0.30 * math.copysign(last[key], units)))
                del held[key]
        pnl.append(math.fsum(units * change for units, change in parts))
        move.append(math.fsum(abs(units) * change for units, change in parts))
    kinds = ("slippage", "commission", "borrow", "overdraft", "funding")
    costs = account.select(pl.sum_horizontal(kinds)).to_series().to_numpy()
    values = account["equity"].to_numpy()
    recorded = np.diff(values, prepend=1.0) + costs
    return Book(days, np.array(pnl), recorded, np.array(move), np.array(size), lost)


def generations(bars: dict[str, pl.DataFrame]) -> dict[str, dict[date, tuple[float, float]]]:
    """Open and close by day of each instrument key: a ticker that was used again is another instrument from then on."""
    found = {}
    for symbol, frame in bars.items():
        prices = {day: (o, c) for day, o, c in frame.select("date", "open", "close").iter_rows()}
        again = REUSED.get(symbol, date.max)
        found[symbol] = {day: pair for day, pair in prices.items() if day < again}
        if symbol in REUSED:
            found[f"{symbol}#2"] = {day: pair for day, pair in prices.items() if day >= again}
    return found


@pytest.mark.requirement("R-UNI-22")
def test_luna_is_judged_on_what_was_known_before_its_crash(
    home: Path, sleeves: dict[str, Sleeve], bars: dict[str, pl.DataFrame], tvquant: Callable[..., Any]
) -> None:
    """On 2022-05-01 nothing says that it is worth nothing two weeks later: it is in the universe like everyone.

    Its averages stood above the price that day, so the short scanner recruits it and the long one refuses it by its
    own rating; a week earlier it was the other way round, and the long sleeve held it into the crash. Its short is
    vetoed: of the windows in which shorts fared worst, it had lost more than half in nearly all (R-FEA-11).
    """
    assert rating(bars[LUNA].filter(pl.col("date") <= BEFORE)) < -0.1

    def explained(profile: str) -> Any:
        said = tvquant("select", profile, "--as-of", BEFORE, "--explain", LUNA, "--json", "-w", home)
        assert said.code == 0, said.err
        assert said.document["bar"][:10] == str(BEFORE)
        return said.document["explanations"][0]

    assert explained(LONG) == {"symbol": LUNA, "excluded": f"{LONG}: recommend_ma"}
    (short,) = explained(SHORT)["atoms"]
    assert short["atom"] == f"{LUNA}_rating_ma_SHORT"
    assert short["veto"]["rule"] == "survival"
    assert short["veto"]["value"] == pytest.approx(1 / 24)
    assert (short["won"], short["weight"]) == (None, 0.0)
    (held,) = explained("crypto_spot")["atoms"]
    assert held["veto"] is None
    assert held["rank"] <= held["of"]
    weights = sleeves[LONG].of("weights").filter(pl.col("symbol") == LUNA)
    last = weights.sort("decided_at").row(-1, named=True)
    assert last["decided_at"].date() == date(2022, 4, 25)
    assert last["weight"] > 0.0


def test_the_token_that_came_after_is_another_name(sleeves: dict[str, Sleeve]) -> None:
    """It trades under the ticker from 2022-05-31, without a history that it could be chosen on."""
    for sleeve in sleeves.values():
        assert f"{LUNA}#2" not in set(sleeve.tables["atoms"]["symbol"])
        known = {day for day, one in sleeve.decisions.items() if f"{LUNA}#2" in one.excluded}
        assert known == {day for day in sleeve.decisions if day >= REUSED[LUNA]}
        assert known
