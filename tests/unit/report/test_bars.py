"""The page of one symbol of the lake."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tvquant.core.panel import Basis
from tvquant.lake import Finding, Lake, Listing, audit
from tvquant.lake.storage.tables import TIME
from tvquant.lake.writing.upserts import upsert
from tvquant.report.bars import page_of_bars, write_bars

BTC = "BINANCE:BTCUSDT"
FIRST = datetime(2021, 1, 1, tzinfo=UTC)


def put(lake: Lake, closes: list[float], start: int = 0) -> None:
    times = [FIRST + timedelta(days=start + k) for k in range(len(closes))]
    rows = pl.DataFrame({"symbol": BTC, "timestamp": pl.Series(times, dtype=TIME), "close": closes})
    rows = rows.with_columns(open="close", high="close", low="close", volume=pl.lit(5.0))
    upsert(lake, rows, interval="1d", basis=Basis.RAW, source="s", recorded_at=FIRST + timedelta(days=365), reason="r")


@pytest.fixture
def seen(tmp_path: Path) -> tuple[Listing, tuple[Finding, ...]]:
    """Ten bars, a gap of three days, ten more; one bar was repaired."""
    lake = Lake(tmp_path / "lakehouse")
    put(lake, [10.0 + k for k in range(10)])
    put(lake, [30.0 + k for k in range(10)], 13)
    put(lake, [12.5], 2)
    return lake.ls(BTC), audit(lake, [BTC])


def figure(html: str) -> Any:
    (text,) = re.findall(r'<script type="application/json" data-figure="bars">(.*?)</script>', html, re.S)
    return json.loads(text)


def test_closes_findings_and_repairs_are_drawn(seen: tuple[Listing, tuple[Finding, ...]]) -> None:
    spec = figure(page_of_bars(*seen))
    traces = {one["name"]: one for one in spec["data"]}
    assert traces["close"]["y"] == [10.0, 11.0, 12.5, *range(13, 20), *range(30, 40)]
    assert (traces["repaired"]["x"], traces["repaired"]["y"]) == (["2021-01-03"], [12.5])
    assert (traces["gap"]["x"], traces["gap"]["y"]) == (["2021-01-11"], [19.0])
    bands = [(one["x0"], one["x1"]) for one in spec["layout"]["shapes"]]
    assert ("2021-01-11", "2021-01-13") in bands
    assert spec["layout"]["yaxis"]["type"] == "log"


def test_no_line_is_drawn_over_a_hole(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lakehouse")
    put(lake, [1.0, 2.0])
    put(lake, [3.0], 9)
    trace = figure(page_of_bars(lake.ls(BTC), ()))["data"][0]
    assert trace["x"] == ["2021-01-01", "2021-01-02", "2021-01-03", "2021-01-10"]
    assert trace["y"] == [1.0, 2.0, None, 3.0]


def test_the_page_names_every_finding_and_escapes_it(seen: tuple[Listing, tuple[Finding, ...]]) -> None:
    listing, findings = seen
    odd = Finding(
        symbol=BTC, kind=findings[0].kind, first=findings[0].first, last=findings[0].last, count=1,
        detail="</script><b>bold</b>",
    )  # fmt: skip
    html = page_of_bars(listing, (*findings, odd))
    assert "3 bars of 24x7 are missing" in html
    assert "20 rows, 2021-01-01 to 2021-01-23" in html
    assert "1 repaired rows" in html
    assert "<b>" not in html
    assert html.count("</script>") == 4  # its own
    assert "Nothing odd was found" in page_of_bars(listing, ())


def test_the_page_stands_beside_the_script_that_draws_it(
    seen: tuple[Listing, tuple[Finding, ...]], tmp_path: Path
) -> None:
    write_bars(tmp_path / "out" / "x.html", *seen, within=tmp_path)
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["plotly.min.js", "x.html"]
    assert (tmp_path / "out" / "x.html").read_text("utf-8") == page_of_bars(*seen)
