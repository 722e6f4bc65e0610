"""What sleeves must be before they are joined: each gate a value, with what was found and what was asked for.

1. Complete: every sleeve that is listed is there, has a return and a decision.
2. Solved: of the optimisations that were asked of it, enough were answered as asked. No record is no success.
3. Signs: sizes are not negative and an atom keeps its asset and its direction, so that a short is inverted once; and
   its stream earns what its sides hold, by the prices (`signs`).
4. Survived: it was not ruined before the sleeve that ends first ends.
5. Conventions: what the sleeves must have alike, each key by itself, against what most of them have.
6. Mirror, of those that are joined: two sleeves that move as one, or as opposites, are a finding that keeps the
   meta-portfolio from promotion. A sign error looks like this; so does one bet under two names.

A gate of the first five that fails ends the run, or leaves its sleeve out where the profile says `drop`.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from pydantic import JsonValue

from tvquant.core.books import Rebalancing
from tvquant.core.digests import canonical_json
from tvquant.core.errors import ModelError
from tvquant.core.panel import Panel
from tvquant.core.quoting import shown
from tvquant.core.sleeves import Sleeve
from tvquant.tournament.sleeves.correlation import Correlations
from tvquant.tournament.sleeves.join import LEAST_DATES, ruined
from tvquant.tournament.sleeves.signs import Slope, signs

NEAR = (0.5, 1.5)
"""A side's slope on what it holds, where whole orders are filled. On books of random weights on real shares, funds and
coins, restored every 1, 5 or 20 rows at house costs and 10 % borrow, it was .991 to 1.013."""
NEAR_LESS = (0.1, 1.5)
"""The same of a book whose orders lapse in part (participation) or are pursued row by row: it holds less."""
ABSENT = "(not there)"
"""What is shown of a key that a sleeve's profile does not have."""


class Stops(StrEnum):
    """What a gate that fails keeps from going on."""

    RUN = "run"
    PROMOTION = "promotion"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRules:
    """What the profile asks for (its section `gates`).

    Parameters
    ----------
    solved : least share of optimisations that were answered as asked.
    drop : a sleeve that fails is left out; otherwise it ends the run.
    exceptions : dotted keys in which sleeves may differ.
    mirror : size of a correlation above which two sleeves are one.
    """

    solved: float
    drop: bool
    exceptions: tuple[str, ...]
    mirror: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate and whom it concerns.

    Parameters
    ----------
    found, limit : figures or words; None where there is none.
    why : one sentence.
    """

    name: str
    sleeves: tuple[str, ...]
    passed: bool
    found: JsonValue
    limit: JsonValue
    why: str
    stops: Stops = Stops.RUN

    def entry(self) -> dict[str, JsonValue]:
        """Return it as the ledger holds it."""
        return {
            "gate": self.name,
            "sleeves": list(self.sleeves),
            "passed": self.passed,
            "found": self.found,
            "limit": self.limit,
            "why": self.why,
            "stops": self.stops.value,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gated:
    """Sleeves behind their gates.

    Parameters
    ----------
    kept : that passed, in the order of the profile; nothing may be made of them where there is a refusal.
    gates : all of them, passed or not.
    dropped : sleeves that were left out.
    refusal : why the run ends; None where it goes on.
    """

    kept: tuple[Sleeve, ...]
    gates: tuple[Gate, ...]
    dropped: tuple[str, ...]
    refusal: str | None = field(default=None)


def gated(
    listed: Sequence[str],
    sleeves: Sequence[Sleeve],
    panels: Mapping[str, Panel],
    rules: GateRules,
    *,
    absent: Mapping[str, str] | None = None,
) -> Gated:
    """Return the sleeves that pass, and every gate; those of one sleeve first.

    `listed` are the names of the profile; `panels` has what each sleeve was played on, and `absent` says by name why a
    sleeve is not there.
    """
    there = {one.name: one for one in sleeves}
    whole = [one for name in listed if (one := there.get(name)) is not None and _whole(one)]
    end = min((one.times[-1] for one in whole), default=None)
    gates: list[Gate] = []
    for name in listed:
        one = there.get(name)
        gates.append(complete(name, one, (absent or {}).get(name, "it has no finished run")))
        if one is not None and gates[-1].passed:
            gates += [solved(one, rules.solved), directed(one), survived(one, end)]
            if gates[-1].passed and gates[-2].passed:
                gates.append(earned(one, panels[name]))
    failing = {gate.sleeves[0] for gate in gates if not gate.passed}
    gates += alike([one for one in whole if one.name not in failing], rules.exceptions)
    failing = {name for gate in gates if not gate.passed for name in gate.sleeves}
    kept = tuple(one for one in whole if one.name not in failing)
    return Gated(
        kept=kept,
        gates=tuple(gates),
        dropped=tuple(name for name in listed if name in failing),
        refusal=_refusal(kept, gates, rules.drop),
    )


def _refusal(kept: tuple[Sleeve, ...], gates: Sequence[Gate], drop: bool) -> str | None:
    failed = [f"{', '.join(gate.sleeves)}: {gate.why}" for gate in gates if not gate.passed]
    if not failed:
        return None
    if not drop:
        unlike = any(gate.name == "conventions" and not gate.passed for gate in gates)
        name = ", name keys that may differ in gates.exceptions" if unlike else ""
        return f"{'; '.join(failed)}. Mend what is wrong{name}, or let gates.drop leave such sleeves out"
    if not kept:
        return f"no sleeve passes its gates: {'; '.join(failed)}"
    if len(kept) == 1:
        return (
            f"{kept[0].name} alone passes its gates, and a meta-portfolio of one sleeve is none unless it lists one: "
            f"{'; '.join(failed)}"
        )
    return None


def _whole(sleeve: Sleeve) -> bool:
    return len(sleeve.times) >= LEAST_DATES and bool(sleeve.decisions)


def complete(name: str, sleeve: Sleeve | None, absent: str) -> Gate:
    """Return whether a listed sleeve is there and has rows and decisions (R-META-05)."""
    found: JsonValue = None
    why = f"{max(0, len(sleeve.times) - 1)} returns, {len(sleeve.decisions)} decisions" if sleeve else absent
    if sleeve is not None:
        found = {"returns": max(0, len(sleeve.times) - 1), "decisions": len(sleeve.decisions)}
        if not _whole(sleeve):
            why = f"it is empty: {why}"
    passed = sleeve is not None and _whole(sleeve)
    return Gate(name="completeness", sleeves=(name,), passed=passed, found=found, limit=None, why=why)


def solved(sleeve: Sleeve, least: float) -> Gate:
    """Return whether enough of a sleeve's optimisations were answered as asked (R-META-04)."""
    one = sleeve.solves
    passed = one.share is not None and one.share >= least
    why = f"{one.solved} of {one.asked} optimisations solved, {100 * least:g} % asked for"
    if one.share is None:
        why = "no optimisation is on record: nothing was asked, or nothing was written down"
    return Gate(name="solver", sleeves=(sleeve.name,), passed=passed, found=one.share, limit=least, why=why)


