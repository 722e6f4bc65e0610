"""Many simulators in one setting: who plays, who refuses, and how long the rest will take."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from builders.panels import instruments, panel_of
from tvquant.core.books import Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.errors import DataError, ModelError, ProfileError
from tvquant.core.panel import Panel
from tvquant.core.rates import ZERO
from tvquant.profiles.sections.parity import ParitySection
from tvquant.simulation import SIMULATORS
from tvquant.tournament import parity_play
from tvquant.tournament.parity import Measure
from tvquant.tournament.parity_play import Side, beginning, seconds_of, side
from tvquant.tournament.parity_settings import own_setting

LIMITS = ParitySection(
    equity_bps=0.01, holdings_bps=0.01, sharpe=0.015, near_zero=0.1, annual_return=0.015, turnover=0.01, costs=0.01,
    buffer=0.005,
)  # fmt: skip
BY = Measure(periods_per_year=365, risk_free=ZERO)


@dataclass
class Wrapped:
    """The house's simulator by another name, with other slippage, or a refusal; it counts the rows that it played."""

    name: str
    slippage: float = 5.0
    error: Exception | None = None
    rows: int = 0

    def simulate(self, panel: Panel, path: WeightPath, options: Any, /, *, costs: Any, execution: Any) -> SimResult:
        if self.error:
            raise self.error
        self.rows += len(panel.times)
        paid = replace(costs, slippage_bps=self.slippage)
        made = SIMULATORS["custom"].simulate(panel, path, options, costs=paid, execution=execution)
        return replace(made, simulator=self.name)


def world(rows: int = 80) -> tuple[Panel, WeightPath]:
    """Two names of which the second is listed at row 70, and is never held before."""
    close = 100.0 * np.exp(np.random.default_rng(1).normal(0.002, 0.01, (rows, 2)).cumsum(axis=0))
    close[:70, 1] = np.nan
    panel = panel_of({"close": close, "open": close}, names=instruments(2))
    decided = np.arange(3, rows - 1, 5)
    net = np.column_stack([np.full(len(decided), 0.5), np.where(decided >= 70, 0.2, 0.0)])
    return panel, WeightPath(keys=panel.keys, decided=decided, net=net)


def played(monkeypatch: pytest.MonkeyPatch, among: Mapping[str, Wrapped]) -> tuple[Side, list[bool]]:
    monkeypatch.setattr(parity_play, "SIMULATORS", among)
    panel, path = world()
    setting = own_setting(panel, CostModel(), Execution(convention=Convention.NEXT_OPEN))
    told: list[bool] = []
    found = side(
        setting, path, dict.fromkeys(among, ()), limits=LIMITS, by=BY, done=lambda one: told.append(one is not None)
    )
    return found, told


def test_who_refuses_is_listed_with_its_reason_and_the_house_is_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    among = {
        "dear": Wrapped("dear", slippage=9.0), "picky": Wrapped("picky", error=ProfileError("no opens")),
        "cheap": Wrapped("cheap", slippage=1.0), "custom": Wrapped("custom"),
        "broke": Wrapped("broke", error=ModelError("partial fill")),
    }  # fmt: skip
    found, told = played(monkeypatch, among)
    assert (found.reference, found.played) == ("custom", ("custom", "dear", "cheap"))
    assert dict(found.refused) == {"picky": "no opens", "broke": "partial fill"}
    assert sorted(told) == [False, False, True, True, True]
    assert [(one.first, one.second) for one in found.pairs] == [("custom", "dear"), ("custom", "cheap")]
    assert found.failed == ()  # of the run's own setting, which binds nobody
    dear, cheap = found.pairs
    assert not dear.passed
    assert dear.final_bps is not None
    assert cheap.final_bps is not None
    assert dear.final_bps < 0.0 < cheap.final_bps
    assert found.final_bps == pytest.approx(cheap.final_bps - dear.final_bps)
    assert found.annual_bps == pytest.approx(float(cheap.annual_bps or 0.0) - float(dear.annual_bps or 0.0))


def test_books_that_all_lie_above_the_reference_are_as_far_apart_as_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    among = {
        "custom": Wrapped("custom"),
        "cheap": Wrapped("cheap", slippage=1.0),
        "dear": Wrapped("dear", slippage=2.0),
    }
    found, _ = played(monkeypatch, among)
    assert found.final_bps == found.pairs[0].final_bps == max(float(one.final_bps or 0.0) for one in found.pairs)


def test_nobody_is_compared_with_itself_and_damage_to_data_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    alone, _ = played(monkeypatch, {"custom": Wrapped("custom"), "picky": Wrapped("picky", error=ProfileError("no"))})
    assert (alone.played, alone.pairs, alone.final_bps) == (("custom",), (), None)
    nobody, _ = played(monkeypatch, {"picky": Wrapped("picky", error=ProfileError("no"))})
    assert (nobody.reference, nobody.played) == ("", ())
    with pytest.raises(DataError):
        played(monkeypatch, {"custom": Wrapped("custom", error=DataError("an impossible price"))})


def test_the_beginning_is_a_world_of_its_own_and_tells_how_long_the_whole_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Wrapped("custom")
    monkeypatch.setattr(parity_play, "SIMULATORS", {"custom": one})
    panel, path = world(403)
    setting = own_setting(panel, CostModel(), Execution())
    paid = replace(setting, costs=CostModel(cash_yield=np.arange(403.0)))
    short, first = beginning(paid, path, 20)
    assert (len(short.panel.times), short.panel.keys) == (24, ("X:N0",))
    np.testing.assert_array_equal(short.costs.cash_yield, np.arange(24.0))
    assert first.decided.tolist() == [3, 8, 13, 18]
    np.testing.assert_array_equal(first.net, path.net[:4, :1])
    # A clock by which a row takes 2 seconds, and each call 5 more: 400 rows behind the first decision take 800.
    clock = iter([0.0, 45.0, 100.0, 225.0])
    assert seconds_of(setting, path, "custom", {"custom": ()}, lambda: next(clock)) == pytest.approx(800.0)
    assert one.rows == 24 + 64
    few, shorter = world(200)
    assert (
        seconds_of(own_setting(few, CostModel(), Execution()), shorter, "custom", {"custom": ()}, clock.__next__) == 0
    )
    one.error = ProfileError("no")
    assert seconds_of(setting, path, "custom", {"custom": ()}, lambda: 0.0) == 0.0
