"""The page: what it says, that it follows from the run alone, and that nothing of the run is executed on it."""

import json
import re
import shutil
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.core.measures import Measures
from tvquant.core.stamps import Stamp
from tvquant.ledger import verify
from tvquant.report import render, standings, write_report
from tvquant.report.markdown import index_of_run
from tvquant.report.render import page_of, pages_of
from tvquant.report.run import read_run
from tvquant.report.sections.books import BOOKS
from tvquant.report.sections.catalogue import SECTIONS
from tvquant.report.sections.challengers import CHALLENGERS
from tvquant.report.sections.engines import ENGINES
from tvquant.report.sections.friction import FRICTION
from tvquant.report.sections.grid import GRID
from tvquant.report.sections.simulators import SIMULATORS
from tvquant.report.sections.surface import SURFACE
from tvquant.report.sections.timing import TIMING
from tvquant.report.templating import script_json

HEADLINE = "v4/custom/hrp/custom"
FIGURES = (
    "equity", "annual", "rolling_sharpe", "rolling_volatility", "rolling_beta", "regime", "contribution",
    "attribution", "exposure", "cash", "synthetic_gap", "weights", "costs", "turnover", "friction_slippage", "funnel",
    "flow", "vetoes", "waterfall_1", "waterfall_2", "waterfall_3", "steady", "alike", "concentration", "expected",
    "correlation",
)  # fmt: skip
BY_HEADLINE = {
    "headline", "exposure", "contribution", "atoms", "weights", "months", "costs", "funnel", "vetoes", "clusters",
    "benchmarks", "rolling", "drawdowns", "tails", "trades", "why", "steadiness",
    "regime",
}  # fmt: skip
"""Sections that need the profile."""


def page(run):
    """The page of the headline alone; that it is what is written, the test of the files holds."""
    return page_of(read_run(run))


@pytest.fixture(scope="session")
def html(built):
    """The page of the run as it is."""
    return page(built)


def figures(html):
    found = re.findall(r'<script type="application/json" data-figure="(\w+)">(.*?)</script>', html, re.S)
    axes = json.loads(re.search(r'<script type="application/json" id="axes">(.*?)</script>', html, re.S)[1])
    specs = {key: json.loads(text) for key, text in found}
    for trace in (trace for spec in specs.values() for trace in spec["data"]):
        if isinstance(trace.get("x"), int):
            trace["x"] = axes[trace["x"]]
    return specs


def test_a_table_too_long_for_a_page_says_where_it_is(run, monkeypatch):
    trades = len(read_run(run).table("trades").filter(pl.col("cell") == HEADLINE))
    monkeypatch.setattr(render, "MOST_ROWS", trades)
    assert 'data-csv="trades"' in page_of(read_run(run))
    monkeypatch.setattr(render, "MOST_ROWS", trades - 1)
    html = page_of(read_run(run))
    assert 'data-csv="trades"' not in html
    assert f"trades: its {trades} rows are too many for a page" in html


def test_the_files_of_a_report_are_named(run):
    drawn = write_report(run)
    assert (drawn.page, drawn.beside) == (run / "report" / "index.html", False)
    assert all((run / name).stat().st_size for name in drawn.files)
    assert {name for name in drawn.files if "/cells/" not in name} == {
        "report/index.html", "report/forensic.html", "report/plotly.min.js", "INDEX.md"
    }  # fmt: skip
    assert len(drawn.files) == 4 + len(standings(run)) - 1
    assert (run / "report" / "plotly.min.js").read_bytes().lstrip().startswith(b"/**")
    assert drawn.page.read_text("utf-8") == page(run)


@pytest.mark.requirement("R-REP-06")
@pytest.mark.usefixtures("two_pages")
def test_the_bytes_are_equal_again_after_the_seal_and_on_a_copy(run, seal, tmp_path):
    def written(folder):
        return {name: (folder / name).read_bytes() for name in write_report(folder).files}

    first = written(run)
    assert written(run) == first
    seal(run)
    assert written(run) == first
    copy = tmp_path / "another" / run.name
    shutil.copytree(run, copy, ignore=shutil.ignore_patterns("report", "INDEX.md"))
    assert written(copy) == first
    for name in ("report/index.html", "INDEX.md"):
        assert str(tmp_path).encode() not in first[name]


