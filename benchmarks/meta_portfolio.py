"""Time a meta-portfolio from the streams of its sleeves to the weights of one account, and keep it beside bt.

20 sleeves of 15 names each, on 400 instruments of five sectors and 2500 days; every 20 days the sleeves decide and are
weighed. Joined, weighed by HRP and netted: drift of shares and sizes, clusters of some 200 names by three lookbacks at
each of the dates, caps, records and digests. Times are of the thread's own work on one BLAS thread, best of many.

bt (if TVQUANT_BT names a folder that has it) trades the same net weights at the same closes without costs, and so do
we; the equity paths must be equal. Exit 1 when a target is missed.
"""

import os
import sys
import time

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from simulator_world import SAME_CLOSE, TARGET_DIFFERENCE, best_of, told
from tvquant.core.atoms import Direction
from tvquant.core.books import CostModel
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Floats, Panel
from tvquant.core.problems import Limits
from tvquant.core.sleeves import HeldAtom, Sleeve, SleeveDecision, Solves
from tvquant.core.stamps import NONE
from tvquant.simulation import SIMULATORS
from tvquant.statistics.covariance import HOUSE
from tvquant.tournament.path_holdings import weight_path
from tvquant.tournament.sleeves.join import joined
from tvquant.tournament.sleeves.netting import NettedBook, netted
from tvquant.tournament.sleeves.specs import MetaSpec, UnionRules
from tvquant.tournament.sleeves.weighing import weighed

SLEEVES, HELD, ROWS, NAMES, SECTORS, EVERY, TRAIN = 20, 15, 2500, 400, 5, 20, 60
TARGET_SECONDS, TARGET_RATIO = 0.5, 500.0
DAY = np.timedelta64(1, "D")
SPEC = MetaSpec(
    engine="custom", risk_profile="hrp", fallbacks=(), bounds=(0.0, 0.5), train=TRAIN, step=EVERY, estimates=HOUSE
)
RULES = UnionRules(
    limits=Limits(gross=1.0, net=(-1.0, 1.0), position=0.25, cluster=0.15),
    distance=0.5, linkage="ward", most=25, lookbacks=(60, 120, 200),
)  # fmt: skip
FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)


def market() -> Panel:
    """Stocks that follow their sector."""
    rng = np.random.default_rng(0)
    sectors = rng.normal(2e-4, 0.01, (ROWS, SECTORS))
    own = rng.standard_t(4, (ROWS, NAMES)) * rng.uniform(0.003, 0.01, NAMES)
    moves = np.maximum(sectors[:, np.arange(NAMES) % SECTORS] * rng.uniform(0.5, 1.5, NAMES) + own, -0.5)
    close = 100.0 * np.cumprod(1.0 + moves, axis=0)
    times, stock = np.datetime64("2015-01-01", "us") + np.arange(ROWS) * DAY, frozenset({Kind.STOCK})
    return Panel(
        times=times,
        instruments=tuple(
            Instrument(symbol=f"X:N{j:03d}", kinds=stock, currency="USD", calendar="24x7") for j in range(NAMES)
        ),
        fields={"close": close},
        known_at=np.broadcast_to((times + DAY)[:, None], close.shape),
        tradable=np.ones(close.shape, np.bool_),
        bases=(Basis.TOTAL,) * NAMES,
        stamps=(frozenset(),) * NAMES,
        calendar="24x7",
    )


