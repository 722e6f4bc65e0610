"""Rebalances: what is kept of a decision."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.allocations import Attempt, Recourse, Status
from tvquant.core.atoms import Direction
from tvquant.core.decisions import Decision, Footing
from tvquant.core.digests import digest_json
from tvquant.core.panel import Floats, Panel
from tvquant.core.selection import SelectionFunnel
from tvquant.core.stamps import Stamp
from tvquant.profiles import Profile
from tvquant.tournament.cells import Cell, cells
from tvquant.tournament.decide import decide
from tvquant.tournament.rebalances import HOLDINGS, Rebalance
from tvquant.tournament.specs import Previous
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]
type Made = tuple[Cell, Decision, Rebalance]

WINDOW, ROW = 150, 149
NOW = np.datetime64("2020-05-30", "us")
FOOTING = Footing(asked=NOW, bar=NOW, quorum=True, alive=1, present=1, missing=())
FUNNEL = SelectionFunnel(
    universe=1, discovery=1, refined=1, selected=1, atoms_discovery=1, atoms_refined=1, atoms_selected=1, vetoed={}
)


def made_by(panel: Panel, made: Profile, name: str) -> Made:
    """A cell, its decision and the rebalance it makes."""
    cell = next(cell for cell in cells(made) if cell.path.key.endswith(name))
    view = look(panel, ROW)
    decision = decide(view, cell.spec, Previous())
    chosen = decision.response and digest_json(decision.response.payload())
    return cell, decision, Rebalance.of(WINDOW, view.row, decision, chosen)


@pytest.fixture
def v4(profile: Profiles, market: Markets, walks: Walks) -> Made:
    """Twelve names under v4 and hrp."""
    made = profile(
        selection__model="v4", allocation__profiles=["hrp"], risk__primary="hrp", selection__max_winners=9,
        selection__min_winners=5,
    )  # fmt: skip
    return made_by(market(walks("ABCDEFGHIJKL", 200)), made, "hrp")


def test_a_rebalance_keeps_what_the_payload_says(v4: Made) -> None:
    _, decision, kept = v4
    payload = decision.payload()
    assert (kept.window, kept.row, kept.status) == (WINDOW, ROW, "solved")
    assert kept.weights == payload["weights"]
    assert kept.inputs == payload["inputs"]
    assert kept.stage == payload["selection"]["stage"]
    assert kept.stamps == {Stamp(stamp) for stamp in payload["stamps"]}
    assert kept.flags == tuple(payload["selection"]["flags"])


def test_what_made_no_weights_is_no_recourse(v4: Made) -> None:
    _, decision, _ = v4
    assert decision.allocation is not None
    tried = Attempt(what="hrp", outcome="failed", recourse=(Recourse.RAISED_RIDGE,))
    for status, taken in ((Status.FAILED, ()), (Status.FELL_BACK, (Recourse.RAISED_RIDGE,))):
        made = replace(decision.allocation, status=status, attempts=(tried,))
        assert Rebalance.of(WINDOW, ROW, replace(decision, allocation=made), None).recourse == taken


@pytest.mark.requirement("R-LED-05")
def test_every_winner_has_its_line_weight_or_not(v4: Made) -> None:
    _, decision, kept = v4
    payload = decision.payload()
    winners = payload["selection"]["winners"]
    assert set(kept.holdings) == set(HOLDINGS)
    assert {len(column) for column in kept.holdings.values()} == {len(winners)}
    for k, atom in enumerate(kept.holdings["atom"]):
        line = {name: column[k] for name, column in kept.holdings.items()}
        assert atom == f"{line['symbol']}_hold_LONG"
        assert line["direction"] == Direction.LONG.value
        assert line["weight"] == payload["atoms"].get(atom, 0.0)
        assert line["cluster"] == payload["selection"]["clusters"][atom]
        assert line["allocation_cluster"] == payload["allocation"]["clusters"][atom]
    assert kept.atoms == payload["atoms"]


@pytest.mark.requirement("R-RSK-24")
def test_cash_and_atoms_make_one_without_dust(v4: Made) -> None:
    _, _, kept = v4
    assert sum(kept.atoms.values()) + kept.cash == pytest.approx(1.0, abs=1e-12)
    given = {"window": 1, "row": 0, "digest": "d", "inputs": "i", "footing": FOOTING, "status": "baseline",
             "funnel": FUNNEL, "stamps": frozenset()}  # fmt: skip
    assert Rebalance(weights={"X:A": 0.75, "X:B": 0.25 - 1e-14}, **given).cash == 0.0
    assert Rebalance(weights={"X:A": 0.75, "X:B": 0.25 - 1e-11}, **given).cash > 0.0
    assert Rebalance(weights={"X:A": 0.25}, **given).cash == 0.75
    assert Rebalance(weights={}, **given).cash == 1.0
    short = {**{name: ["x"] for name in HOLDINGS}, "atom": ["X:A_rating_ma_SHORT"], "weight": [0.25], "gate": [1.0]}
    assert Rebalance(weights={"X:A": -0.25}, holdings=short, **given).cash == 0.75
    half = Rebalance(weights={"X:A": -0.125}, holdings={**short, "gate": [0.5]}, **given)
    assert (half.cash, half.gate_cash) == (0.875, 0.125)
    assert (half.atoms, half.units) == ({"X:A_rating_ma_SHORT": 0.25}, {"X:A_rating_ma_SHORT": 0.125})


def test_a_digest_names_the_decision_and_its_selection_once(v4: Made) -> None:
    """The selection enters by its digest: it is recorded in a chain of its own, and no cell repeats it."""
    _, decision, kept = v4
    payload = decision.payload()
    assert kept.selection == digest_json(payload["selection"])
    assert kept.digest == digest_json({**payload, "selection": kept.selection})
    other = replace(decision, weights={**decision.weights, "X:Z": 0.1})
    assert Rebalance.of(WINDOW, ROW, other, kept.selection).digest != kept.digest


def test_a_date_without_a_candidate_and_a_baseline_have_no_holdings(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    panel = market(walks("ABC", 200))
    made = profile(data__min_history=180, benchmark__market=["X:A"])
    _, _, empty = made_by(panel, made, "min_variance")
    assert (empty.status, empty.cash, empty.stage, empty.forced_cash) == ("no_candidate", 1.0, 0, 0.0)
    _, decision, benchmark = made_by(panel, made, "market")
    assert (benchmark.status, benchmark.cash) == ("baseline", 0.0)
    assert decision.response is None
    for kept in (empty, benchmark):
        assert kept.holdings == {name: [] for name in HOLDINGS}
        assert kept.atoms == {}
        assert kept.selection is None


def test_forced_cash_is_that_of_the_allocation(profile: Profiles, market: Markets, walks: Walks) -> None:
    """Two names under caps of a quarter: half of the capital has no place."""
    _, decision, kept = made_by(market(walks("AB", 200)), profile(), "equal_weight")
    assert decision.allocation is not None
    assert kept.forced_cash == decision.allocation.forced_cash == pytest.approx(0.5, abs=1e-12)
    assert kept.cash == pytest.approx(0.5, abs=1e-12)
