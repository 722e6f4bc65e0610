"""Random worlds for simulators, and a referee of the simulator `custom` in plain Python.

The referee plays the rules of `simulation/kernel.py` again, one event at a time, on dictionaries.
"""

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import exp, log, sqrt
from statistics import mean, stdev

import numpy as np

from builders.ordering import Ordering
from builders.panels import panel_of
from tvquant.core.books import COST_KINDS, Convention, CostModel, Execution, FeeTier, SimResult, Spread, WeightPath
from tvquant.core.instruments import Fact, Instrument, Kind
from tvquant.core.panel import Panel
from tvquant.core.stamps import Stamp
from tvquant.simulation import SIMULATORS

MEASURED = 2
"""Bars that a name must have more of, to have its spread and its impact measured."""
DAY, HOUR = np.timedelta64(1, "D"), np.timedelta64(1, "h")
simulate = SIMULATORS["custom"].simulate


@dataclass
class Scenario:
    """One random world and what is done in it."""

    panel: Panel
    path: WeightPath
    costs: CostModel
    execution: Execution
    payments: tuple[tuple[tuple[int, float], ...], ...] = ()
    """Of each name: hours since the first row's stamp, and rates."""

    def play(self) -> SimResult:
        return simulate(self.panel, self.path, costs=self.costs, execution=self.execution)


def scenario(seed: int, convention: Convention, *, rough: bool = True, gross: float = 1.5) -> Scenario:
    """Holes, missing opens, splits (also in holes), dividends, late listings, delistings and long halts when rough.

    Then swaps also settle funding, some of it in the days between two rows, and some never.
    """
    rng = np.random.default_rng(seed)
    rows, names = int(rng.integers(8, 40)), int(rng.integers(1, 7))
    times = np.datetime64("2020-01-01", "us") + np.cumsum(rng.integers(1, 4, rows)) * DAY
    shape = (rows, names)
    split = np.where(rng.random(shape) < 0.04, rng.choice([0.5, 2.0, 1.5], shape), 1.0) if rough else np.ones(shape)
    close = 50 * np.exp(np.cumsum(rng.normal(0, rng.choice([0.02, 0.2]), shape), axis=0)) / np.cumprod(split, axis=0)
    dividend = close * np.where(rng.random(shape) < 0.05, 0.03, 0.0)
    opens = close * np.exp(rng.normal(0, 0.03, shape))
    listed = np.sort(rng.integers(0, 4, names)) if rough else np.zeros(names, int)
    tradable = np.arange(rows)[:, None] >= listed
    if rough:
        for j in range(names):
            tradable[listed[j] + 1 :, j] &= rng.random(rows - listed[j] - 1) > rng.choice([0.0, 0.1, 0.6])
        opens[rng.random(shape) < 0.1] = np.nan
    close, opens = (np.where(tradable, field, np.nan) for field in (close, opens))
    instruments = []
    for j in range(names):
        facts = ()
        if rough and rng.random() < 0.3:
            at, known = rng.choice(times[4:], 2)
            facts = (Fact(field="delisted_at", value=at, known_at=known),)
        kind = rng.choice([Kind.SPOT, Kind.STOCK, Kind.ETF, Kind.SWAP])
        instruments.append(
            Instrument(symbol=f"X:N{j}", kinds=frozenset({Kind(kind)}), currency="USD", calendar="24x7", facts=facts)
        )
    fields = {"close": close, "open": opens, "dividend": dividend, "split": split}
    if rough:
        fields["high"] = np.fmax(close, opens) * np.exp(np.abs(rng.normal(0, 0.02, shape)))
        fields["low"] = np.fmin(close, opens) * np.exp(-np.abs(rng.normal(0, 0.02, shape)))
        fields["volume"] = np.exp(rng.normal(9, 1, shape))
    payments = settlements(rng, instruments, int((times[-1] - times[0]) / HOUR)) if rough else ((),) * names
    panel = make_panel(times, tuple(instruments), fields | funding_fields(times, payments), tradable)
    lag = int(rng.integers(0, 4))
    decided = np.union1d(rng.integers(0, rows - 4), np.flatnonzero(rng.random(rows) < 0.3))  # one is filled in time
    seen = np.arange(rows)[decided, None] >= listed
    net = rng.normal(0, 1, seen.shape) * (seen & (rng.random(seen.shape) < 0.7))
    net *= gross / np.maximum(np.abs(net).sum(axis=1, keepdims=True), 1e-9)
    execution = Execution(
        convention=convention,
        lag=lag,
        halt_limit=int(rng.integers(0, 6)),
        delisting_haircut=float(rng.choice([0.0, 0.3, 1.0])),
    )
    costs = CostModel(
        slippage_bps=float(rng.uniform(0, 30)),
        commission_bps=float(rng.uniform(0, 9)),
        borrow_rate=float(rng.choice([0.0, 0.02, 0.5])),
        assumed_funding_bps=float(rng.choice([0.0, 1.0, 20.0])) if rough else 0.0,
    )
    if rough:
        margin, nav = float(rng.choice([0.0, 0.0, 0.25, 0.6])), float(rng.choice([1e4, 1e7]))
        execution = replace(execution, maintenance_margin=margin, nav=nav)
        costs = with_rates(rng, with_money(rng, costs, panel), nav)
        if not costs.is_flat:
            net = np.where(np.cumsum(tradable, axis=0)[decided] > MEASURED, net, 0.0)
    return Scenario(panel, WeightPath(keys=panel.keys, decided=decided, net=net), costs, execution, payments)


