"""Time selection model v4 from returns to winners on pools of different sizes, each of its stages, and peers beside it.

The pool is half longs and half shorts on assets with a common factor; the first, warming run compiles kernels and
draws the noise of the vetoes, and is not counted. Times are CPU seconds of one BLAS thread, so that a machine that is
busy with other work gives the same figures.

Peers, in the same run, on some names, scaled to all: entropy from antropy, the Hurst exponent from hurst (if
TVQUANT_HURST names a folder that has it), moments, tails and efficiency from pandas. Entropy, moments and the tail are
held equal to theirs. The exponent of hurst is another estimate: its windows are not ours.

Exit 1 when a target is missed: seconds for the largest usual pool, times faster than the peers, and the growth of all
but the linkage, time ~ N^exponent (R-SEL-14).
"""

import importlib
import math
import os
import resource
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from tvquant.app.vocabulary import vocabulary
from tvquant.core.atoms import Atom, AtomPool, Direction
from tvquant.core.features import FeatureSet
from tvquant.core.panel import Floats
from tvquant.core.streams import Streams
from tvquant.profiles import load, resolve
from tvquant.profiles.sections.selection import SelectionSection
from tvquant.selection import SELECTION_MODELS, VETOES, SelectionContext, SelectionPipeline
from tvquant.selection.stages.feature_engineering import TERMS
from tvquant.statistics import (
    correlation_distance,
    cvar,
    efficiency_ratio,
    hurst,
    merges,
    moments,
    permutation_entropy,
    tail_gain,
)

SIZES = (100, 300, 1000, 4000)
ROWS, USUAL, SAMPLE, LAST = 500, 1000, 20, 120
TARGET_SECONDS = 0.05
TARGET_RATIO = 20.0
TARGET_EXPONENT = 1.3
HOUSE = resolve(load("us_equities"), vocabulary()).profile.selection.model_dump()
PARAMETERS = SelectionSection(**{**HOUSE, "vetoes": tuple(VETOES)})


def pool(n: int) -> SelectionContext:
    rng = np.random.default_rng(n)
    market = rng.normal(0.0, 0.02, (ROWS, 1))
    returns = market * rng.uniform(0.3, 1.7, n) + rng.standard_t(4, (ROWS, n)) * rng.uniform(0.005, 0.03, n)
    atoms = tuple(
        Atom(physical_symbol=f"X:N{k:04d}", logic="hold", direction=(Direction.LONG, Direction.SHORT)[k % 2])
        for k in range(n)
    )
    times = np.datetime64("2024-01-01", "us") + np.arange(ROWS) * np.timedelta64(1, "D")
    return SelectionContext(
        decided_at=times[-1],
        pool=AtomPool(
            atoms=atoms,
            streams=Streams(
                ids=tuple(atom.symbol for atom in atoms),
                times=times,
                returns=returns * [atom.direction.sign for atom in atoms],
                composition={atom.symbol: {atom.physical_symbol: float(atom.direction.sign)} for atom in atoms},
            ),
            own=returns,
        ),
        features=FeatureSet(
            names=tuple(sorted(TERMS)),
            keys=tuple(atom.physical_symbol for atom in atoms),
            values=np.where(
                np.array(sorted(TERMS))[:, None] == "metadata_known", 1.0, rng.uniform(-50.0, 50.0, (len(TERMS), n))
            ),
            known_at=times[-1],
        ),
        parameters=PARAMETERS,
        train=60,
        periods_per_year=365,
    )


