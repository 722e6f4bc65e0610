"""Rules of orders in plain Python: what is ordered of a weight, and what a fill may take of it; and random ones."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tvquant.core.books import Execution, Rebalancing
from tvquant.core.instruments import Fact, Instrument, Kind
from tvquant.core.panel import Panel

DAY = np.timedelta64(1, "D")


def with_rules(world: Any, seed: int) -> Any:
    """The same world under rules of orders: each is in force in some, with the volumes, lots and opens it looks at."""
    rng = np.random.default_rng([seed, 1])
    panel, nav = world.panel, float(rng.choice([60.0, 1e3, 1e5]))
    fields = {name: values for name, values in panel.fields.items() if name != "total_return"}
    volume = nav / fields["close"] * rng.uniform(0, 2, fields["close"].shape)
    known = world.costs.impact > 0.0
    volume[rng.random(volume.shape) < (0.0 if known else 0.1)] = np.nan
    opens = np.where(rng.random(len(panel.keys)) < 0.2, np.nan, fields["open"])
    fields |= {"volume": volume, "open": opens}
    if not known and rng.random() < 0.3:
        fields["quote_volume"] = np.where(rng.random(volume.shape) < 0.5, nav * rng.uniform(0, 2, volume.shape), np.nan)
    execution = replace(
        world.execution,
        rebalancing=Rebalancing(rng.choice(["window", "window", "daily"])),
        band=float(rng.choice([0.0, 0.0, 0.02, 0.2])),
        partial=float(rng.choice([1.0, 1.0, 0.5, 0.3])),
        buffer=float(rng.choice([0.0, 0.0, 0.05])),
        lots=bool(rng.random() < 0.5),
        participation=None if rng.random() < 0.5 else float(rng.uniform(0.01, 0.4)),
        nav=nav,
    )
    instruments = tuple(replace(one, facts=told(rng, one, panel.times, nav)) for one in panel.instruments)
    panel = replace(panel, fields=fields, instruments=instruments, _first_known=None)
    return replace(world, panel=panel, execution=execution)


def told(rng: np.random.Generator, one: Instrument, times: Any, nav: float) -> tuple[Fact, ...]:
    """Facts of a name, in the order of when they were known: lots that change, and a least order; or neither."""
    facts = list(one.facts)
    if rng.random() < 0.7:
        facts += [Fact(field="lot", value=float(rng.choice([0.1, 0.5, 1.0, 3.0])), known_at=at)
                  for at in rng.choice(times, 2, replace=False)]  # fmt: skip
    if rng.random() < 0.5:
        facts.append(Fact(field="min_notional", value=0.1 * nav, known_at=rng.choice(times)))
    return tuple(sorted(facts, key=lambda fact: fact.known_at))


@dataclass
class Ordering:
    """What the rules say of the orders of one panel."""

    panel: Panel
    execution: Execution

    def bounds(self, t: int, name: str, mark: float) -> tuple[float, float, float]:
        """The lot, the least and the most of an order that is decided at the close of row t, of a capital of 1."""
        rule, one = self.execution, self.panel.instruments[self.panel.keys.index(name)]
        lot, least, most = 0.0, 0.0, math.inf
        if rule.lots:
            known = {fact.field: fact.value for fact in one.facts if fact.known_at <= self.panel.times[t] + DAY}
            coin = {Kind.SPOT, Kind.SWAP} & one.kinds
            assumed = 10.0 ** -max(0, math.ceil(math.log10(mark))) if coin else 1.0
            lot, least = known.get("lot", assumed) / rule.nav, known.get("min_notional", 0.0) / rule.nav
        if rule.participation:
            bars = [row for row in range(t + 1) if self.panel.tradable[row, self.panel.keys.index(name)]][-20:]
            values = [value for row in bars if not math.isnan(value := self.traded(row, name))]
            most = rule.participation * sum(values) / max(len(values), 1) / rule.nav
        return lot, least, most

    def traded(self, t: int, name: str) -> float:
        """What one bar traded."""
        j = self.panel.keys.index(name)
        value = float(self.panel.fields["volume"][t, j] * self.panel.fields["close"][t, j])
        quoted = float(self.panel.fields["quote_volume"][t, j]) if "quote_volume" in self.panel.fields else math.nan
        return value if math.isnan(quoted) else quoted

    def order(self, held: float, weight: float, mark: float, equity: float, bounds) -> float | None:
        """The new holding that a weight orders; None where it orders nothing."""
        rule, (lot, least, _) = self.execution, bounds
        if weight == 0.0:
            return 0.0
        target = weight * equity / mark
        if rule.band == rule.lots == 0 and rule.partial == 1.0 and rule.participation is None:
            return target
        same_side = (target > 0 and held > 0) or (target < 0 and held < 0)
        if same_side and abs(weight - held * mark / equity) <= rule.band:
            return None
        if rule.partial < 1.0:
            target = held + rule.partial * (target - held)
        if lot:
            count = abs(target) / lot
            count = round(count) if abs(count - round(count)) < 1e-9 else int(count)
            target = math.copysign(count * lot, target)
        if target == held or (target != 0.0 and abs(target - held) * mark < least):
            return None
        return target

    def admitted(self, held: float, target: float, price: float, bounds) -> float:
        """The holding after a fill at a price that may move no more than `most` of value."""
        lot, least, most = bounds
        if abs(target - held) * price <= most:
            return target
        new = held + math.copysign(most / price, target - held)
        if lot:
            count = new / lot
            whole = round(count) if abs(count - round(count)) < 1e-9 else None
            up = math.ceil(count) if whole is None else whole
            down = math.floor(count) if whole is None else whole
            new = (down if target > held else up) * lot
            if (new - held) * (target - held) <= 0:
                return held
        return held if target != 0.0 and abs(new - held) * price < least else new
