"""The forensic page tells a whole run by its ledger, whatever else is gone from the folder."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tvquant.ledger import RunFolder
from tvquant.ledger.recorded_parts import RecordedCell
from tvquant.report.forensic import page_of_forensic
from tvquant.report.forensic_outliers import SHOWN
from tvquant.report.run import RunData
from tvquant.tournament.outliers import Cause, Outlier

SECTIONS = ["summary", "outliers", "cells", "portfolios", "telemetry", "funnel", "recourse", "timing"]
CRASH = Outlier(
    window=100, reasons=("drawdown",), cause=Cause.NAME_JUMP, start="2019-06-01", stop="2019-06-02", change=-0.4,
    names={"X:Y": -0.0001, "<b>X": -0.3999}, held={"<b>X": 0.5, "X:Y": 0.1}, others=0.0, costs=0.0, market=-0.01,
    by_market=-0.005, by_component=None, relative=0.97, z=5.2, largest=0.99, largest_on="2019-06-02",
)  # fmt: skip


def with_outliers(cell: RecordedCell, *found: Outlier) -> RecordedCell:
    """A cell whose outcome holds these."""
    windows = cell.forensic["windows"]
    placed = [replace(one, window=windows["window"][k % len(windows["window"])]) for k, one in enumerate(found)]
    return replace(cell, forensic={**cell.forensic, "outliers": [one.payload() for one in placed]})


def data_of(folder: Path, outcomes: Callable[[tuple[RecordedCell, ...]], tuple[RecordedCell, ...]]) -> RunData:
    """The run with other outcomes."""
    data = RunData(RunFolder(folder))
    data.__dict__["outcomes"] = outcomes(data.outcomes)
    return data


@pytest.mark.requirement("R-TRN-04")
def test_the_ledger_alone_draws_the_page(run: Path, seal: Callable[[Path], None]) -> None:
    """Without tables, data and health it is the same page, and it is the same after the run was sealed."""
    whole = page_of_forensic(RunData(RunFolder(run)))
    assert re.findall(r'<section id="(\w+)">', whole) == SECTIONS
    assert "Not shown" not in whole
    for name in ("results", "data"):
        shutil.rmtree(run / name)
    assert page_of_forensic(RunData(RunFolder(run))) == whole
    seal(run)
    assert page_of_forensic(RunData(RunFolder(run))) == whole


@pytest.mark.requirement("R-TRN-10")
def test_an_outlier_is_shown_with_holdings_market_and_cause_and_is_escaped(built: Path) -> None:
    page = page_of_forensic(data_of(built, lambda cells: (with_outliers(cells[0], CRASH), *cells[1:])))
    section = page[page.index('<section id="outliers">') : page.index('<section id="cells">')]
    assert "&lt;b&gt;X -40.0 % (50.0 %); X:Y 0.0 % (10.0 %)" in section
    assert "<b>X" not in page
    row = re.findall(r"<td[^>]*>(.*?)</td>", section[section.index("<tbody>") :])
    assert row[4] == "name jump"
    assert row[-7:] == ["-1.0 %", "-0.5 %", "–", "97 %", "5.2", "99 %", "2019-06-02"]


def test_a_grid_of_126_cells_is_a_page_that_opens_at_once(built: Path) -> None:
    """Of hundreds of outliers those of the headline and the deepest are listed, and all are counted."""
    data = RunData(RunFolder(built))
    headline = data.headline

    def many(cells: tuple[RecordedCell, ...]) -> tuple[RecordedCell, ...]:
        made = [replace(headline, key=f"v4/custom/copy{k}/custom") for k in range(126)]
        return tuple(with_outliers(one, CRASH, CRASH) for one in (*made, headline))

    page = page_of_forensic(data_of(built, many))
    section = page[page.index('<section id="outliers">') : page.index('<section id="cells">')]
    assert section.count("<tr>") == SHOWN + 1
    assert "194 more are counted below" in section
    assert section.index(headline.key) < section.index("copy0")
    assert len(page) < 400_000


def test_what_an_older_run_did_not_record_is_said(built: Path) -> None:
    page = page_of_forensic(data_of(built, lambda cells: tuple(replace(one, forensic={}) for one in cells)))
    assert page.count("Not shown: no outcome of the ledger has a forensic record") == 1
    assert 'id="portfolios"' in page
