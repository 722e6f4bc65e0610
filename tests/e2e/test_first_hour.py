"""What a new user wants in the first hour, thirty tasks and two more, each done by what README and `docs/` say.

One workspace of made prices for all (`builders/desk.py`): twelve shares and two funds, of shares and of bonds, 2018 to
March 2020. A task is its test's docstring, as the user would say it; its last lines hold the answer against figures
that the user can work out. Commands are called in this process; a profile runs once, whichever task asks first.
"""

import io
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import tvquant as tv
from builders.desk import HEAD, SPY, TECH, TEN, TLT, Desk, desk_in
from tvquant.core.records import SNAPSHOT, Entry
from tvquant.ledger import Ledger, records

pytestmark = pytest.mark.xdist_group("first_hour")

type Call = Callable[..., Any]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk_in(tmp_path_factory.mktemp("hour"))


@pytest.fixture
def ask(desk: Desk, tvquant: Call) -> Call:
    """Call a command in the user's workspace."""
    return lambda *words, code=0: _said(tvquant(*words, "-w", desk.home), code)


def _said(said: Any, code: int) -> Any:
    assert said.code == code, said.err + said.out
    return said


@pytest.fixture
def run(desk: Desk, ask: Call) -> Callable[[str], tv.Run]:
    """Run a profile, and read the run as Python does."""

    def made(name: str) -> tv.Run:
        if name not in desk.done:
            desk.done[name] = ask("run", name, "--json").document["run"]
        return tv.Workspace.open(desk.home).find(desk.done[name])

    return made


def books(made: tv.Run, cell: str | None = None) -> dict[date, dict[str, float]]:
    """Return what is held from each decision on, without zeros."""
    rows = made.weights(cell).to_dicts()
    return {row.pop("decided_at").date(): {k: v for k, v in row.items() if v} for row in rows}


def sharpe(returns: Any, rate: float = 0.0) -> float:
    """Return the Sharpe ratio of daily returns as a user works it out."""
    excess = np.asarray(returns) - ((1 + rate) ** (1 / 252) - 1)
    return float(excess.mean() / excess.std(ddof=1) * 252**0.5)


def test_01_import_my_file(desk: Desk, tvquant: Call) -> None:
    """Make a workspace and import my file of prices."""
    home = desk.folder / "first"
    _said(tvquant("init", home), 0)
    _said(tvquant("data", "import", desk.folder / "prices.parquet", "--basis", "split", "-w", home), 0)
    status = _said(tvquant("data", "status", "-w", home), 0).out
    assert "14 symbols, 2018-01-02 to 2020-03-31" in status
    assert "healthy: 14 of 14" in status


def test_02_a_csv_of_yahoo(desk: Desk, tvquant: Call) -> None:
    """Import the CSV that I downloaded from Yahoo; it has no column for the symbol."""
    home, file = desk.folder / "yahoo", desk.folder / "AAPL.csv"
    desk.yahoo().write_csv(file)
    _said(tvquant("init", home), 0)
    refused = _said(tvquant("data", "import", file, "--basis", "split", "-w", home), 3)
    assert "--as NASDAQ:AAPL" in refused.err
    _said(tvquant("data", "import", file, "--as", "NASDAQ:AAPL", "--basis", "split", "-w", home), 0)
    shown = _said(tvquant("data", "ls", "NASDAQ:AAPL", "--last", 1, "-w", home), 0).out
    assert f"2020-03-31 00:00:00  {desk.yahoo()['Open'][-1]}" in shown


def test_03_what_is_wrong_with_my_data(desk: Desk, tvquant: Call) -> None:
    """What is wrong with my data? A price that nobody paid, and two weeks that are missing."""
    home, file = desk.folder / "odd", desk.folder / "odd.csv"
    rows = desk.yahoo().with_row_index()
    wrong = [pl.when(index=300).then(3 * pl.col(one)).otherwise(one).alias(one) for one in rows.columns[2:6]]
    rows.with_columns(wrong).filter(~pl.col("index").is_between(400, 409)).drop("index").write_csv(file)
    _said(tvquant("init", home), 0)
    _said(tvquant("data", "import", file, "--as", "NASDAQ:AAPL", "--basis", "split", "-w", home), 0)
    found = re.findall(r"NASDAQ:AAPL +(\S+) +(\S+) +(\S+) +(\d+)", _said(tvquant("data", "audit", "-w", home), 0).out)
    days = rows["Date"]
    assert found == [
        ("spike", str(days[300]), str(days[300]), "1"),
        ("gap", str(days[400]), str(days[409]), "10"),
    ]
    _said(tvquant("data", "audit", "--strict", "-w", home), 1)


