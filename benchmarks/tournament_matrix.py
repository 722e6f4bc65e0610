"""The tournament's matrix: what it costs beside solving and playing, and beside skfolio's `cross_val_predict`.

Run as `python benchmarks/tournament_matrix.py [--windows 20] [--jobs 1 2]`. The market is that of `run_at_scale.py`,
100 names. Three selections x three engines x seven risk profiles x two simulators are 126 cells, and four baselines of
these stand beside them. What is timed is stage 15: decisions, books, ledger and result tables, from a panel in memory.

- Solving is `allocate`, of whatever engine; playing is what simulators do, the books of the friction audit among it.
  Seconds of them and of the whole are CPU seconds of one process, so that a busy machine says the same.
- Cells per second are of the house's own engine and simulator, by CPU seconds, and by the clock on one and two
  processes.
- Growth with windows is of the same, from 20 to 80 windows.
- Speed-up is by the clock, of all 126 cells: it needs a machine with nothing else to do.
- skfolio can express one selection (of everybody), its own engine, one simulator without costs, and windows of equal
  length; it keeps no ledger. Both get the same windows, names, estimates and caps, and the weights are compared.

Exit 1 when a number of jobs changes the result, weights differ, or a target is missed.
"""

import argparse
import math
import multiprocessing
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from run_at_scale import market, spent

NAMES, WARM, STEP = 100, 200, 20
ENGINES, SIMULATORS = ("custom", "skfolio", "riskfolio"), ("custom", "vectorbt")
RISK_PROFILES = ("barbell", "min_variance", "risk_parity", "hrp", "max_sharpe", "herc", "nco")
SELECTIONS = {"v3.2": {"model": "v3.2"}, "v3.4": {"model": "v3.4"}}
OVERHEAD_MS, CELLS_PER_SECOND, EXPONENT, SPEED_UP, DIFFERENCE = 1.0, 200.0, 1.05, 1.7, 1e-4
SCALE, TIGHT = 1e4, {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12}
"""How skfolio's programs are solved: as they come, their gap is wider than the difference that is looked for."""
LARGER = 4
"""Times as many windows, where growth is measured."""


@dataclass(frozen=True)
class Played:
    """What one matrix took: seconds by the clock and of computation, by part, GB at the peak, and its digest."""

    cells: int
    cell_windows: int
    wall: float
    cpu: float
    parts: Counter
    peak: float
    digest: str


def profile(engines: Sequence[str], simulators: Sequence[str], start: str, **keys):
    """A profile of the grid; `keys` are others to be set, `data__span` being data.span."""
    from tvquant.app.vocabulary import vocabulary
    from tvquant.profiles import load, resolve

    asked = {
        "allocation__profiles": list(RISK_PROFILES), "allocation__engines": list(engines),
        "execution__simulators": list(simulators), "grid__selections": SELECTIONS, "data__start": start,
        "benchmark__market": ["X:N0000"], "costs__borrow_rate": 0.0, "execution__buffer": 0.005, **keys,
    }  # fmt: skip
    arguments = {key: (key.replace("__", "."), value) for key, value in asked.items()}
    return resolve(load("crypto_spot"), vocabulary(), arguments=arguments).profile


def played(engines: Sequence[str], simulators: Sequence[str], windows: int, jobs: int, keys: dict) -> Played:
    """Play a matrix in this process, after what a process does once, which is no overhead of a cell-window.

    Two windows of the whole grid compile and import what it needs; the whole span with one risk profile draws the
    tables of noise that selections are held against, of every length of history in it.
    """
    panel = market(NAMES, WARM + STEP * windows)
    start = str(panel.times[WARM])[:10]
    once(profile(engines, simulators, str(panel.times[-2 * STEP])[:10], **keys), panel, jobs)
    plain = {"allocation__profiles": ["min_variance"], "risk__primary": "min_variance", "risk__anchors": []}
    once(profile(engines[:1], simulators[:1], start, **keys | plain), panel, jobs)
    found = once(profile(engines, simulators, start, **keys), panel, jobs)
    if jobs > 1:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=True)
    return found


