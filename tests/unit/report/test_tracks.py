from dataclasses import replace

from tvquant.core.stamps import Stamp
from tvquant.report.run import read_run
from tvquant.report.tracks import alike, basis_of, benchmarks, standings_of, tracks_of, unlike


def test_only_books_that_leave_out_the_same_are_alike(run):
    data = read_run(run)
    mine, index = data.headline, data.cells[-1]
    priced = replace(index, stamps=(*index.stamps, Stamp.PRICE_RETURN))
    assert alike(mine, index)
    assert not alike(mine, priced)
    assert alike(priced, replace(mine, stamps=(Stamp.PRICE_RETURN,)))
    assert (basis_of(mine), basis_of(priced)) == ("", "prices only")


def test_tracks_are_the_recorded_returns_of_the_cells_that_have_any(run):
    data = read_run(run)
    failed = replace(data.cells[0], key="none/of/these")
    found = tracks_of(data, (*data.cells, failed))
    assert [one.name for one in found] == [cell.key for cell in data.cells]
    mine = data.table("returns", data.cells[0].key)
    assert found[0].returns.tolist() == mine["return"].to_list()
    assert found[0].times.tolist() == mine["time"].to_numpy().tolist()


def test_cells_of_another_basis_than_the_headline_stand_apart_but_for_those_that_failed(run):
    data = read_run(run)
    changed = {"market/custom": {"stamps": (Stamp.PRICE_RETURN,)}, "v4/custom/max_sharpe/custom": {"why": "singular"}}
    data.outcomes = tuple(replace(cell, **changed.get(cell.key, {})) for cell in data.outcomes)
    found = standings_of(data)
    assert [cell.key for cell in found.apart] == ["market/custom"]
    assert len(found.first) == len(data.cells) - 1
    assert found.said.startswith("Of prices only")
    mine = data.headline
    assert [cell.key for cell in benchmarks(data, mine)] == ["base_universe_ew/custom", "benchmark/custom"]
    assert [cell.key for cell in unlike(data, mine)] == ["market/custom"]
    looked = data.of_cell(next(cell for cell in data.cells if cell.key == "market/custom"))
    assert {cell.key for cell in standings_of(looked).first} == {"v4/custom/max_sharpe/custom", "market/custom"}
    assert standings_of(looked).said.startswith("With dividends")