def with_money(rng, costs: CostModel, panel: Panel) -> CostModel:
    """Interest on cash, at one rate or one of each row, and rates of single shorts."""
    rates = rng.normal(0.02, 0.1, len(panel.times))
    lent = [one.symbol for one in panel.instruments if Kind.SWAP not in one.kinds and rng.random() < 0.3]
    return replace(
        costs,
        cash_yield=[0.0, 0.04, rates][int(rng.integers(0, 3))],
        borrow_rates=tuple((symbol, float(rng.uniform(0, 2))) for symbol in lent),
    )


def with_rates(rng, costs: CostModel, nav: float) -> CostModel:
    """In every second world commissions by tier, in others spreads of bars, impact, or all of them."""
    tiers = tuple(
        FeeTier(traded=float(traded), maker_bps=maker, taker_bps=taker)
        for traded, maker, taker in ((0.0, 2.0, 9.0), (nav, -1.0, 6.0), (3 * nav, -3.0, 2.0))
    )
    chosen = {
        "tiers": tiers if rng.random() < 0.5 else (),
        "spread": Spread(rng.choice(list(Spread))),
        "impact": float(rng.choice([0.0, 1.0])),
    }
    chosen["maker_share"] = float(rng.choice([0.0, 0.5, 1.0])) if chosen["tiers"] else 0.0
    return replace(costs, **chosen)


def settlements(rng, instruments, last: int) -> tuple[tuple[tuple[int, float], ...], ...]:
    """Every swap's payments: every 1, 4, 8 or 11 hours, some left out; a swap in three has none at all."""
    paid = []
    for one in instruments:
        hours = np.arange(int(rng.integers(1, 9)), last + 25, rng.choice([1, 4, 8, 11]))
        hours = hours[rng.random(len(hours)) < rng.choice([0.7, 1.0])]
        if Kind.SWAP not in one.kinds or rng.random() < 0.3:
            hours = hours[:0]
        paid.append(tuple(zip(hours.tolist(), rng.normal(0, 3e-3, len(hours)).tolist(), strict=True)))
    return tuple(paid)