def best_of(run: Callable[[], object], seconds: float = 0.5) -> float:
    """Least CPU seconds of at least five runs after a warm one."""
    run()
    times: list[float] = []
    while len(times) < 5 or sum(times) < seconds:
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def peak() -> float:
    """Largest resident size of this process in GB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def stage_times(context: SelectionContext) -> dict[str, float]:
    """Seconds of each stage, and of the linkage within partitioning; the policy at its first stage of relaxation."""
    line = SelectionPipeline()
    found = {}
    for stage in (*line.before_policy(), line.policy, line.synthesis):
        found[stage.name] = best_of(lambda stage=stage, context=context: stage.run(context), 0.2)
        context = stage.run(context)
    distance = correlation_distance(context.correlations()[1])
    return found | {"linkage": best_of(lambda: merges(distance), 0.2)}


def features(returns: Floats) -> dict[str, Floats]:
    """Ours of what the peers have."""
    measured, worst = moments(returns), cvar(returns)[0]
    return {
        "entropy": permutation_entropy(returns), "hurst": hurst(returns), "efficiency": efficiency_ratio(returns),
        "mean": measured.mean, "deviation": measured.std, "skewness": measured.skewness,
        "kurtosis": measured.excess_kurtosis, "cvar": worst, "gain": tail_gain(returns)[0],
    }  # fmt: skip


def peers(returns: Floats) -> dict[str, Floats]:
    """The same by antropy, hurst and pandas."""
    from antropy import perm_entropy

    frame = pd.DataFrame(returns)
    late = frame.tail(LAST)
    found = {
        "entropy": np.array([perm_entropy(column, order=3, normalize=True) for column in late.to_numpy().T]),
        "efficiency": (late.sum().abs() / late.abs().sum()).to_numpy(),
        "mean": frame.mean().to_numpy(), "deviation": frame.std().to_numpy(),
        "skewness": frame.skew().to_numpy(), "kurtosis": frame.kurt().to_numpy(),  # corrected for few values
        "cvar": frame[frame <= frame.quantile(0.05)].mean().to_numpy(),
        "gain": frame[frame > frame.quantile(0.95)].mean().to_numpy(),
    }  # fmt: skip
    if "TVQUANT_HURST" in os.environ:
        compute = importlib.import_module("hurst").compute_Hc
        found["hurst"] = np.array([compute(column, kind="change", simplified=False)[0] for column in returns.T])
    return found


def beside_peers(returns: Floats) -> bool:
    """Print ours beside the peers'; return whether ours is as much faster as it must be, with equal values."""
    some = returns[:, :SAMPLE]
    theirs, mine = peers(some), features(some)
    apart = max(
        float(np.abs(mine[name] / theirs[name] - 1.0).max())
        for name in ("entropy", "efficiency", "mean", "deviation", "cvar", "gain")
    )
    ours, other = best_of(lambda: features(returns)), best_of(lambda: peers(some)) * returns.shape[1] / SAMPLE
    with_hurst = "antropy, hurst and pandas" if "hurst" in theirs else "antropy and pandas (no hurst: TVQUANT_HURST)"
    print(f"features of {returns.shape[1]}: {ours * 1e3:.1f} ms, {other / ours:.0f}x faster than {with_hurst}")
    print(f"largest relative difference of a value {apart:.0e}")
    return other / ours >= TARGET_RATIO and apart < 1e-9


def main() -> int:
    if "TVQUANT_HURST" in os.environ:
        sys.path.append(os.environ["TVQUANT_HURST"])
    model = SELECTION_MODELS["v4"]
    print(f"selection v4, CPU milliseconds per call on {ROWS} rows, best of several")
    whole, rest = {}, {}
    with threadpool_limits(1):
        for n in SIZES:
            context = pool(n)
            whole[n] = best_of(lambda context=context: model.select(context))
            parts = stage_times(context)
            rest[n] = whole[n] - parts["linkage"]
            shown = ", ".join(f"{name} {seconds * 1e3:.2f}" for name, seconds in parts.items())
            got = model.select(context)
            print(f"{n:>5} {whole[n] * 1e3:>8.2f}   {shown}; stage {got.stage}, {len(got.winners)} winners")
            print(f"{peak():>14.2f} GB at most so far")
        faster = beside_peers(pool(USUAL).pool.streams.returns)
    small, large = SIZES[0], SIZES[-1]
    exponent = math.log(rest[large] / rest[small]) / math.log(large / small)
    met = whole[USUAL] < TARGET_SECONDS and exponent <= TARGET_EXPONENT and faster
    print(f"all but the linkage grows as N^{exponent:.2f} from {small} to {large}")
    print(
        f"target: below {TARGET_SECONDS:g} s at {USUAL}, {TARGET_RATIO:g}x the peers, exponent at most "
        f"{TARGET_EXPONENT:g}: {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
