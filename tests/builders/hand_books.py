"""Books whose figures were worked out by hand, and what each asks of a simulator that plays it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from builders.panels import days, instrument, market_of
from tvquant.core.books import Convention, CostModel, Execution, WeightPath
from tvquant.core.demands import demands
from tvquant.core.instruments import Fact, Kind
from tvquant.core.panel import Panel
from tvquant.simulation.simulators.contract import Capability

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)
HOUSE = CostModel(slippage_bps=5.0, commission_bps=1.0, borrow_rate=0.0, assumed_funding_bps=0.0)

type ByName = Mapping[str, Sequence[float]]


@dataclass(frozen=True, kw_only=True, eq=False)
class HandBook:
    """A book by hand: what goes into a simulator, and what must come out of it.

    Parameters
    ----------
    equity : R levels at the close, from the first fill row to the end.
    quantities : name -> R units held after the close; a name that is left out is not looked at.
    cash : R, where it tells something.
    meets : what prices do to it that an account must know of: a short that doubles, ruin, cash below zero.
    """

    name: str
    panel: Panel
    path: WeightPath
    costs: CostModel
    execution: Execution
    equity: Sequence[float]
    quantities: ByName
    cash: Sequence[float] | None
    meets: frozenset[Capability]

    def asks(self) -> frozenset[Capability]:
        """What a simulator must have to play it: by the rules, by the panel and weights, by what prices do to it."""
        rules = {f"costs.{one.name}": getattr(self.costs, one.name) for one in fields(self.costs)}
        rules |= {f"execution.{one.name}": getattr(self.execution, one.name) for one in fields(self.execution)}
        asked = {Capability(capability) for _, capability in demands(rules)} | self.meets
        panel, given = self.panel, self.panel.fields
        if any(Kind.SWAP in one.kinds for one in panel.instruments):
            asked.add(Capability.FUNDING)
        if (given.get("dividend", np.zeros(1)) != 0.0).any() or (given.get("split", np.ones(1)) != 1.0).any():
            asked.add(Capability.ACTIONS)
        ends = any(fact.field == "delisted_at" for one in panel.instruments for fact in one.facts)
        if self.execution.convention is Convention.NEXT_OPEN and np.isnan(given["open"]).all(axis=0).any():
            asked.add(Capability.LATE_FILL)
        if not panel.tradable.all() or ends:
            asked.add(Capability.HALTS)
        if np.abs(self.path.net).sum(axis=1).max() > 1.0 + 1e-12:
            asked.add(Capability.LEVERAGE)
        return frozenset(asked)


def hand_book(
    name: str,
    close: ByName,
    weights: Mapping[int, Mapping[str, float]],
    equity: Sequence[float],
    *,
    quantities: ByName | None = None,
    cash: Sequence[float] | None = None,
    meets: Sequence[Capability] = (),
    kind: Kind = Kind.STOCK,
    delisted: Mapping[str, int] | None = None,
    lots: Mapping[str, float] | None = None,
    costs: CostModel = FREE,
    rules: Mapping[str, Any] | None = None,
    **more: ByName,
) -> HandBook:
    """Return the book of weights (row -> name -> weight) on daily closes by name; NaN is a row without a bar.

    It fills at the same close and is free when nothing else is said. Other fields of the panel by keyword.
    """
    times = days(len(next(iter(close.values()))))
    facts = {
        one: (Fact(field="delisted_at", value=times[row], known_at=times[row]),)
        for one, row in (delisted or {}).items()
    }
    for one, lot in (lots or {}).items():
        facts[one] = (*facts.get(one, ()), Fact(field="lot", value=lot, known_at=times[0]))
    traded = {one: instrument(one, kind=kind, facts=facts.get(one, ())) for one in close}
    panel = market_of(
        {traded[one]: column for one, column in close.items()},
        times=times,
        blanks={"dividend": 0.0, "split": 1.0},
        **{field: {traded[one]: column for one, column in given.items()} for field, given in more.items()},
    )
    net = np.array([[chosen.get(one, 0.0) for one in close] for chosen in weights.values()], float)
    return HandBook(
        name=name,
        panel=panel,
        path=WeightPath(keys=panel.keys, decided=np.array(list(weights)), net=net),
        costs=costs,
        execution=Execution(**{"convention": Convention.SAME_CLOSE} | dict(rules or {})),
        equity=equity,
        quantities=quantities or {},
        cash=cash,
        meets=frozenset(meets),
    )