def funding_fields(times, payments) -> dict[str, np.ndarray]:
    """The panel's fields of these payments, added up one by one."""
    names = ("funding", "funding_hours", "funding_early", "funding_early_hours")
    fields = {name: np.full((len(times), len(payments)), np.nan) for name in names}
    opens = ((times - times[0]) / HOUR).astype(int)
    for j, paid in enumerate(payments):
        before = -np.inf
        for hour, rate in paid:
            row = int(np.argmax(opens + 24 >= hour))
            for name, value in zip(names, (rate, min(hour - before, 8)) * 2, strict=True):
                if "early" not in name or hour <= opens[row]:
                    fields[name][row, j] = np.nan_to_num(fields[name][row, j]) + value
            before = hour
    return fields


def make_panel(times, instruments, fields, tradable) -> Panel:
    return panel_of(fields, names=instruments, times=times, tradable=tradable)


@dataclass
class Referee:
    """The rules again, one event at a time, on dictionaries."""

    world: Scenario
    cash: float = 1.0
    held: dict = field(default_factory=dict)
    mark: dict = field(default_factory=dict)
    posted: dict = field(default_factory=dict)
    halted: dict = field(default_factory=dict)
    orders: dict = field(default_factory=dict)
    rows: list = field(default_factory=list)
    fills: list = field(default_factory=list)
    events: list = field(default_factory=list)
    charged: list = field(default_factory=list)
    bounds: dict = field(default_factory=dict)
    taken: dict = field(default_factory=dict)
    opened: set = field(default_factory=set)
    dead: bool = False
    late: bool = False

    def equity(self, price: dict) -> float:
        return self.cash + sum(q * price[name] for name, q in self.held.items() if q)

    def pay(self, name: str, notional: float, t: int) -> None:
        """At the rates of the last fill: those of its decision, and its tier."""
        costs, due = self.world.costs, {"slippage": notional * self.world.costs.slippage_bps / 1e4}
        bars = () if costs.is_flat else self.bars(name)
        if notional and costs.spread != "flat":
            due["slippage"] = notional * half_spread(bars, costs.spread)
        if notional and costs.impact:
            moves = [b["close"] / a["close"] - 1 for a, b in pairwise(bars)]
            adv = mean(one["value"] for one in bars)
            share = notional * self.world.execution.nav / adv
            due["impact"] = notional * costs.impact * stdev(moves) * share**0.5
        due["commission"] = notional * self.commission
        for kind, amount in due.items():
            self.bill[kind] += amount
            self.cash -= amount
        self.charged.append((t, notional))

    def bars(self, name: str) -> list[dict]:
        """Up to twenty bars of a name to the decision that was filled last, in shares of its row."""
        panel, found, units = self.world.panel, [], 1.0
        j = panel.keys.index(name)
        for row in range(self.decided, -1, -1):
            if panel.tradable[row, j] and len(found) < 20:
                bar = {price: panel.fields[price][row, j] / units for price in ("high", "low", "close")}
                found.insert(0, bar | {"value": panel.fields["close"][row, j] * panel.fields["volume"][row, j]})
            units *= panel.fields["split"][row, j]
        return found

    def tier(self, t: int) -> float:
        """The commission of a fill in this row."""
        costs, times = self.world.costs, self.world.panel.times
        traded = sum(v for row, v in self.charged if row < t and times[t] - times[row] <= 30 * DAY)
        found = costs.commission_bps
        for one in costs.tiers:
            if traded * self.world.execution.nav >= one.traded:
                found = costs.maker_share * one.maker_bps + (1 - costs.maker_share) * one.taker_bps
        return found / 1e4

    def lose_collateral(self, t: int, price: dict) -> None:
        """A short is gone at twice the price of its order, whatever is asked for it."""
        for name, q in self.held.items():
            if q < 0 and price[name] >= 2 * self.posted[name]:
                value = q * 2 * self.posted[name]
                self.cash += value
                self.held[name] = 0.0
                self.events.append((t, name, "collateral_lost", value / self.last))

    def funding(self, low: float, high: float, price: dict) -> None:
        """Payments within (low, high] hours of what is held, and the assumed rate where none covers them."""
        for one, paid in zip(self.world.panel.instruments, self.world.payments, strict=True):
            if q := self.held.get(one.key, 0.0) if Kind.SWAP in one.kinds else 0.0:
                told = [(h, r, min(h - (paid[k - 1][0] if k else -1e9), 8)) for k, (h, r) in enumerate(paid)]
                mine = [(r, cover) for h, r, cover in told if low < h <= high]
                bare = max(high - low - sum(cover for _, cover in mine), 0)
                due = q * price[one.key] * sum(r for r, _ in mine)
                due += abs(q) * price[one.key] * bare / 8 * self.world.costs.assumed_funding_bps / 1e4
                self.bill["funding"] += due
                self.cash -= due

    def fill(self, t: int, price: dict, can: dict, late: bool) -> None:
        """Take up the orders of the row; under fills at the open, those of names that never had one wait."""
        before = self.equity(price)
        if before <= 1e-12 * self.last:
            self.dead = True
            return
        gross = net = 0.0
        rule = self.world.execution
        if not late:
            self.decided, self.commission = t - rule.lag - (rule.convention != "same_close"), self.tier(t)
            self.taken, self.most = self.orders.pop(t), self.bounds.pop(t)
            self.fills.append([t, before, 0.0, 0.0])
        by_open = rule.convention == "next_open"
        for name in [name for name in self.taken if late or not by_open or name in self.opened]:
            target, held = self.taken.pop(name), self.held.get(name, 0.0)
            if can[name] and abs(target - held) * price[name] > 1e-12 * before:
                asked, target = target, self.rules.admitted(held, target, price[name], self.most[name])
                if target != asked:
                    self.events.append((t, name, "partly_filled", (asked - target) * price[name] / before))
                    if target == held:
                        continue
            dq = target - held
            if abs(dq * price[name]) > 1e-12 * before and not can[name]:
                self.events.append((t, name, "unfilled", dq * price[name] / before))
            elif dq and can[name]:
                gross, net = gross + abs(dq * price[name]), net + dq * price[name]
                self.cash -= dq * price[name]
                self.held[name] = target
                self.pay(name, abs(dq * price[name]), t)
                self.late |= late
            if can[name]:
                self.posted[name] = price[name]
        self.fills[-1][2] += gross
        self.fills[-1][3] += net

    def close_outs(self, t: int, ended: dict) -> None:
        before = self.equity(self.mark)
        for name, q in self.held.items():
            if before > 0 and q and (ended[name] or self.halted[name] > self.world.execution.halt_limit):
                cut = self.world.execution.delisting_haircut
                price = self.mark[name] * (1 - cut if q > 0 else 1 + cut)
                value = q * (price if q > 0 else min(price, 2 * self.posted[name]))
                self.cash += value
                self.pay(name, abs(value), t)
                self.held[name] = 0.0
                self.events.append((t, name, "closed_out", value / before))

    def call_margin(self, t: int) -> None:
        before, gross = self.equity(self.mark), sum(abs(q) * self.mark[name] for name, q in self.held.items() if q)
        if 1e-12 * self.last < before < self.world.execution.maintenance_margin * gross:
            for name, q in self.held.items():
                if q:
                    self.cash += q * self.mark[name]
                    self.pay(name, abs(q) * self.mark[name], t)
                    self.events.append((t, name, "margin_call", q * self.mark[name] / self.last))
            self.held = {}
            self.orders = {due: dict.fromkeys(order, 0.0) for due, order in self.orders.items()}
            self.taken = {}

    def invested(self, weights: dict) -> dict:
        return {name: weight * (1.0 - self.world.execution.buffer) for name, weight in weights.items()}

    def decide(self, t: int, due: int, weights: dict) -> None:
        equity = self.equity(self.mark)
        bounds = {name: self.rules.bounds(t, name, self.mark[name]) for name in weights if self.mark.get(name)}
        none, expected = (0.0, 0.0, math.inf), dict(self.held)
        for _, waiting in sorted(self.orders.items()):
            expected |= waiting
        self.bounds[due] = {name: bounds.get(name, none) for name in weights}
        ordered = {
            name: self.rules.order(expected.get(name, 0.0), w, self.mark.get(name, 0.0), equity, bounds.get(name, none))
            for name, w in weights.items()
        }
        self.orders[due] = {name: target for name, target in ordered.items() if target is not None}

    def play(self) -> "Referee":
        world, panel, names = self.world, self.world.panel, self.world.panel.keys
        rule, shift = world.execution, world.execution.lag + (world.execution.convention != "same_close")
        decisions = {
            int(d): dict(zip(names, map(float, w), strict=True))
            for d, w in zip(world.path.decided, world.path.net, strict=True)
        }
        first, last = min(decisions) + shift, min(decisions)
        for t in range(last, len(panel.times) if rule.rebalancing == "daily" else 0):
            last = t if t in decisions else last
            decisions[t] = decisions[last]
        self.rules = Ordering(panel, rule)
        cell = {f: [dict(zip(names, map(float, row), strict=True)) for row in panel.fields[f]] for f in panel.fields}
        self.halted = dict.fromkeys(names, 0)
        previous = self.last = 1.0
        hours = ((panel.times - panel.times[0]) / HOUR).tolist()
        owed = idle = 0.0
        for t in range(len(panel.times)):
            days = float((panel.times[t] - panel.times[t - 1]) / DAY) if t else 0.0
            self.bill = dict.fromkeys(COST_KINDS, 0.0)
            gone = {}
            for i in panel.instruments:
                ends = [f for f in i.facts if f.field == "delisted_at"]
                gone[i.key] = any(f.known_at <= panel.times[t] and f.value <= panel.times[t] for f in ends)
            for i in panel.instruments:
                if self.held.get(i.key, 0.0) < 0 and Kind.SWAP not in i.kinds:
                    rate = dict(world.costs.borrow_rates).get(i.symbol, world.costs.borrow_rate)
                    self.bill["borrow"] += -self.held[i.key] * self.mark[i.key] * rate * days / 365
            self.bill["overdraft"] = owed * world.costs.borrow_rate * days / 365
            self.bill["cash_yield"] = -idle * float(np.broadcast_to(world.costs.cash_yield, len(hours))[t]) * days / 365
            self.cash -= self.bill["borrow"] + self.bill["overdraft"] + self.bill["cash_yield"]
            if t:
                self.funding(hours[t - 1] + 24, hours[t], self.mark)
            for name in names:
                ratio = cell["split"][t][name]
                for book in (self.held, *self.orders.values()):
                    if name in book:
                        book[name] *= ratio
                for prices in (self.mark, self.posted):
                    if name in prices:
                        prices[name] /= ratio
                self.cash += self.held.get(name, 0.0) * cell["dividend"][t][name]
            bar = {name: bool(panel.tradable[t, j]) and not gone[name] for j, name in enumerate(names)}
            self.opened |= {n for n in names if cell["open"][t][n] > 0}
            if t in self.orders and rule.convention == "next_open" and not self.dead:
                can = {n: bar[n] and not np.isnan(cell["open"][t][n]) for n in names}
                price = {n: cell["open"][t][n] if can[n] else self.mark.get(n, 0.0) for n in names}
                self.lose_collateral(t, price)
                self.fill(t, price, can, late=False)
            for name in names:
                self.halted[name] = 0 if bar[name] else self.halted[name] + 1
                if bar[name]:
                    self.mark[name] = cell["close"][t][name]
            if not self.dead:
                self.funding(hours[t], hours[t] + 24, self.mark)
                self.lose_collateral(t, self.mark)
                self.close_outs(t, gone)
                self.call_margin(t)
            if t in decisions and shift == 0 and self.equity(self.mark) > 1e-12 * self.last:
                self.decide(t, t, self.invested(decisions.pop(t)))
            if (t in self.orders or self.taken) and not self.dead:
                self.fill(t, {n: self.mark.get(n, 0.0) for n in names}, bar, late=t not in self.orders)
            equity = self.equity(self.mark)
            if self.dead or equity <= 1e-12 * self.last:
                self.dead, equity, self.cash, self.held = True, 0.0, 0.0, {}
            elif t in decisions:
                self.decide(t, t + shift, self.invested(decisions[t]))
            if t >= first:
                gain = equity / previous - 1 if previous else 0.0
                self.rows.append((gain, equity, self.cash, [self.held.get(n, 0.0) for n in names], self.bill))
                self.bill = {}
                previous = self.last = equity
                cash_market = {i.key for i in panel.instruments if Kind.SWAP not in i.kinds}
                values = [q * self.mark[name] for name, q in self.held.items() if q and name in cash_market]
                owed = max(0.0, sum(values) - equity)
                idle = max(0.0, equity - sum(value for value in values if value > 0))
                if self.dead:
                    self.orders, decisions = {}, {}
        return self


