"""What each step from the base pool to the book adds: discovery, selection, optimisation, each with its error."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.report.performance_figures import Track, shared_excess
from tvquant.statistics.paired_differences import PairedDifference, paired_difference
from tvquant.tournament.friction import BLOCK, CONFIDENCE, SEED
from tvquant.tournament.trades import ROUNDING

STEPS = (
    ("discovery", "raw_pool_ew", "base_universe_ew"),
    ("selection", "benchmark", "raw_pool_ew"),
    ("optimisation", "", "benchmark"),
)
"""What a step adds: the book after it less the book before it; the strategy has no name here (R-TRN-12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """The mean return per year of the book `after` a step less that `before` it.

    Parameters
    ----------
    difference : None where the two share no row.
    found : with error and interval; None where rows are too few, or the two are the `same` book.
    """

    step: str
    after: str
    before: str
    difference: float | None
    found: PairedDifference | None
    same: bool
    rows: int


def added_by_steps(mine: Track, others: Sequence[Track], periods_per_year: int) -> Iterator[Added]:
    """Yield what discovery, selection and optimisation add to a strategy, of the baselines of its own windows.

    Nothing without the baselines; without scanners nobody is discovered.
    """
    books = {one.name.partition("/")[0]: one for one in others} | {"": mine}
    if not {"base_universe_ew", "benchmark"} <= books.keys():
        return
    books.setdefault("raw_pool_ew", books["base_universe_ew"])
    for step, after, before in STEPS:
        if books[after] is not books[before]:
            yield _added(step, books[after], books[before], periods_per_year)


def _added(step: str, after: Track, before: Track, periods_per_year: int) -> Added:
    both = np.column_stack(shared_excess(after, before)[1:])
    same, found = len(both) > 0 and bool(np.abs(np.diff(both)).max() <= ROUNDING), None
    if not same:
        try:
            found = paired_difference(
                both, statistic="mean_difference", periods_per_year=periods_per_year, confidence=CONFIDENCE,
                block=BLOCK, seed=SEED,
            )  # fmt: skip
        except ModelError:  # no interval, which is shown as none
            found = None
    mean = float((both[:, 0] - both[:, 1]).mean()) * periods_per_year if len(both) else None
    return Added(
        step=step, after=after.name, before=before.name, difference=0.0 if same else mean, found=found, same=same,
        rows=len(both),
    )  # fmt: skip