def once(given, panel, jobs: int) -> Played:
    from tvquant.app.clock import SystemClock
    from tvquant.ledger import Ledger, genesis_entry
    from tvquant.ledger.result_store import ResultStore
    from tvquant.tournament.cells import cells
    from tvquant.tournament.matrix import NOTHING, play_matrix
    from tvquant.tournament.walk_forward import BacktestEngine, grids

    grid = cells(given)
    steps = grids(panel, [cell.path for cell in grid])
    with tempfile.TemporaryDirectory() as folder, timed() as parts:  # noqa: SIM117 (the ledger stands in the folder)
        with Ledger.create(Path(folder), run_id="bench", clock=SystemClock()) as ledger:
            ledger.record(
                genesis_entry(
                    run_id="bench", profile=given.name, code="c", manifest="m", environment="e",
                    train=given.windows.train, test=given.windows.test, step=given.windows.step,
                    lookback=given.data.lookback, selection=given.selection.model, rebalance="window",
                )
            )  # fmt: skip
            wall, cpu = time.perf_counter(), spent()
            matrix = play_matrix(
                BacktestEngine(panel, steps), grid, resumed=NOTHING, recorder=ledger,
                sink=ResultStore(Path(folder) / "results"), jobs=jobs, progress=int, settled=lambda *_: None,
            )  # fmt: skip
            wall, cpu = time.perf_counter() - wall, spent() - cpu
    if matrix.failed:
        raise RuntimeError(f"{len(matrix.failed)} cells failed: {next(iter(matrix.failed.values()))}")
    own, others = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB
    return Played(
        cells=len(grid),
        cell_windows=sum(len(steps[cell.path.schedule]) for cell in grid),
        wall=wall,
        cpu=cpu,
        parts=parts,
        peak=(own + (jobs * others if jobs > 1 else 0)) * unit / 1e9,
        digest=matrix.digest,
    )


@contextmanager
def timed() -> Iterator[Counter]:
    """CPU seconds of this process by part, while the block runs; of workers nothing is known."""
    import tvquant.tournament.cell_results as cell_results
    import tvquant.tournament.walk_forward as walk_forward

    decide = sys.modules["tvquant.tournament.decide"]
    parts: Counter = Counter()

    def of(part: str, work: Callable) -> Callable:
        def run(*given, **named):
            began = time.process_time()
            try:
                return work(*given, **named)
            finally:
                parts[part] += time.process_time() - began

        return run

    class Timed:
        def __init__(self, simulator) -> None:
            self.simulate = of("play", simulator.simulate)

    before = decide.allocate, walk_forward.prepare, walk_forward.SIMULATORS, cell_results.audit
    decide.allocate, walk_forward.prepare = of("solve", before[0]), of("prepare", before[1])
    walk_forward.SIMULATORS = {name: Timed(one) for name, one in before[2].items()}
    cell_results.audit = of("play", before[3])
    try:
        yield parts
    finally:
        decide.allocate, walk_forward.prepare, walk_forward.SIMULATORS, cell_results.audit = before


def alone(*asked) -> Played:
    """The matrix in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(played, *asked).result()


PLAIN = {
    "selection__model": "all", "grid__selections": {}, "data__lookback": 60, "allocation__profiles": [],
    "allocation__covariance__estimator": "oas",
    "allocation__l2": {"expansion": 0.0, "normal": 0.0, "inflationary_trend": 0.0, "stagnation": 0.0, "crisis": 0.0},
    "allocation__limits__cluster": 1.0, "allocation__limits__reference": None,
    "regime__caps": {"turbulent": None, "crisis": None},
}  # fmt: skip
"""What skfolio can express: everybody is selected, estimates are of the sample, one cap."""


def beside_skfolio(windows: int) -> bool:
    """Print both times over the same part of the grid, and whether the weights are the same."""
    from skfolio.measures import RiskMeasure
    from skfolio.model_selection import WalkForward, cross_val_predict
    from skfolio.moments import OAS
    from skfolio.optimization import EqualWeighted, InverseVolatility, MeanRisk, RiskBudgeting
    from skfolio.prior import EmpiricalPrior

    from tvquant.statistics.covariance import RIDGE
    from tvquant.tournament.cells import cells
    from tvquant.tournament.walk_forward import BacktestEngine, grids

    class Ridged(OAS):
        """With the house's ridge."""

        def fit(self, X, y=None):
            super().fit(X, y)
            self.covariance_ += (
                RIDGE * np.trace(self.covariance_) / len(self.covariance_) * np.eye(len(self.covariance_))
            )
            return self

    prior = EmpiricalPrior(covariance_estimator=Ridged())
    tight = {"prior_estimator": prior, "risk_measure": RiskMeasure.VARIANCE, "solver_params": TIGHT}
    models = {
        "equal_weight": EqualWeighted(),
        "inverse_volatility": InverseVolatility(prior_estimator=prior),
        "min_variance": MeanRisk(max_weights=0.25, scale_objective=SCALE, **tight),
        "risk_parity": RiskBudgeting(**tight),
    }
    panel = market(NAMES, WARM + STEP * windows)
    start = str(panel.times[WARM])[:10]
    keys = {**PLAIN, "allocation__profiles": list(models), "risk__primary": "min_variance", "risk__anchors": []}
    theirs: Counter = Counter()
    returns = panel.fields["total_return"][WARM - 60 :]
    cut = WalkForward(test_size=STEP, train_size=60)
    weights = {}
    for name, model in models.items():
        cross_val_predict(model, returns[: 60 + STEP], cv=cut)
        began = time.process_time()
        weights[name] = [one.weights for one in cross_val_predict(model, returns, cv=cut).portfolios]
        theirs[name] = time.process_time() - began
    print(f"\nbeside skfolio: everybody selected, {len(models)} risk profiles, {windows} windows, one book")
    total, worst = {"skfolio": sum(theirs.values())}, {}
    for engine in ("skfolio", "custom"):
        given = profile([engine], ["custom"], start, **keys)
        grid = [cell for cell in cells(given) if not cell.baseline]
        paths = [cell.path for cell in grid]
        steps = grids(panel, paths)
        next(BacktestEngine(panel, steps).play(paths))
        backtest = BacktestEngine(panel, steps)
        began, found = time.process_time(), {path.key: [] for path in paths}
        for one in backtest.play(paths):
            found[one.path.key].append(one.rebalance)
        for cell in grid:
            backtest.settle(cell, found[cell.path.key])
        total[f"tvquant, engine {engine}"] = time.process_time() - began
        for key, made in found.items():
            name = key.rpartition("/")[2]
            ours = np.array([[one.weights.get(symbol, 0.0) for symbol in panel.keys] for one in made])
            worst[name, engine] = float(np.abs(ours - np.array(weights[name])).max())
    for name, seconds in total.items():
        print(f"{name:<24} {1e3 * seconds / windows / len(models):>8.2f} CPU ms per cell-window")
    for name in models:
        parts = ", ".join(f"{engine} {worst[name, engine]:.1e}" for engine in ("skfolio", "custom"))
        print(f"{name:<24} {1e3 * theirs[name] / windows:>8.2f} CPU ms of skfolio's; weights of ours apart: {parts}")
    return told("weights apart from skfolio's", max(worst.values()), DIFFERENCE, "", most=True)


