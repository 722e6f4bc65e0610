from dataclasses import replace

from tvquant.core.stamps import Stamp
from tvquant.report.run import read_run
from tvquant.report.tracks import alike, basis_of, benchmarks, rivals, standings_of, tracks_of, unlike


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


def test_rivals_are_of_the_same_windows_and_book_and_the_benchmark_is_that_of_the_cells_own_selection(run):
    data = read_run(run)
    mine, more = data.headline, []
    for cell in (mine, *rivals(data, mine)):
        path, _, book = cell.key.rpartition("/")
        more.append(replace(cell, key=f"{path}/120-20-20/{book}", schedule="120-20-20"))
        more.append(replace(cell, key=f"{cell.key}+dear", scenario="dear"))
    more.append(replace(mine, key="tight/custom/hrp/custom", entrant="tight"))
    more.append(replace(more[0], key="benchmark/tight/custom", baseline=True, schedule="", entrant="tight"))
    data = read_run(run)
    data.outcomes = (*more, *data.outcomes)
    every = {cell.key: cell for cell in data.outcomes}

    def names(key):
        return {one.key for one in rivals(data, every[key])}

    own = {"base_universe_ew/custom", "benchmark/custom", "market/custom"}
    assert names(mine.key) == own
    assert names("tight/custom/hrp/custom") == {*own, "benchmark/tight/custom"} - {"benchmark/custom"}
    assert names("v4/custom/hrp/120-20-20/custom") == {one.replace("/", "/120-20-20/") for one in own}
    assert names("v4/custom/hrp/custom+dear") == {f"{one}+dear" for one in own}
    assert names("market/custom") == own - {"market/custom"}
    assert "market/custom+dear" not in {one.key for one in data.cells}
    assert {one.key for one in data.beside} == {one for one in every if one.endswith("+dear")}
