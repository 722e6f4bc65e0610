"""Books are held against what their asset class is expected to have."""

from dataclasses import replace
from pathlib import Path

import pytest

from builders.profiles import resolved_of
from tvquant.core.measures import Measures
from tvquant.ledger import RunFolder
from tvquant.ledger.recorded_parts import RecordedCell
from tvquant.report.run import RunData
from tvquant.report.volatility_bands import AssetClass, asset_class, volatility_bands


def ended(key: str, volatility: float | None) -> RecordedCell:
    return RecordedCell(
        key=key, baseline=False, status="played", stamps=(), digest="d", why=None,
        measures=Measures(volatility=volatility), metrics={}, forensic={},
    )  # fmt: skip


@pytest.mark.requirement("R-RSK-21")
@pytest.mark.requirement("R-LED-09")
def test_other_classes_are_held_against_equal_weights_of_their_winners(built: Path) -> None:
    data = RunData(RunFolder(built))
    assert asset_class(data) is AssetClass.EQUITIES
    by_key = {one.key: one for one in data.outcomes}
    even = by_key["benchmark/custom"].measures.volatility
    assert even
    strategies = [key for key, one in by_key.items() if not one.baseline]
    assert [one.cell for one in volatility_bands(data)] == strategies
    assert {one.reference for one in volatility_bands(data)} == {even}
    for factor, verdict in ((1.499, "within"), (1.501, "above"), (0.501, "within"), (0.499, "below")):
        mine = by_key[strategies[0]]
        other = replace(mine, measures=replace(mine.measures, volatility=factor * even))
        data.__dict__["outcomes"] = tuple(other if one == mine else one for one in by_key.values())
        found = volatility_bands(data)[0]
        assert (found.verdict, found.off) == (verdict, pytest.approx(factor - 1.0))


@pytest.mark.requirement("R-RSK-21")
def test_books_of_coins_are_held_against_the_figures_of_their_risk_profile(tmp_path: Path) -> None:
    data = RunData(RunFolder(tmp_path))
    profiles = ["min_variance", "hrp", "max_sharpe"]
    data.__dict__["resolved"] = resolved_of(allocation__profiles=profiles, risk__primary="hrp", risk__anchors=[])
    assert asset_class(data) is AssetClass.CRYPTO
    keys = [key for key, cell in data.planned.items() if not cell.baseline]
    assert [key.split("/")[2] for key in keys] == profiles
    data.__dict__["outcomes"] = tuple(
        ended(key, volatility) for key, volatility in zip(keys, (0.53, 0.45, None), strict=True)
    )
    assert [(one.reference, one.verdict) for one in volatility_bands(data)] == [
        (0.35, "above"), (0.45, "within"), (None, ""),
    ]  # fmt: skip
