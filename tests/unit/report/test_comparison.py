"""Why two runs differ, as it is said; dates of panels that differ."""

from dataclasses import replace

import numpy as np
import pytest

from builders.panels import panel_of
from tvquant.core.measures import Measures
from tvquant.report.compared_pools import SharpeCompared
from tvquant.report.comparison import Change, Comparison, SymbolChange, dates_that_differ
from tvquant.report.comparison_parts import parts

SAME = Comparison(
    ids=("one", "two"), results=("r", "r"), snapshots=("s", "s"), codes=("c", "c"), symbols=(), packages=(),
    parameters=(), moved=0, headlines=("h", "h"), cells={}, equity=None, decisions=None, pools=(None, None),
    sharpe=SharpeCompared(found=None, why="no"), unread=(),
)  # fmt: skip
STEP = Change(name="windows.step", values=(20, None), layers=("defaults", "argument --set"))
NUMPY = Change(name="numpy", values=("2.2", None))


@pytest.mark.parametrize(
    ("changes", "equal", "why"),
    [
        ({}, True, "The results are equal, decision by decision."),
        ({"codes": ("c", "d")}, True, "The results are equal, decision by decision, although code (source files)"),
        ({"results": ("r", "q")}, False, "The results differ, though data, code, packages and parameters are equal"),
        ({"results": ("r", "q"), "codes": ("c", "d")}, False, "The results differ because of code (source files);"),
        (
            {"results": ("r", "q"), "snapshots": ("s", "t"), "packages": (NUMPY,), "parameters": (STEP, STEP)},
            False,
            "so do data (another interval), packages (numpy) and parameters (windows.step and 1 more), and any",
        ),
        ({"results": ("r", None)}, None, "No result to compare yet, of two; data, code, packages and parameters are"),
        ({"results": (None, None), "parameters": (STEP,)}, None, "of one and two; they differ in parameters (windows"),
    ],
)
def test_why_names_what_differs_and_blames_only_what_is_alone(changes: dict, equal: bool | None, why: str) -> None:
    found = replace(SAME, **changes)
    assert found.equal is equal
    assert why in found.why


def test_every_part_says_so_where_nothing_differs_and_dashes_stand_for_what_is_not_there() -> None:
    made = {part.key: part for part in parts(SAME)}
    assert made["parameters"].lines == made["code"].lines == ("Nothing differs.",)
    assert made["data"].lines == ("Nothing differs: snapshot s.",)
    assert "unread" not in made
    symbols = tuple(SymbolChange(symbol=f"A:{k}", bars=(None, "3, x to y")) for k in range(41))
    found = replace(SAME, parameters=(STEP,), packages=(NUMPY,), snapshots=("s", "t"), symbols=symbols, unread=("no",))
    made = {part.key: part for part in parts(found)}
    assert made["parameters"].rows == (("windows.step", "20", "defaults", "null", "argument --set"),)
    assert made["code"].rows == (("numpy", "2.2", "–"),)
    assert made["data"].rows[0] == ("A:0", "–", "3, x to y", "–")
    assert len(made["data"].rows) == 40
    assert "40 of 41 are shown" in made["data"].lines[-1]
    assert made["unread"].lines == ("no",)


def test_a_figure_that_differs_is_there_with_its_difference_and_a_cell_alone_is_named() -> None:
    one, other = Measures(sharpe=1.0, cagr=0.1, n=5), Measures(sharpe=0.5, cagr=0.1 + 1e-12, n=5, volatility=0.2)
    found = replace(SAME, cells={"a": (one, other), "b": (one, one), "c": (None, one)})
    made = {part.key: part for part in parts(found)}["results"]
    assert made.rows == (("a", "Sharpe", "1.00", "0.50", "-0.50"), ("", "volatility", "–", "20.0 %", "–"))
    assert made.lines == ("2 cells are in both; 1 of them have equal figures.", "Only in B: c.")


def test_a_date_differs_in_any_field_or_when_only_one_has_it() -> None:
    close = np.arange(1.0, 13.0).reshape(4, 3)
    other = close.copy()
    other[1, 0] += 1e-12 * 8
    other[3, 1] = np.nan
    first, second = panel_of({"close": close}), panel_of({"close": other})
    names = [one.key for one in first.instruments]
    days = [str(day)[:10] for day in first.times]
    assert dates_that_differ(first, second, [*names, "A:NONE"]) == {
        names[0]: (1, days[1], days[1]),
        names[1]: (1, days[3], days[3]),
    }
