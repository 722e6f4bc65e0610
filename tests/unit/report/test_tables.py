"""What a reader takes away: every figure of the page is computed again from the page's own CSV files, by other code."""

import importlib
import io
import json
import math
import re
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from tvquant.report.blocks import Table
from tvquant.report.formatting import NOTHING, count, number, percent
from tvquant.report.render import page_of
from tvquant.report.run import read_run
from tvquant.report.sections.benchmarks import added
from tvquant.report.sections.tails import TAILS
from tvquant.report.tables import csv_of, csv_of_frame, packed, unpacked
from tvquant.report.tracks import track_of

HEADLINE, BASE, MARKET = "v4/custom/hrp/custom", "base_universe_ew/custom", "market/custom"
WINNERS = "benchmark/custom"
A = 252


def test_a_table_keeps_the_digits_that_it_does_not_show() -> None:
    table = Table(
        head=("cell", "share", "n"),
        rows=(("a, b", percent(1 / 3), count(1234)), ("=1+1", percent(None), number(math.nan))),
    )
    assert table.rows[0][1:] == ("33.3 %", "1,234")
    assert table.rows[1][1:] == (NOTHING, NOTHING)
    assert csv_of(table) == 'cell,share,n\n"a, b",0.3333333333333333,1234\n\'=1+1,,\n'


def test_a_frame_keeps_every_bit_and_dates_where_stamps_are_days() -> None:
    times = pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2020, 1, 3), "1d", eager=True)
    values = np.random.default_rng(1).normal(size=3)
    text = csv_of_frame(pl.DataFrame({"time": times, "value": values}))
    assert text.splitlines()[1].startswith("2020-01-01,")
    assert [float(line.split(",")[1]) for line in text.splitlines()[1:]] == values.tolist()
    hours = csv_of_frame(pl.DataFrame({"time": times.dt.offset_by("1h"), "value": values}))
    assert hours.splitlines()[1].startswith("2020-01-01T01:00:00,")


def test_packing_comes_back_and_holds_no_markup() -> None:
    text = "</script><!--,é\n" * 50
    assert unpacked(packed(text)) == text
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", packed(text))


def files(html: str) -> dict[str, pl.DataFrame]:
    """Every CSV of a page, as its button gives it."""
    found = re.findall(r'<script type="text/plain" data-csv="([^"]+)">([^<]*)</script>', html)
    buttons = re.findall(r'<button type="button" data-take="([^"]+)">', html)
    assert [name for name, _ in found] == buttons
    return {name: pl.read_csv(io.StringIO(unpacked(text)), infer_schema_length=None) for name, text in found}


def figures(html: str) -> dict[str, dict]:
    """Every figure of a page, as it is drawn."""
    found = re.findall(r'<script type="application/json" data-figure="(\w+)">(.*?)</script>', html, re.S)
    return {key: json.loads(text) for key, text in found}


class Page:
    """A page's shown tables and files; `row` finds a line by its first cell."""

    def __init__(self, run, cell=None):
        data = read_run(run)
        chosen = next((one for one in data.cells if one.key == cell), None)
        self.html = page_of(data, chosen)
        self.csv = files(self.html)
        self.figures = figures(self.html)
        returns = self.csv["returns"]
        self.days = [date.fromisoformat(day) for day in returns["time"]]
        self.returns = {name: returns[name].to_numpy() for name in returns.columns if name != "time"}

    def table(self, section, with_column):
        tables = [one for name, one in self.csv.items() if re.fullmatch(rf"{section}-\d+", name)]
        return next(one for one in tables if with_column in one.columns)


@pytest.fixture(scope="module")
def empyrical():
    """The referee of most figures; it loads pandas and a client of Yahoo, so nobody else waits for it."""
    return importlib.import_module("empyrical")


@pytest.fixture(scope="module")
def page(built):
    return Page(built)