def test_04_ten_names_alike_each_month(run: Call) -> None:
    """These ten names, equal weights, every month."""
    held = books(run("ten"))
    assert all(book == pytest.approx(dict.fromkeys(TEN, 0.1)) for book in held.values())
    assert [day.month for day in held] == [12, *range(1, 12)]
    assert all(day.day >= 28 for day in held)


def test_05_ten_basis_points(run: Call) -> None:
    """Trading costs me 10 basis points."""
    made = run("ten")
    traded = float(made.trades()["value"].abs().sum())
    paid = float(made.costs().select("slippage", "commission").sum_horizontal().sum())
    assert traded > 1.0
    assert paid == pytest.approx(0.0010 * traded, rel=1e-9)


def test_06_at_most_15_percent_of_a_name(ask: Call) -> None:
    """At most 15 % of any one name: of five names a quarter stays cash, and I am told why."""
    said = ask("select", "ten", "--as-of", "2019-06-28", "--set", f"universe.symbols=[{','.join(TEN[:5])}]")
    assert len(re.findall(r"_hold_LONG .* 15\.0 %", said.out)) == 5
    assert re.search(
        r"cash +25\.0 %\n(?: +.*\n)*? +allocation.limits.position, 15\.0 %: NASDAQ:AAPL, NASDAQ:AMZN", said.out
    )


def test_07_my_own_benchmark(desk: Desk, run: Call) -> None:
    """Compare it with a benchmark of mine, the fund of bonds."""
    made = run("ten")
    assert set(map(tuple, books(made, "market/custom").values())) == {(TLT,)}
    paid = desk.close(TLT).with_columns(own=pl.col("price").pct_change())
    both = made.returns("market/custom").join(paid, on="time").filter(pl.col("time").dt.month() == 2)
    assert len(both) == 19
    assert (both["return"] - both["own"]).abs().median() < 1e-4  # a dividend is on one day, the fill on another


def test_08_from_2019_on(run: Call) -> None:
    """Show me 2019 on, with nothing lost to warming up."""
    assert run("ten").returns()["time"].min() == datetime(2019, 1, 2)


def test_09_until_a_date(run: Call) -> None:
    """Stop at the end of 2019, though my data go on."""
    assert run("ten").returns()["time"].max() == datetime(2019, 12, 31)
    assert run("ten").headline["n"] == 252


def test_10_hold_all_names(ask: Call) -> None:
    """Just hold all shares that I have, alike."""
    decision = ask("select", "hold_all", "--as-of", "2019-06-28", "--json").document["decision"]
    assert len(decision["weights"]) == 12
    assert SPY not in decision["weights"]
    assert list(decision["weights"].values()) == pytest.approx([1 / 12] * 12)


def test_11_fixed_sixty_forty(run: Call) -> None:
    """Sixty percent shares, forty percent bonds, for good."""
    assert list(books(run("sixty")).values()) == [{SPY: 0.6, TLT: 0.4}] * 5


def test_12_weights_by_date_from_my_file(run: Call) -> None:
    """Hold the weights of my file, each from its date on; before the first one cash."""
    held = books(run("dated"))
    assert held[date(2018, 12, 31)] == {}
    assert held[date(2019, 3, 29)] == held[date(2019, 6, 28)] == {SPY: 0.6, TLT: 0.4}
    assert held[date(2019, 9, 30)] == held[date(2019, 12, 31)] == {TLT: 0.5}


def test_13_a_benchmark_of_sixty_forty(run: Call) -> None:
    """Measure it against 60/40: a book that is 60/40 is its own benchmark."""
    made = run("sixty")
    assert list(books(made, "market/custom").values()) == [{SPY: 0.6, TLT: 0.4}] * 5
    assert made.returns("market/custom")["return"].to_list() == pytest.approx(made.returns()["return"].to_list())


