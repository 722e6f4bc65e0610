"""Time min_variance, max_sharpe, hrp and erc beside four libraries, and check their answers while timing.

1. Programs: `allocate` with all its checks (feasible set, proof, verification) under a cap of 25 % a name, beside each
   library as it comes and tuned (`allocation_peers`), and beside a bare solve by DAQP. The gap is how far a library's
   objective is from ours, as a share. The target is against the fastest library that gets within 1e-9. What we take
   beyond the bare solve is told twice at 20 names: of the engine `custom` (a problem and its feasible set in, proved
   weights out), which has the target, and of the whole `allocate`, which also derives the set and verifies every limit.
2. erc: every contribution to the variance is 1 / N, ours to 1e-8, theirs to 1e-6. The target is for the method, from
   the covariance to weights; `allocate` with its checks stands beside.
3. hrp: our order of leaves is the shortest, theirs is scipy's; in their order our weights are theirs to 1e-8.
4. A walk of 100 windows over 50 names, beside skfolio's WalkForward with our estimate of the covariance on both sides:
   the same returns out of sample.

Times are CPU seconds, the least of several runs, on one thread. Exit 1 when a target is missed.
"""

import sys
import time
import warnings
from collections.abc import Callable, Mapping
from functools import cache

import daqp
import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform
from skfolio.model_selection import WalkForward, cross_val_predict
from skfolio.moments import BaseCovariance
from skfolio.optimization import MeanRisk
from skfolio.prior import EmpiricalPrior
from threadpoolctl import threadpool_limits

from allocation_peers import erc, hrp, max_sharpe, min_variance
from tvquant.allocation import allocate
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines.catalogue import ENGINES
from tvquant.allocation.engines.custom import risk_parity
from tvquant.allocation.engines.custom.hrp import weights_in_order
from tvquant.allocation.risk.catalogue import RISK_PROFILES
from tvquant.core.problems import Covariance, Limits, Problem
from tvquant.core.streams import Composition
from tvquant.statistics import Estimates, correlation_distance, dendrogram, estimate

ROWS, CAP = 252, 0.25
SIZES = (20, 100, 500)
GAP = 1e-9
PROGRAM_TARGETS = {20: 20.0, 100: 20.0, 500: 8.0}
"""Least ratio of the fastest library within the gap to ours, by number of names."""
HRP_TARGETS = {20: 5.0, 100: 15.0, 500: 10.0}
ERC_TARGET, WALK_TARGET = 100.0, 20.0
OVERHEAD = 0.05e-3
"""Most CPU seconds of the engine beyond a bare solve, at 20 names."""
SAMPLE = Estimates(means="sample")
OURS, DAQP, ENGINE = "tvquant", "DAQP alone", "engine"
WINDOWS, WALK_NAMES, STEP = 100, 50, 20


type Timed = tuple[float, np.ndarray]


def timed(run: Callable[[], np.ndarray], seconds: float = 0.5) -> Timed:
    """Least CPU seconds of at least three runs after a warm one, and the last answer; slow ones run twice in all."""
    start = time.process_time()
    answer = run()
    times = [time.process_time() - start]
    while len(times) < 4 or sum(times) < seconds:
        if len(times) > 1 and times[0] > 4.0 * seconds:
            break
        start = time.process_time()
        answer = run()
        times.append(time.process_time() - start)
    return min(times), answer


def in_turns(runs: Mapping[str, Callable[[], np.ndarray]], rounds: int = 2) -> dict[str, Timed | Exception]:
    """Each one's least CPU seconds and answer, timed by turns: a machine's pace changes; what fails is its error."""
    found: dict[str, Timed | Exception] = {}
    for _ in range(rounds):
        for what, run in runs.items():
            known = found.get(what)
            if isinstance(known, Exception):
                continue
            try:
                spent, answer = timed(run)
            except Exception as error:  # noqa: BLE001 (a library that fails is a row of the table)
                found[what] = error
                continue
            found[what] = (spent if known is None else min(spent, known[0])), answer
    return found


def market(n: int, rows: int = ROWS) -> np.ndarray:
    rng = np.random.default_rng(n)
    common = rng.normal(0.0, 0.01, (rows, 1))
    returns = common * rng.uniform(0.3, 1.7, n) + rng.normal(0.0, 1.0, (rows, n)) * rng.uniform(0.005, 0.02, n)
    return returns - returns.mean(axis=0) + rng.uniform(-0.0002, 0.001, n)  # so that there is a best ratio


@cache
def names(n: int) -> tuple[tuple[str, ...], Composition]:
    """What the columns are called, and that each is one unit of itself: made once, as the labels of a table are."""
    keys = tuple(f"N{i}" for i in range(n))
    return keys, {key: {key: 1.0} for key in keys}


def problem_of(returns: np.ndarray, found: Covariance, cap: float) -> Problem:
    n = returns.shape[1]
    keys, composition = names(n)
    return Problem(
        keys=keys, returns=returns, covariance=found, composition=composition,
        clusters=tuple(range(n)), limits=Limits(gross=1.0, net=(-1.0, 1.0), position=cap, cluster=cap),
        previous=np.zeros(n),
    )  # fmt: skip


