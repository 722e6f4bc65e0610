"""The page of a replay."""

import json
import re
from pathlib import Path
from typing import Any

from tvquant.report.replay import page_of_replay, write_replay

DATES = ["2024-01-01", "2024-01-02", "2024-01-03"]
POOLED = [5, 6, 4]
ATOMS = [["X:B_t_LONG"], ["X:B_t_LONG", "X:A_t_LONG"], ["X:A_t_LONG"]]


def figures(html: str) -> dict[str, Any]:
    found = re.findall(r'<script type="application/json" data-figure="(\w+)">(.*?)</script>', html, re.S)
    return {key: json.loads(text) for key, text in found}


def test_pool_atoms_and_who_came_and_left_are_drawn() -> None:
    traces = {one["name"]: one for one in figures(page_of_replay(["s"], DATES, POOLED, ATOMS))["counts"]["data"]}
    assert traces["in the pool"]["y"] == POOLED
    assert traces["atoms"]["y"] == [1, 2, 1]
    assert traces["entered"]["y"] == [None, 1, 0]
    assert traces["left"]["y"] == [None, 0, -1]


def test_each_atom_has_a_row_with_its_dates_the_first_one_at_the_top() -> None:
    (drawn,) = figures(page_of_replay(["s"], DATES, POOLED, ATOMS))["present"]["data"]
    assert drawn["y"] == ["X:B_t_LONG", "X:A_t_LONG"]
    assert drawn["z"] == [[1, 1, None], [None, 1, 1]]


def test_the_table_counts_dates() -> None:
    html = page_of_replay(["one", "two"], DATES, POOLED, ATOMS)
    assert "<h1>one, two</h1>" in html
    assert "3 dates, 2024-01-01 to 2024-01-03; 2 atoms, 1.3 at a date" in html
    rows = re.findall(r"<tr><td>(.*?)</td></tr>", html)
    assert [row.split("</td><td>") for row in rows] == [
        ["X:A_t_LONG", "2", "67%", "2024-01-02", "2024-01-03"],
        ["X:B_t_LONG", "2", "67%", "2024-01-01", "2024-01-02"],
    ]


def test_a_replay_that_finds_nobody_says_so() -> None:
    html = page_of_replay(["s"], DATES, POOLED, [[], [], []])
    assert "Nobody was recruited at any date." in html
    assert list(figures(html)) == ["counts"]


def test_the_page_stands_beside_its_script(tmp_path: Path) -> None:
    write_replay(tmp_path / "out" / "s.html", ["s"], DATES, POOLED, ATOMS, within=tmp_path)
    assert (tmp_path / "out" / "s.html").read_text("utf-8") == page_of_replay(["s"], DATES, POOLED, ATOMS)
    assert (tmp_path / "out" / "plotly.min.js").stat().st_size > 1e6