def close(found, expected):
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("cell", [HEADLINE, "v4/custom/max_sharpe/custom", BASE])
def test_standings_and_headline_follow_from_the_returns(empyrical, built, page, cell):
    line = next(row for row in page.table("standings", "PSR").iter_rows(named=True) if row["cell"].startswith(cell))
    r = page.returns[cell]
    close(line["Sharpe"], empyrical.sharpe_ratio(r, annualization=A))
    close(line["CAGR"], empyrical.cagr(r, annualization=A))
    close(line["volatility"], empyrical.annual_volatility(r, annualization=A))
    close(line["max drawdown"], empyrical.max_drawdown(r))
    close(line["Sortino"], empyrical.sortino_ratio(r, annualization=A))
    close(line["CVaR 95 %"], r[r <= np.quantile(r, 0.05)].mean())
    z, s = (r - r.mean()) / r.std(), r.mean() / r.std(ddof=1)
    error = math.sqrt((1 + s**2 / 2 - (z**3).mean() * s + ((z**4).mean() - 3) / 4 * s**2) / (len(r) - 1))
    close(line["± SE"], error * math.sqrt(A))
    close(line["PSR"], (1 + math.erf(s / error / math.sqrt(2))) / 2)
    assert line["rows"] == len(r)
    cards = dict(re.findall(r"<div><dt>([^<]+)</dt><dd>([^<]+)</dd></div>", Page(built, cell).html))
    assert cards["Sharpe ratio"] == f"{s * math.sqrt(A):.2f} ± {error * math.sqrt(A):.2f}"
    assert cards["CAGR"] == f"{empyrical.cagr(r, annualization=A):.1%}".replace("%", " %")
    assert cards["Deepest drawdown"] == f"{empyrical.max_drawdown(r):.1%}".replace("%", " %")


def test_alpha_and_beta_and_years_follow_from_the_returns(empyrical, page):
    mine = page.returns[HEADLINE]
    table = page.table("benchmarks", "beta")
    assert sorted(table["benchmark"]) == sorted([BASE, WINNERS, MARKET])
    for line in table.iter_rows(named=True):
        x = page.returns[line["benchmark"]]
        alpha, beta = empyrical.alpha_beta(mine, x, annualization=A)
        close((line["alpha per year"], line["beta"]), (alpha, beta))
        residual = mine - mine.mean() - beta * (x - x.mean())
        design, n = np.column_stack([np.ones_like(x), x]), len(x)
        meat = np.zeros((2, 2))
        for k in range(n):  # the double sum itself, rather than lag by lag
            for j in range(max(0, k - line["lags"]), min(n, k + line["lags"] + 1)):
                weight = 1 - abs(k - j) / (line["lags"] + 1)
                meat += weight * residual[k] * residual[j] * np.outer(design[k], design[j])
        inverse = np.linalg.inv(design.T @ design)
        errors = np.sqrt(np.diag(inverse @ meat @ inverse) * n / (n - 2))
        close(line["± SE "], errors[1])
        per_row = mine.mean() - beta * x.mean()
        close(line["± SE"], A * (1 + per_row) ** (A - 1) * errors[0])
        close(line["R²"], np.corrcoef(mine, x)[0, 1] ** 2)
        assert line["n, rows"] == n
    for line in page.table("benchmarks", "year").iter_rows(named=True):
        inside = [day.year == line["year"] for day in page.days]
        for name in (HEADLINE, BASE, MARKET):
            close(line[name], np.prod(1 + page.returns[name][inside]) - 1)


def test_steps_are_told_of_strategies_alone(built, page):
    assert page.table("benchmarks", "adds per year")["step"].to_list() == [
        f"selection ({WINNERS} less {BASE})", f"optimisation ({HEADLINE} less {WINNERS})",
    ]  # fmt: skip
    for baseline in (BASE, WINNERS, MARKET):
        tables = [one for name, one in Page(built, baseline).csv.items() if name.startswith("benchmarks-")]
        assert tables
        assert not any("step" in one.columns for one in tables)


@pytest.mark.parametrize(("apart", "same"), [(0.0, True), (4e-16, True), (1e-10, False)])
def test_a_step_that_changed_nothing_but_rounding_is_told_as_the_same_book(built, apart, same):
    data = read_run(built)
    mine, base, winners = (track_of(data, next(c for c in data.cells if c.key == key))
                           for key in (HEADLINE, BASE, WINNERS))  # fmt: skip
    moved = base.returns + apart * (-1.0) ** np.arange(len(base.returns))
    table, _ = added(mine, [base, replace(winners, returns=moved)], A)
    selection, optimisation = table.rows
    assert selection[0] == f"selection ({WINNERS} less {BASE}){': the same book' if same else ''}"
    assert not same or selection[1:5] == (percent(0.0, 2), *[NOTHING] * 3)
    assert "same" not in optimisation[0]
    assert optimisation[1] == percent(A * float((mine.returns - moved).mean()), 2)


