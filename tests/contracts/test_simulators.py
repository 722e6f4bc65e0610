"""The contract of every simulator; a toy that declares less is held by the same suite and agrees where both can."""

from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pytest
from pydantic import Field

from builders.panels import instruments, panel_of
from builders.profiles import resolved_of
from builders.simulators import players
from tvquant.app.vocabulary import vocabulary
from tvquant.core.books import Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Panel
from tvquant.core.stamps import NONE
from tvquant.profiles import Options, ResolvedProfile, explain
from tvquant.profiles.fields import Real
from tvquant.simulation import SIMULATORS, uninstalled
from tvquant.simulation.preflight import check_path, check_rules, check_traded, fill_rows
from tvquant.simulation.simulators import catalogue
from tvquant.simulation.simulators.contract import Capability, Support
from tvquant.tournament.cells import books

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)
DAY = np.timedelta64(1, "D")
BARE = {Capability.NEXT_CLOSE, Capability.SAME_CLOSE, Capability.LAG, Capability.SLIPPAGE, Capability.COMMISSION}


class Spread(Options):
    """Option of the toy simulator.

    Parameters
    ----------
    half_spread_bps : basis points of the value of each fill, as slippage beside that of the costs.
    """

    under = "plain"
    half_spread_bps: Real = Field(default=0.0, ge=0, le=100)


@dataclass(frozen=True)
class Plain:
    """The same account in plain Python: closes only, no interest, no funding, no collateral."""

    name: str = "plain"
    capabilities: MappingProxyType = field(
        default=MappingProxyType({c: Support.NATIVE if c in BARE else Support.REFUSED for c in Capability})
    )
    options: tuple[type[Options], ...] = (Spread,)
    needs: tuple[str, str] | None = None

    def simulate(
        self,
        panel: Panel,
        path: WeightPath,
        options: tuple[Options, ...],
        /,
        *,
        costs: CostModel,
        execution: Execution,
    ) -> SimResult:
        costs = replace(costs, slippage_bps=costs.slippage_bps + Spread.among(options).half_spread_bps)
        if self.capabilities[Capability(execution.convention)] is Support.REFUSED or costs.borrow_rate > 0.0:
            raise ProfileError("plain plays closes without borrow fees")
        check_rules(costs, execution)
        check_path(panel, path)
        close = panel.fields["close"]
        check_traded(np.nan_to_num(close), path)
        filled = fill_rows(path.decided, execution, len(panel.times))
        cash, held, orders, rows, fills = 1.0, np.zeros(len(path.keys)), [], [], []
        at_once = filled[0] == path.decided[0]
        for t, mark in enumerate(close):
            cost = (0.0, 0.0)
            if at_once and t in path.decided:
                orders.append(path.net[len(orders)] * (cash + held @ mark) / mark)
            if t in filled:
                equity, moved = cash + held @ mark, (orders[len(fills)] - held) * mark
                gross = abs(moved).sum()
                cost = (costs.slippage_bps * 1e-4 * gross, costs.commission_bps * 1e-4 * gross)
                cash, held = cash - moved.sum() - sum(cost), orders[len(fills)]
                fills.append((equity, gross / equity, 0.5 * (gross + abs(moved.sum())) / equity))
            if not at_once and t in path.decided:
                orders.append(path.net[len(orders)] * (cash + held @ mark) / mark)
            rows.append((cash + held @ mark, cash, held, *cost))
        first = int(filled[0])
        equity, cash_rows, quantities, slippage, commission = (
            np.array(column) for column in zip(*rows[first:], strict=True)
        )
        nothing = np.zeros(len(equity))
        fill_equity, traded, turnover = (np.array(column) for column in zip(*fills, strict=True))
        return SimResult(
            simulator=self.name, times=panel.times[first:],
            returns=equity / np.concatenate([[1.0], equity[:-1]]) - 1.0, equity=equity, cash=cash_rows,
            quantities=quantities, marks=close[first:],
            costs={"slippage": slippage, "commission": commission}
            | dict.fromkeys(("borrow", "overdraft", "funding"), nothing),
            assumed_funding=nothing, filled=filled, fill_equity=fill_equity, traded=traded, turnover=turnover,
            events=(), stamps=NONE,
        )  # fmt: skip


