"""What a grid leaves out: members of its axes that make no cell together, each with the reason (R-TRN-01).

1. The axes are selection, engine, risk profile, windows (train, step, test), simulator and costs. Their product less
   what is left out is the number of strategy cells; baselines and variants come on top.
2. A cell that several reasons leave out counts for the first of them: windows, then engine, then simulator.
3. What is named alone and cannot be played is refused with the profile, and so is what is not installed.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from operator import attrgetter
from typing import Any

from tvquant.core.calendar_steps import CalendarStep
from tvquant.core.demands import DEMANDS, demands
from tvquant.profiles.schema import Profile
from tvquant.profiles.sections.allocation import ADAPTIVE
from tvquant.profiles.sections.data import rule_of

type Timing = tuple[int, int | CalendarStep, int | None]
"""Train, step and test; a step by the calendar has no test."""
type Solved = Mapping[str, frozenset[str]]
"""Engine -> risk profiles that it solves."""
type Refusals = Mapping[str, frozenset[str]]
"""Simulator -> capabilities that it refuses."""

AXES = ("engine", "risk_profile", "train", "step", "test", "simulator", "costs")
"""What an exclusion may name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Members of two or three axes that make no cell together.

    Parameters
    ----------
    members : axis -> its member.
    why : what is wrong with them.
    cells : of the grid's product that are left out for this.
    remedy : what would let them in; empty where nothing is known.
    """

    members: Mapping[str, str]
    why: str
    cells: int
    remedy: str = ""

    @property
    def what(self) -> str:
        """The members in words."""
        named = ((axis, self.members.get(axis)) for axis in AXES)  # a ledger keeps no order
        return ", ".join(f"{axis.replace('_', ' ')} {name}" for axis, name in named if name)

    def payload(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {"members": dict(self.members), "why": self.why, "cells": self.cells}

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "Exclusion":
        """Return what `payload` returned."""
        return cls(members=payload["members"], why=payload["why"], cells=payload["cells"])


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSize:
    """The size of a grid.

    Parameters
    ----------
    asked : cells of the product of its axes.
    exclusions : what of it is left out.
    """

    asked: int
    exclusions: tuple[Exclusion, ...]

    @property
    def cells(self) -> int:
        """Strategy cells that are played: the product less what is left out."""
        return self.asked - sum(one.cells for one in self.exclusions)

    def payload(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {"asked": self.asked, "cells": self.cells, "exclusions": [one.payload() for one in self.exclusions]}

    def lines(self) -> list[str]:
        """Return what is left out in words, a line each, below the count; none where nothing is."""
        if not self.exclusions:
            return []
        each = (f"  Left out: {one.what}: {one.why} ({one.cells} cells)." for one in self.exclusions)
        return [f"  {self.cells} of the grid's {self.asked} strategy cells are made.", *each]

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "GridSize":
        """Return what `payload` returned."""
        return cls(asked=payload["asked"], exclusions=tuple(map(Exclusion.of, payload["exclusions"])))


def grid_of(profile: Profile, solved: Solved, refusals: Refusals) -> GridSize:
    """Return the size of a profile's grid, and what of it is left out."""
    engines, weighed = profile.allocation.engines, profile.allocation.profiles
    pairs = len(engines) * len(weighed)
    selections, timings = len(profile.entrants), _timings(profile)
    simulators, costings = profile.execution.simulators, profile.costings
    books = len(simulators) * len(costings)
    short = [
        Exclusion(members=_members(one), why=_SHORT, cells=selections * pairs * books)
        for one in timings
        if _is_short(one)
    ]
    windows = len(timings) - len(short)
    unsolved = [
        Exclusion(
            members={"engine": engine, "risk_profile": name},
            why=f"does not solve {', '.join(lacking)}{' of risk.adaptive' if name == ADAPTIVE else ''}",
            cells=selections * windows * books,
        )
        for engine, name in product(engines, weighed)
        if (lacking := _lacking(profile, name, solved[engine]))
    ]
    each = selections * windows * (pairs - len(unsolved))
    refused = [
        made
        for (scenario, costed), simulator in product(costings.items(), simulators)
        if (made := _refused(costed, simulator, scenario, refusals.get(simulator, frozenset()), each))
    ]
    return GridSize(asked=selections * pairs * len(timings) * books, exclusions=(*short, *unsolved, *refused))