def half_spread(bars: list[dict], estimator: str) -> float:
    """The two papers once more, pair by pair."""
    found = []
    for a, b in pairwise(bars):
        if estimator == "abdi_ranaldo":
            c, eta, after = (log(a["close"]), *((log(one["high"]) + log(one["low"])) / 2 for one in (a, b)))
            found.append(sqrt(max(4 * (c - eta) * (c - after), 0.0)))
            continue
        gap = b["low"] - a["close"] if b["low"] > a["close"] else min(b["high"] - a["close"], 0.0)
        high, low = b["high"] - gap, b["low"] - gap
        beta = log(a["high"] / a["low"]) ** 2 + log(high / low) ** 2
        gamma = log(max(a["high"], high) / min(a["low"], low)) ** 2
        k = 3 - 2 * sqrt(2)
        alpha = (sqrt(2 * beta) - sqrt(beta)) / k - sqrt(gamma / k)
        found.append(max(2 * (exp(alpha) - 1) / (1 + exp(alpha)), 0.0))
    return mean(found) / 2


def assert_equal_books(result: SimResult, referee: Referee) -> None:
    close = {"rtol": 1e-12, "atol": 1e-12}
    gains, equity, cash, held, bills = zip(*referee.rows, strict=True)
    np.testing.assert_allclose(result.equity, equity, **close)
    np.testing.assert_allclose(result.returns, gains, **close)
    np.testing.assert_allclose(result.cash, cash, **close)
    np.testing.assert_allclose(result.quantities, held, **close)
    for kind, amounts in result.costs.items():
        np.testing.assert_allclose(amounts, [bill[kind] for bill in bills], err_msg=kind, **close)
    level = result.fill_equity  # of an equity near nothing, multiples are compared in starting capitals
    got = np.column_stack([result.filled, level, result.traded * level, result.turnover * level])
    fills = [(t, equity, gross, (gross + abs(net)) / 2) for t, equity, gross, net in referee.fills]
    np.testing.assert_allclose(got, np.array(fills).reshape(-1, 4), **close)
    assert (Stamp.LATE_FILL in result.stamps) == referee.late
    ordered = sorted((e for e in result.events if e.kind != "liquidated"), key=lambda e: (e.row, e.key, e.kind))
    assert [(e.row, e.key, e.kind) for e in ordered] == [e[:3] for e in sorted(referee.events)]
    np.testing.assert_allclose([e.value for e in ordered], [e[3] for e in sorted(referee.events)], rtol=1e-9, atol=1e-9)
    assert (result.failure == "liquidated") == referee.dead