def test_months_wins_tails_and_drawdowns_follow_from_the_returns(empyrical, page):
    r = page.returns[HEADLINE]
    keys = [(day.year, day.month) for day in page.days]
    by_month = {key: np.prod(1 + r[[one == key for one in keys]]) - 1 for key in dict.fromkeys(keys)}
    months = page.csv["months-1"]
    for line in months.iter_rows():
        for month, value in enumerate(line[1:13], start=1):
            assert (value is None) is ((line[0], month) not in by_month)
            if value is not None:
                close(value, by_month[line[0], month])
    best, worst = max(by_month, key=by_month.get), min(by_month, key=by_month.get)
    results = {row["result"]: row for row in page.table("tails", "total return").iter_rows(named=True)}
    for name, gone in (
        ("all months", []), (f"without the best month, {best[0]}-{best[1]:02d}", [best]),
        (f"without the worst month, {worst[0]}-{worst[1]:02d}", [worst]), ("without both", [best, worst]),
    ):  # fmt: skip
        left = r[[key not in gone for key in keys]]
        close(results[name]["total return"], np.prod(1 + left) - 1)
        close(results[name]["CAGR"], empyrical.cagr(left, annualization=A))
        assert results[name]["n, rows"] == len(left)
    for line, values in zip(
        page.table("tails", "above 0").iter_rows(named=True), (r, np.array([*by_month.values()])), strict=True
    ):
        won = (values > 0).mean()
        close((line["above 0"], line["± SE"]), (won, math.sqrt(won * (1 - won) / len(values))))
        close((line["return"], line["return "], line["n"]), (values.max(), values.min(), len(values)))
    for line, level in zip(page.table("tails", "value at risk").iter_rows(named=True), (0.05, 0.01), strict=True):
        cut = empyrical.value_at_risk(r, cutoff=level)
        close((line["value at risk"], line["expected shortfall"]), (cut, r[r <= cut].mean()))
        assert (line["rows in the tail"], line["n, rows"]) == ((r <= cut).sum(), len(r))


def test_drawdowns_follow_from_the_returns(empyrical, page):
    r = page.returns[HEADLINE]
    level = np.append(1.0, np.cumprod(1 + r))
    when = ["start", *map(str, page.days)]
    table = page.table("drawdowns", "depth")
    close(table["depth"][0], empyrical.max_drawdown(r))
    assert table["depth"].is_sorted()
    for line in table.iter_rows(named=True):
        peak, trough = when.index(line["peak"]), when.index(line["trough"])
        over = line["recovery"] == "still under water"
        end = len(r) if over else when.index(line["recovery"])
        close(line["depth"], level[trough] / level[peak] - 1)
        assert level[peak] == level[: end if not over else end + 1].max()
        assert level[trough] == level[peak : end + 1].min()
        assert (level[end] >= level[peak] * (1 - 1e-12)) is not over or over
        assert (line["rows down"], line["rows"]) == (trough - peak, end - peak)
        assert line["days"] == (page.days[end - 1] - page.days[max(peak - 1, 0)]).days


def test_trades_names_book_and_windows_agree(page):
    book, trades, windows, names = (page.csv[name] for name in ("book", "trades", "decisions", "names"))
    close(book["return"].to_numpy(), page.returns[HEADLINE])
    close(book["equity"].to_numpy(), np.cumprod(1 + page.returns[HEADLINE]))
    paid = dict(trades.group_by("date").agg(pl.col("cost").sum()).iter_rows())
    by_day = dict(book.select("time", pl.col("slippage") + pl.col("commission")).iter_rows())
    assert {day for day, cost in by_day.items() if cost} == set(paid)
    for day, cost in paid.items():
        close(cost, by_day[day])
    close((trades["quantity"] * trades["price"]).abs().sum() * 6e-4, trades["cost"].sum())
    assert {*trades["side"]} == {"buy", "sell"}
    assert trades.filter((pl.col("side") == "buy") != (pl.col("quantity") > 0)).is_empty()
    filled = windows.drop_nulls("filled_at")
    traded = dict(trades.group_by("window").agg(pl.col("share of equity").abs().sum()).iter_rows())
    close([traded.get(one, 0.0) for one in filled["window"]], filled["traded"].to_list())
    table = page.table("contribution", "while long")
    assert len(table) == names["symbol"].n_unique()
    for line in table.iter_rows(named=True):
        mine = names.filter(pl.col("symbol") == line["name"])
        nets = np.zeros(len(filled))
        nets[: len(mine)] = mine["long"] + mine["short"] - mine["costs"]
        close((line["net"], line["± SE"]), (nets.sum(), math.sqrt(len(nets)) * nets.std(ddof=1)))
        close((line["while long"], line["trading costs"]), (mine["long"].sum(), -mine["costs"].sum()))
    close(table["while long"].sum(), book["from_long"].sum())