@pytest.mark.usefixtures("two_pages")
def test_a_page_that_the_ledger_answers_for_comes_back_and_is_never_replaced_by_another(run, bind, monkeypatch):
    bind(run, *write_report(run).files)
    page = run / "report" / "index.html"
    good = page.read_bytes()
    page.write_bytes(b"not what it was")
    assert not write_report(run).beside
    assert page.read_bytes() == good
    monkeypatch.setattr("tvquant.report.render.page_of", lambda *_: "drawn by another version")
    drawn = write_report(run)
    assert (drawn.beside, page.read_bytes()) == (True, good)
    assert drawn.page.read_text() == "drawn by another version"
    assert (drawn.page.parent / "plotly.min.js").is_file()
    assert verify(run, run_id=run.name).altered == ()


@pytest.mark.usefixtures("two_pages")
@pytest.mark.parametrize("linked", ["report", "report/index.html", "INDEX.md"])
def test_a_report_never_follows_a_link_out_of_the_runs(run, tmp_path, linked):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    (run / linked).parent.mkdir(exist_ok=True)
    (run / linked).symlink_to(outside if linked == "report" else outside / "file")
    if linked == "report":
        with pytest.raises(DataError, match="a link leads out of"):
            write_report(run)
    else:
        write_report(run)
        assert not (run / linked).is_symlink()
    assert {path.name: path.read_text() for path in outside.iterdir()} == {"file": "mine"}


@pytest.mark.requirement("R-REP-07")
def test_the_headline_says_universe_trials_span_costs_and_what_was_not_tested(built, html):
    start = html.index('<section id="headline">')
    text = html[start : html.index("</section>", start)]
    cell = next(row for row in standings(built) if row["cell"] == HEADLINE)
    times = pl.read_parquet(built / "results" / "returns.parquet")["time"]
    for words in (
        "not yet tested for selection bias",
        "today&#39;s list (current_only)",
        "5 strategy cells in this run&#39;s ledger",
        f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}, {cell['n']} rows, A = 252",
        "5 bps slippage + 1 bps commission",
        f"{cell['sharpe']:.2f} ± {cell['sharpe_se']:.2f}",
        "Against base_universe_ew",
        "Against market",
    ):
        assert words in text


def test_every_section_is_on_the_page_once_and_every_figure_names_its_axes(html):
    for section in SECTIONS:  # there is no challenger to show
        assert html.count(f'<section id="{section.key}">') == (section is not CHALLENGERS)
    assert "Not shown" not in html
    found = figures(html)
    assert tuple(found) == FIGURES
    for key, spec in found.items():
        if key == "flow":  # branches have no axes
            continue
        axes = [value for key, value in spec["layout"].items() if re.match(r"[xy]axis", key)]
        assert len(axes) >= 2
        assert all(value["title"]["text"] for value in axes)


def test_the_equity_figure_has_every_row_of_every_cell(built, html):
    table = pl.read_parquet(built / "results" / "returns.parquet")
    traces = figures(html)["equity"]["data"]
    lines = {trace["name"]: trace for trace in traces if "yaxis" not in trace}
    assert set(lines) == set(table["cell"].unique())
    for cell, trace in lines.items():
        mine = table.filter(pl.col("cell") == cell)
        np.testing.assert_allclose(trace["y"], mine["equity"].to_numpy(), rtol=5e-6)
        assert trace["x"] == [str(time)[:10] for time in mine["time"]]
    falls = next(trace for trace in traces if "yaxis" in trace)
    equity = table.filter(pl.col("cell") == falls["name"])["equity"].to_numpy()
    peaks = np.maximum.accumulate(np.append(1.0, equity))[1:]
    np.testing.assert_allclose(falls["y"], 100 * (equity / peaks - 1), rtol=1e-5, atol=1e-9)


def test_stacked_weights_and_cash_make_the_whole(html):
    traces = figures(html)["weights"]["data"]
    assert traces[-1]["name"] == "cash"
    np.testing.assert_allclose(np.sum([trace["y"] for trace in traces], axis=0), 100, atol=1e-3)


