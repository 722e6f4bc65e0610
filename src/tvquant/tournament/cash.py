"""Why a strategy's decision holds cash: its parts by cause, which add up to it, and what a user would change.

1. Without weights all is cash, by one cause: nobody was recruited, nobody was healthy, all were vetoed, the model chose
   nobody, or no allocation was found.
2. With weights, what gross and net limits would not invest is cash that the profile wants; so is what protection after
   a large loss leaves of that.
3. Of the rest, N names under the position cap p hold N p at most. What is missing is laid to the names that fell out,
   each of which could have held p, the last ones first: those the model left, vetoed ones, unhealthy ones, those never
   recruited. Then C clusters under the cluster cap hold less than that; then net limits of two sides, or selection
   clusters and assets that several atoms hold; then reference bounds, limits by name, and what a limit cut from a
   method that hands it to nobody.
4. What netting took away is recorded, and so are gates: an atom holds its weight times its gate. What is left is
   rounding, or the optimiser's own.

All is read from the decision as it is recorded: limits are those that it was verified against.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tvquant.allocation.allocate import WHOLE
from tvquant.allocation.barbell import CORE
from tvquant.allocation.caps import Family
from tvquant.allocation.layered import SHARES
from tvquant.allocation.reference import EQUAL
from tvquant.allocation.reference import WHAT as REFERENCE
from tvquant.allocation.risk.catalogue import FIXED, RISK_PROFILES
from tvquant.core.allocations import CAP_TOLERANCE, AllocationOutcome, Status
from tvquant.core.atoms import Direction
from tvquant.core.decisions import Decision, Netting
from tvquant.tournament.candidates import GATE_CLOSED, GATE_UNKNOWN
from tvquant.tournament.survival import BUDGET
from tvquant.universe.health import REASONS

GATES = (GATE_CLOSED, GATE_UNKNOWN)
DUST = 1e-12
"""A part that is not larger is none."""
ROUNDING = 1e-6
"""What a solver leaves of its budget, in all."""
CUTS = ("position", "cluster")
"""Caps that cut, in the order in which they do."""
GROSS = "gross"
EVEN = frozenset(name for name, profile in RISK_PROFILES.items() if profile.objective in EQUAL)
"""Risk profiles that are cut from equal weights, and hand what is cut to nobody."""
STEPS = 50
"""Halvings of the search for a cap: its digits are used up."""


class Cause(StrEnum):
    """What keeps cash, in words."""

    FAILED = "no allocation was found"
    NOBODY = "not recruited"
    HEALTH = "excluded by data health"
    VETOES = "vetoed"
    PLACES = "fewer winners than the caps have room for"
    STILL = "winners that do not move are not weighted"
    FEW = "the universe has no more names"
    CLUSTERS = "few clusters under the cluster cap"
    CUT_POSITION = "cut at the position cap"
    CUT_CLUSTER = "cut at the cluster cap"
    CORE = "the core of the barbell has no more room under its caps"
    NET = "net limits of longs against shorts"
    TOGETHER = "assets and selection clusters at their caps beside those of allocation"
    REFERENCE = "no atom far above the method's own weight"
    SHARES = "a member at its limit binds the cluster that is held whole"
    TURNOVER = "the limit on turnover lets no more be bought"
    NAMED = "limit"
    GATED = "caps on what is held of partly gated atoms"
    GATE = "gates of logics that are partly closed"
    SHUT = "gates of logics that are closed or not known"
    NETTING = "taken where a limit would break after netting"
    WANTED = "the profile wants it: limits of the whole book"
    SURVIVAL = "protection after a large loss"
    DECLARED = "not declared: the user's own weights leave it"
    LEFT = "left by the optimiser"
    ROUNDING = "rounding"


@dataclass(frozen=True, slots=True, kw_only=True)
class CashPart:
    """A part of the cash.

    Parameters
    ----------
    share : fraction of equity; below 0 only where rounding is.
    detail : the figures behind it; empty where there are none.
    change : one line that a user can change; empty where nothing would help.
    """

    cause: Cause
    share: float
    detail: str = ""
    change: str = ""


def cash_parts(decision: Decision) -> tuple[CashPart, ...]:
    """Return the cash of a strategy's decision by cause, in the order of the module's text; it sums to the cash."""
    cash = decision.cash
    made = decision.allocation
    if decision.failure is not None or made is None:
        return (_nobody(decision, cash),)
    if made.status is Status.FAILED:
        if (conflict := made.conflict) is not None:
            return (CashPart(cause=Cause.FAILED, share=cash, detail=conflict.culprits, change=conflict.ways_out),)
        last = made.attempts[-1]
        change = "allocation.fallbacks: risk profiles to try next"
        return (CashPart(cause=Cause.FAILED, share=cash, detail=f"{last.what}: {last.outcome}", change=change),)
    parts = [*_of_limits(decision, made)]
    if decision.netting is not None and decision.netting.moved > DUST:
        parts.append(_of_netting(decision.netting))
    if (kept := decision.gate_cash) > DUST:
        parts.append(CashPart(cause=Cause.GATE, share=kept, detail=_told(_partly(decision), len(decision.clusters))))
    rest = cash - math.fsum(one.share for one in parts)
    if abs(rest) > DUST:
        rounding = abs(rest) <= ROUNDING
        left = Cause.ROUNDING if rounding else Cause.DECLARED if made.risk_profile == FIXED else Cause.LEFT
        change = "allocation.weights" if left is Cause.DECLARED else ""
        parts.append(CashPart(cause=left, share=rest, change=change))
    return tuple(parts)


def _nobody(decision: Decision, cash: float) -> CashPart:
    """Return why there is nobody to hold."""
    funnel, response = decision.funnel, decision.response
    if decision.failure is not None:
        return CashPart(cause=Cause.FAILED, share=cash, detail=decision.failure)
    if not funnel.atoms_discovery:
        return CashPart(cause=Cause.NOBODY, share=cash, detail=_top(decision, ()), change=CHANGES[Cause.NOBODY])
    if response is None and _shut(decision):
        return CashPart(cause=Cause.SHUT, share=cash, detail=_lost(decision, Cause.SHUT), change=CHANGES[Cause.SHUT])
    cause = Cause.HEALTH if response is None else Cause.PLACES if funnel.atoms_refined else Cause.VETOES
    return CashPart(cause=cause, share=cash, detail=_lost(decision, cause), change=CHANGES[cause])


CHANGES = {
    Cause.NOBODY: "universe.scanners: a lower bound; `tvquant scan` counts who fell by which",
    Cause.HEALTH: "data.min_history: less, or import more history; `tvquant data audit` has each name",
    Cause.SHUT: "universe.scanners: more logics, or options of these in logics; a closed gate is their answer",
    Cause.VETOES: "selection.vetoes: leave one out, or raise its limit",
    Cause.PLACES: "selection.top_n or selection.max_winners: more",
    Cause.STILL: "universe.exclude_symbols: the names that do not move",
    Cause.FEW: "universe: more names",
}


def _of_netting(netting: Netting) -> CashPart:
    """Return what netting took, with the limits that final physical weights have reached."""
    full = [one for one in netting.constraints if one.limit > 0.0 and one.value >= one.limit - CAP_TOLERANCE]
    reached = dict.fromkeys(f"{one.name if ' ' in one.name else _key(one.name)} {one.limit:.4g}" for one in full)
    return CashPart(
        cause=Cause.NETTING,
        share=netting.moved,
        detail=f"at its limit now: {', '.join(reached)}" if full else "",
        change=f"allocation.limits: {', '.join(dict.fromkeys(_key(one.name) for one in full))}" if full else "",
    )


def _key(limit: str) -> str:
    """Return the key of `allocation.limits` behind a recorded limit, such as `net_high` or `group banks`; else ""."""
    return KEYS.get(limit.partition(" ")[0], "")


KEYS = {
    **{side + cap: cap for cap in ("position", "cluster") for side in ("", "net_", "gross_")},
    **{"selection_cluster": "cluster", "long": "long", "short": "short"},
    **{"gross": "gross", "net_high": "net", "net_low": "net", "name": "names", "group": "groups"},
    "turnover": "turnover",
}
"""First word of a recorded limit -> its key."""


def _of_limits(decision: Decision, made: AllocationOutcome) -> Iterator[CashPart]:
    """Yield what limits keep, from the profile's own to those of single names."""
    limits = {one.name: one.limit for one in made.constraints}
    whole = _wanted(decision, limits)
    wanted = whole if decision.survival is None else min(whole, BUDGET)
    causes, kept = {**made.causes, REFERENCE: made.reference_cash}, whole - wanted
    if made.risk_profile == FIXED:  # causes are of all that is declared
        kept = min(kept, causes.get(GROSS, 0.0))
        causes[GROSS] = causes.get(GROSS, 0.0) - kept
    elif 1.0 - whole > DUST:
        change = "allocation.limits.gross, net, long or short: more"
        yield CashPart(cause=Cause.WANTED, share=1.0 - whole, detail=f"they invest {whole:.4g}", change=change)
    if kept > DUST:
        yield CashPart(cause=Cause.SURVIVAL, share=kept, detail=f"at most {BUDGET:.0%} are invested")
    if made.risk_profile != FIXED:
        by_caps = tuple(_of_caps(decision, made, limits, wanted))
        yield from by_caps
        if made.risk_profile in EVEN:
            causes = _beyond(causes, math.fsum(one.share for one in by_caps))
    for label, share in sorted(causes.items(), key=lambda one: (one[0] != REFERENCE, one[0])):
        if share > DUST:
            yield _named(label, share)


