"""Sections on why winners won and how steady selections were: the page's own numbers, computed again from records."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from tvquant.core.atoms import Atom, Direction
from tvquant.core.selection import SelectionResponse, Veto
from tvquant.ledger import records
from tvquant.report.blocks import Data, Figure, Table, Text
from tvquant.report.render import drawn
from tvquant.report.run import read_run
from tvquant.report.sections.steadiness import STEADINESS
from tvquant.report.sections.why import WHY
from tvquant.report.steadiness import selection_frame, steadiness_of

HEADLINE = "v4/custom/hrp/custom"


def of(kind, blocks):
    return [block for block in blocks if isinstance(block, kind)]


def recorded(run):
    """Payloads of the headline's selections, in order."""
    found = (record.data for record in records(run, kind="selection") if record.data["model"] == "v4")
    return [SelectionResponse.recorded(data).payload() for data in found]


def changed(run, **fields):
    """The run as if the last selection of the headline had been recorded so."""
    data = read_run(run)
    found = dict(data.responses(data.headline))
    found[max(found)] = replace(found[max(found)], **fields)
    data._responses = dict.fromkeys(data._responses, found)
    return data


@pytest.mark.requirement("R-SEL-31")
def test_the_bars_of_a_waterfall_sum_to_the_recorded_score_of_the_best_winners(run):
    last = recorded(run)[-1]
    best = [f"{one['physical_symbol']}_{one['logic']}_{one['direction']}" for one in last["winners"]][:3]
    drawings = of(Figure, WHY.draw(read_run(run)))
    assert [one.key for one in drawings] == ["waterfall_1", "waterfall_2", "waterfall_3"]
    for figure, atom in zip(drawings, best, strict=True):
        (trace,) = figure.spec["data"]
        score = last["scores"][atom]
        worse = set(last["parts"]) - set(best[: best.index(atom)])
        assert score == max(last["scores"][other] for other in worse)
        assert trace["measure"] == ["relative"] * (len(trace["x"]) - 1) + ["total"]
        assert sum(trace["x"][:-1]) == pytest.approx(score, abs=1e-4)
        assert (trace["y"][-1], trace["x"][-1]) == ("score", pytest.approx(score, rel=1e-5))
        assert np.abs(trace["x"][:-1]).tolist() == sorted(np.abs(trace["x"][:-1]).tolist(), reverse=True)
        parts = {name.replace("_", " "): part for name, part in last["parts"][atom].items()}
        assert dict(zip(trace["y"][:-1], trace["x"][:-1], strict=True)) == pytest.approx(parts, rel=1e-5)
        assert f"{score:.2f}" in figure.title


def test_every_part_of_every_winner_can_be_taken_away(run):
    last, (data,) = recorded(run)[-1], of(Data, WHY.draw(read_run(run)))
    sums = data.frame.group_by("atom").agg(pl.col("part").sum(), pl.col("score").first())
    assert set(sums["atom"]) == set(last["parts"])
    assert sums["part"].to_list() == pytest.approx(sums["score"].to_list(), abs=1e-12)
    assert {(a, f): p for a, f, p in data.frame.select("atom", "feature", "probability").iter_rows()} == {
        (atom, name): p for atom, values in last["components"].items() for name, p in values.items()
    }


def test_shares_of_the_variance_are_those_recorded_and_sum_to_one(run):
    (table,) = of(Table, WHY.draw(read_run(run)))
    shares = recorded(run)[-1]["shares"]
    assert [row[1].value for row in table.rows] == sorted(shares.values(), reverse=True)
    assert sum(row[1].value for row in table.rows) == pytest.approx(1.0)


def test_a_feature_that_a_winner_lacks_is_marked(run):
    data = read_run(run)
    found = data.responses(data.headline)
    winner = found[max(found)].winners[0].symbol
    (first, *_) = of(Figure, WHY.draw(changed(run, missing={"momentum": (winner,)})))
    assert "momentum (missing)" in first.spec["data"][0]["y"]


def test_parts_that_do_not_sum_and_records_without_them_are_not_drawn(run):
    data = read_run(run)
    last = data.responses(data.headline)[max(data.responses(data.headline))]
    winner = last.winners[0].symbol
    wrong = {**last.parts, winner: {**last.parts[winner], "momentum": last.parts[winner]["momentum"] + 1e-6}}
    (said,) = drawn(WHY, changed(run, parts=wrong))
    assert said.text == f"Not shown: the recorded parts of the score of {winner} do not sum to it."
    (said,) = drawn(WHY, changed(run, parts={}))
    assert "of an earlier version" in said.text