def test_14_a_group_at_most_30_percent(run: Call) -> None:
    """At most 30 % in technology, these six names."""
    for book in books(run("limited")).values():
        assert sum(book[name] for name in TECH) == pytest.approx(0.30)
        assert book["NASDAQ:PEP"] == pytest.approx(1 / 12)


def test_15_at_most_5_percent_of_one_name(run: Call) -> None:
    """At most 5 % of Apple, the others as they are."""
    assert [book["NASDAQ:AAPL"] for book in books(run("limited")).values()] == pytest.approx([0.05] * 27)


def test_16_every_friday(desk: Desk, run: Call) -> None:
    """Rebalance on Fridays, and on the day before where Friday is a holiday."""
    decided, days = list(books(run("limited"))), set(desk.bars["timestamp"])
    fridays = [decided[1] + timedelta(days=(4 - decided[1].weekday()) + 7 * k) for k in range(len(decided) - 1)]
    assert len(decided) == 27
    assert fridays[0] == date(2019, 10, 4)
    assert decided[1:] == [day if day in days else day - timedelta(days=1) for day in fridays]


def test_17_at_quarter_ends(run: Call) -> None:
    """Rebalance at the ends of quarters."""
    ends = [date(2018, 12, 31), date(2019, 3, 29), date(2019, 6, 28), date(2019, 9, 30), date(2019, 12, 31)]
    assert list(books(run("sixty"))) == ends


def test_18_sharpe_over_three_percent(run: Call) -> None:
    """My Sharpe ratio is over a risk-free rate of 3 %."""
    made = run("sixty")
    returns = made.returns()["return"].to_numpy()
    assert made.headline["sharpe"] == pytest.approx(sharpe(returns, 0.03), abs=1e-12)
    assert sharpe(returns) - made.headline["sharpe"] > 0.1


def test_19_why_this_name(ask: Call) -> None:
    """Why was this name taken on that day, and that one not?"""
    words = ("select", "us_equities", "--as-of", "2019-08-30", "--set", "selection.min_winners=3")
    words += ("--set", "selection.max_winners=5")
    chosen = ask(*words, "--json").document["decision"]["selection"]
    best = chosen["winners"][0]["physical_symbol"]
    out, veto = next(iter(sorted(chosen["vetoes"].items())))
    symbol, score = out.removesuffix("_hold_LONG"), chosen["scores"][f"{best}_hold_LONG"]
    assert re.search(
        rf"{best}_hold_LONG: won \(ranked\), .*\n  score {score:.3f}, rank", ask(*words, "--explain", best).out
    )
    told = ask(*words, "--explain", symbol).out
    assert re.search(rf"{symbol}_hold_LONG: did not win\n(.*\n)+  \w+ veto {veto['rule']}: \S+, limit \S+", told)


def test_20_why_this_much_cash(ask: Call) -> None:
    """Ten names, ten percent each: why is a part of it cash?"""
    words = ("select", "ten", "--as-of", "2019-01-31", "--set", "allocation.limits.cluster=0.25")
    held = ask(*words, "--json").document["decision"]["weights"]
    cut = [name for name, weight in held.items() if weight < 0.0999]
    told = " ".join(ask(*words).out.split())
    assert "cash 15.0 % 15.0 %: cut at allocation.limits.cluster" in told
    assert f"allocation.limits.cluster, 25.0 %: {' + '.join(cut)}" in told
    assert sum(held[name] for name in cut) == pytest.approx(0.25)
    assert sum(held.values()) == pytest.approx(0.85)


def test_21_why_two_runs_differ(run: Call, ask: Call) -> None:
    """These two runs: why do they differ?"""
    fixed, dated = run("sixty"), run("dated")
    said = ask("runs", "diff", fixed.id, dated.id).out
    assert said.startswith("The results differ because of parameters (allocation.fixed.weights); everything else")
    figures = [f"{made.headline['total_return']:.1%}".replace("%", " %") for made in (fixed, dated)]
    assert re.search(rf"total return +{figures[0]} +{figures[1]}", said)
    assert re.search(rf"{SPY} +60.00 % +\S+ +-60.00 %", said)  # of the first decision that differs