def directed(sleeve: Sleeve) -> Gate:
    """Return whether every short atom is turned over once, by what the decisions say of it (R-META-06)."""
    known: dict[str, tuple[str, str]] = {}
    wrong = ""
    held: Counter[str] = Counter()
    for decision in sleeve.decisions:
        for atom in decision.atoms:
            held[atom.direction.value] += 1
            day = np.datetime64(decision.at, "D")
            if not (np.isfinite(atom.size) and atom.size >= 0.0):
                wrong = wrong or f"{atom.atom} has size {atom.size:g} on {day}: turned over by its direction and again"
            elif known.setdefault(atom.atom, (atom.symbol, atom.direction.value)) != (atom.symbol, atom.direction):
                wrong = wrong or f"{atom.atom} is {atom.direction.value} {atom.symbol} on {day}, and was not before"
    why = wrong or f"{held['LONG']} holdings are long, {held['SHORT']} short, each turned over once"
    return Gate(name="direction", sleeves=(sleeve.name,), passed=not wrong, found=dict(held), limit=None, why=why)


def survived(sleeve: Sleeve, end: np.datetime64 | None) -> Gate:
    """Return whether something is left of a sleeve where the sleeve that ends first ends."""
    day = ruined(sleeve)
    date = None if day is None else str(np.datetime64(day, "D"))
    passed = day is None or (end is not None and bool(day > end))
    why = "it was never ruined" if day is None else f"it lost everything on {date}"
    if day is not None and passed:
        why += ", behind the common span"
    return Gate(name="survival", sleeves=(sleeve.name,), passed=passed, found=date, limit=None, why=why)


def earned(sleeve: Sleeve, panel: Panel) -> Gate:
    """Return whether a sleeve's stream earns what it says it holds, by the prices (R-META-06)."""
    rules = sleeve.conventions
    pursued = rules.get("execution.partial", 1.0) < 1.0 and rules.get("execution.rebalancing") == Rebalancing.DAILY
    near = NEAR_LESS if pursued or rules.get("execution.participation") is not None else NEAR
    try:
        found = signs(sleeve, panel)
    except ModelError as error:
        return Gate(name="sign", sleeves=(sleeve.name,), passed=False, found=None, limit=list(near), why=str(error))
    wrong = [_wrong(one, near) for one in found.sides]
    text = "; ".join(one for one in wrong if one)
    if not text and found.inverted:
        worst = found.inverted[0]
        text = f"{len(found.inverted)} of its names earn the opposite of what it holds, {worst.of} {worst.value:.2f}"
        text += " for 1: turned over twice, or not at all"
    told = ", ".join(f"{one.of} {one.value:.3f} +- {one.error:.3f}" for one in found.sides if one.told)
    why = text or (f"its stream earns what it holds: {told}" if found.sides else "it held nothing that could be turned")
    values: dict[str, JsonValue] = {one.of: one.value for one in found.sides}
    return Gate(name="sign", sleeves=(sleeve.name,), passed=not text, found=values, limit=list(near), why=why)


