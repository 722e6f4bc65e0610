"""A run of two engines: how far apart their books are, computed again from its tables."""

import sys
from itertools import count
from types import MappingProxyType

import numpy as np
import pytest

from builders.toy_engine import Toy
from tvquant.allocation import ENGINES as ENGINES_OF_THE_HOUSE
from tvquant.ledger import records
from tvquant.report.blocks import Data, Figure, Table, Text
from tvquant.report.run import read_run
from tvquant.report.sections.engines import ENGINES
from tvquant.tournament.implementation_risk import distance

PROFILES = ("min_variance", "risk_parity")
"""Of the profile of the run, those that the toy solves too."""

LOOSE = {"allocation.engines": ["custom", "toy"], "allocation.limits.position": 1.0, "allocation.limits.cluster": 1.0}


@pytest.fixture
def toy(monkeypatch):
    """A second engine, which solves two risk profiles otherwise."""
    engines = MappingProxyType({**ENGINES_OF_THE_HOUSE, "toy": Toy()})
    names = ("allocation", "allocation.allocate", "tournament.cells", "tournament.decide")
    for module in (sys.modules[f"tvquant.{name}"] for name in names):
        monkeypatch.setattr(module, "ENGINES", engines)


def of(kind, blocks):
    return [block for block in blocks if isinstance(block, kind)]


def test_a_run_of_one_engine_says_how_to_have_more(run):
    (said,) = ENGINES.draw(read_run(run))
    assert "Name several in allocation.engines" in said.text


@pytest.mark.requirement("R-RSK-02")
def test_books_times_and_results_of_engines_stand_beside_each_other(toy, build):
    ticks = count()
    folder = build(LOOSE, lambda: 0.25 * next(ticks))
    data = read_run(folder)
    blocks = ENGINES.draw(data)
    apart, by_engine, earned = of(Table, blocks)
    said = {row[0]: row for row in apart.rows}
    windows = data.table("windows", "v4/custom/min_variance/custom")
    assert list(said) == [f"{profile}: custom, toy" for profile in PROFILES]
    one, other = (data.table("atoms", f"v4/{engine}/min_variance/custom") for engine in ("custom", "toy"))
    found = []
    for window in windows["window"]:
        mine, theirs = (book.filter(window=window)["weight"].to_numpy() for book in (one, other))
        found.append(distance(mine, theirs))
    row = said["min_variance: custom, toy"]
    assert row[2].value == pytest.approx(np.median(found))
    assert row[4].value == pytest.approx(max(found))
    assert max(found) > 0.01
    assert row[1] == str(windows["decided_at"][int(np.argmax(found))])[:10]
    assert [r[0] for r in by_engine.rows] == ["custom", "toy"]
    assert {r[-1].value for r in by_engine.rows} == {250.0}  # one tick a decision
    assert by_engine.rows[1][1].value == len(windows) * len(PROFILES)
    mine = next(r for r in earned.rows if r[0] == "min_variance")
    cells = {cell.key: cell.measures for cell in data.outcomes}
    ratios = [cells[f"v4/{engine}/min_variance/custom"].sharpe for engine in ("custom", "toy")]
    best = max(m.sharpe for key, m in cells.items() if key in ("base_universe_ew/custom", "market/custom"))
    assert (mine[2].value, mine[3].value) == (min(ratios), max(ratios))
    assert (mine[4].value, mine[5].value) == pytest.approx((max(ratios) - min(ratios), ratios[0] - best))
    (picture,) = of(Figure, blocks)
    assert len(picture.spec["layout"]["shapes"]) == len(
        {key.split("/")[2] for key in data.times if key.count("/") == 2}
    )
    labels = picture.spec["layout"]["xaxis"]["ticktext"]
    assert len(picture.spec["layout"]["shapes"]) == len({label.partition(" ")[0] for label in labels})
    i, j = labels.index("min_variance · custom"), labels.index("min_variance · toy")
    assert picture.spec["data"][0]["z"][i][j] == pytest.approx(100 * np.median(found), rel=1e-5)
    (frame,) = of(Data, blocks)
    assert frame.frame.filter(risk_profile="min_variance")["distance"].to_list() == pytest.approx(found)
    assert any("Boxes hold one risk profile" in text.text for text in of(Text, blocks))


def test_times_are_one_record_of_the_run_and_part_of_no_result(run, build):
    ticks = count()
    folder = build({}, lambda: float(next(ticks)))
    assert [one.chain for one in records(folder, kind="times")] == ["run"]
    timed, plain = read_run(folder), read_run(run)
    assert (timed.result, plain.times) == (plain.result, {})
    assert {one["most_seconds"] for one in timed.times.values()} == {1.0}
    assert {one["decisions"] for one in timed.times.values()} == {len(timed.table("windows", "market/custom"))}
