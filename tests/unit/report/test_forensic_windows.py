"""Windows of the headline are told as its chain holds them, and as the tables of results have them too."""

from pathlib import Path

import polars as pl
import pytest

from tvquant.ledger import RunFolder
from tvquant.report import forensic_windows
from tvquant.report.blocks import Table, Text
from tvquant.report.forensic_windows import Step, funnel, portfolios, recourse, steps_of, telemetry
from tvquant.report.run import RunData


@pytest.fixture(scope="module")
def data(built: Path) -> RunData:
    return RunData(RunFolder(built))


@pytest.fixture(scope="module")
def steps(data: RunData) -> tuple[Step, ...]:
    return steps_of(data)


@pytest.fixture(scope="module")
def windows(data: RunData) -> pl.DataFrame:
    return data.table("windows", data.headline.key)


def columns(block: object) -> dict[str, list[str]]:
    """A table by its head; of equal names the first."""
    assert isinstance(block, Table)
    found: dict[str, list[str]] = {}
    for name, values in zip(block.head, zip(*block.rows, strict=True), strict=True):
        found.setdefault(name, list(values))
    return found


def values(column: list[str]) -> list[float | None]:
    return [one.value for one in column]  # type: ignore[attr-defined]


@pytest.mark.requirement("R-TRN-04")
def test_portfolios_are_those_of_the_tables(steps: tuple[Step, ...], windows: pl.DataFrame) -> None:
    table, regimes = portfolios(steps)
    found = columns(table)
    assert found["window"] == [str(one) for one in windows["window"]]
    assert values(found["change"]) == pytest.approx(windows["return"].to_list(), abs=1e-6)
    assert values(found["cash"]) == pytest.approx(windows["cash"].to_list())
    assert values(found["names"]) == windows["names"].to_list()
    made = [one.decision.allocation for one in steps]
    limits = [{each.name: each.limit for each in one.constraints}["position"] for one in made if one is not None]
    assert values(found["position cap"]) == limits
    assert len(set(limits)) > 1, "the cap in force goes by the regime"
    for one, held in zip(steps, found["held"], strict=True):
        assert [part.split(" ")[0] for part in held.split(", ")] == sorted(
            one.decision.weights, key=lambda key: -abs(one.decision.weights[key])
        )
    counted = columns(regimes)["windows"]
    assert sum(int(one) for one in counted) == len(windows)


@pytest.mark.requirement("R-LED-06")
def test_the_funnel_is_counted_in_both_units_with_its_vetoes(
    steps: tuple[Step, ...], windows: pl.DataFrame, data: RunData
) -> None:
    table, reasons = funnel(steps)
    assert isinstance(table, Table)
    shown = [tuple(int(row[k]) for k in (3, 4, 5, 6, 8, 9, 10)) for row in table.rows]
    names = ("universe", "discovery", "refined", "selected", "atoms_discovery", "atoms_refined", "atoms_selected")
    assert shown == windows.select(names).rows()
    for row in shown:
        assert list(row[:4]) == sorted(row[:4], reverse=True)
        assert list(row[4:]) == sorted(row[4:], reverse=True)
    vetoes = data.table("vetoes", data.headline.key).group_by("reason").agg(pl.col("atoms").sum())
    counted = columns(reasons)
    assert dict(zip(counted["vetoed by"], map(int, counted["atoms"]), strict=True)) == {
        reason.replace("_", " "): atoms for reason, atoms in vetoes.iter_rows()
    }


@pytest.mark.requirement("R-TRN-04")
def test_telemetry_has_stage_thresholds_and_probabilities(steps: tuple[Step, ...], windows: pl.DataFrame) -> None:
    table, thresholds, probabilities = telemetry(steps)
    found = columns(table)
    assert [int(one.split()[0]) for one in found["stage"]] == windows["stage"].to_list()
    assert columns(thresholds)["thresholds of"]
    told = columns(probabilities)
    pool, won = values(told["pool, mean"]), values(told["winners, mean"])
    assert pool
    assert all(0.0 <= (one or 0.0) <= 1.0 for one in (*pool, *won))
    answers = [one.response for one in steps if one.response]
    name = told["probability of"][0].replace(" ", "_")
    mine = [answer.components[symbol][name] for answer in answers for symbol in answer.components]
    assert pool[0] == pytest.approx(sum(mine) / len(mine))


def test_of_many_windows_the_latest_are_listed(steps: tuple[Step, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forensic_windows, "LATEST", 3)
    table, note, *_ = portfolios(steps)
    assert columns(table)["window"] == [str(one.recorded.window) for one in steps[-3:]]
    assert isinstance(note, Text)
    assert note.text.startswith(f"The latest 3 of {len(steps)}")


def test_recourse_is_listed_where_there_was_one(steps: tuple[Step, ...], windows: pl.DataFrame) -> None:
    counted, table, gates = recourse(steps)
    assert dict(counted.pairs) == {"solved": str(len(steps))}  # type: ignore[union-attr]
    found = columns(table)
    taken = windows.filter(pl.col("recourse") != "")
    assert 0 < len(taken) < len(windows)
    assert (found["window"], found["recourse"]) == ([str(one) for one in taken["window"]], taken["recourse"].to_list())
    assert isinstance(gates, Text)
    assert "No logic of this profile is gated" in gates.text
    said, *_ = recourse([one for one in steps if str(one.recorded.window) not in found["window"]])[1:]
    assert isinstance(said, Text), "what was solved at once is not listed"