def test_monthly_returns_compound_to_the_total(built, html):
    start = html.index('<section id="months">')
    text = html[start : html.index("</section>", start)]
    years = [float(row) / 100 for row in re.findall(r"<td>(-?[\d.]+) %</td></tr>", re.sub(r">\s+<", "><", text))]
    cell = next(row for row in standings(built) if row["cell"] == HEADLINE)
    assert len(years) == 2
    assert np.prod(1 + np.array(years)) - 1 == pytest.approx(cell["total_return"], abs=0.002)


@pytest.mark.requirement("R-REP-01")
@pytest.mark.parametrize(
    ("name", "hit"),
    [
        (
            "manifest.json",
            BY_HEADLINE
            | {CHALLENGERS.key, BOOKS.key, ENGINES.key, FRICTION.key, SIMULATORS.key}
            | {GRID.key, SURFACE.key, TIMING.key},
        ),
        ("data/health.json", {"health"}),
        (
            "results/returns.parquet",
            {
                "equity",
                "exposure",
                "contribution",
                "atoms",
                "months",
                "costs",
                "benchmarks",
                "rolling",
                "drawdowns",
                "tails",
                "regime",
            },
        ),
        (
            "results/windows.parquet",
            {"exposure", "atoms", "weights", "costs", "funnel", "vetoes", "why", "steadiness", "books", "engines"}
            | {"regime"},
        ),
        ("results/vetoes.parquet", {"funnel", "vetoes", "atoms"}),
        ("results/weights.parquet", {"weights"}),
        ("results/events.parquet", {"events"}),
        ("results/trades.parquet", {"trades"}),
        ("results/friction.parquet", {"friction"}),
    ],
)
def test_without_an_artefact_its_sections_say_so_and_the_rest_is_there(run, name, hit):
    (run / name).unlink()
    html = page(run)
    sections = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', html, re.S))
    assert len(sections) == len(SECTIONS) - (CHALLENGERS.key not in hit)
    assert {key for key, text in sections.items() if f"Not shown: {name} is not in the run folder." in text} == hit


def test_a_failed_headline_is_said_to_have_failed(run, record_failed):
    data = read_run(run)
    failed = {"baseline": False, "status": "failed", "stamps": (), "why": "singular", "measures": Measures()}
    data.outcomes = tuple(replace(cell, **failed) if cell.key == HEADLINE else cell for cell in data.outcomes)
    for name in ("returns", "windows"):  # a cell that failed has no rows
        rows = data.table(name).filter(pl.col("cell") != HEADLINE)
        data._tables[name] = rows
    html = page_of(data)
    assert f"The headline cell {HEADLINE} failed: singular." in html
    assert f"Not shown: cell {HEADLINE} has no returns: singular." in html
    record_failed(run, "baseline/custom/other/custom", "no <b>answer</b>")
    assert "failed: no &lt;b&gt;answer&lt;/b&gt;" in page(run)


def test_a_caveat_of_a_baseline_alone_stands_at_its_comparison(run, html):
    words = "Of the baseline alone: Cash went below zero"
    assert words not in html
    assert page_of(stamped(run, "market/custom", Stamp.OVERDRAFT)).count(words) == 1


def stamped(run, key, stamp):
    """The run with one more stamp on a cell, and not on any other."""
    data = read_run(run)
    data.outcomes = tuple(
        replace(cell, stamps=tuple({*cell.stamps, stamp} if cell.key == key else {*cell.stamps} - {stamp}))
        for cell in data.outcomes
    )
    return data


def section_of(html, key):
    start = html.index(f'<section id="{key}">')
    return html[start : html.index("</section>", start)]


