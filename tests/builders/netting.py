"""Meta paths and accounts to order."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from builders.problems import limits
from tvquant.core.atoms import Direction
from tvquant.core.panel import Panel
from tvquant.core.sleeves import HeldAtom, Sleeve, SleeveDecision
from tvquant.statistics.covariance import HOUSE
from tvquant.tournament.sleeves.shares import MetaDecision, MetaPath
from tvquant.tournament.sleeves.specs import MetaSpec, UnionRules


def meta_spec(**changed: Any) -> MetaSpec:
    """Return the spec of HRP on 20 rows every 5, without bounds that bind, but for what is given."""
    plain = {
        "engine": "custom", "risk_profile": "hrp", "fallbacks": (), "bounds": (0.0, 1.0), "train": 20, "step": 5,
        "estimates": HOUSE,
    }  # fmt: skip
    return MetaSpec(**(plain | changed))


def union_rules(*, lookbacks: tuple[int, ...] = (20, 40), **caps: Any) -> UnionRules:
    """Return rules whose caps are those given, and otherwise bind nothing."""
    free = {"gross": 10.0, "net": (-10.0, 10.0), "position": 10.0, "cluster": 10.0}
    return UnionRules(limits=limits(**(free | caps)), distance=0.5, linkage="ward", most=25, lookbacks=lookbacks)


def meta_path(sleeves: Sequence[Sleeve], given: Mapping[int, Sequence[float]]) -> MetaPath:
    """Return the path that gives these shares at these rows of the first sleeve's bars."""
    names = tuple(one.name for one in sleeves)
    made = [
        MetaDecision(row=row, at=sleeves[0].times[row], shares=dict(zip(names, shares, strict=True)))
        for row, shares in given.items()
    ]
    return MetaPath(key="mix/given", names=names, decisions=tuple(made))


def decision(panel: Panel, row: int, sides: Mapping[str, float], logic: str = "trend") -> SleeveDecision:
    """Return the decision at a row of the account to hold instruments with these signed sizes."""
    atoms = tuple(
        HeldAtom(f"{key}_{logic}_{side}", key, side, abs(size))
        for key, size in sides.items()
        for side in (Direction.LONG if size > 0.0 else Direction.SHORT,)
    )
    return SleeveDecision(at=panel.times[row], atoms=atoms)


def book_levels(panel: Panel, decisions: Mapping[int, Mapping[str, float]]) -> np.ndarray:
    """Return the levels of a free book filled at the marks of its decisions, from the first of them on."""
    close, at = panel.fields["close"], {key: j for j, key in enumerate(panel.keys)}
    rows = sorted(decisions)
    level, units, cash = [1.0], {}, 1.0
    for row in range(rows[0], len(close)):
        worth = cash + sum(q * close[row, at[key]] for key, q in units.items())
        if row > rows[0]:
            level.append(worth)
        if row in decisions:
            units = {key: size * worth / close[row, at[key]] for key, size in decisions[row].items()}
            cash = worth - sum(q * close[row, at[key]] for key, q in units.items())
    return np.array(level)