def test_rolling_measures_follow_from_the_returns(empyrical, page):
    r, n = page.returns[HEADLINE], len(page.days)
    sharpe = page.figures["rolling_sharpe"]["data"][-1]
    window = int(re.search(r"the last (\d+) rows", page.html)[1])
    volatility = page.figures["rolling_volatility"]["data"][0]["y"]
    betas = {trace["name"].removeprefix("to "): trace["y"] for trace in page.figures["rolling_beta"]["data"]}
    assert volatility[: window - 1] == sharpe["y"][: window - 1] == [None] * (window - 1)
    for end in (window, window + 7, n):
        part = r[end - window : end]
        assert volatility[end - 1] == pytest.approx(100 * empyrical.annual_volatility(part, annualization=A), rel=1e-4)
        assert sharpe["y"][end - 1] == pytest.approx(empyrical.sharpe_ratio(part, annualization=A), rel=1e-4)
        for name in (BASE, MARKET):
            x = page.returns[name][end - window : end]
            (beta,) = (values for label, values in betas.items() if label.startswith(name.partition("/")[0]))
            assert beta[end - 1] == pytest.approx(empyrical.beta(part, x), rel=1e-3)


def test_funnel_and_vetoes_follow_from_the_decisions(page):
    windows, fallen = page.csv["decisions"], page.csv["fallen"]
    steps = ("universe", "discovery", "refined", "selected")
    for line, step in zip(page.table("funnel", "of the step before").iter_rows(named=True), steps, strict=False):
        values = windows[step]
        close([line["mean"], line["lowest"], line["highest"], line["last"]],
              [values.mean(), values.min(), values.max(), values[-1]])  # fmt: skip
    discovered, lost = windows["atoms_discovery"].sum(), 0
    for line in page.table("vetoes", "of discovered").iter_rows(named=True):
        mine = fallen.filter(pl.col("reason").str.replace_all("_", " ") == line["reason"])
        lost += mine["atoms"].sum()
        close([line["atoms"], line["of discovered"], line["per decision"]],
              [mine["atoms"].sum(), mine["atoms"].sum() / discovered, mine["atoms"].sum() / len(windows)])  # fmt: skip
    assert lost == fallen["atoms"].sum() > 0


def test_clusters_follow_from_the_correlations(page):
    found = page.csv["correlations"]
    matrix = found.drop("atom", "weight").to_numpy()
    assert np.array_equal(matrix, matrix.T)
    assert np.array_equal(np.diag(matrix), np.ones(len(found)))
    at = 0
    for line in page.table("clusters", "mean correlation inside").iter_rows(named=True):
        inside = slice(at, at + len(line["members"].split(", ")))
        at = inside.stop
        part = matrix[inside, inside]
        if len(part) > 1:
            close(line["mean correlation inside"], (part.sum() - len(part)) / (len(part) * (len(part) - 1)))
        close(line["weight"], found["weight"][inside].sum())
    assert at == len(found)


def test_exposure_and_contribution_follow_from_the_book(page):
    book, windows = page.csv["book"], page.csv["decisions"]
    lines = {row["share of equity"]: row for row in page.table("exposure", "lowest").iter_rows(named=True)}
    for name, values in (("gross", book["gross"]), ("cash forced by caps", windows["forced_cash"])):
        close([lines[name][of] for of in ("mean", "lowest", "highest", "last")],
              [values.mean(), values.min(), values.max(), values[-1]])  # fmt: skip
    line = next(row for row in page.table("contribution", "sum").iter_rows(named=True) if row["cell"] == HEADLINE)
    close((line["longs"], line["costs"]), (book["from_long"].sum(), -book["from_costs"].sum()))
    close(line["± SE"], math.sqrt(len(book)) * book["from_long"].std())
    close(line["sum"], page.returns[HEADLINE].sum())


def test_of_a_book_that_hardly_traded_the_tail_is_of_the_rows_that_moved(run):
    """More than half of the returns are 0: both figures are of the others, and n says so."""
    data = read_run(run)
    mine = data.headline.key
    moved = np.zeros(160)
    moved[100:] = np.random.default_rng(1).normal(0, 0.01, 60)
    whole = data.table("returns")
    data._tables["returns"] = pl.concat(
        [
            whole.filter(pl.col("cell") != mine),
            whole.filter(pl.col("cell") == mine).with_columns(pl.Series("return", moved)),
        ]
    )
    blocks = TAILS.draw(data)
    table = next(block for block in blocks if isinstance(block, Table) and "value at risk" in block.head)
    left = moved[100:]
    cut = np.quantile(left, 0.05)
    first = table.rows[0]
    close((first[1].value, first[2].value), (cut, left[left <= cut].mean()))
    assert (first[4].value, first[5].value) == ((left <= cut).sum(), 60)