def test_who_scores_or_selects_nobody_is_said_to(run):
    (said,) = WHY.draw(changed(run, winners=()))
    assert (said.tone, said.text[:10]) == ("warning", "Nobody won")
    (said,) = WHY.draw(changed(run, components={}))
    assert said.text == "v4 scores nobody, so no feature made a winner."
    data = read_run(run)
    baseline = data.of_cell(next(cell for cell in data.cells if cell.baseline))
    assert {block.text for section in (WHY, STEADINESS) for block in section.draw(baseline)} == {
        "A baseline selects nobody."
    }


def test_the_table_of_selections_is_that_of_the_records(run):
    (data,) = of(Data, STEADINESS.draw(read_run(run)))
    frame, payloads = data.frame, recorded(run)
    windows = pl.read_parquet(run / "results" / "windows.parquet").filter(pl.col("cell") == HEADLINE)
    assert frame["window"].to_list() == windows["window"].to_list()
    assert frame["winners"].to_list() == windows["atoms_selected"].to_list() == [len(p["winners"]) for p in payloads]
    assert frame["effective_bets"].to_list() == [p["effective_bets"] for p in payloads]
    assert frame["stage"].to_list() == windows["stage"].to_list()
    names = [{w["physical_symbol"] for w in p["winners"]} for p in payloads]
    shared = [len(a & b) / len(a | b) for a, b in pairwise(names)]  # the pool is the same throughout
    assert frame["jaccard"].to_list() == pytest.approx([None, *shared])
    assert frame["cluster_room"].to_list() == [min(1.0, 0.25 * n) for n in windows["allocation_clusters"]]
    steady, alike = of(Figure, STEADINESS.draw(read_run(run)))
    drawn_winners = next(trace for trace in steady.spec["data"] if trace["name"] == "winners, atoms")
    assert drawn_winners["y"] == frame["winners"].to_list()
    assert alike.spec["data"][0]["y"][1:] == pytest.approx(shared, rel=1e-5)
    said = " ".join(text.text for text in of(Text, STEADINESS.draw(read_run(run))))
    few = sum(room < 1.0 for room in frame["cluster_room"])
    assert re.search(rf"At {few} of {len(frame)} decisions there were too few allocation clusters", said)


def made(winners: str, clusters: str, **more) -> SelectionResponse:
    """A selection over the atoms a, b, c ... of these clusters."""
    names = "abcdef"[: len(clusters)]
    atoms = {name: Atom(physical_symbol=name, logic="hold", direction=Direction.LONG) for name in names}
    return SelectionResponse(
        decided_at=np.datetime64("2024-01-01", "us"), model="v4", version="", winners=tuple(atoms[w] for w in winners),
        scores={one.symbol: 0.0 for one in atoms.values()}, components={}, **{"vetoes": {}, **more},
        clusters={one.symbol: int(c) for one, c in zip(atoms.values(), clusters, strict=True)}, stage=2,
        recruited={}, thresholds={},
    )  # fmt: skip


def test_agreement_is_among_atoms_that_are_in_both_pools():
    """f is new: neither its winning nor its cluster counts as a change. Of a, b, c two stay; clusters are renamed."""
    veto = Veto(rule="entropy", value=1.0, limit=0.9, hard=False, overridden=True)
    responses = {
        3: made("abc", "11223", effective_bets=1.5),
        5: made("abf", "223311", effective_bets=2.5, vetoes={"a_hold_LONG": veto}),
        9: made("", "111111"),
    }
    windows = pl.DataFrame({
        "window": [3, 5, 7, 9], "decided_at": [1, 2, 3, 4], "allocation_clusters": [2, 3, 0, 5],
        "cash": [0.5, 0.25, 1.0, 0.0], "forced_cash": [0.5, 0.25, 0.0, 0.0],
    })  # fmt: skip
    frame = selection_frame(steadiness_of(responses), windows, 0.25)
    assert frame["window"].to_list() == [3, 5, 7, 9]
    assert frame["jaccard"].to_list() == pytest.approx([None, 2 / 3, None, 0.0])
    assert frame["adjusted_rand"].to_list() == pytest.approx([None, 1.0, None, 0.0])
    assert frame["cluster_room"].to_list() == [0.5, 0.75, None, 1.0]  # nobody was weighted at 7
    assert frame["effective_bets"].to_list() == [1.5, 2.5, None, None]
    assert frame["overridden"].to_list() == [0, 1, None, 0]
    assert frame["winners"].to_list() == [3, 3, None, 0]


def test_cells_of_one_selection_share_what_was_found_of_it(run):
    data = read_run(run)
    first = data.steadiness(data.headline)
    other = next(cell for cell in data.cells if not cell.baseline and cell.key != HEADLINE)
    assert data.of_cell(other).steadiness(other) is first
    assert first["window"].to_list() == sorted(data.responses(other))
