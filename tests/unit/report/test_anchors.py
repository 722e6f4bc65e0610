"""The primary beside its anchors: what the report says, and by which interval."""

from dataclasses import replace

import pytest

from tvquant.report import anchors
from tvquant.report.run import read_run

ANCHOR = "v4/custom/risk_parity/custom"


@pytest.mark.requirement("R-RSK-25")
def test_the_anchor_is_beside_the_primary_with_an_interval(run):
    (line,) = anchors.beside_anchors(read_run(run))
    assert line.startswith(f"Anchor {ANCHOR}: Sharpe ratio ")
    assert "with 95 % confidence." in line


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.1, 0.3, "beats it"), (-0.3, -0.1, "is beaten by it"), (0.0, 0.3, "is not shown")]
)
def test_only_an_interval_beyond_zero_beats(run, monkeypatch, low, high, verdict):
    told = anchors.compared

    def compared(*books, **settings):
        assert [one.name for one in books[:2]] == [ANCHOR, "v4/custom/hrp/custom"]  # the primary's less the anchor's
        return replace(told(*books, **settings), low=low, high=high)

    monkeypatch.setattr(anchors, "compared", compared)
    assert f"v4/custom/hrp/custom {verdict}" in anchors.beside_anchors(read_run(run))[0]


def test_without_returns_nothing_is_told(run):
    (run / "results" / "returns.parquet").unlink()
    assert "cannot be told" in anchors.beside_anchors(read_run(run))[0]
