"""Compile the kernels once into the cache: `python -m tvquant.app.warm [PARENT]`; it ends with that process."""

import sys
from collections.abc import Sequence
from functools import cache

import numpy as np

from tvquant.allocation.engines.custom.hrp import hrp_weights
from tvquant.app.ahead import marker
from tvquant.app.vocabulary import vocabulary
from tvquant.core.books import Convention, CostModel, Execution
from tvquant.core.calendars import CRYPTO, calendar
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.neutrality import MARKET_NEUTRAL
from tvquant.core.panel import Basis, Panel
from tvquant.core.stamps import NONE
from tvquant.features import TERMS, compute, history
from tvquant.features.oscillator_votes import judge_oscillators, oscillator_tally
from tvquant.features.oscillators import CCI, ULTIMATE_LENGTH, Oscillators, commodity_channel, ultimate
from tvquant.features.rating_rules import LIBRARY_V3
from tvquant.features.ratings import mean_of_both, moving_average_tally
from tvquant.profiles import load, resolve
from tvquant.simulation.batch import play_books
from tvquant.statistics import efficiency_ratio, hurst, permutation_entropy
from tvquant.statistics.kernels import best_mean, by_series, moments_of, worst_mean
from tvquant.tournament.backends.local_process import end_with
from tvquant.tournament.cells import books, crossed, paths
from tvquant.tournament.walk_forward import BacktestEngine
from tvquant.tournament.windows import Schedule

ROWS, NAMES = 240, 6
LISTED = 100
"""The row at which the last name is listed; it has a hole later."""


def main(parent: int | None) -> None:
    """Compile what a run needs first, then what settles its books, then every feature, and leave the marker.

    Where nobody's run is waited for, what plays many books at once is compiled too: no run does that.
    """
    if parent is not None:
        end_with(parent)
    panel = _market()
    _first_window_backwards(panel)
    _play(panel)
    history(panel, TERMS, rating_min_bars=1)
    compute(panel.until(panel.known_at[LISTED - 1, 0]), TERMS, rating_min_bars=1)
    if parent is None:
        _play_crowds(panel)
    marker().touch()


def _first_window_backwards(panel: Panel) -> None:
    """Use what a first window of equities uses, last things first: a command beside comes from the other end."""
    close = panel.fields["close"].copy()  # what a window works on can be written
    returns = np.diff(close, axis=0) / close[:-1]
    hrp_weights(np.diag(np.arange(1.0, NAMES + 1.0)))
    efficiency_ratio(returns)
    permutation_entropy(returns)
    hurst(returns)
    series = by_series(returns)
    worst_mean(series, 0.05)
    best_mean(series, 0.95)
    moments_of(series)
    none = np.zeros((2, 1, NAMES), np.int8)
    mean_of_both(none, none)
    judge_oscillators(Oscillators(*([close.T] * len(Oscillators._fields))), LIBRARY_V3)
    ultimate(close, close, close, ULTIMATE_LENGTH, 1)
    commodity_channel(close, CCI, 1)
    oscillator_tally(close, close, close, rows=1)
    moving_average_tally(close, close, close, None, rows=1)


@cache  # once per process
def warm_up() -> None:
    """Load what tasks of a matrix use, modules and kernels; nothing where another process still compiles these."""
    if marker().exists():
        _play(_market(), ("hrp", "max_sharpe"))


def _play(panel: Panel, risk_profiles: Sequence[str] = ()) -> None:
    """Play the last windows of a small random market through these risk profiles, every one if none.

    Kernels are compiled for whole panels and for views of some columns, which lie otherwise in memory.
    """
    profile = resolve(
        load("crypto_spot"),
        vocabulary(),
        arguments={
            "warm": (
                "allocation.profiles",
                list(risk_profiles) or sorted(vocabulary().risk_profiles - {MARKET_NEUTRAL}),
            ),
            "market": ("benchmark.market", []),
            "weights": ("allocation.fixed.weights", {"A:0": 0.2}),
        },
    ).profile
    schedule = Schedule(train=200, test=20, step=20, span=None)
    played = crossed(paths(profile, [schedule]), books(profile))
    engine = BacktestEngine(panel, {schedule: schedule.windows(panel.times, panel.calendar)})
    made = list(engine.play([cell.path for cell in played]))
    for cell in played:
        engine.settle(cell, [one.rebalance for one in made if one.path is cell.path])


def _play_crowds(panel: Panel) -> None:
    """Play two books at once, and one by the shorter way for a single plain one."""
    keys, decided = panel.keys[:2], np.array([0, LISTED])
    net, execution = np.full((2, len(decided), len(keys)), 0.2), Execution(convention=Convention.NEXT_CLOSE)
    play_books(panel, keys, decided, net, costs=CostModel(), execution=execution)
    play_books(panel, keys, decided, net[:1], costs=CostModel(borrow_rate=0.0), execution=execution)


def _market() -> Panel:
    """Return random walks of a few spot pairs with volume."""
    times = np.arange(ROWS).astype("datetime64[D]").astype("datetime64[us]")
    close = 100.0 * np.exp(np.random.default_rng(0).normal(0.0, 0.02, (ROWS, NAMES)).cumsum(axis=0))
    close[:LISTED, -1] = close[LISTED + 20 : LISTED + 30, -1] = np.nan
    return Panel(
        times=times,
        instruments=tuple(
            Instrument(symbol=f"A:{k}", kinds=frozenset({Kind.SPOT}), currency="USD", calendar=CRYPTO)
            for k in range(NAMES)
        ),
        fields=dict.fromkeys(("open", "high", "low", "close", "volume"), close),
        known_at=np.broadcast_to(calendar(CRYPTO).known_at(times)[:, None], close.shape),
        tradable=~np.isnan(close),
        bases=(Basis.RAW,) * NAMES,
        stamps=(NONE,) * NAMES,
        calendar=CRYPTO,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else None)
