"""Soft vetoes on predictability, each calibrated on noise of the atom's own number of returns (R-SEL-15).

A fixed figure either never binds or rejects noise at random, because these statistics depend on n. So each rule
rejects the share `null_share` of pure noise: the limits are quantiles of the statistic on noise of n returns.
An atom with too few returns for a statistic or for its quantile is not judged by that rule. The fixed figures are in
`specified`.
"""

import numpy as np
from pydantic import Field

from tvquant.core.panel import Bools, Floats
from tvquant.profiles.fields import Real
from tvquant.profiles.options import Options
from tvquant.selection.contract import SelectionContext
from tvquant.selection.hardening import HARDENED
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes import specified
from tvquant.selection.vetoes.contract import Judgement, Rule
from tvquant.statistics import NullStatistic, null_quantile

HARDER = 1.5
"""Factor of the share of noise that entropy rejects in a pool that is hardened (R-SEL-28)."""


class NoiseShare(Options):
    """Option of every calibrated soft veto.

    Parameters
    ----------
    null_share : share of noise that each calibrated soft veto rejects.
    """

    null_share: Real = Field(default=0.10, gt=0, lt=0.5)


def noise_share(context: SelectionContext) -> float:
    """Return the share of noise that a calibrated soft veto rejects."""
    return context.parameters.options(NoiseShare).null_share


def noise_limits(context: SelectionContext, statistic: NullStatistic, share: float) -> Floats:
    """Return quantile (K) of the statistic on noise of each atom's number of returns."""
    counts = context.of_atoms("observations")
    found: Floats = context.once(
        ("noise", statistic, share), lambda: null_quantile(statistic, counts.astype(np.int64), share)
    )
    return found


def noise_judgement(broken: Bools, values: Floats, limits: Floats, null_share: float) -> Judgement:
    """Return a judgement whose thresholds are the share of noise and the span of the limits."""
    thresholds = {"null_share": null_share, **_span(limits, "")}
    return Judgement(broken=broken, values=values, limits=limits, thresholds=thresholds)


def _entropy(context: SelectionContext, stage: Relaxation) -> Judgement:
    """Return the judgement against noisy streams: its ceiling is the quantile that the share of noise exceeds."""
    share = _spectral_share(context, stage) * (HARDER if HARDENED in context.flags else 1.0)
    values, limits = context.of_atoms("entropy"), noise_limits(context, NullStatistic.ENTROPY, 1.0 - share)
    return noise_judgement(values > limits, values, limits, share)


def _efficiency(context: SelectionContext, stage: Relaxation) -> Judgement:
    share = _spectral_share(context, stage)
    values, limits = context.of_atoms("efficiency"), noise_limits(context, NullStatistic.EFFICIENCY, share)
    return noise_judgement(values < limits, values, limits, share)


def _random_walk(context: SelectionContext, _: Relaxation) -> Judgement:
    """Return the judgement against the central share of noise: neither trending nor reverting more than chance does."""
    values, share = context.of_atoms("hurst"), noise_share(context)
    low = noise_limits(context, NullStatistic.HURST, 0.5 - share / 2.0)
    high = noise_limits(context, NullStatistic.HURST, 0.5 + share / 2.0)
    nearer = np.where(values - low < high - values, low, high)
    thresholds = {"null_share": share, **_span(low, "low_"), **_span(high, "high_")}
    return Judgement(broken=(values > low) & (values < high), values=values, limits=nearer, thresholds=thresholds)


def _persistent_loser(context: SelectionContext, _: Relaxation) -> Judgement:
    """Return the judgement against persistent streams with a loss on the atom's own stream.

    Half of all noise has a loss, so the quantile is that which twice the share exceeds.
    """
    values, share = context.of_atoms("hurst"), noise_share(context)
    limits = noise_limits(context, NullStatistic.HURST, 1.0 - 2.0 * share)
    return noise_judgement((values > limits) & (context.of_atoms("momentum") < 0.0), values, limits, share)


def _spectral_share(context: SelectionContext, stage: Relaxation) -> float:
    """Return the share of noise that entropy and efficiency reject: half from the second stage of relaxation on."""
    share = noise_share(context)
    return share / 2.0 if stage >= Relaxation.SPECTRAL else share


def _span(limits: Floats, prefix: str) -> dict[str, float]:
    """Return lowest and highest limit in force; nothing where no atom has enough returns for one."""
    there = limits[np.isfinite(limits)]
    return {f"{prefix}min": float(there.min()), f"{prefix}max": float(there.max())} if len(there) else {}


ENTROPY = Rule(
    name="entropy",
    meaning="The permutation entropy is above the ceiling that the share of noise exceeds.",
    hard=False,
    judge=_entropy,
    options=(NoiseShare,),
    specified=specified.entropy,
)
EFFICIENCY = Rule(
    name="efficiency",
    meaning="The efficiency ratio is below the floor that the share of noise does not reach.",
    hard=False,
    judge=_efficiency,
    options=(NoiseShare,),
    specified=specified.efficiency,
)
RANDOM_WALK = Rule(
    name="random_walk",
    meaning="The Hurst exponent lies within the central share of those of noise.",
    hard=False,
    judge=_random_walk,
    options=(NoiseShare,),
    specified=specified.random_walk,
)
PERSISTENT_LOSER = Rule(
    name="persistent_loser",
    meaning="The stream is more persistent than twice the share of noise, and its momentum is negative.",
    hard=False,
    judge=_persistent_loser,
    options=(NoiseShare,),
    specified=specified.persistent_loser,
)
