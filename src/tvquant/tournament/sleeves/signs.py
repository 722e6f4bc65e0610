"""Does a sleeve's stream earn what its atoms say they hold? Its signs against the prices (R-META-06).

1. What is held: each atom's size in units that are fixed at its decision, filled as `execution.convention` and `lag`
   say, and stay the same until the next fill; a long earns its asset's total return, a short loses it, until it has
   lost its collateral at twice the price of its fill. Of a book that goes a part of the way to its orders
   (`execution.partial`), the rest of what it held before stays, exits excepted.
2. The stream is regressed on what its longs and what its shorts would so have earned, both at once: a slope is 1 where
   the side was inverted once, -1 where it was inverted twice, between where the book holds less than was decided.
3. Costs, funding, borrowing and close-outs are not in what is held. They hardly go along with prices, so that they
   hardly touch a slope.
4. A side may be right and one name of it wrong. So what the stream earned beside all other holdings is regressed on
   what each name on its side earned.

A slope whose error is above `TOLD` says nothing, and is told as that.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import Convention
from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, Panel
from tvquant.core.sleeves import Sleeve
from tvquant.simulation.account import LOST_AT
from tvquant.statistics.betas import LEAST_ROWS
from tvquant.statistics.regression import market_model, slopes

TOLD = 0.25
"""Most error of a slope that is judged: 1 and -1 are eight of them apart."""

type Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """What the stream earned for each unit that something should have earned; None where that cannot be told."""

    of: str
    value: float | None
    error: float | None

    @property
    def told(self) -> bool:
        """Whether it is known well enough to be judged."""
        return self.value is not None and self.error is not None and self.error <= TOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """Slopes of a stream.

    Parameters
    ----------
    rows : that they are of.
    sides : of the longs and of the shorts that it holds; of both together (`net`) where these cannot be told apart.
        None where nothing was held.
    names : of each instrument and side that was held on 20 rows.
    """

    rows: int
    sides: tuple[Slope, ...]
    names: tuple[Slope, ...]

    @property
    def inverted(self) -> tuple[Slope, ...]:
        """Names that are known to earn the opposite of what is held: below 0 by two errors, the lowest first."""
        found = [one for one in self.names if one.told and (one.value or 0.0) + 2.0 * (one.error or 0.0) < 0.0]
        return tuple(sorted(found, key=lambda one: one.value or 0.0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Earnings:
    """What the holdings of a sleeve would have earned, as fractions of its equity one row before.

    Parameters
    ----------
    keys : N instruments.
    longs, shorts : R x N by row of the stream.
    """

    keys: tuple[str, ...]
    longs: Floats
    shorts: Floats


def signs(sleeve: Sleeve, panel: Panel) -> Signs:
    """Return the slopes of a sleeve's stream on what it says it holds; the panel is the one that it was played on.

    Raises
    ------
    ModelError : the panel lacks a stamp of the stream or an instrument that is held; the sleeve was ruined.
    """
    held = earnings(sleeve, panel)
    if (sleeve.levels == 0.0).any():
        raise ModelError(f"sleeve {sleeve.name}: nothing is left of it, so that it has no returns to judge signs by")
    y, longs, shorts = sleeve.levels[1:] / sleeve.levels[:-1] - 1.0, held.longs, held.shorts
    beside = y - (longs + shorts).sum(axis=1)
    names = tuple(
        _line(f"{key} {side}", beside[there] + own[there], own[there])
        for side, sided in (("long", longs), ("short", shorts))
        for key, own in zip(held.keys, sided.T, strict=True)
        if (there := own != 0.0).sum() >= LEAST_ROWS
    )
    return Signs(rows=len(y), sides=_sides(y, longs.sum(axis=1), shorts.sum(axis=1)), names=names)


def _sides(y: Floats, longs: Floats, shorts: Floats) -> tuple[Slope, ...]:
    held = {name: own for name, own in (("longs", longs), ("shorts", shorts)) if own.any()}
    if len(held) == 2 and len(y) >= LEAST_ROWS:
        found = slopes(y, np.column_stack(list(held.values())))
        if found is not None and max(found.errors) <= TOLD:
            return tuple(
                Slope(of=name, value=value, error=error)
                for name, value, error in zip(held, found.values, found.errors, strict=True)
            )
    if not held:
        return ()
    return (_line("net" if len(held) == 2 else next(iter(held)), y, longs + shorts),)


def _line(name: str, y: Floats, x: Floats) -> Slope:
    found = market_model(y, x) if len(y) >= LEAST_ROWS else None
    return Slope(of=name, value=found.beta if found else None, error=found.beta_se if found else None)


def earnings(sleeve: Sleeve, panel: Panel) -> Earnings:
    """Return what a sleeve's holdings would have earned, without costs, by row of its stream.

    Raises
    ------
    ModelError : the panel lacks a stamp of the stream or an instrument that is held.
    """
    keys = tuple(sorted({atom.symbol for one in sleeve.decisions for atom in one.atoms}))
    absent = [key for key in keys if key not in panel.keys]
    if absent:
        raise ModelError(f"sleeve {sleeve.name}: it holds {absent[0]}, which has no prices there")
    rows = np.searchsorted(panel.times, sleeve.times)
    if not np.isin(sleeve.times, panel.times).all():
        day = sleeve.times[~np.isin(sleeve.times, panel.times)][0]
        raise ModelError(f"sleeve {sleeve.name}: there are no prices at {np.datetime64(day, 'D')}, a row of its stream")
    longs, shorts, growth = _held(sleeve, keys, _prices(sleeve, panel, keys))
    return Earnings(keys=keys, longs=_by_row(longs, growth, rows), shorts=_by_row(shorts, growth, rows))


class _Prices(NamedTuple):
    """T x N total return indices, at closes and at what a fill in each row is filled at; K rows of decisions and fills.

    A fill at the very close that decided is filled before the row behind it.
    """

    close: Floats
    fill: Floats
    decided: Rows
    filled: Rows


def _prices(sleeve: Sleeve, panel: Panel, keys: tuple[str, ...]) -> _Prices:
    rules, columns = sleeve.conventions, panel.columns(keys)
    moved = np.nan_to_num(panel.fields["total_return"][:, columns])
    close = np.cumprod(1.0 + moved, axis=0)
    before = np.vstack([np.ones((1, len(keys))), close[:-1]])
    convention = Convention(rules.get("execution.convention", Convention.NEXT_OPEN))
    fill = before if convention is Convention.SAME_CLOSE else close
    if convention is Convention.NEXT_OPEN and "open" in panel.fields:
        intraday = panel.fields["close"][:, columns] / panel.fields["open"][:, columns]
        fill = np.where(np.isnan(intraday), close, close / intraday)
    decided = np.searchsorted(panel.times, sleeve.decided, side="right") - 1
    return _Prices(close=close, fill=fill, decided=decided, filled=decided + 1 + int(rules.get("execution.lag", 0)))


def _held(sleeve: Sleeve, keys: tuple[str, ...], prices: _Prices) -> tuple[Floats, Floats, Floats]:
    """Return T x N earned by longs and by shorts, of equity one row before, and the T growths of equity."""
    end, n = prices.close.shape
    earned, equity, held = np.zeros((2, end, n)), np.ones(end), np.zeros((2, n))
    place, way = {key: j for j, key in enumerate(keys)}, float(sleeve.conventions.get("execution.partial", 1.0))
    ends = [*prices.filled[1:].tolist(), end]
    for one, at, first, last in zip(sleeve.decisions, prices.decided, prices.filled.tolist(), ends, strict=True):
        if first >= min(last, end):  # another decision is filled there
            continue
        target = np.zeros((2, n))
        for atom in one.atoms:
            target[int(atom.direction.sign < 0), place[atom.symbol]] += atom.size
        ordered = target * equity[at] / prices.close[at]
        held = way * ordered + (1.0 - way) * np.where(target[0] != target[1], held, 0.0)
        path = np.vstack([prices.fill[first], prices.close[first:last], prices.fill[last : last + 1]])
        lost = (held[1] > held[0]) & np.logical_or.accumulate(path >= LOST_AT * path[0])
        change = np.diff(np.where(lost, LOST_AT * path[0], path), axis=0)
        earned[:, first : first + len(change)] += held[:, None] * change * np.array([1.0, -1.0])[:, None, None]
        equity[first:last] = equity[first - 1] + earned[:, first:last].sum(axis=(0, 2)).cumsum()
        held = np.where(lost[-1], 0.0, held)
    before = np.concatenate([[1.0], equity[:-1]])
    whole = np.logical_and.accumulate(before > 0.0)
    earned *= np.divide(1.0, before, out=np.zeros(end), where=whole)[:, None]
    return earned[0], earned[1], 1.0 + earned.sum(axis=(0, 2))


def _by_row(earned: Floats, growth: Floats, rows: Rows) -> Floats:
    """Return R x N earned from row to row of the stream, which may leave out rows of the panel."""
    inside = earned[rows[0] + 1 : rows[-1] + 1]
    starts = rows[:-1] - rows[0]
    if len(inside) == len(starts):
        return inside
    equity = np.cumprod(np.concatenate([[1.0], growth[rows[0] + 1 : rows[-1]]]))
    since = equity[starts].repeat(np.diff(rows))
    summed: Floats = np.add.reduceat(inside * (equity / since)[:, None], starts, axis=0)
    return summed
