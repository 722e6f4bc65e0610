"""Counts over all cells are what their outcomes hold."""

from dataclasses import replace
from pathlib import Path

import pytest

from tvquant.ledger import RunFolder
from tvquant.report.blocks import Facts, Table, Text
from tvquant.report.forensic_outliers import every_cell, summary
from tvquant.report.run import RunData


@pytest.mark.requirement("R-TRN-04")
@pytest.mark.requirement("R-SYN-06")
def test_purity_is_of_every_contribution_and_one_on_the_wrong_side_is_a_warning(built: Path) -> None:
    data = RunData(RunFolder(built))
    (facts,) = summary(data)
    assert isinstance(facts, Facts)
    assert dict(facts.pairs)["directional purity"] == "100.0 %"
    assert dict(facts.pairs)["windows of all cells"] == str(sum(one.measures.windows or 0 for one in data.outcomes))
    first, *others = data.outcomes
    counts = first.forensic["purity"]
    assert counts["contributions"] > 0
    wrong = {**counts, "contradicted": 2, "inverted": 1}
    data.__dict__["outcomes"] = (replace(first, forensic={**first.forensic, "purity": wrong}), *others)
    facts, warning = summary(data)
    assert isinstance(warning, Text)
    assert warning.text.startswith("3 contributions")
    assert isinstance(facts, Facts)
    whole = sum(one.forensic["purity"]["contributions"] for one in data.outcomes)
    assert float(dict(facts.pairs)["directional purity"].split()[0]) == pytest.approx(100 * (1 - 3 / whole), abs=0.06)


def test_every_cell_stands_in_one_line_with_its_deepest_window(built: Path) -> None:
    data = RunData(RunFolder(built))
    table, _ = every_cell(data)
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == [one.key for one in data.outcomes]
    windows = data.table("windows", data.headline.key)
    row = dict(zip(table.head, next(row for row in table.rows if row[0] == data.headline.key), strict=True))
    assert row["windows"] == str(len(windows))
    assert row["deepest window"].value == min(data.headline.forensic["windows"]["drawdown"])  # type: ignore[attr-defined]
    assert row["band"] == "within"