def test_22_the_weights_as_a_frame(run: Call) -> None:
    """Give me the weights of the run as a frame."""
    made = run("dated")
    frame, decisions = made.weights(), made.decisions()
    assert frame.columns == ["decided_at", SPY, TLT]
    held = frame.select(pl.sum_horizontal(SPY, TLT)).to_series()
    assert (held + decisions["cash"]).to_list() == pytest.approx([1.0] * 5)


def test_23_my_own_sharpe_from_pandas(run: Call) -> None:
    """Give me the returns as pandas; the Sharpe ratio that I work out of them is the one of the report."""
    made = run("ten")
    returns = made.returns().to_pandas().set_index("time")["return"]
    mine = returns.mean() / returns.std() * 252**0.5
    assert mine == pytest.approx(made.headline["sharpe"], abs=1e-12)
    assert f"{mine:.2f}" in made.report.read_text("utf-8")


def test_24_plot_the_equity(run: Call) -> None:
    """Plot the equity from Python."""
    made = run("ten")
    drawn = [np.asarray(trace.y)[-1] for trace in made.plot.equity().data if trace.y is not None]
    assert made.equity()["equity"][-1] == pytest.approx(1 + made.headline["total_return"], abs=1e-12)
    assert pytest.approx(made.equity()["equity"][-1], rel=1e-5) in drawn  # a figure has six digits


def test_25_ratings_of_a_frame(desk: Desk) -> None:
    """Rate a share of mine in three lines."""
    bars = desk.bars.filter(symbol="NASDAQ:AAPL").drop("symbol")
    rated = tv.ratings(bars)
    last = rated.tail(1).to_dicts()[0]
    assert last["time"] == datetime(2020, 3, 31)
    assert (last["votes_ma"], last["votes_other"]) == (15, 11)
    assert last["recommend_all"] == pytest.approx((last["recommend_ma"] + last["recommend_other"]) / 2)
    assert abs(last["recommend_ma"]) > 0.5


def test_26_simulate_my_weights(desk: Desk) -> None:
    """What would my weights have earned on my prices, with costs? In three lines."""
    closes = desk.closes.select("timestamp", SPY, TLT).to_pandas().set_index("timestamp")
    weights = (closes * 0 + [0.6, 0.3]).iloc[:1]
    book = tv.simulate(weights, closes, tv.Costs(slippage_bps=10, commission_bps=0), convention="same_close")
    grown = 0.6 * closes[SPY].iloc[-1] / closes[SPY].iloc[0] + 0.3 * closes[TLT].iloc[-1] / closes[TLT].iloc[0] + 0.1
    assert book.equity["equity"][-1] == pytest.approx(grown - 0.9 * 0.0010, rel=1e-12)


def test_27_minimum_variance_with_a_limit(desk: Desk) -> None:
    """The weights of least variance of my returns, at most 20 % each."""
    returns = desk.closes.select(TEN).to_pandas().pct_change().iloc[1:]
    made = tv.optimise(returns.set_axis(desk.closes["timestamp"][1:].to_list()), "min_variance", {"position": 0.2})
    best = made.weights.to_pandas().set_index("symbol")["weight"].reindex(TEN).to_numpy()
    covariance = returns.cov().to_numpy()
    assert best.sum() == pytest.approx(1.0)
    assert best.max() == pytest.approx(0.2)
    assert best.min() >= 0.0
    assert best @ covariance @ best < 0.95 * covariance.mean()  # that of equal weights


def test_28_which_keys_there_are(desk: Desk, ask: Call) -> None:
    """Which keys has the section `execution`, what is `hrp`, and what did I mistype?"""
    keys = re.findall(r"^execution\.(\w+)", ask("profile", "explain", "--keys", "execution").out, re.M)
    assert keys[:4] == ["convention", "lag", "halt_limit", "delisting_haircut"]
    assert {"rebalancing", "lots", "simulators"} < set(keys)
    said = " ".join(ask("profile", "explain", "--keys", "allocation.profiles").out.split())
    assert "hrp: Capital split down a tree of correlations" in said
    mine = desk.home / "profiles" / "typo.yaml"
    mine.write_text(HEAD + "costs:\n  slipage_bps: 10\n")
    said = ask("profile", "lint", "typo", code=2)
    mine.unlink()
    assert "did you mean costs.slippage_bps?" in said.out
    assert "(profiles/typo.yaml), line 4" in said.out