def _beyond(causes: dict[str, float], known: float) -> dict[str, float]:
    """Return what limits cut from equal weights beyond the part that is laid to caps already, as they were cut."""
    left = dict(causes)
    order = sorted(causes.keys() - WHOLE, key=lambda one: (*(one != cap for cap in CUTS), one == REFERENCE, one))
    for label in order:
        taken = min(known, left[label])
        left[label], known = left[label] - taken, known - taken
    return left


def _wanted(decision: Decision, limits: dict[str, float]) -> float:
    """Return what limits on the whole book would invest: net limits a single side only.

    Weights of which gates leave a part out may be all of equity: what they hold is less.
    """
    assert decision.response is not None
    if _partly(decision):
        return 1.0
    sides = {atom.direction for atom in decision.response.winners if atom.symbol in decision.clusters}
    bounds = [limits["net_high"] if side is Direction.LONG else limits["net_low"] for side in sides]
    each = math.fsum(limits.get(side.value.lower(), math.inf) for side in sides)
    return max(0.0, min(1.0, limits["gross"], each, *(bounds if len(bounds) == 1 else ())))


def _of_caps(
    decision: Decision, made: AllocationOutcome, limits: dict[str, float], wanted: float
) -> Iterator[CashPart]:
    """Yield what caps of positions and clusters have no room for, then what net limits of two sides have none for.

    Of a book with partly gated atoms, whose caps are of no round weight, it is all in one.
    """
    if partly := _partly(decision):
        named = math.fsum(share for label, share in made.causes.items() if label not in WHOLE)
        if (kept := made.forced_cash - named) > ROUNDING:
            change = "allocation.limits.position, cluster, gross or net: more"
            yield CashPart(cause=Cause.GATED, share=kept, detail=_told(partly, len(decision.clusters)), change=change)
        return
    sizes = sorted(Counter(decision.clusters.values()).values())
    cluster = limits["cluster"]
    position, names = min(limits["position"], cluster), sum(sizes)

    def room(cap: float) -> float:
        return math.fsum(min(cap, size * limits["position"]) for size in sizes)

    few = wanted - min(wanted, names * position)
    if few > DUST:
        yield from _few(decision, few, wanted, limits)
    clustered = (wanted - few) - min(wanted - few, room(cluster))
    if clustered > DUST:
        needed = _least(room, wanted - few)
        detail = f"{len(sizes)} clusters of {names} winners, {cluster:.4g} each, hold {room(cluster):.4g} at most"
        change = f"allocation.limits.cluster: {needed:.4g}, or a smaller selection.cluster_distance"
        yield CashPart(cause=Cause.CLUSTERS, share=clustered, detail=detail, change=change)
    by_name = math.fsum(share for label, share in made.causes.items() if label not in WHOLE)
    if (net := made.forced_cash - by_name - few - clustered) > ROUNDING:
        reached = any(
            one.value >= one.limit - CAP_TOLERANCE for one in made.constraints if one.name in ("net_high", "net_low")
        )
        cause = Cause.NET if reached else Cause.TOGETHER
        change = "allocation.limits.net: wider" if reached else "allocation.limits.cluster or position: more"
        yield CashPart(cause=cause, share=net, change=change)


