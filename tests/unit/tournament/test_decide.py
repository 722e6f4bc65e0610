"""The one function that decides: what each spec holds, and when it holds nothing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tvquant.core.allocations import Status
from tvquant.core.panel import Floats, Panel
from tvquant.core.stamps import Stamp
from tvquant.profiles import Profile
from tvquant.tournament.cells import cells
from tvquant.tournament.decide import decide
from tvquant.tournament.specs import MarketSpec, Previous, Spec
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]

ROW = 150


def spec_of(made: Profile, name: str) -> Spec:
    return next(cell.spec for cell in cells(made) if name in cell.key.split("/"))


def weights_at(panel: Panel, spec: Spec, row: int = ROW) -> Any:
    return decide(look(panel, row), spec, Previous()).weights


@pytest.mark.requirement("R-UNI-23")
def test_base_universe_holds_one_nth_of_every_eligible_name(profile: Profiles, market: Markets, walks: Walks) -> None:
    """Three names: more than the strategy's cap of 0.25 each, because a baseline has no caps."""
    close = walks("ABCD", 200)
    close["D"][:100] = np.nan
    decision = decide(look(market(close), ROW), spec_of(profile(), "base_universe_ew"), Previous())
    assert decision.weights == dict.fromkeys(("X:A", "X:B", "X:C"), 1 / 3)
    assert decision.excluded == {"X:D": "history"}
    assert decision.allocation is None
    assert decision.row == ROW


def test_strategies_keep_their_caps(profile: Profiles, market: Markets, walks: Walks) -> None:
    panel, made = market(walks("ABCDEF", 200)), profile()
    for name in ("min_variance", "equal_weight"):
        decision = decide(look(panel, ROW), spec_of(made, name), Previous())
        assert decision.allocation is not None
        assert decision.allocation.status is Status.SOLVED
        assert sum(decision.weights.values()) + decision.allocation.cash == pytest.approx(1.0, abs=1e-12)
        assert max(decision.weights.values()) <= 0.25 + 1e-9
    assert weights_at(panel, spec_of(made, "equal_weight")) == pytest.approx(dict.fromkeys(panel.keys, 1 / 6))
    quiet, wild = (weights_at(panel, spec_of(made, "min_variance")).get(key, 0.0) for key in ("X:A", "X:F"))
    assert quiet > wild


@pytest.mark.requirement("R-SIM-03")
@pytest.mark.parametrize(("row", "matters"), [(ROW - 61, False), (ROW - 59, True), (ROW, True), (ROW + 1, False)])
def test_a_strategy_learns_from_its_training_rows_only(
    profile: Profiles, market: Markets, walks: Walks, row: int, matters: bool
) -> None:
    """A decision at the close of row i - 1 learns from the returns of rows i - 60 to i - 1, also its clusters here."""
    close, spec = walks("ABCDEF", 200), spec_of(profile(data__lookback=60), "min_variance")
    before = decide(look(market(close), ROW), spec, Previous())
    close["A"][row] *= 1.2
    after = decide(look(market(close), ROW), spec, Previous())
    assert (before.weights != after.weights) is matters
    assert (before.inputs != after.inputs) is matters


def test_without_a_candidate_all_is_cash(profile: Profiles, market: Markets, walks: Walks) -> None:
    view = look(market(walks("ABC", 200)), 80)
    for name in ("min_variance", "base_universe_ew"):
        decision = decide(view, spec_of(profile(), name), Previous())
        assert decision.weights == {}
        assert decision.allocation is None
        assert decision.funnel.vetoed == {"history": 3}


def test_without_a_covariance_the_allocation_fails_and_says_why(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    """Two names that miss different sessions have one common return within three rows: no covariance."""
    close = walks("AB", 200)
    close["A"][ROW - 1] = close["B"][ROW - 2] = np.nan
    made = profile(windows__train=3, data__max_missing=0.5)
    decision = decide(look(market(close, name="XNYS"), ROW), spec_of(made, "min_variance"), Previous())
    assert decision.allocation is not None
    assert decision.allocation.status is Status.FAILED
    assert decision.allocation.cash == 1.0
    assert "at least 2 rows" in decision.allocation.attempts[0].outcome
    assert decision.weights == {}
    assert decision.funnel.selected == 2


def test_the_market_holds_the_symbols_that_have_a_bar(market: Markets, walks: Walks) -> None:
    close = walks("ABC", 200)
    close["B"][ROW] = np.nan
    panel, spec = market(close), MarketSpec(symbols=("X:A", "X:B"))
    assert weights_at(panel, spec, ROW - 1) == {"X:A": 0.5, "X:B": 0.5}
    decision = decide(look(panel, ROW), spec, Previous())
    assert decision.weights == {"X:A": 1.0}
    assert decision.excluded == {"X:B": "no_bar"}
    assert (decision.funnel.universe, decision.funnel.discovery) == (2, 1)
    assert weights_at(panel, MarketSpec(symbols=("X:B",))) == {}


def test_decisions_carry_the_caveats_of_universe_and_windows(profile: Profiles, market: Markets, walks: Walks) -> None:
    panel = market(walks("ABCDE", 200))
    decision = decide(look(panel, ROW), spec_of(profile(), "equal_weight"), Previous())
    assert decision.stamps == {Stamp.CURRENT_ONLY, Stamp.SWEPT_WINDOWS}
    assert decide(look(panel, ROW), MarketSpec(symbols=("X:A",)), Previous()).stamps == frozenset()
