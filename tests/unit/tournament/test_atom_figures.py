"""Figures of winners reach the stream of their own atom and no other."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.selection.resilience import antifragility
from tvquant.statistics import moments, tail_gain
from tvquant.tournament.atom_figures import antifragility_of, scores_of
from tvquant.tournament.candidates import atom_pool, choose
from tvquant.tournament.cells import cells
from tvquant.tournament.decide import decide
from tvquant.tournament.specs import Previous
from tvquant.tournament.views import look

NAMES = ("BTC", "BTCDOM", "BTCD", "ETH", "ETHW", "SOL")
ROW = 180


@pytest.fixture
def panel(market: Callable[..., Panel], walks: Callable[..., dict[str, Floats]]) -> Panel:
    drawn = walks("ABCDEF", 200)
    return market(dict(zip(NAMES, drawn.values(), strict=True)))


def spec_of(profile: Callable[..., Profile], name: str, **more: Any) -> Any:
    made = profile(allocation__profiles=[name], risk__primary=name, **more)
    return next(cell.spec for cell in cells(made) if f"/{name}" in cell.path.key)


@pytest.mark.requirement("R-RSK-15")
def test_similar_names_do_not_share_figures(panel: Panel, profile: Callable[..., Profile]) -> None:
    rules, view = spec_of(profile, "barbell").rules, look(panel, ROW)
    choice = choose(view, rules)
    assert choice.response is not None
    ids = tuple(sorted((atom.symbol for atom in choice.winners), reverse=True))  # not in the pool's order
    found = dict(zip(ids, antifragility_of(view, rules, choice.winners, ids).tolist(), strict=True))
    assert len(set(found.values())) == len(NAMES)
    pool = atom_pool(view, rules, choice.winners)
    returns = pool.streams.returns
    measured = antifragility(moments(returns), tail_gain(returns)[0])
    assert found == dict(zip(pool.ids, measured.tolist(), strict=True))
    scores = scores_of(choice.response, (*ids, "X:BT_hold_LONG"))
    assert scores[:-1].tolist() == [choice.response.scores[symbol] for symbol in ids]
    assert np.isnan(scores[-1])  # the beginning of an id is no id


@pytest.mark.requirement("R-RSK-15")
def test_a_barbell_decides_by_them_and_its_record_says_so(panel: Panel, profile: Callable[..., Profile]) -> None:
    spec, view = spec_of(profile, "barbell"), look(panel, ROW)
    decision = decide(view, spec, Previous())
    payload = decision.payload()
    assert payload["allocation"]["barbell"]["core"] == "equal"
    winners = choose(view, spec.rules).winners
    for one in payload["allocation"]["barbell"]["leaders"]:
        assert one["antifragility"] == antifragility_of(view, spec.rules, winners, (one["atom"],))[0]
    assert type(decision).of(payload).payload() == payload
    assert "barbell" not in decide(view, spec_of(profile, "hrp"), Previous()).payload()["allocation"]


@pytest.mark.requirement("R-RSK-03")
def test_adaptive_decides_as_the_risk_profile_of_the_regime_does_and_names_it(
    panel: Panel, profile: Callable[..., Profile]
) -> None:
    made = profile(allocation__profiles=["hrp", "adaptive"], risk__primary="hrp")
    adaptive, plain = (
        next(cell.spec for cell in cells(made) if cell.path.key.endswith(name)) for name in ("adaptive", "hrp")
    )
    view = look(panel, ROW)
    got, wanted = (decide(view, spec, Previous()) for spec in (adaptive, plain))
    assert got.weights == wanted.weights
    assert got.allocation is not None
    assert got.allocation.risk_profile == "hrp"
    assert got.allocation.attempts[0].outcome == "hrp, as the market is normal"