def test_29_a_stopped_run_goes_on(desk: Desk, run: Call, ask: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """I stopped my run: go on with it. Is its record whole, and has nobody looked ahead?

    By Ctrl-C, at a record of the midst; processes are killed in `test_identity.py`.
    """
    whole = run("limited")
    again = ask("run", "limited", "--json").document
    assert again["run"] == whole.id
    before = set(whole.folder.parent.iterdir())
    record = Ledger.record

    def stopped(ledger: Ledger, entry: Entry) -> str:
        digest = record(ledger, entry)
        if entry.kind == SNAPSHOT and entry.metrics["window"] == middle:
            raise KeyboardInterrupt
        return digest

    middle = sorted(one.metrics["window"] for one in records(whole.folder, kind=SNAPSHOT))[30]
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "record", stopped)
        ask("run", "limited", "--again", code=130)
    (begun,) = (one for one in whole.folder.parent.iterdir() if one not in before and one.is_dir())
    ask("run", "--resume", begun.name)
    runs = tv.Workspace.open(desk.home).runs().filter(pl.col("run").is_in([whole.id, begun.name]))
    assert runs["state"].to_list() == ["ok", "ok"]
    assert runs["result"].n_unique() == 1
    assert f"{begun.name}: ok" in ask("ledger", "verify", begun.name).out
    assert "1 of 27 windows checked, 0 leaks" in ask("leakcheck", begun.name, "--windows", 1).out


def taken(page: str) -> Mapping[str, pl.DataFrame]:
    """Return each CSV of a page, as its button gives it."""
    from tvquant.report.tables import unpacked

    found = re.findall(r'data-csv="([^"]+)">([^<]*)</script>', page)
    return {name: pl.read_csv(io.StringIO(unpacked(text)), infer_schema_length=None) for name, text in found}


def test_30_every_table_as_csv(run: Call) -> None:
    """Let me take the numbers of the report away, and work out its headline myself."""
    made = run("sixty")
    page = made.report.read_text("utf-8")
    files = taken(page)
    assert len(files) >= page.count("<table")
    assert {"returns", "book", "decisions", "weights", "trades"} <= set(files)
    returns = files["returns"][made.headline["cell"]].to_numpy()
    equity = np.cumprod(np.r_[1.0, 1.0 + returns])
    deepest = float((equity / np.maximum.accumulate(equity) - 1).min())
    mine = (sharpe(returns, 0.03), equity[-1] ** (252 / len(returns)) - 1, deepest)
    assert mine == pytest.approx([made.headline[one] for one in ("sharpe", "cagr", "max_drawdown")], abs=1e-9)


def test_31_what_to_hold_now(run: Call, ask: Call) -> None:
    """What would I hold from today on?"""
    now = dict(run("limited").current().rows())
    assert now == ask("select", "limited", "--json").document["decision"]["weights"]
    assert len(now) == 12
    assert sum(now.values()) == pytest.approx(1 - 0.2 - (1 / 12 - 0.05))


def test_32_a_price_was_wrong(desk: Desk, tvquant: Call) -> None:
    """A price in my file was wrong; here is the corrected one."""
    home, file = desk.folder / "mended", desk.folder / "mine.parquet"
    mine = desk.bars.filter(symbol=SPY)
    odd = pl.when(timestamp=date(2019, 3, 14)).then(pl.col("high", "close") * 1.01).otherwise(pl.col("high", "close"))
    _said(tvquant("init", home), 0)
    for rows in (mine.with_columns(odd), mine):
        rows.write_parquet(file)
        _said(tvquant("data", "import", file, "--basis", "split", "-w", home), 0)
    assert "conflicting_duplicate  2019-03-14" in _said(tvquant("data", "audit", "-w", home), 0).out
    repair = ("data", "repair", SPY, "--provider", "files", "--path", file, "--basis", "split", "-w", home)
    assert "1 changed" in _said(tvquant(*repair), 0).out
    assert _said(tvquant("data", "audit", "-w", home), 0).out == "nothing odd was found\n"