def _wrong(slope: Slope, near: tuple[float, float]) -> str:
    if not slope.told or slope.value is None:
        error = "" if slope.error is None else f" (error {slope.error:.2f})"
        return f"its {slope.of} cannot be told from their opposite by the prices{error}: too few rows, or no moves"
    if near[0] <= slope.value <= near[1]:
        return ""
    what = "turned over twice, or not at all" if slope.value < 0.0 else "it is not the stream of what it holds"
    return f"its {slope.of} earn {slope.value:.2f} +- {slope.error:.2f} of 1 by the prices: {what}"


def alike(sleeves: Sequence[Sleeve], exceptions: Sequence[str]) -> list[Gate]:
    """Return a gate for each key in which sleeves differ, for each exception without need, or one that all is alike.

    What a sleeve has is held against what most have, of ties the first. Sleeves that say nothing of themselves fail.
    """
    keys = sorted({key for one in sleeves for key in one.conventions})
    gates = [_silent(one) for one in sleeves if not one.conventions and len(sleeves) > 1]
    for key in sorted({*keys, *exceptions}):
        found = list(_differing(key, sleeves, key in exceptions))
        gates += found
        if not found and key in exceptions and len(sleeves) > 1:
            names, why = tuple(one.name for one in sleeves), f"{key} is declared in gates.exceptions, and all are alike"
            gates.append(Gate(name="conventions", sleeves=names, passed=True, found=None, limit=None, why=why))
    if not gates and len(sleeves) > 1:
        names, why = tuple(one.name for one in sleeves), f"all {len(keys)} conventions are alike"
        gates.append(Gate(name="conventions", sleeves=names, passed=True, found=len(keys), limit=None, why=why))
    return gates


def _silent(sleeve: Sleeve) -> Gate:
    why = "it says nothing of its conventions"
    return Gate(name="conventions", sleeves=(sleeve.name,), passed=False, found=None, limit=None, why=why)


def _differing(key: str, sleeves: Sequence[Sleeve], declared: bool) -> Iterator[Gate]:
    """Yield a gate for each value of a key that is not that of most sleeves."""
    speaking = [one for one in sleeves if one.conventions]
    values = {one.name: one.conventions.get(key, ABSENT) for one in speaking}
    sorts: dict[bytes, list[str]] = {}
    for name, value in values.items():
        sorts.setdefault(canonical_json(value), []).append(name)
    usual = max(sorts.values(), key=len, default=[])
    for names in sorts.values():
        if names is usual:
            continue
        found, limit = (json.loads(canonical_json(values[who[0]])) for who in (names, usual))
        why = f"{key} is {shown(found)}, that of {', '.join(usual)} is {shown(limit)}"
        why += "; declared in gates.exceptions" if declared else ""
        yield Gate(name="conventions", sleeves=tuple(names), passed=declared, found=found, limit=limit, why=why)


def mirrored(correlations: Correlations, limit: float) -> list[Gate]:
    """Return a finding for each two sleeves that move as one or as opposites, for each that does not move, or none is.

    A sleeve that does not move mirrors nobody; it is told.
    """
    gates = []
    for one in correlations.pairs:
        if one.rho is not None and abs(one.rho) > limit:
            what = "as one: they are one bet" if one.rho > 0.0 else "as opposites: what one earns the other loses"
            why = f"they move {what}, correlated by {one.rho:.4f} over {one.rows} rows"
            gates.append(_mirror((one.first, one.second), False, one.rho, limit, why))
    gates += [
        _mirror((name,), True, None, limit, "it does not move on the common dates, so that it has no correlation")
        for name in correlations.still
    ]
    if all(gate.passed for gate in gates):
        largest = max((abs(one.rho) for one in correlations.pairs if one.rho is not None), default=None)
        why = "there are no two that move" if largest is None else f"no correlation is above {largest:.2f} in size"
        gates.append(_mirror(correlations.names, True, largest, limit, why))
    return gates


def _mirror(sleeves: tuple[str, ...], passed: bool, found: float | None, limit: float, why: str) -> Gate:
    return Gate(name="mirror", sleeves=sleeves, passed=passed, found=found, limit=limit, why=why, stops=Stops.PROMOTION)