def told(what: str, value: float, target: float, unit: str, *, most: bool = False) -> bool:
    """Print a figure beside its target; return whether it is met."""
    met = value <= target if most else value >= target
    print(
        f"{what:<60} {value:>10.4g}{unit}  {'at most' if most else 'at least'} {target:g}: {'met' if met else 'MISSED'}"
    )
    return met


def main() -> int:
    """Print what each part took, then each target."""
    parser = argparse.ArgumentParser(description="The tournament's matrix, and skfolio's cross_val_predict.")
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{NAMES} names, {asked.windows} windows of {STEP} rows, 3 selections, {len(RISK_PROFILES)} risk profiles")
    print(
        f"{'':<24} {'jobs':>4} {'cells':>6} {'wall s':>8} {'CPU s':>8} {'solve':>8} {'play':>8} {'select':>8} {'GB':>6}"
    )

    def row(name: str, one: Played, jobs: int) -> Played:
        seconds = "".join(f" {one.parts[part]:>8.2f}" for part in ("solve", "play", "prepare"))
        print(
            f"{name:<24} {jobs:>4} {one.cells:>6} {one.wall:>8.2f} {one.cpu:>8.2f}{seconds} {one.peak:>6.2f}",
            flush=True,
        )
        return one

    own = row("custom", alone(("custom",), ("custom",), asked.windows, 1, {}), 1)
    two = row("custom", alone(("custom",), ("custom",), asked.windows, 2, {}), 2)
    long = row(f"custom, {LARGER} x windows", alone(("custom",), ("custom",), LARGER * asked.windows, 1, {}), 1)
    both = {jobs: row("all engines, simulators", alone(ENGINES, SIMULATORS, asked.windows, jobs, {}), jobs)
            for jobs in asked.jobs}  # fmt: skip
    met = []
    if 1 in both:
        whole = both[1]
        beside = whole.cpu - whole.parts["solve"] - whole.parts["play"]
        met.append(
            told(
                "beside solve and play, per cell-window",
                1e3 * beside / whole.cell_windows,
                OVERHEAD_MS,
                " ms",
                most=True,
            )
        )
    rate = own.cell_windows / own.cpu
    met.append(told("custom alone, cell-windows per CPU second", rate, CELLS_PER_SECOND, ""))
    for jobs, one in ((1, own), (2, two)):
        print(f"{f'the same by the clock, processes: {jobs}':<60} {one.cell_windows / one.wall:>10.4g}")
    met.append(told("exponent in windows", math.log(long.cpu / own.cpu) / math.log(LARGER), EXPONENT, "", most=True))
    if {1, 2} <= both.keys():
        met.append(told("speed-up from 1 to 2 processes, by the clock", both[1].wall / both[2].wall, SPEED_UP, ""))
    if len({one.digest for one in both.values()}) > 1 or own.digest != two.digest:
        print("the number of jobs changes the result", file=sys.stderr)
        met.append(False)
    with threadpool_limits(1):
        met.append(beside_skfolio(asked.windows))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