def _few(decision: Decision, few: float, wanted: float, limits: dict[str, float]) -> Iterator[CashPart]:
    """Yield how much each way to fall out took: a name that fell out could have held the position cap."""
    funnel, weighted = decision.funnel, len(decision.clusters)
    unhealthy = sum(count for reason, count in funnel.vetoed.items() if reason in REASONS)
    shut = _shut(decision)
    counts = {
        Cause.STILL: funnel.atoms_selected - weighted,
        Cause.PLACES: funnel.atoms_refined - funnel.atoms_selected,
        Cause.VETOES: funnel.atoms_discovery - unhealthy - shut - funnel.atoms_refined,
        Cause.SHUT: shut,
        Cause.HEALTH: unhealthy,
        Cause.NOBODY: funnel.universe - funnel.discovery,
    }
    position, needed = min(limits["position"], limits["cluster"]), _up(wanted / weighted)
    lower = [name for name in ("position", "cluster") if limits[name] < needed]
    raise_cap = f"allocation.limits.{' and '.join(lower)}: {needed:.4g}"
    held = f"{weighted} weighted, {position:.4g} each"
    for cause, count in counts.items():
        share = min(few, count * position)
        if share > DUST:
            few -= share
            detail = f"{held}; {_lost(decision, cause)}"
            yield CashPart(cause=cause, share=share, detail=detail, change=f"{raise_cap}, or {CHANGES[cause]}")
    if few > DUST:
        yield CashPart(cause=Cause.FEW, share=few, detail=held, change=f"{raise_cap}, or {CHANGES[Cause.FEW]}")


