"""Baselines that need no selection: the base universe and the market, with weights or without."""

from collections.abc import Callable

import numpy as np
import pytest

from builders.deciding import FALLING, RISING, ROW, spec_of, weights_at
from tvquant.core.digests import canonical_json
from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.tournament.candidates import candidate_atoms
from tvquant.tournament.decide import decide
from tvquant.tournament.specs import MarketSpec, Previous
from tvquant.tournament.views import look

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]


@pytest.mark.requirement("R-UNI-23")
def test_base_universe_holds_one_nth_of_every_eligible_name(profile: Profiles, market: Markets, walks: Walks) -> None:
    """Three names: more than the strategy's cap of 0.25 each, because a baseline has no caps."""
    close = walks("ABCD", 200)
    close["D"][:100] = np.nan
    panel = market(close)
    decision = decide(look(panel, ROW), spec_of(profile(), "base_universe_ew"), Previous())
    assert decision.weights == dict.fromkeys(("X:A", "X:B", "X:C"), 1 / 3)
    assert decision.excluded == {"X:D": "history"}
    assert decision.allocation is None
    assert decision.footing is not None
    assert decision.footing.asked == panel.times[ROW]


def test_the_market_holds_the_symbols_that_have_a_bar(market: Markets, walks: Walks) -> None:
    close = walks("ABC", 200)
    close["B"][ROW] = np.nan
    panel, spec = market(close), MarketSpec(symbols=("X:A", "X:B"), quorum=0.5)
    assert weights_at(panel, spec, ROW - 1) == {"X:A": 0.5, "X:B": 0.5}
    decision = decide(look(panel, ROW), spec, Previous())
    assert decision.weights == {"X:A": 1.0}
    assert decision.excluded == {"X:B": "no_bar"}
    assert (decision.funnel.universe, decision.funnel.discovery) == (2, 1)
    assert weights_at(panel, MarketSpec(symbols=("X:B",), quorum=0.8)) == {"X:B": 1.0}, "the bar before stands for it"


def test_a_benchmark_by_weights_holds_them_and_the_part_of_a_name_without_a_bar_is_cash(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    made, close = profile(benchmark__market={"X:A": 0.6, "X:B": 0.3, "cash": 0.1}), walks("ABC", 200)
    spec = spec_of(made, "market")
    assert weights_at(market(close), spec) == {"X:A": 0.6, "X:B": 0.3}
    close["B"][100:] = np.nan
    found = decide(look(market(close), ROW), spec, Previous())
    assert (found.weights, found.excluded) == ({"X:A": 0.6}, {"X:B": "no_bar"}), "what is left is not rescaled"
    assert weights_at(market(close), spec_of(profile(benchmark__market=["X:A", "X:B"]), "market")) == {"X:A": 1.0}


@pytest.mark.requirement("R-UNI-23")
def test_the_raw_pool_holds_one_nth_of_every_recruit_whoever_selects(
    trending: Panel, scanned: Callable[..., Profile]
) -> None:
    """Recruits on their own sides, the benchmark's symbol left out; no model has a say in weights, digest, funnel."""
    found = {}
    for model in ("v2", "v3.4", "v4"):
        made = scanned(RISING, FALLING, selection__model=model, benchmark__market=["X:B"])
        found[model] = decide(look(trending, ROW), spec_of(made, "raw_pool_ew"), Previous())
    raw = found["v4"]
    recruits = candidate_atoms(look(trending, ROW), spec_of(made, "hrp").rules)
    expected = {a.physical_symbol: a.direction.sign for a in recruits if a.physical_symbol != "X:B"}
    assert len(expected) > 5
    assert set(expected.values()) == {1, -1}
    assert raw.weights == pytest.approx({key: sign / len(expected) for key, sign in expected.items()}, abs=1e-15)
    assert (raw.funnel.selected, raw.funnel.atoms_selected) == (len(expected), len(expected))
    assert len({canonical_json(one.payload()) for one in found.values()}) == 1
    assert raw.excluded["X:B"] == "benchmark"
    assert raw.funnel.vetoed["benchmark"] == raw.funnel.atoms_discovery - raw.funnel.atoms_refined
    assert raw.response is None
    assert raw.allocation is None
