"""Every capability that a simulator declares is played: what it has comes to the book of `custom`, what it refuses is
refused by name, and would be another book, or none, if it were let pass. Each world makes its capability matter, and
asks for nothing else that a simulator may lack.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from builders.hand_books import FREE, HOUSE
from builders.panels import days, instrument, panel_of
from builders.simulators import played, players
from tvquant.core.books import Convention, CostModel, Execution, FeeTier, Rebalancing, SimResult, Spread, WeightPath
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.instruments import Fact, Kind
from tvquant.core.panel import Floats, Panel
from tvquant.simulation import SIMULATORS
from tvquant.simulation.simulators.contract import Capability, Support

ROWS, NAMES, EVERY = 40, 4, 6
CLOSES = Execution(convention=Convention.NEXT_CLOSE)
LOT = 7.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Exercise:
    """A world in which a capability matters; `without` is the same to who does not know of it."""

    panel: Panel
    path: WeightPath
    costs: CostModel = HOUSE
    execution: Execution = CLOSES
    without: Mapping[str, Any]


def prices() -> dict[str, Floats]:
    """Random walks that neither double nor halve, their days, and what was traded."""
    rng = np.random.default_rng(8)
    close = 100.0 * np.exp(rng.normal(0.0, 0.01, (ROWS, NAMES)).cumsum(axis=0))
    opens = close * np.exp(rng.normal(0.0, 0.004, close.shape))
    reach = np.exp(np.abs(rng.normal(0.0, 0.006, close.shape)))
    return {
        "open": opens, "high": np.maximum(opens, close) * reach, "low": np.minimum(opens, close) / reach,
        "close": close, "volume": rng.uniform(1e3, 2e3, close.shape),
    }  # fmt: skip


def panel(kind: Kind = Kind.STOCK, lot: float | None = None, **changed: Floats) -> Panel:
    times = days(ROWS)
    facts = () if lot is None else tuple(
        Fact(field=name, value=value, known_at=times[0]) for name, value in (("lot", lot), ("min_notional", 1.0))
    )  # fmt: skip
    return panel_of(
        prices() | changed, names=[instrument(f"N{j}", kind=kind, facts=facts) for j in range(NAMES)], times=times
    )


def weights(gross: float = 0.8) -> WeightPath:
    """Long and short of every name by turns, half of it net long."""
    rng = np.random.default_rng(9)
    decided = np.arange(22, ROWS - 2, EVERY)
    net = rng.uniform(0.5, 1.0, (len(decided), NAMES)) * np.array([1.0, -1.0, 1.0, 1.0])
    net = np.where(np.arange(len(decided))[:, None] % 2 == 1, np.roll(net, 1, axis=1), net)
    return WeightPath(keys=panel().keys, decided=decided, net=net * gross / np.abs(net).sum(axis=1, keepdims=True))


def moved(row: int, column: int, factor: float) -> dict[str, Floats]:
    """Prices of which one name's are multiplied from a row on."""
    return {
        name: np.where((np.arange(ROWS) >= row)[:, None] & (np.arange(NAMES) == column), values * factor, values)
        for name, values in prices().items()
        if name != "volume"
    }


def at(row: int, column: int, value: float, blank: float) -> Floats:
    field = np.full((ROWS, NAMES), blank)
    field[row, column] = value
    return field


def whole(column: int, weight: float) -> WeightPath:
    """One name once, with all or a part of the equity."""
    net = np.where(np.arange(NAMES) == column, weight, 0.0)[None]
    return WeightPath(keys=panel().keys, decided=np.array([22]), net=net)


def unopened(own: Panel) -> Panel:
    """The panel without a single open of its first name."""
    fields = {name: values for name, values in own.fields.items() if name != "total_return"}
    fields["open"] = np.where(np.arange(len(own.keys)) == 0, np.nan, fields["open"])
    return replace(own, fields=fields, _first_known=None)


