"""Turnover: how much of the book that was held before a new one buys and sells, and what keeps it small.

1. It is the larger of what is bought and what is sold, as fractions of equity: half of what names and cash move, a
   full switch being 1. It is of net weights of assets, which is what is traded; names that no stream holds any more are
   sold whatever is weighed, and count.
2. Where nothing was held there is no turnover to bound: the first book is bought whole.
3. Bought is sum max(0, t) over the trades t = U w - h of A assets: the largest of 2^A sums of trades, and each of these
   is a linear limit on w. So is sold. A solve whose answer breaks one gets it as a row and is made again, until none is
   broken. Every method keeps the limit so, and is proved as before: an answer that is best under some of the rows and
   keeps all is best under all. It takes about as many rows as there are names.
4. Caps and limits by name come first. Where they, and names that are gone, ask for more trades than the limit allows,
   it is the least that they ask for; the record says which limits those are and what would keep it.
5. Reference bounds give way: nobody has to sell a name because it is held above its bound.

Source: Kelley (1960), The cutting-plane method for solving convex programs, Journal of the SIAM 8.
"""

from dataclasses import dataclass, replace

import numpy as np

from tvquant.core.panel import Floats, frozen
from tvquant.core.problems import Problem

KEPT = 5e-10
"""A limit that is exceeded by no more is kept: half of what verification lets pass."""
EXACT = 1e-9
"""How exactly a linear program finds the least turnover."""
SLACK = 1e-7
"""What the least turnover is given beyond that: interior points have no answer where there is next to no interior."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trades:
    """What N weights trade in A assets, and the most that it may be.

    Parameters
    ----------
    units : A x N, units of each asset per unit of weight, with their signs.
    held : A, net weights before.
    bought, sold : what is bought back and sold of assets that no stream holds.
    asked : most turnover by the profile.
    most : in force; `asked`, or more where other limits ask for it.
    """

    units: Floats
    held: Floats
    bought: float
    sold: float
    asked: float
    most: float

    def turnover(self, weights: Floats) -> float:
        """Return the larger of what N weights buy and sell."""
        traded = self.units @ weights - self.held
        return max(
            self.bought + float(np.maximum(traded, 0.0).sum()), self.sold + float(np.maximum(-traded, 0.0).sum())
        )

    def broken(self, weights: Floats) -> tuple[Floats, float] | None:
        """Return the row (N) and the bound that N weights break by most; None where they keep the limit."""
        traded = self.units @ weights - self.held
        sides = ((1.0, self.bought), (-1.0, self.sold))
        sign, gone = max(sides, key=lambda one: one[1] + float(np.maximum(one[0] * traded, 0.0).sum()))
        moving = sign * traded > 0.0
        if gone + sign * float(traded[moving].sum()) <= self.most + KEPT:
            return None
        return sign * self.units[moving].sum(axis=0), self.most - gone + sign * float(self.held[moving].sum())

    @property
    def lifted(self) -> tuple[Floats, Floats, Floats]:
        """Rows (R x (N + A)) and slopes and offsets (R): rows @ (w, b) <= slopes x most + offsets, b being bought."""
        a, n = self.units.shape
        rows = np.zeros((a + 2, n + a))
        rows[:a, :n], rows[:a, n:] = self.units, -np.eye(a)
        rows[a:, n:], rows[a + 1, :n] = 1.0, -self.units.sum(axis=0)
        offsets = np.concatenate((self.held, (-self.bought, -self.sold - float(self.held.sum()))))
        return rows, np.append(np.zeros(a), (1.0, 1.0)), offsets

    @property
    def room(self) -> Floats:
        """N, what each stream could hold without buying any of its assets."""
        with np.errstate(divide="ignore", invalid="ignore"):
            each = np.where(self.units != 0.0, self.held[:, None] / self.units, np.inf)
        found: Floats = np.maximum(each.min(axis=0), 0.0)
        return found

    def raised(self, least: float) -> "Trades":
        """Return the trades with at least so much turnover."""
        return self if least <= self.asked + EXACT else replace(self, most=least + SLACK)


def trades_of(problem: Problem) -> Trades | None:
    """Return the trades of a problem; None where its limits bound no turnover, or nothing was held."""
    asked = problem.limits.turnover
    return None if asked is None or not any(problem.held.values()) else traded(problem, asked)


def traded(problem: Problem, most: float = np.inf) -> Trades:
    """Return the trades of a problem whatever its limits say of them, and the most that they may be."""
    held = problem.held
    streams = [problem.composition[key] for key in problem.keys]
    assets = {asset: row for row, asset in enumerate(dict.fromkeys(asset for one in streams for asset in one))}
    units = np.zeros((len(assets), len(streams)))
    for i, one in enumerate(streams):
        for asset, unit in one.items():
            units[assets[asset], i] = unit
    gone = [weight for asset, weight in held.items() if asset not in assets]
    return Trades(
        units=frozen(units),
        held=frozen(np.array([held.get(asset, 0.0) for asset in assets])),
        bought=0.0 - sum(min(weight, 0.0) for weight in gone),
        sold=sum((max(weight, 0.0) for weight in gone), 0.0),
        asked=most,
        most=most,
    )