def windows_of(profile: Profile) -> tuple[Timing, ...]:
    """Return the windows of a profile's grid that are walked, its own first; a test that nobody names is the step."""
    return tuple(one for one in _timings(profile) if not _is_short(one))


def noted(profile: Profile, grid: GridSize) -> Iterator[str]:
    """Yield one notice per engine, simulator and windows that the grid leaves out."""
    for engine in profile.allocation.engines:
        mine = [one for one in grid.exclusions if one.members.get("engine") == engine]
        names = [one.members["risk_profile"] for one in mine if one.members["risk_profile"] != ADAPTIVE]
        if names:
            yield f"engine {engine} does not solve {', '.join(names)}: no cell of it is made with them"
        for one in mine:
            if one.members["risk_profile"] == ADAPTIVE:
                yield f"engine {engine} {one.why}: it has no adaptive cell"
    for one in grid.exclusions:
        if simulator := one.members.get("simulator"):
            at = f" at grid.costs.{one.members['costs']}" if one.members["costs"] else ""
            remedy = f"; {one.remedy}" if one.remedy else ""
            yield f"simulator {simulator} {one.why}: no book of it is made{at}{remedy}"
        elif "test" in one.members:
            yield f"{one.what}: not walked, for {one.why}"


def demands_of(profile: Profile) -> dict[str, str]:
    """Return capability -> key of all that a profile asks of a simulator that plays its books."""
    keys = (*DEMANDS, "execution.convention", "allocation.limits.gross")
    return {capability: key for key, capability in demands({key: attrgetter(key)(profile) for key in keys})}


_SHORT = "the test is shorter than the step: rows between would never be tested"


def _timings(profile: Profile) -> tuple[Timing, ...]:
    """Return the product of train, step and test, equal ones once, the profile's own first.

    A test as long as the profile's step is as long as each other step too, unless the grid names that very length.
    """
    w, grid = profile.windows, profile.grid
    as_the_step = w.test == w.step and w.test not in grid.test
    tests: tuple[int | None, ...] = (None if as_the_step else w.test, *grid.test)
    steps = [rule_of(step) for step in (w.step, *grid.step)]
    crossed: Iterable[Timing] = (
        (train, step, (test or step) if isinstance(step, int) else None)
        for train, step, test in product((w.train, *grid.train), steps, tests)
    )
    return tuple(dict.fromkeys(((w.train, w.rule, w.test), *crossed)))


def _is_short(timing: Timing) -> bool:
    _, step, test = timing
    return isinstance(step, int) and test is not None and test < step


def _members(timing: Timing) -> dict[str, str]:
    return dict(zip(("train", "step", "test"), map(str, timing), strict=True))


def _lacking(profile: Profile, name: str, solved: frozenset[str]) -> list[str]:
    """Return the risk profiles that one weighs by, and an engine does not solve: itself, or those of regimes."""
    asked = dict.fromkeys(profile.risk.by_regime.values()) if name == ADAPTIVE else (name,)
    return sorted(one for one in asked if one not in solved)


def _refused(costed: Profile, simulator: str, scenario: str, refusals: frozenset[str], cells: int) -> Exclusion | None:
    """Return the exclusion of a simulator that keeps no book at these costs; None where it keeps one."""
    asked = demands_of(costed)
    refused = sorted(asked.keys() & refusals)
    if not refused:
        return None
    free = [f"{key}: {json.dumps(DEMANDS[key][1])}" for one in refused if (key := asked[one]) in DEMANDS]
    return Exclusion(
        members={"simulator": simulator, "costs": scenario},
        why=f"refuses {', '.join(f'{one} ({asked[one]})' for one in refused)}",
        cells=cells,
        remedy=f"it would keep one with {', '.join(free)}" if len(free) == len(refused) else "",
    )