MEMBERS = {**SIMULATORS, "plain": Plain()}


def world(kind: Kind = Kind.STOCK) -> tuple[Panel, WeightPath]:
    """Random walks of five names that do not double, and long/short weights every seven rows."""
    rng = np.random.default_rng(3)
    close = 100.0 * np.exp(rng.normal(0.0, 0.01, (60, 5)).cumsum(axis=0))
    panel = panel_of({"close": close, "open": close * 1.001}, names=instruments(5, kind=kind))
    net = rng.uniform(-0.2, 0.2, (8, 5))
    return panel, WeightPath(keys=panel.keys, decided=np.arange(1, 57, 7), net=net)


def played(name: str, panel: Panel, path: WeightPath, costs: CostModel, execution: Execution) -> SimResult:
    """The book of a member with the defaults of its options."""
    simulator = MEMBERS[name]
    options = tuple(declared() for declared in simulator.options)
    return simulator.simulate(panel, path, options, costs=costs, execution=execution)


@pytest.mark.parametrize("name", MEMBERS)
def test_every_capability_is_declared(name: str) -> None:
    assert MEMBERS[name].name == name
    assert set(MEMBERS[name].capabilities) == set(Capability)
    assert set(Convention) <= {str(c) for c in Capability}


@pytest.mark.requirement("R-SIM-10")
@pytest.mark.parametrize("name", players(MEMBERS))
@pytest.mark.parametrize("convention", list(Convention))
def test_a_convention_is_played_or_refused_as_declared(name: str, convention: Convention) -> None:
    panel, path = world()
    simulator, execution = MEMBERS[name], Execution(convention=convention)
    if simulator.capabilities[Capability(convention)] is Support.REFUSED:
        with pytest.raises(ProfileError):
            played(name, panel, path, FREE, execution)
        return
    result = played(name, panel, path, FREE, execution)
    np.testing.assert_allclose(np.cumprod(1.0 + result.returns), result.equity, rtol=1e-12)
    np.testing.assert_allclose(result.cash + (result.quantities * result.marks).sum(axis=1), result.equity, rtol=1e-12)
    assert result.filled[0] == 1 + (convention is not Convention.SAME_CLOSE)


@pytest.mark.parametrize("name", players(MEMBERS))
def test_each_cost_is_charged_where_it_is_declared(name: str) -> None:
    panel, path = world()
    simulator, execution = MEMBERS[name], Execution(convention=Convention.NEXT_CLOSE)
    for capability, costs in (
        (Capability.SLIPPAGE, replace(FREE, slippage_bps=5.0)),
        (Capability.COMMISSION, replace(FREE, commission_bps=1.0)),
        (Capability.BORROW, replace(FREE, borrow_rate=0.02)),
    ):
        if simulator.capabilities[capability] is Support.REFUSED:
            with pytest.raises(ProfileError):
                played(name, panel, path, costs, execution)
        else:
            charged = played(name, panel, path, costs, execution).costs
            assert {kind for kind, amounts in charged.items() if amounts.any()} == {str(capability)}


@pytest.mark.parametrize("name", players(MEMBERS))
def test_weights_that_cannot_be_traded_are_refused(name: str) -> None:
    panel, path = world()
    bad = replace(path, net=np.full_like(path.net, np.nan))
    with pytest.raises(ModelError, match="expected a finite number"):
        played(name, panel, bad, FREE, Execution(convention=Convention.SAME_CLOSE))


@pytest.mark.parametrize("lag", [0, 2])
@pytest.mark.parametrize("convention", [Convention.NEXT_CLOSE, Convention.SAME_CLOSE])
def test_two_simulators_agree_where_both_are_native(convention: Convention, lag: int) -> None:
    panel, path = world()
    costs, execution = replace(FREE, slippage_bps=5.0, commission_bps=1.0), Execution(convention=convention, lag=lag)
    ours, theirs = (played(name, panel, path, costs, execution) for name in ("custom", "plain"))
    for figure in ("returns", "equity", "cash", "quantities", "fill_equity", "traded", "turnover"):
        np.testing.assert_allclose(getattr(ours, figure), getattr(theirs, figure), rtol=1e-12, atol=1e-12)
    for kind, amounts in theirs.costs.items():
        np.testing.assert_allclose(ours.costs[kind], amounts, rtol=1e-12, atol=1e-15)


