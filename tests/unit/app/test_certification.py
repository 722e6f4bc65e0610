"""The release matrix of profiles, and certificates on disk."""

import json
from pathlib import Path

import pytest

from tvquant.app.certification import RELEASE, _read, _write, release_profile, stored
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError
from tvquant.tournament.cells import cells, grid_size, headline
from unit.report.test_certification import certificate


@pytest.mark.requirement("R-TRN-06")
@pytest.mark.parametrize("name", ["crypto_spot", "us_equities"])
def test_the_release_matrix_is_126_cells_less_what_is_logged(name: str, tmp_path: Path) -> None:
    lent = {"--set costs.borrow_rate": ("costs.borrow_rate", 0.0), "--set grid.train": ("grid.train", [120])}
    for arguments in ({}, lent):
        found = release_profile(Workspace(tmp_path), name, arguments).profile
        size = grid_size(found)
        strategies = [cell.key for cell in cells(found) if not cell.baseline]
        assert size.asked == 126
        assert len(strategies) == size.cells == 126 - sum(one.cells for one in size.exclusions)
        assert {key.split("/")[0] for key in strategies} == set(RELEASE.selections)
        assert {key.split("/")[2] for key in strategies} == set(RELEASE.risk)
        assert len({key.split("/")[2] for key in strategies}) == 7
        assert headline(found) == "v4/custom/barbell/custom"
    assert size.cells == 126 - 6  # riskfolio does not solve equal_weight; every simulator keeps a book


def test_certificates_are_numbered_files_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    place = tmp_path / "p"
    assert stored(place) == ()
    first = _write(place, 1, certificate())
    _write(place, 2, certificate("r2", moved=0.003))
    assert [(one.number, one.certificate.run) for one in stored(place)] == [(1, "r1"), (2, "r2")]
    assert _read(first.path).certificate.excess.equals(certificate().excess)
    (place / "0001.parquet").write_bytes((place / "0002.parquet").read_bytes())
    with pytest.raises(DataError, match=r"0001\.parquet is not the file that 0001\.json was written with"):
        stored(place)
    (place / "0001.parquet").unlink()
    document = json.loads(first.path.read_text("utf-8"))
    first.path.write_text(json.dumps({**document, "cells": None}))
    with pytest.raises(DataError, match=r"the certification .*0001\.json cannot be read"):
        stored(place)
