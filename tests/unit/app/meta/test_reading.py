from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl
import pytest

from builders.metas import CELL, read
from tvquant.app.meta.reading import closed_of, conventions_of, in_common, sleeve_of, solves_of, stream_of
from tvquant.app.plan import Plan
from tvquant.app.workspace import Workspace
from tvquant.core.atoms import Direction
from tvquant.core.errors import DataError, ModelError
from tvquant.core.measures import Measures
from tvquant.core.panel import Panel
from tvquant.core.sleeves import Closed, Solves
from tvquant.lake import Snapshot
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles.meta_vocabulary import must_agree

pytestmark = pytest.mark.xdist_group("meta")
DAYS = np.arange("2024-01-01", "2024-01-09", dtype="datetime64[D]").astype("datetime64[us]")


@pytest.fixture(scope="module")
def run(sleeves_home: Workspace) -> RecordedRun:
    return read(sleeves_home, "shorts")


@pytest.fixture(scope="module")
def panel(sleeves_home: Workspace, run: RecordedRun) -> Panel:
    assert run.plan is not None
    return Plan.of(run.resolved, sleeves_home.lake().pinned(Snapshot.from_json(run.plan.snapshot))).panel


@pytest.mark.requirement("R-SYN-07")
def test_a_sleeve_is_the_book_and_the_holdings_of_its_cell(run: RecordedRun, panel: Panel) -> None:
    """Out of sample, net of costs, entering among them; what it says it holds nets to the weights that were traded."""
    found = sleeve_of("down", run, CELL, times=panel.times, calendar=panel.calendar, conventions={"a": 1})
    book = run.table("returns", CELL)
    windows, weights = run.table("windows", CELL), run.table("weights", CELL)
    assert (found.name, found.profile, found.run, found.cell) == ("down", "shorts", run.run_id, CELL)
    assert (found.result, found.conventions, found.calendar) == (run.sealed, {"a": 1}, panel.calendar)
    assert found.times[0] == windows["decided_at"].to_numpy()[0]
    assert found.levels[1:].tolist() == book["equity"].to_list()
    assert found.levels[1:] / found.levels[:-1] - 1.0 == pytest.approx(book["return"].to_numpy(), abs=1e-12)
    assert found.solves == Solves(solved=3, asked=3)  # of eight windows five had nobody to weigh
    assert [one.at for one in found.decisions] == windows["decided_at"].to_list()
    assert [len(one.atoms) for one in found.decisions] == [0, 0, 0, 0, 0, 4, 4, 3]
    for one in found.decisions:
        at = weights.filter(pl.col("decided_at") == one.at)
        assert {a.symbol: a.signed for a in one.atoms} == pytest.approx(dict(at.select("symbol", "weight").iter_rows()))
        assert all(a.direction is Direction.SHORT and a.size > 0.0 for a in one.atoms)


@pytest.mark.requirement("R-META-03")
def test_a_sleeve_without_the_series_of_the_risk_profile_is_refused_by_name(run: RecordedRun, panel: Panel) -> None:
    asked = {"times": panel.times, "calendar": panel.calendar, "conventions": {}}
    with pytest.raises(ModelError, match=r"sleeve down, .* unknown cell 'v4/custom/risk_parity/custom'"):
        sleeve_of("down", run, "v4/custom/risk_parity/custom", **asked)  # type: ignore[arg-type]
    broken = RecordedRun(run.folder)
    mine = next(one for one in run.outcomes if one.key == CELL)
    broken.outcomes = (replace(mine, why="it was ruined"),)
    with pytest.raises(ModelError, match=f"sleeve down: cell {CELL} of run .* has no book: it was ruined"):
        sleeve_of("down", broken, CELL, **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("decided", "fill", "stamps", "ones"),
    [
        (2, 3, [2, 3, 4], 1),  # the next row
        (2, 5, [2, 3, 4, 5, 6], 3),  # orders that wait: cash until then
        (2, 2, [1, 2, 3], 1),  # the same close: what is paid there is after the row before
    ],
)
def test_a_stream_begins_at_the_mark_where_nothing_was_paid(
    decided: int, fill: int, stamps: list[int], ones: int
) -> None:
    times, levels = stream_of(DAYS, DAYS[decided], DAYS[fill : fill + 2], np.array([0.99, 1.02]))
    assert times.tolist() == DAYS[stamps].tolist()
    assert levels.tolist() == [1.0] * ones + [0.99, 1.02]


def test_a_fill_at_the_first_row_of_all_has_no_mark() -> None:
    with pytest.raises(DataError, match="the first fill, on 2024-01-01, has no row before it"):
        stream_of(DAYS, DAYS[0], DAYS[:2], np.array([0.99, 1.02]))


@pytest.mark.requirement("R-META-04")
def test_only_what_was_solved_counts_and_what_was_not_asked_is_no_record(run: RecordedRun) -> None:
    mine = next(one for one in run.outcomes if one.key == CELL)
    counts = {"windows": 9, "windows_without_candidate": 2, "windows_fell_back": 3, "windows_failed": 1}
    assert solves_of(replace(mine, measures=Measures(**counts))) == Solves(solved=3, asked=7)
    assert solves_of(replace(mine, measures=Measures(windows=2, windows_without_candidate=2))).share is None


@pytest.mark.requirement("R-META-15")
def test_conventions_are_windows_version_execution_and_costs(run: RecordedRun) -> None:
    values = run.resolved.profile.values()
    found = conventions_of(values, "custom")
    assert found["windows.step"] == 20
    assert (found["selection.model"], found["execution.convention"], found["costs.slippage_bps"]) == (
        "v4", "next_open", 5.0,
    )  # fmt: skip
    assert not {"execution.simulators", "execution.vectorbt", "selection.top_n"} & set(found)
    assert {key for key in (*found, "execution.simulators", "selection.top_n") if must_agree(key)} == set(found)
    assert conventions_of(values, "vectorbt")["execution.vectorbt.engine"] == "rust"
    nested = {key: value for key, value in values.items() if key != "selection"}
    assert conventions_of(nested, "custom") == {k: v for k, v in found.items() if k != "selection.model"}
    assert in_common([found, found | {"windows.step": 5}, {**found, "more": 1}]) == {
        key: value for key, value in found.items() if key != "windows.step"
    }


def test_what_is_closed_and_not_held_again_at_the_end_of_the_bar_is_told() -> None:
    """A loses its collateral at the open and is sold short again; B is, and is lost at the close; C is halted."""
    days = [datetime(2024, 1, day) for day in (1, 3, 3, 1, 3, 3, 1, 3)]
    trades = pl.DataFrame(
        {
            "time": days,
            "symbol": ["A", "A", "A", "B", "B", "B", "C", "C"],
            "kind": ["fill", "collateral_lost", "fill", "fill", "collateral_lost", "fill", "fill", "closed_out"],
            "quantity": [-0.3, 0.3, -0.1, -0.3, 0.1, 0.2, 0.7, -0.7 + 1e-17],
        }
    ).sort("time", maintain_order=True)
    third = np.datetime64("2024-01-03", "us")
    assert closed_of(trades) == (Closed(third, "B"), Closed(third, "C"))
    assert closed_of(trades.clear()) == ()