@pytest.mark.requirement("R-SIM-10")
@pytest.mark.parametrize("name", [name for name, one in SIMULATORS.items() if one.needs])
def test_an_absent_library_is_refused_by_a_plan_with_its_extra_and_replaced_by_nobody(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, extra = SIMULATORS[name].needs or ("", "")
    real = catalogue.find_spec
    monkeypatch.setattr(catalogue, "find_spec", lambda asked: None if asked == package else real(asked))
    assert uninstalled()[name] == extra
    for named in ([name], ["custom", name]):
        with pytest.raises(ProfileError, match=rf"simulator '{name}' is not installed; install tvquant\[{extra}\]"):
            resolved_of("us_equities", execution__simulators=named, costs__borrow_rate=0.0)
    assert [book.simulator for book in books(resolved_of("us_equities").profile)] == ["custom"]


@pytest.mark.requirement("R-SIM-10")
def test_a_profile_that_asks_for_what_its_simulator_refuses_is_refused_before_any_work() -> None:
    own = vocabulary()
    refused = frozenset(c.value for c, how in Plain().capabilities.items() if how is Support.REFUSED)
    both = replace(
        own,
        simulators=own.simulators | {"plain"},
        refusals={**own.refusals, "plain": refused},
    )
    asked = {"execution.simulators": ["plain"], "execution.convention": "next_close", "costs.borrow_rate": 0.02}
    assert [key for key, _ in both.complaints(asked)] == ["costs.borrow_rate"]
    assert "; set costs.borrow_rate: 0.0, or name a simulator" in next(iter(both.complaints(asked)))[1]
    assert [key for key, _ in both.complaints({**asked, "costs.borrow_rate": 0.0})] == []
    assert [key for key, _ in both.complaints({**asked, "execution.simulators": ["custom", "plain"]})] == []
    first = {**asked, "execution.simulators": ["plain", "custom"]}
    assert [(key, "whose book is the headline" in text) for key, text in both.complaints(first)] == [
        ("costs.borrow_rate", True)
    ]
    assert [key for key, _ in both.complaints({**asked, "execution.convention": "next_open"})] == [
        "execution.convention", "costs.borrow_rate",
    ]  # fmt: skip


def test_an_option_is_explained_checked_and_reaches_its_simulator_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tvquant.simulation", "tvquant.tournament.cells"):
        monkeypatch.setattr(f"{module}.SIMULATORS", MEMBERS)

    def resolved(value: float) -> ResolvedProfile:
        settings = {"execution__simulators": ["custom", "plain"], "execution__convention": "next_close"}
        settings["costs__borrow_rate"] = 0.0
        return resolved_of("us_equities", **settings, execution__plain__half_spread_bps=value)

    assert vocabulary().keys.meaning("execution.plain.half_spread_bps").startswith("basis points of the value")
    with pytest.raises(ProfileError, match=r"execution\.plain\.half_spread_bps: expected .* equal to 100, found 101"):
        resolved(101.0)
    found = resolved(7.0)
    rows = {row.key: (row.value, row.layer) for row in explain(found)}
    assert rows["execution.plain.half_spread_bps"] == (7.0, "argument --execution.plain.half_spread_bps")
    custom, plain = books(found.profile)
    assert (custom.options, plain.options) == ((), (Spread(half_spread_bps=7.0),))
    panel, path = world()
    wide = MEMBERS["plain"].simulate(panel, path, plain.options, costs=FREE, execution=plain.execution)
    dear = played("plain", panel, path, replace(FREE, slippage_bps=7.0), plain.execution)
    np.testing.assert_array_equal(wide.equity, dear.equity)
    assert wide.costs["slippage"].any()