def exercises() -> dict[Capability, Exercise]:
    own, path = panel(), weights()

    def rules(**changed: Any) -> dict[str, Any]:
        return {"execution": replace(CLOSES, **changed), "without": {"execution": CLOSES}}

    def priced(costs: CostModel = HOUSE, **changed: Any) -> dict[str, Any]:
        return {"costs": replace(costs, **changed), "without": {"costs": costs}}

    sized = replace(CLOSES, nav=1e5)
    gap = {name: values.copy() for name, values in prices().items()}
    for values in gap.values():
        values[30:, 0] = np.nan
    rates = np.full((ROWS, NAMES), 3e-4)
    swaps = panel(Kind.SWAP, funding=rates, funding_hours=np.full((ROWS, NAMES), 24.0))
    split = moved(31, 0, 0.5)
    return {
        Capability.NEXT_OPEN: Exercise(panel=own, path=path, **rules(convention=Convention.NEXT_OPEN)),
        Capability.NEXT_CLOSE: Exercise(panel=own, path=path, without={"execution": replace(CLOSES, lag=1)}),
        Capability.SAME_CLOSE: Exercise(panel=own, path=path, **rules(convention=Convention.SAME_CLOSE)),
        Capability.LAG: Exercise(panel=own, path=path, **rules(lag=2)),
        Capability.DAILY: Exercise(panel=own, path=path, **rules(rebalancing=Rebalancing.DAILY)),
        Capability.BAND: Exercise(panel=own, path=path, **rules(band=0.05)),
        Capability.PARTIAL: Exercise(panel=own, path=path, **rules(partial=0.5)),
        Capability.LOTS: Exercise(panel=panel(lot=LOT), path=path, **rules(lots=True, nav=1e5)),
        Capability.PARTICIPATION: Exercise(panel=own, path=path, **rules(participation=0.05, nav=1e5)),
        Capability.SLIPPAGE: Exercise(panel=own, path=path, **priced(FREE, slippage_bps=7.0)),
        Capability.COMMISSION: Exercise(panel=own, path=path, **priced(FREE, commission_bps=3.0)),
        Capability.FEE_TIERS: Exercise(
            panel=own, path=path, execution=sized,
            **priced(tiers=(FeeTier(traded=0.0, maker_bps=2.0, taker_bps=9.0),
                            FeeTier(traded=1e5, maker_bps=1.0, taker_bps=4.0)), maker_share=0.25),
        ),
        Capability.SPREAD: Exercise(panel=own, path=path, **priced(spread=Spread.CORWIN_SCHULTZ)),
        Capability.IMPACT: Exercise(panel=own, path=path, execution=sized, **priced(impact=1.0)),
        Capability.BORROW: Exercise(panel=own, path=path, **priced(borrow_rate=0.08, borrow_rates=(("X:N1", 0.3),))),
        Capability.CASH_YIELD: Exercise(panel=own, path=path, **priced(cash_yield=0.05)),
        Capability.FUNDING: Exercise(panel=swaps, path=path, without={"panel": panel(Kind.SWAP)}, costs=HOUSE),
        Capability.ACTIONS: Exercise(
            panel=panel(**split, split=at(31, 0, 2.0, 1.0), dividend=at(33, 1, 1.5, 0.0)), path=path,
            without={"panel": panel(**split)},
        ),
        Capability.HALTS: Exercise(panel=panel(**gap), path=path, without={"panel": own}),
        Capability.LATE_FILL: Exercise(
            panel=unopened(own), path=path, without={"panel": own}, execution=Execution(convention=Convention.NEXT_OPEN)
        ),
        Capability.LEVERAGE: Exercise(panel=own, path=whole(2, 1.6), without={"path": whole(2, 0.8)}),
        Capability.SHORT_COLLATERAL: Exercise(
            panel=panel(**moved(26, 2, 2.5)), path=whole(2, -0.3), without={"panel": panel(**moved(26, 2, 1.8))}
        ),
        Capability.MAINTENANCE_MARGIN: Exercise(
            panel=panel(**moved(26, 2, 1.6)), path=whole(2, -0.5), **rules(maintenance_margin=0.9)
        ),
        Capability.RUIN: Exercise(
            panel=panel(**moved(26, 2, 1e-13)), path=whole(2, 1.0), costs=FREE, without={"panel": own},
            execution=replace(CLOSES, convention=Convention.SAME_CLOSE),
        ),
    }  # fmt: skip


EXERCISES = exercises()


def play(name: str, one: Exercise) -> SimResult:
    return played(name, one.panel, one.path, one.costs, one.execution)


def test_every_capability_has_a_world() -> None:
    assert set(EXERCISES) == set(Capability)


@pytest.mark.requirement("R-SIM-10")
@pytest.mark.parametrize("capability", list(Capability))
@pytest.mark.parametrize("name", players())
def test_a_capability_is_played_as_it_is_declared(
    name: str, capability: Capability, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = EXERCISES[capability]
    if SIMULATORS[name].capabilities[capability] is not Support.REFUSED:
        hold_equal(play("custom", one), play(name, one))
        return
    with pytest.raises((ProfileError, ModelError), match=f"{name} refuses {capability}"):
        play(name, one)
    declare(name, capability, Support.NATIVE, monkeypatch)
    with pytest.raises((ProfileError, ModelError, AssertionError)):
        hold_equal(play("custom", one), play(name, one))


def hold_equal(ours: SimResult, theirs: SimResult) -> None:
    for figure in ("equity", "returns", "cash", "quantities", "fill_equity", "traded", "turnover", "assumed_funding"):
        given = getattr(theirs, figure)
        np.testing.assert_allclose(given, getattr(ours, figure), rtol=1e-9, atol=1e-11, err_msg=figure)
    for kind, amounts in ours.costs.items():
        np.testing.assert_allclose(theirs.costs[kind], amounts, rtol=1e-9, atol=1e-13, err_msg=kind)
    assert theirs.filled.tolist() == ours.filled.tolist()
    assert theirs.stamps == ours.stamps
    assert theirs.failure == ours.failure


def declare(name: str, capability: Capability, how: Support, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a simulator declare otherwise."""
    said = {**SIMULATORS[name].capabilities, capability: how}
    monkeypatch.setattr(type(SIMULATORS[name]), "capabilities", MappingProxyType(said))


@pytest.mark.parametrize(
    ("name", "capability", "how"),
    [("custom", one, Support.REFUSED) for one in Capability]
    + [
        pytest.param("vectorbt", one, how, marks=players(["vectorbt"])[0].marks)
        for one, how in ((Capability.LEVERAGE, Support.NATIVE), (Capability.LAG, Support.REFUSED),
                         (Capability.FUNDING, Support.NATIVE), (Capability.NEXT_CLOSE, Support.REFUSED))
    ],
)  # fmt: skip
def test_a_capability_that_is_declared_falsely_is_found(
    name: str, capability: Capability, how: Support, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(name, capability, how, monkeypatch)
    with pytest.raises((AssertionError, ModelError, pytest.fail.Exception)):
        test_a_capability_is_played_as_it_is_declared(name, capability, monkeypatch)


PLAYED = [one for one, how in SIMULATORS["custom"].capabilities.items() if how is not Support.REFUSED]


@pytest.mark.parametrize("capability", PLAYED)
def test_its_world_makes_a_capability_matter(capability: Capability) -> None:
    one = EXERCISES[capability]
    ours, other = play("custom", one), play("custom", replace(one, **one.without))
    assert abs(ours.equity[-1] - other.equity[-1]) > 1e-7