@pytest.mark.parametrize("priced", ["market/custom", HEADLINE])
def test_what_lacks_dividends_is_never_beside_what_has_them(run, priced):
    """In a table of its own, without difference, alpha, beta or bar; whichever of the two it is."""
    html = page_of(stamped(run, priced, Stamp.PRICE_RETURN))
    first, *rest = section_of(html, "standings").split("<table")[1:]
    for other in ("market/custom", "base_universe_ew/custom"):
        beside = (other == priced) == (priced == HEADLINE)
        assert (other in first) is beside, other
        assert (other in "".join(rest)) is not beside
        compared = section_of(html, "benchmarks")
        rows = re.findall(r'<td class="word">([^<]+)</td>', compared)
        assert (other in rows) is beside
        name = other.split("/")[0]
        assert (f"{name} is not compared here" in compared) is not beside
        assert (f"Against {name}" in section_of(html, "headline")) is beside
    drawn = {trace["name"] for trace in figures(html)["annual"]["data"]}
    assert ("market/custom" in drawn) is False
    assert "is of prices only" in section_of(html, "headline") or priced == HEADLINE


def test_the_index_sets_what_lacks_dividends_apart_too(run):
    text = index_of_run(stamped(run, "market/custom", Stamp.PRICE_RETURN))
    first, apart = text.split("Of prices only, without dividends: not to be compared")
    assert "| market/custom" not in first
    assert "| market/custom" in apart
    assert "| base_universe_ew/custom" in first


def test_every_cell_has_a_page_of_its_own_and_a_place_in_the_switch(run, monkeypatch):
    pages = dict(pages_of(read_run(run)))
    assert len(pages) == len(standings(run))
    names = {name.removeprefix("report/"): re.search(r"<title>[^<]*</title>", html)[0] for name, html in pages.items()}
    for name, html in pages.items():
        offered = re.findall(r'<option value="([^"]+)"( selected)?>([^<]+)</option>', html)
        assert {page for page, _, _ in offered} == set(names)
        ((mine, _, key),) = (one for one in offered if one[1])
        assert f"report/{mine}" == name
        assert ("cells/" not in mine) is key.endswith(" (headline)")
        if "cells/" in name:
            assert f'<h1><span class="soft">tvquant run</span> {run.name} <span class="soft">cell</span> {key}' in html
            assert f"<dt>Cell</dt><dd>{key}</dd>" in html
            assert not {"standings", "current", "health"} & set(re.findall(r'<section id="(\w+)">', html))
            assert {"../plotly.min.js", "../index.html"} <= set(re.findall(r'(?:src|href)="([^"]+)"', html))
    monkeypatch.setattr("tvquant.report.render.PAGES", 5)
    few = dict(pages_of(read_run(run)))
    assert len(few) == 5
    assert "3 further cells have no page" in few["report/index.html"]
    kept = re.findall(r'<option value="[^"]+"[^>]*>([^<]+)</option>', few["report/index.html"])
    assert {"base_universe_ew/custom", "market/custom"} < set(kept)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)


def test_text_of_the_run_stays_text(run):
    evil = "</script><img src=x onerror=alert(1)>"
    path = run / "data" / "health.json"
    assets = json.loads(path.read_text())
    assets[0] |= {"key": evil, "state": "gaps", "gaps": 3}
    path.write_text(json.dumps(assets))
    events = run / "results" / "weights.parquet"
    table = pl.read_parquet(events)
    table.with_columns(pl.lit(evil).alias("symbol")).unique(["cell", "window"]).write_parquet(events)
    html = page(run)
    tags = Tags()
    tags.feed(html)
    assert "img" not in tags.seen
    assert evil in {trace["name"] for trace in figures(html)["weights"]["data"]}
    assert "&lt;/script&gt;&lt;img" in html


def test_no_script_can_be_ended_by_its_json():
    text = script_json({"a": "</script><!--<script>"})
    assert "<" not in text
    assert json.loads(text) == {"a": "</script><!--<script>"}


def test_nothing_is_fetched_from_elsewhere(html):
    assert re.findall(r'(?:src|href)="(?!#)([^"]+)"', html) == [
        "forensic.html",
        "../INDEX.md",
        "../manifest.json",
        "../audit.jsonl",
        "plotly.min.js",
    ]
    assert "http" not in html


def test_plotly_is_never_imported(run, two_pages, monkeypatch):
    """Here it cannot be; that no module does so at its top, `architecture/test_imports.py` holds."""
    for name in ("plotly", *(one for one in sys.modules if one.startswith("plotly."))):
        monkeypatch.setitem(sys.modules, name, None)
    assert (run / render.SCRIPT) in {run / name for name in write_report(run).files}
