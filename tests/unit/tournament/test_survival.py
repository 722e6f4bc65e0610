"""Outlier survival: how much was lost, what is done then, for how long, and that a resumed run does the same."""

from collections.abc import Callable

import numpy as np
import pytest

from tvquant.core.decisions import Decision, Survival
from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.tournament.cells import cells
from tvquant.tournament.decide import decide
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.specs import Previous
from tvquant.tournament.survival import drawdown, survival
from tvquant.tournament.views import look
from tvquant.tournament.walk_forward import BacktestEngine

type Markets = Callable[..., Panel]
type Walks = Callable[..., dict[str, Floats]]
type Profiles = Callable[..., Profile]

ROW = 150


def after(panel: Panel, row: int, weights: dict[str, float], protected: int = 0) -> Previous:
    return Previous(weights=weights, since=panel.times[row], protected=protected)


def test_the_drawdown_is_that_of_what_was_held_from_its_mark_on(market: Markets) -> None:
    flat = np.full(200, 100.0)
    up, down = flat.copy(), flat.copy()
    up[141:] = 200.0  # equity 1, 1.5, then 1.5 - .3 = 1.2
    down[145:] = 40.0
    panel = market({"A": up, "B": down})
    assert drawdown(look(panel, ROW), after(panel, 140, {"X:A": 0.5, "X:B": 0.5})) == pytest.approx(0.3 / 1.5)
    assert drawdown(look(panel, ROW), after(panel, 145, {"X:A": 0.5, "X:B": 0.5})) == 0.0  # the mark is after the fall
    assert drawdown(look(panel, 144), after(panel, 140, {"X:B": 1.0})) == 0.0  # it has not fallen yet
    assert drawdown(look(panel, ROW), after(panel, 140, {"X:A": -0.6})) == pytest.approx(0.6)  # a short that doubled
    assert drawdown(look(panel, ROW), Previous()) == 0.0


def test_more_than_half_protects_three_rebalances_and_a_new_loss_begins_anew(market: Markets) -> None:
    fallen, half = np.full(200, 100.0), np.full(200, 100.0)
    fallen[145:], half[145:] = 49.0, 50.0
    panel = market({"A": fallen, "B": half})
    view = look(panel, ROW)
    assert survival(view, after(panel, 140, {"X:B": 1.0})) is None  # half is not more
    for before in (0, 1, 3):
        found = survival(view, after(panel, 140, {"X:A": 1.0}, before))
        assert found == Survival(drawdown=pytest.approx(0.51), left=3)
    left = [survival(view, after(panel, 146, {"X:A": 1.0}, before)) for before in (3, 2, 1)]
    assert left == [Survival(drawdown=0.0, left=2), Survival(drawdown=0.0, left=1), None]


def test_a_third_lost_after_a_third_was_won_is_more_than_half(market: Markets) -> None:
    """The bound that spares most decisions their drawdown counts what was won first; a short moves the other way."""
    risen = np.full(200, 100.0)
    risen[142:145], risen[145:] = 134.0, 66.0
    short = 200.0 - risen
    panel = market({"A": risen, "B": short, "C": np.full(200, 100.0)})
    for held in ({"X:A": 1.0}, {"X:B": -1.0}, {"X:A": 0.5, "X:B": -0.5}):
        found = survival(look(panel, ROW), after(panel, 140, held))
        assert found == Survival(drawdown=pytest.approx(1.0 - 0.66 / 1.34), left=3)
        assert survival(look(panel, ROW), after(panel, 140, {key: 0.98 * one for key, one in held.items()})) is None
    assert survival(look(panel, ROW), after(panel, 140, {"X:C": 3.0})) is None


@pytest.mark.requirement("R-RSK-22")
def test_only_later_windows_change_for_three_rebalances_and_resume_knows(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Callable[[Panel, Profile], BacktestEngine]
) -> None:
    """All fall by six tenths in the window after the third decision."""
    calm = walks("ABCDEFGH", 260)
    crash = {name: np.where(np.arange(260) >= 110, column * 0.4, column) for name, column in calm.items()}
    made = profile(allocation__profiles=["min_variance"], data__max_abs_return=5.0)
    played = {}
    for name, close in (("calm", calm), ("crash", crash)):
        engine = engine_of(market(close), made)
        path = next(cell.path for cell in cells(made) if not cell.baseline)
        played[name] = [one for one in engine.play([path]) if one.path.key == path.key]
    marks = [one.rebalance.row for one in played["crash"]]
    hit = next(k for k, row in enumerate(marks) if row >= 110)
    assert [one.rebalance.digest for one in played["calm"][:hit]] == [
        one.rebalance.digest for one in played["crash"][:hit]
    ]
    found = [one.decision.survival for one in played["crash"]]
    assert [one.left if one else 0 for one in found] == [0] * hit + [3, 2, 1] + [0] * (len(found) - hit - 3)
    for one in played["crash"][hit : hit + 3]:
        outcome = one.decision.allocation
        assert outcome is not None
        assert outcome.expected is not None
        assert one.decision.regime is not None
        assert 0.0 < sum(one.rebalance.weights.values()) <= 0.5 + 1e-9
        assert outcome.expected.l2 == pytest.approx(made.allocation.l2.of(one.decision.regime.quadrant) + 0.1)
        assert outcome.attempts[0].what == "outlier survival"
    for one in played["crash"]:  # what the ledger holds makes the same rebalance again
        made_again = Decision.of(one.decision.payload())
        again = Rebalance.of(one.rebalance.window, one.rebalance.row, made_again, one.rebalance.selection)
        assert (again.protected, again.digest) == (one.rebalance.protected, one.rebalance.digest)
    assert sum(played["crash"][hit + 3].rebalance.weights.values()) > 0.5
    assert sum(played["crash"][-1].rebalance.weights.values()) == pytest.approx(1.0, abs=1e-9)
    assert decide(look(market(crash), ROW), path.spec, Previous()).survival is None
