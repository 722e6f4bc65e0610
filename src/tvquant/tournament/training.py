"""Training: what every risk profile is given of the winners, estimated once for all who share the rules."""

from dataclasses import dataclass, replace

import numpy as np

from tvquant.core.allocations import Allocation, Attempt
from tvquant.core.atoms import Atom
from tvquant.core.calendars import calendar
from tvquant.core.digests import canonical_array, digest_bytes
from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats
from tvquant.core.problems import Covariance
from tvquant.core.rates import RiskFree
from tvquant.core.streams import Composition, Streams
from tvquant.selection.hardening import HARDENED
from tvquant.statistics import Linkage, average_correlation, correlation_distance, estimate, partition
from tvquant.statistics.precision import without_variance
from tvquant.tournament.candidates import choose, training_streams
from tvquant.tournament.specs import Rules
from tvquant.tournament.views import View

HARDENED_SHRINKAGE = 1.5
"""Factor of the covariance's shrinkage where the pool that the winners are from is hardened."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Training:
    """What every risk profile is given of the winners; `still` are those that do not vary, by id: they are left out.

    `hardened`: the covariance is shrunk by more than it asks for, because the pool was.
    """

    ids: tuple[str, ...]
    still: tuple[str, ...]
    hardened: bool
    returns: Floats
    covariance: Covariance
    correlation: Floats
    clusters: tuple[int, ...]
    composition: Composition
    digest: str


def training(view: View, rules: Rules, winners: tuple[Atom, ...]) -> Training | ModelError:
    """Return covariance and clusters of the winners, or why there are none.

    An error is a value, found once like the other.
    """

    def compute() -> Training | ModelError:
        try:
            response = choose(view, rules).response
            hardened = response is not None and HARDENED in response.flags
            return _trained(training_streams(view, rules, winners), view, rules, hardened=hardened)
        except ModelError as error:
            return error

    return view.once(("training", rules.training), compute)


def covariance_of(returns: Floats, view: View, rules: Rules, *, hardened: bool) -> Covariance:
    """Return covariance and means of the returns of streams as the rules have them estimated.

    That of winners of a hardened pool is shrunk by half as much again (R-SEL-28).
    """
    periods = calendar(view.panel.calendar).periods_per_year
    rate = RiskFree.yearly(rules.estimates.risk_free, periods_per_year=periods)
    intensity = HARDENED_SHRINKAGE if hardened else 1.0
    return estimate(returns, rules.estimates, intensity=intensity, rate=float(rate.per_row))


def _trained(seen: Streams, view: View, rules: Rules, *, hardened: bool) -> Training:
    """Return the training values without constant streams; ModelError where there is no covariance (R-RSK-09)."""
    flat = without_variance(seen.returns) if len(seen.returns) > 1 else np.zeros(len(seen.ids), np.bool_)
    ids, still = (tuple(name for name, mine in zip(seen.ids, part, strict=True) if mine) for part in (~flat, flat))
    if not ids:
        raise ModelError(f"covariance: no winner varies on the {len(seen.returns)} training rows: {', '.join(still)}")
    returns = seen.returns[:, ~flat] if still else seen.returns
    correlation = average_correlation(returns, (len(returns),))
    return Training(
        ids=ids,
        still=still,
        hardened=hardened,
        returns=returns,
        covariance=covariance_of(returns, view, rules, hardened=hardened),
        correlation=correlation,
        clusters=partition(
            correlation_distance(correlation),
            cut=rules.selection.cluster_distance,
            most=rules.selection.max_clusters,
            linkage=Linkage(rules.selection.linkage),
        ),
        composition=seen.composition,
        digest=digest_bytes(canonical_array(seen.returns)),
    )


def with_preparation(made: Allocation, known: Training) -> Allocation:
    """Return the allocation with weight 0 for streams without variance; what was done before it leads the attempts."""
    before, still, given = [], known.still, known.covariance
    if still:
        before.append(
            Attempt(what="zero variance", outcome=f"{', '.join(still)} removed: constant on the training rows")
        )
    if known.hardened:
        usual = f"{given.shrinkage:.4g}, {HARDENED_SHRINKAGE} times the estimate (at most 1)"
        outcome = usual if given.shrinkage else f"none that could be raised: a covariance by {given.method} has none"
        before.append(Attempt(what="shrinkage", outcome=f"{outcome}: hardened pool"))
    if not before:
        return made
    weights = {**made.weights, **dict.fromkeys(still, 0.0)} if made.weights else made.weights
    return replace(made, weights=weights, attempts=(*before, *made.attempts))