def _shut(decision: Decision) -> int:
    """Return how many atoms of healthy names were no candidates by their gates."""
    return sum(decision.funnel.vetoed.get(reason, 0) for reason in GATES)


def _partly(decision: Decision) -> list[float]:
    """Return the gates below 1 of the atoms that were weighed."""
    return [gate for atom, gate in decision.gates.items() if atom in decision.clusters and gate < 1.0]


def _told(partly: list[float], atoms: int) -> str:
    """Return how many atoms have a gate below 1, and the mean of these."""
    mean = math.fsum(partly) / len(partly)
    return f"{len(partly)} of {atoms} atoms have a gate below 1, {mean:.4g} on average"


def _lost(decision: Decision, cause: Cause) -> str:
    """Return how many were lost that way, by reason where there are several."""
    funnel = decision.funnel
    match cause:
        case Cause.PLACES:
            return f"{funnel.atoms_refined - funnel.atoms_selected} of {funnel.atoms_refined} were not chosen"
        case Cause.HEALTH:
            return _counted({why: n for why, n in funnel.vetoed.items() if why in REASONS})
        case Cause.VETOES:
            return _counted({why: n for why, n in funnel.vetoed.items() if why not in (*REASONS, *GATES)})
        case Cause.SHUT:
            return _counted({why: n for why, n in funnel.vetoed.items() if why in GATES})
        case Cause.NOBODY:
            return _top(decision, REASONS)
        case _:
            return f"{funnel.atoms_selected - len(decision.clusters)} do not move on the training rows"


def _top(decision: Decision, beside: tuple[str, ...]) -> str:
    return _counted(Counter(why for why in decision.excluded.values() if why not in beside))


def _counted(reasons: dict[str, int] | Counter[str]) -> str:
    """Return the most frequent reasons with their counts."""
    most = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    more = f" and {len(most) - SHOWN} more" if len(most) > SHOWN else ""
    return ", ".join(f"{why} {n}" for why, n in most[:SHOWN]) + more


SHOWN = 4
"""Reasons that a line names."""


def _named(label: str, share: float) -> CashPart:
    """Return the part of a recorded cause: a limit that cut, a limit by name, or what the user declared in vain."""
    if label in CUTS:
        cause = Cause.CUT_POSITION if label == "position" else Cause.CUT_CLUSTER
        change = f"allocation.limits.{label}: more, or a risk profile that hands it on (hrp, min_variance)"
        return CashPart(cause=cause, share=share, change=change)
    if label == CORE:
        change = "allocation.limits.cluster or position: more, or a smaller selection.cluster_distance"
        return CashPart(cause=Cause.CORE, share=share, change=change)
    if label == REFERENCE:
        return CashPart(cause=Cause.REFERENCE, share=share, change="allocation.limits.reference: more, or null")
    if label == SHARES:
        change = "allocation.layers: one, or allocation.limits.position or names: more"
        return CashPart(cause=Cause.SHARES, share=share, change=change)
    if label == Family.TURNOVER:
        return CashPart(cause=Cause.TURNOVER, share=share, change="allocation.limits.turnover: more, or null")
    if label in WHOLE:
        change = f"allocation.limits.{_key(label)}: wider"
        return CashPart(cause=Cause.NET if label.startswith("net") else Cause.WANTED, share=share, change=change)
    change = f"allocation.limits.{key}" if (key := _key(label)) else "allocation.weights"
    return CashPart(cause=Cause.NAMED, share=share, detail=label, change=change)


def _least(room: Callable[[float], float], asked: float) -> float:
    """Return the lowest cap, up to 1, under which there is room for that much, rounded up to four digits."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if room(middle) >= asked - DUST else (middle, high)
    return _up(high)


def _up(cap: float) -> float:
    """Return a cap rounded up to four digits."""
    return min(1.0, math.ceil(round(cap * 1e4, 6)) / 1e4)