def sleeve(k: int, panel: Panel) -> Sleeve:
    """A sleeve of even weights of names drawn anew at every date, a third of them short, and its level."""
    rng, close, side = np.random.default_rng(k), panel.fields["close"], (Direction.LONG, Direction.SHORT)
    made, level, worth = [], np.ones(ROWS), 1.0
    for row in range(0, ROWS - 1, EVERY):
        names, short = rng.choice(NAMES, HELD, replace=False), rng.random(HELD) < 1.0 / 3.0
        made.append(
            SleeveDecision(
                at=panel.times[row],
                atoms=tuple(
                    HeldAtom(f"{panel.keys[j]}_trend_{side[s]}", panel.keys[j], side[s], 1.0 / HELD)
                    for j, s in zip(names.tolist(), short.tolist(), strict=True)
                ),
            )
        )
        behind = slice(row + 1, min(row + EVERY, ROWS - 1) + 1)
        level[behind] = worth * (1.0 + (close[behind, names] / close[row, names] - 1.0) @ np.where(short, -1, 1) / HELD)
        worth = level[behind.stop - 1]
    return Sleeve(
        name=f"s{k:02d}", profile="bench", run="bench", result="", cell="v4/custom/hrp/custom", calendar="24x7",
        times=panel.times, levels=level, decisions=tuple(made), solves=Solves(solved=1, asked=1), conventions={},
        stamps=NONE,
    )  # fmt: skip


def whole(sleeves: list[Sleeve], panel: Panel) -> NettedBook:
    """From streams to the account's weights."""
    return netted(sleeves, weighed(joined(sleeves), SPEC, "24x7"), panel, RULES)


def by_bt(panel: Panel, net: Floats, rows: list[int]) -> tuple[float, Floats]:
    """Seconds of bt's run of these weights, and its equity at every row."""
    import bt

    index = pd.DatetimeIndex(panel.times)
    prices = pd.DataFrame(panel.fields["close"], index, list(panel.keys))
    targets = pd.DataFrame(net, index[rows], list(panel.keys))
    strategy = bt.Strategy("meta", [bt.algos.WeighTarget(targets), bt.algos.Rebalance()])
    test = bt.Backtest(strategy, prices, integer_positions=False, initial_capital=1e6, progress_bar=False)
    start = time.thread_time()
    test.run()
    return time.thread_time() - start, test.strategy.values.to_numpy()[-len(index) :] / 1e6


def main() -> int:
    panel = market()
    sleeves = [sleeve(k, panel) for k in range(SLEEVES)]
    with threadpool_limits(1):
        seconds = best_of(lambda: whole(sleeves, panel))
        common = joined(sleeves)
        path = weighed(common, SPEC, "24x7")
        parts = [best_of(run, 0.5) for run in (lambda: joined(sleeves), lambda: weighed(common, SPEC, "24x7"))]
        book = whole(sleeves, panel)
        weights = weight_path(panel, book.rebalances)
        account = SIMULATORS["custom"].simulate(panel, weights, (), costs=FREE, execution=SAME_CLOSE)
        playing = best_of(
            lambda: SIMULATORS["custom"].simulate(panel, weights, (), costs=FREE, execution=SAME_CLOSE), 0.5
        )
    held = [len(one.weights) for one in book.rebalances]
    capped = [one.moved for one in book.rebalances]
    print(
        f"{SLEEVES} sleeves x {ROWS} days x {NAMES} instruments, {len(path.decisions)} dates, {max(held)} names at most"
    )
    print(f"caps take {np.mean(capped):.3f} of equity on average; join {parts[0]:.3f} s, allocation {parts[1]:.3f} s")
    print(f"the account of the weights: {playing * 1e3:.1f} ms")
    met = [told("join, allocate and flatten", seconds, TARGET_SECONDS, " s", most=True)]
    if "TVQUANT_BT" in os.environ:
        sys.path.append(os.environ["TVQUANT_BT"])
        theirs, equity = by_bt(panel, weights.net, weights.decided.tolist())
        apart = float(np.abs(equity[-len(account.equity) :] / account.equity - 1.0).max())
        print(f"bt on the same weights: {theirs:.1f} s")
        met += [
            told("the account of the weights against bt", theirs / playing, TARGET_RATIO),
            told("equity apart from bt's, relative", apart, TARGET_DIFFERENCE, "", most=True),
        ]
    else:
        print("no bt: TVQUANT_BT")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
