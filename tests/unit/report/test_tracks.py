from dataclasses import replace

from tvquant.core.stamps import Stamp
from tvquant.report.run import read_run
from tvquant.report.tracks import alike, basis_of, tracks_of


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