def weighed(problem: Problem, risk_profile: str) -> np.ndarray:
    return np.array(list(allocate(problem, engine="custom", risk_profile=risk_profile).weights.values()))


def engine_of(problem: Problem, risk_profile: str) -> Callable[[], np.ndarray]:
    """The engine alone, in a feasible set that is ready: its answer is proved, not verified."""
    feasible, profile = feasible_set(problem), RISK_PROFILES[risk_profile]
    return lambda: ENGINES["custom"].solve(problem, feasible, profile, ()).weights


def row(*cells: object) -> None:
    print("  ".join(f"{cell:>{width}}" for cell, width in zip(cells, (12, 4, 20, 10, 8, 9), strict=True)))


def said(met: bool, what: str) -> bool:
    print(f"{'met' if met else 'MISSED':>16}: {what}\n")
    return met


def bare(found: Covariance, cap: float) -> Callable[[], np.ndarray]:
    """DAQP alone, on arrays that are ready: the least variance, without a check."""
    n = len(found.matrix)
    hessian, nothing, ones = found.matrix / (found.matrix.trace() / n), np.zeros(n), np.ones((1, n))
    above, below = np.append(np.full(n, cap), 1.0), np.append(np.zeros(n), 1.0)
    sense = np.zeros(n + 1, np.int32)
    sense[n] = 5
    return lambda: daqp.solve(hessian, nothing, ones, above, below, sense)[0]


def bare_ratio(found: Covariance, cap: float) -> Callable[[], np.ndarray]:
    n = len(found.matrix)
    hessian, nothing = found.matrix / (found.matrix.trace() / n), np.zeros(n)
    rows = np.vstack((found.means / found.means.max(), np.eye(n) - cap))
    above, below = np.zeros(2 * n + 1), np.full(2 * n + 1, -1e30)
    above[:n], below[:n], above[n], below[n] = 1e30, 0.0, 1.0, 1.0
    sense = np.zeros(2 * n + 1, np.int32)
    sense[n] = 5

    def solve() -> np.ndarray:
        raw = daqp.solve(hessian, nothing, rows, above, below, sense)[0]
        return raw / raw.sum()

    return solve


def programs(n: int) -> bool:
    returns = market(n)
    found = estimate(returns, SAMPLE)
    problem = problem_of(returns, found, CAP)

    def variance(w: np.ndarray) -> float:
        return float(w @ found.matrix @ w)

    def inverse_ratio(w: np.ndarray) -> float:
        return float(np.sqrt(w @ found.matrix @ w) / (w @ found.means))

    met = []
    for name, objective, peers, alone in (
        ("min_variance", variance, min_variance, bare),
        ("max_sharpe", inverse_ratio, max_sharpe, bare_ratio),
    ):
        runs = {OURS: lambda name=name: weighed(problem, name), DAQP: alone(found, CAP)}
        if n == min(SIZES):
            runs[ENGINE] = engine_of(problem, name)
        times = in_turns(runs | peers((returns, found), CAP))
        (seconds, weights), (raw, _) = times.pop(OURS), times.pop(DAQP)
        engine = times.pop(ENGINE, None)
        row(name, n, OURS, f"{seconds * 1e3:.3f}", "", "")
        row(name, n, DAQP, f"{raw * 1e3:.3f}", f"{raw / seconds:.1f}x", "")
        own = objective(weights)
        reached = _beside(name, n, times, seconds, lambda w, f=objective, own=own: f(w) / own - 1.0)
        ratio, target = min(reached) / seconds, PROGRAM_TARGETS[n]
        met.append(said(ratio >= target, f"{ratio:.0f}x the fastest within {GAP:g}, target {target:g}x"))
        if engine is not None:
            over = engine[0] - raw
            print(f"{'':>16}  allocate: {(seconds - raw) * 1e3:.3f} ms beyond DAQP alone")
            met.append(
                said(over <= OVERHEAD, f"engine: {over * 1e3:.3f} ms beyond DAQP alone, target {OVERHEAD * 1e3:g} ms")
            )
    return all(met)


def _beside(
    name: str, n: int, peers: Mapping[str, Timed | Exception], seconds: float, gap: Callable[[np.ndarray], float]
) -> list[float]:
    """Print each library's time and gap; return the times of those within the gap."""
    reached = []
    for peer, found in peers.items():
        if isinstance(found, Exception):
            row(name, n, peer, type(found).__name__[:10], "", "")
            continue
        spent, weights = found
        off = gap(np.asarray(weights, dtype=float))
        row(name, n, peer, f"{spent * 1e3:.2f}", f"{spent / seconds:.0f}x", f"{off:.0e}")
        if abs(off) <= GAP:
            reached.append(spent)
    return reached or [np.inf]


