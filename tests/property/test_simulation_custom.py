"""The simulator `custom` against a plain-Python referee, and what must hold for every book."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders.panels import panel_of
from tvquant.core.books import Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.instruments import Fact, Instrument, Kind
from tvquant.core.panel import Panel
from tvquant.simulation import SIMULATORS

DAY, HOUR = np.timedelta64(1, "D"), np.timedelta64(1, "h")
simulate = SIMULATORS["custom"].simulate
SEEDS = st.integers(0, 2**32 - 1)
quick = settings(max_examples=settings().max_examples // 2, deadline=None, suppress_health_check=[HealthCheck.too_slow])


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
    return Scenario(panel, WeightPath(keys=panel.keys, decided=decided, net=net), costs, execution, payments)


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
    dead: bool = False

    def equity(self, price: dict) -> float:
        return self.cash + sum(q * price[name] for name, q in self.held.items() if q)

    def pay(self, notional: float) -> None:
        for kind, bps in (("slippage", self.world.costs.slippage_bps), ("commission", self.world.costs.commission_bps)):
            self.bill[kind] += notional * bps / 1e4
            self.cash -= notional * bps / 1e4

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

    def fill(self, t: int, price: dict, can: dict) -> None:
        before = self.equity(price)
        if before <= 1e-12 * self.last:
            self.dead = True
            return
        gross = net = 0.0
        for name, target in self.orders.pop(t).items():
            dq = target - self.held.get(name, 0.0)
            if abs(dq * price[name]) > 1e-12 * before and not can[name]:
                self.events.append((t, name, "unfilled", dq * price[name] / before))
            elif dq and can[name]:
                gross, net = gross + abs(dq * price[name]), net + dq * price[name]
                self.cash -= dq * price[name]
                self.held[name] = target
            if can[name]:
                self.posted[name] = price[name]
        self.pay(gross)
        self.fills.append((t, before, gross / before, (gross + abs(net)) / before / 2))

    def close_outs(self, t: int, ended: dict) -> None:
        before = self.equity(self.mark)
        for name, q in self.held.items():
            if before > 0 and q and (ended[name] or self.halted[name] > self.world.execution.halt_limit):
                cut = self.world.execution.delisting_haircut
                price = self.mark[name] * (1 - cut if q > 0 else 1 + cut)
                value = q * (price if q > 0 else min(price, 2 * self.posted[name]))
                self.cash += value
                self.pay(abs(value))
                self.held[name] = 0.0
                self.events.append((t, name, "closed_out", value / before))

    def decide(self, t: int, due: int, weights: dict) -> None:
        equity = self.equity(self.mark)
        self.orders[due] = {name: w * equity / self.mark[name] if w else 0.0 for name, w in weights.items()}

    def play(self) -> "Referee":
        world, panel, names = self.world, self.world.panel, self.world.panel.keys
        rule, shift = world.execution, world.execution.lag + (world.execution.convention != "same_close")
        decisions = {
            int(d): dict(zip(names, map(float, w), strict=True))
            for d, w in zip(world.path.decided, world.path.net, strict=True)
        }
        first = min(decisions) + shift
        cell = {f: [dict(zip(names, map(float, row), strict=True)) for row in panel.fields[f]] for f in panel.fields}
        self.halted = dict.fromkeys(names, 0)
        previous = self.last = 1.0
        hours = ((panel.times - panel.times[0]) / HOUR).tolist()
        owed = 0.0
        for t in range(len(panel.times)):
            days = float((panel.times[t] - panel.times[t - 1]) / DAY) if t else 0.0
            self.bill = dict.fromkeys(("slippage", "commission", "borrow", "overdraft", "funding"), 0.0)
            gone = {}
            for i in panel.instruments:
                gone[i.key] = any(f.known_at <= panel.times[t] and f.value <= panel.times[t] for f in i.facts)
            for i in panel.instruments:
                if self.held.get(i.key, 0.0) < 0 and Kind.SWAP not in i.kinds:
                    self.bill["borrow"] += -self.held[i.key] * self.mark[i.key] * world.costs.borrow_rate * days / 365
            self.bill["overdraft"] = owed * world.costs.borrow_rate * days / 365
            self.cash -= self.bill["borrow"] + self.bill["overdraft"]
            if t:
                self.funding(hours[t - 1] + 24, hours[t], self.mark)
            for name in names:
                ratio = cell["split"][t][name]
                for book in (self.held, *self.orders.values()):
                    book[name] = book.get(name, 0.0) * ratio
                for prices in (self.mark, self.posted):
                    if name in prices:
                        prices[name] /= ratio
                self.cash += self.held.get(name, 0.0) * cell["dividend"][t][name]
            bar = {name: bool(panel.tradable[t, j]) and not gone[name] for j, name in enumerate(names)}
            if t in self.orders and rule.convention == "next_open" and not self.dead:
                can = {n: bar[n] and not np.isnan(cell["open"][t][n]) for n in names}
                price = {n: cell["open"][t][n] if can[n] else self.mark.get(n, 0.0) for n in names}
                self.lose_collateral(t, price)
                self.fill(t, price, can)
            for name in names:
                self.halted[name] = 0 if bar[name] else self.halted[name] + 1
                if bar[name]:
                    self.mark[name] = cell["close"][t][name]
            if not self.dead:
                self.funding(hours[t], hours[t] + 24, self.mark)
                self.lose_collateral(t, self.mark)
                self.close_outs(t, gone)
            if t in decisions and shift == 0 and self.equity(self.mark) > 1e-12 * self.last:
                self.decide(t, t, decisions.pop(t))
            if t in self.orders and not self.dead:
                self.fill(t, {n: self.mark.get(n, 0.0) for n in names}, bar)
            equity = self.equity(self.mark)
            if self.dead or equity <= 1e-12 * self.last:
                self.dead, equity, self.cash, self.held = True, 0.0, 0.0, {}
            elif t in decisions:
                self.decide(t, t + shift, decisions[t])
            if t >= first:
                gain = equity / previous - 1 if previous else 0.0
                self.rows.append((gain, equity, self.cash, [self.held.get(n, 0.0) for n in names], self.bill))
                self.bill = {}
                previous = self.last = equity
                cash_market = {i.key for i in panel.instruments if Kind.SWAP not in i.kinds}
                values = [q * self.mark[name] for name, q in self.held.items() if q and name in cash_market]
                owed = max(0.0, sum(values) - equity)
                if self.dead:
                    self.orders, decisions = {}, {}
        return self


def assert_equal_books(result: SimResult, referee: Referee) -> None:
    close = {"rtol": 1e-12, "atol": 1e-12}
    gains, equity, cash, held, bills = zip(*referee.rows, strict=True)
    np.testing.assert_allclose(result.equity, equity, **close)
    np.testing.assert_allclose(result.returns, gains, **close)
    np.testing.assert_allclose(result.cash, cash, **close)
    np.testing.assert_allclose(result.quantities, held, **close)
    for kind, amounts in result.costs.items():
        np.testing.assert_allclose(amounts, [bill[kind] for bill in bills], err_msg=kind, **close)
    got = np.column_stack([result.filled, result.fill_equity, result.traded, result.turnover])
    np.testing.assert_allclose(got, np.array(referee.fills).reshape(-1, 4), **close)
    ordered = sorted((e for e in result.events if e.kind != "liquidated"), key=lambda e: (e.row, e.key, e.kind))
    assert [(e.row, e.key, e.kind) for e in ordered] == [e[:3] for e in sorted(referee.events)]
    np.testing.assert_allclose([e.value for e in ordered], [e[3] for e in sorted(referee.events)], **close)
    assert (result.failure == "liquidated") == referee.dead


CONVENTIONS = pytest.mark.parametrize("convention", list(Convention))


@CONVENTIONS
@pytest.mark.requirement("R-SIM-07")
@given(seed=SEEDS)
@quick
def test_equals_the_referee(convention: Convention, seed: int) -> None:
    world = scenario(seed, convention)
    assert_equal_books(world.play(), Referee(world).play())


def test_the_worlds_have_everything_in_them() -> None:
    """The referee proves nothing about what never happens: 120 fixed worlds, equal, with every kind of event."""
    seen: dict[str, int] = {}
    for seed in range(120):
        world = scenario(seed, list(Convention)[seed % 3], gross=1.5 + seed % 3)
        result = world.play()
        assert_equal_books(result, Referee(world).play())
        for kind in (
            *(e.kind for e in result.events),
            *(k for k, v in result.costs.items() if v.any()),
            *result.stamps,
        ):
            seen[kind] = seen.get(kind, 0) + 1
        seen["lag"] = seen.get("lag", 0) + (world.execution.lag > 0)
    kinds = ("unfilled", "closed_out", "collateral_lost", "liquidated", "slippage", "commission", "borrow",
             "overdraft", "funding", "assumed_funding", "lag", "optimistic_execution", "research_only")  # fmt: skip
    assert all(seen.get(kind, 0) >= 4 for kind in kinds), seen


@CONVENTIONS
@given(seed=SEEDS)
@quick
def test_equity_changes_by_prices_dividends_and_costs_alone(convention: Convention, seed: int) -> None:
    world = scenario(seed, convention)
    result, panel = world.play(), world.panel
    rows = int(np.argmin(result.equity > 0)) if result.failure else len(result.equity)
    first, place = len(panel.times) - len(result.times), {key: j for j, key in enumerate(panel.keys)}
    marks = np.nan_to_num(result.marks)
    before, held, mark = 1.0, np.zeros(len(place)), np.zeros(len(place))
    for r in range(rows):
        t = first + r
        split = panel.fields["split"][t]
        held, mark = held * split, mark / split
        price = panel.fields["open" if convention is Convention.NEXT_OPEN else "close"][t].copy()
        for event in result.events:
            if event.row == t and event.kind == "closed_out":
                price[place[event.key]] = event.price
        forced = [(e.value * before, place[e.key], e.price) for e in result.events
                  if e.row == t and e.kind == "collateral_lost"]  # fmt: skip
        moved = result.quantities[r] - held
        for value, j, at in forced:
            moved[j] += value / at
        moved = np.where(np.abs(moved) * marks[r] < 1e-14, 0.0, moved)
        gain = result.quantities[r] @ marks[r] - held @ mark - (moved * np.where(moved == 0, 0.0, price)).sum()
        gain += sum(value for value, _, _ in forced)
        gain += held @ panel.fields["dividend"][t]
        cost = sum(amounts[r] for amounts in result.costs.values())
        scale = 1 + np.abs(result.quantities[r]) @ marks[r] + np.abs(held) @ mark + abs(before)
        assert result.equity[r] - before == pytest.approx(gain - cost, abs=1e-12 * scale)
        assert result.equity[r] == pytest.approx(result.cash[r] + result.quantities[r] @ marks[r], abs=1e-12 * scale)
        before, held, mark = result.equity[r], result.quantities[r], marks[r]


@CONVENTIONS
@pytest.mark.requirement("R-SIM-09")
@given(seed=SEEDS)
@quick
def test_equity_is_never_below_zero(convention: Convention, seed: int) -> None:
    result = scenario(seed, convention, gross=4.0).play()
    assert (result.equity >= 0).all()
    assert (result.returns >= -1).all()
    assert np.isfinite(result.returns).all()
    assert (result.failure == "liquidated") == (result.equity[-1] == 0) == (result.equity.min() == 0)
    np.testing.assert_allclose(np.cumprod(1 + result.returns), result.equity, rtol=1e-9, atol=1e-12)


@CONVENTIONS
@pytest.mark.requirement("R-SIM-03")
@given(seed=SEEDS, cut=st.floats(0, 1))
@quick
def test_later_rows_never_change_earlier_ones(convention: Convention, seed: int, cut: float) -> None:
    world = scenario(seed, convention)
    whole, panel = world.play(), world.panel
    first = len(panel.times) - len(whole.times)
    rows = first + 1 + int(cut * (len(whole.times) - 1))
    rng = np.random.default_rng(seed)
    fields = {name: values.copy() for name, values in panel.fields.items() if name != "total_return"}
    for array in fields.values():
        array[rows:] = rng.uniform(0.5, 90, array[rows:].shape)
    tradable = panel.tradable.copy()
    tradable[rows:] = True
    scrambled = make_panel(panel.times, panel.instruments, fields, tradable)
    cut_path = replace(
        world.path, decided=(d := world.path.decided[world.path.decided < rows]), net=world.path.net[: len(d)]
    )
    ends = panel.known_at[rows - 1, 0]
    shorter = panel.until(ends)
    worlds = [replace(world, panel=scrambled)]
    if shorter.keys == panel.keys:
        worlds.append(replace(world, panel=shorter, path=cut_path))
    for other in worlds:
        result = other.play()
        n = rows - first
        for name in ("returns", "equity", "cash", "quantities", "marks"):
            np.testing.assert_array_equal(getattr(result, name)[:n], getattr(whole, name)[:n], err_msg=name)
        known = [e for e in whole.events if e.row < rows]
        assert [e for e in result.events if e.row < rows] == known


@CONVENTIONS
@given(seed=SEEDS, scale=st.sampled_from([1e-6, 1e3, 1e9]))
@quick
def test_the_unit_of_prices_does_not_matter(convention: Convention, seed: int, scale: float) -> None:
    world = scenario(seed, convention)
    priced = {name: world.panel.fields[name] * scale for name in ("close", "open", "dividend")}
    fields = {name: values for name, values in world.panel.fields.items() if name != "total_return"} | priced
    panel = make_panel(world.panel.times, world.panel.instruments, fields, world.panel.tradable)
    result, scaled = world.play(), replace(world, panel=panel).play()
    np.testing.assert_allclose(scaled.equity, result.equity, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(scaled.quantities * scale, result.quantities, rtol=1e-9, atol=1e-12)


@CONVENTIONS
@given(seed=SEEDS)
@quick
def test_the_order_of_names_does_not_matter(convention: Convention, seed: int) -> None:
    world = scenario(seed, convention)
    order = np.random.default_rng(seed).permutation(len(world.path.keys))
    path = replace(world.path, keys=tuple(world.path.keys[j] for j in order), net=world.path.net[:, order])
    result, other = world.play(), replace(world, path=path).play()
    np.testing.assert_allclose(other.equity, result.equity, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(other.quantities, result.quantities[:, order], rtol=1e-12, atol=1e-12)


@CONVENTIONS
@given(seed=SEEDS, bps=st.floats(0, 500))
@quick
def test_a_single_trade_costs_exactly_its_notional_times_the_rate(
    convention: Convention, seed: int, bps: float
) -> None:
    """With one fill, no close-out and no interest, final equity falls by rate x traded, whatever the signs."""
    world = scenario(seed, convention, rough=False, gross=0.5)
    path = WeightPath(keys=world.path.keys, decided=np.array([0]), net=world.path.net[:1])
    costs = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)
    free = replace(world, path=path, costs=costs).play()
    charged = replace(world, path=path, costs=replace(costs, slippage_bps=bps)).play()
    if charged.failure is None:
        assert charged.equity[-1] == pytest.approx(free.equity[-1] - bps * 1e-4 * free.traded[0], rel=1e-12, abs=1e-12)


@given(seed=SEEDS, low=st.floats(0, 100), more=st.floats(0, 100))
@quick
def test_costs_only_hurt_an_unlevered_long_book(seed: int, low: float, more: float) -> None:
    """Under same_close, weights >= 0 that leave 5 % cash, prices that at most halve or double between decisions.

    Then a higher rate never ends higher: the poorer book holds less of everything, and what it saves on its smaller
    trades (at most 1 % of the gap in each of value and target) is less than the gap itself. Without these bounds it
    is false: who has less to lose may end with more.
    """
    rng = np.random.default_rng(seed)
    rows, names = 20, 4
    close = 10 * np.cumprod(rng.uniform(0.5, 2.0, (rows, names)), axis=0)
    times = np.datetime64("2020-01-01", "us") + np.arange(rows) * DAY
    spot = frozenset({Kind.SPOT})
    instruments = tuple(Instrument(symbol=f"X:N{j}", kinds=spot, currency="USD", calendar="24x7") for j in range(names))
    panel = make_panel(times, instruments, {"close": close}, np.ones(close.shape, bool))
    net = rng.dirichlet(np.ones(names), rows) * rng.uniform(0, 0.95, (rows, 1))
    path = WeightPath(keys=panel.keys, decided=np.arange(rows), net=net)
    ends = [
        simulate(panel, path, costs=CostModel(slippage_bps=bps, commission_bps=0.0),
                 execution=Execution(convention=Convention.SAME_CLOSE)).equity
        for bps in (min(low, 100.0), min(low + more, 100.0))
    ]  # fmt: skip
    assert (ends[1] <= ends[0] * (1 + 1e-12)).all()
