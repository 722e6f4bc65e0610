"""Time selection model v4 from returns to winners on pools of different sizes, and each of its stages.

The pool is half longs and half shorts on assets with a common factor; the first, warming run compiles kernels and
draws the noise of the vetoes, and is not counted. Exit 1 when a target is missed: seconds for the largest pool, and
the growth of scoring, time ~ N^exponent (R-SEL-14).
"""

import math
import sys
import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from tvquant.app.vocabulary import vocabulary
from tvquant.core.atoms import Atom, AtomPool, Direction
from tvquant.core.features import FeatureSet
from tvquant.core.streams import Streams
from tvquant.profiles import load, resolve
from tvquant.profiles.sections.selection import SelectionSection
from tvquant.selection import SELECTION_MODELS, VETOES, SelectionContext, SelectionPipeline
from tvquant.selection.stages.feature_engineering import TERMS

SIZES = (100, 300, 1000)
ROWS = 500
TARGET_SECONDS = 0.2
TARGET_EXPONENT = 1.0
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
    """Shortest time of at least five runs after a warm one."""
    run()
    times = []
    while len(times) < 5 or sum(times) < seconds:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def stage_times(context: SelectionContext) -> dict[str, float]:
    """Seconds of each stage; the policy is timed at its first stage of relaxation."""
    line = SelectionPipeline()
    found = {}
    for stage in (
        line.ingestion, line.feature_engineering, line.inference, line.partitioning, line.policy, line.synthesis,
    ):  # fmt: skip
        found[stage.name] = best_of(lambda stage=stage, context=context: stage.run(context), 0.2)
        context = stage.run(context)
    return found


def main() -> int:
    model = SELECTION_MODELS["v4"]
    print(f"selection v4, milliseconds per call on {ROWS} rows, best of several")
    whole, scoring = {}, {}
    with threadpool_limits(1):
        for n in SIZES:
            context = pool(n)
            whole[n] = best_of(lambda context=context: model.select(context))
            parts = stage_times(context)
            scoring[n] = parts["inference"]
            shown = ", ".join(f"{name} {seconds * 1e3:.2f}" for name, seconds in parts.items())
            got = model.select(context)
            print(f"{n:>5} {whole[n] * 1e3:>8.2f}   {shown}; stage {got.stage}, {len(got.winners)} winners")
    small, large = SIZES[0], SIZES[-1]
    exponent = math.log(scoring[large] / scoring[small]) / math.log(large / small)
    met = whole[large] < TARGET_SECONDS and exponent < TARGET_EXPONENT
    print(f"scoring grows as N^{exponent:.2f} from {small} to {large}")
    print(
        f"target: below {TARGET_SECONDS:g} s at {large}, exponent below {TARGET_EXPONENT:g}: "
        f"{'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