def equal_risk(n: int) -> bool:
    returns = market(n)
    found = estimate(returns, SAMPLE)
    problem = problem_of(returns, found, 1.0)

    def unequal(w: np.ndarray) -> float:
        shares = w * (found.matrix @ w) / (w @ found.matrix @ w)
        return float(np.abs(n * shares - 1.0).max())

    whole, weights = timed(lambda: weighed(problem, "risk_parity"))
    seconds, bare_weights = timed(lambda: risk_parity.solve(found).weights)
    row("erc", n, "tvquant, checked", f"{whole * 1e3:.3f}", "", f"{unequal(weights):.0e}")
    row("erc", n, "tvquant, method", f"{seconds * 1e3:.3f}", "", f"{unequal(bare_weights):.0e}")
    times = []
    for peer, run in erc((returns, found)).items():
        spent, theirs = timed(run)
        row("erc", n, peer, f"{spent * 1e3:.2f}", f"{spent / seconds:.0f}x", f"{unequal(theirs / theirs.sum()):.0e}")
        times.append(spent)
    ratio, exact = min(times) / seconds, unequal(weights) <= 1e-8
    return said(ratio >= ERC_TARGET and exact, f"{ratio:.0f}x the fastest, target {ERC_TARGET:g}x; ours equal to 1e-8")


def hierarchical(n: int) -> bool:
    returns = market(n)
    found = estimate(returns, SAMPLE)
    problem = problem_of(returns, found, 1.0)
    deviation = np.sqrt(np.diag(found.matrix))
    distance = correlation_distance(found.matrix / np.outer(deviation, deviation))
    leaves = leaves_list(linkage(squareform(distance, checks=False), "ward", optimal_ordering=True))
    own = list(dendrogram(distance).leaves)
    in_their_order = weights_in_order(found.matrix, leaves)
    seconds, _ = timed(lambda: weighed(problem, "hrp"))
    row("hrp", n, "tvquant", f"{seconds * 1e3:.3f}", "", "")
    apart, times = {}, {}
    for peer, run in hrp((returns, found)).items():
        times[peer], theirs = timed(run)
        apart[peer] = float(np.abs(theirs - in_their_order).max())
        row("hrp", n, peer, f"{times[peer] * 1e3:.2f}", f"{times[peer] / seconds:.0f}x", f"{apart[peer]:.0e}")
    longer = distance[leaves[1:], leaves[:-1]].sum() / distance[own[1:], own[:-1]].sum() - 1.0
    ratio, target = times["skfolio"] / seconds, HRP_TARGETS[n]
    return said(
        ratio >= target and max(apart["skfolio"], apart["riskfolio"]) <= 1e-8 and longer >= -1e-12,
        f"{ratio:.0f}x skfolio, target {target:g}x; scipy's order is {100.0 * longer:.2g} % longer than ours",
    )


class House(BaseCovariance):
    """Our estimate of the covariance, in skfolio's walk."""

    def fit(self, X, y=None):  # noqa: ARG002 (skfolio's signature)
        self.covariance_ = estimate(np.asarray(X), SAMPLE).matrix
        return self


def walk() -> bool:
    returns = market(WALK_NAMES, ROWS + WINDOWS * STEP)

    def ours() -> np.ndarray:
        out = []
        for start in range(0, WINDOWS * STEP, STEP):
            train = returns[start : start + ROWS]
            weights = weighed(problem_of(train, estimate(train, SAMPLE), CAP), "min_variance")
            out.append(returns[start + ROWS : start + ROWS + STEP] @ weights)
        return np.concatenate(out)

    model = MeanRisk(
        max_weights=CAP, prior_estimator=EmpiricalPrior(covariance_estimator=House()), scale_objective=1e4,
        solver_params={"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12},
    )  # fmt: skip
    fold = WalkForward(train_size=ROWS, test_size=STEP)
    runs = {OURS: ours, "theirs": lambda: np.asarray(cross_val_predict(model, returns, cv=fold).returns)}
    (seconds, out), (spent, theirs) = in_turns(runs, 3).values()
    apart = float(np.abs(out - theirs).max())
    row("walk forward", WALK_NAMES, OURS, f"{seconds * 1e3:.1f}", "", "")
    row("walk forward", WALK_NAMES, "skfolio tuned", f"{spent * 1e3:.0f}", f"{spent / seconds:.0f}x", f"{apart:.0e}")
    return said(
        len(out) == len(theirs) and apart <= 1e-8 and spent / seconds >= WALK_TARGET,
        f"{spent / seconds:.0f}x over {WINDOWS} windows, target {WALK_TARGET:g}x; returns out of sample equal to 1e-8",
    )


def main(sizes: tuple[int, ...] = SIZES) -> int:
    warnings.filterwarnings("ignore")  # of inaccurate solutions; how accurate they are is the last column
    row("profile", "N", "", "CPU ms", "ratio", "gap")
    with threadpool_limits(1):
        met = [check(n) for check in (programs, equal_risk, hierarchical) for n in sizes]
        met.append(walk())
    print(f"targets: {'met' if all(met) else 'MISSED'}")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main(tuple(map(int, sys.argv[1:])) or SIZES))
