"""What each fill is charged per name, where rates are measured of bars: half spreads, and impact.

Figures of a decision are of the name's last `BARS` bars up to its row, and of no later one. A close-out that nobody
ordered is charged what the last fill was.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import CostModel, Spread, WeightPath
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.panel import BLOCK, Floats, Panel, frozen, units_of, value_traded
from tvquant.simulation.preflight import Columns
from tvquant.simulation.spreads import two_day_spreads

BARS = 20
PARTICIPATION = "execution.participation"
LEAST_RETURNS = 2
"""A standard deviation is of two returns at least."""


def name_rates(panel: Panel, columns: Columns, path: WeightPath, costs: CostModel, nav: float | None) -> Floats:
    """Return per decision and name the slippage of value and the impact of value^1.5 (2 x K x N); none if flat.

    Value is in starting capitals: a fill of value v costs slippage x v + impact x v^1.5, and k x sigma x sqrt(v x nav /
    ADV) x v is the latter.

    Raises
    ------
    ProfileError : impact without `execution.nav`; a measured rate without the fields that it is measured of.
    ModelError : a weight of a name of which too few bars are known by the decision, or none with a volume.
    """
    decided, names = path.decided, len(path.keys)
    if costs.spread is Spread.FLAT and costs.impact == 0.0:
        return frozen(np.empty((0, len(decided), names)))
    check_fields(panel, costs)
    rates = np.zeros((2, len(decided), names))
    rates[0] = costs.slippage_bps * 1e-4
    if costs.spread is not Spread.FLAT:
        half = 0.5 * _of_each(panel, columns, decided, _Spreads(panel, costs.spread))
        rates[0] = _known(half, path, f"costs.spread {costs.spread} needs two bars with a high and a low")
    if costs.impact > 0.0:
        if nav is None:
            raise ProfileError(
                "costs.impact needs execution.nav, the equity in base currency that the book starts with"
            )
        found = costs.impact * _of_each(panel, columns, decided, _Impacts(panel)) * np.sqrt(nav)
        rates[1] = _known(found, path, "costs.impact needs three bars, and one with a volume")
    return frozen(rates)


def check_fields(panel: Panel, costs: CostModel, participation: float | None = None) -> None:
    """Refuse rates that are measured of fields which the panel has not; ProfileError names key and field."""
    missing = [name for name in ("high", "low") if name not in panel.fields]
    if costs.spread is not Spread.FLAT and missing:
        raise ProfileError(
            f"costs.spread {costs.spread} is measured of highs and lows, and this panel has no {missing[0]!r}; set it "
            "to flat"
        )
    if costs.impact > 0.0:
        _check_volumes(panel, "costs.impact", "0")
    if participation is not None:
        _check_volumes(panel, PARTICIPATION, "null")


def _check_volumes(panel: Panel, key: str, off: str) -> None:
    if not {"volume", "quote_volume"} & set(panel.fields):
        raise ProfileError(f"{key} is measured of volumes, and this panel has none: it can only be {off}")


def tiers_of(costs: CostModel, nav: float | None) -> Floats:
    """Return commissions by value traded in 30 days (2 x n): values in starting capitals, from 0, and rates.

    A rate is `maker_share` of the maker's and the rest of the taker's.

    Raises
    ------
    ProfileError : tiers without `execution.nav`; a maker's share without tiers.
    """
    if not costs.tiers:
        if costs.maker_share:
            raise ProfileError(
                f"costs.maker_share is {costs.maker_share:g} and costs.tiers is empty: a maker's fee is that of a "
                "tier; set it to 0, or give tiers"
            )
        return frozen(np.array([[0.0], [costs.commission_bps * 1e-4]]))
    if nav is None:
        raise ProfileError("costs.tiers needs execution.nav, the equity in base currency that the book starts with")
    maker = costs.maker_share
    rates = [1e-4 * (maker * one.maker_bps + (1.0 - maker) * one.taker_bps) for one in costs.tiers]
    return frozen(np.array([[one.traded / nav for one in costs.tiers], rates]))


class _Spreads:
    """The mean of the two-day spreads within the last bars."""

    def __init__(self, panel: Panel, estimator: Spread) -> None:
        self._estimator = estimator
        self._prices = tuple(panel.fields[name] for name in ("high", "low", "close"))

    def at(self, of: "_Bars", upto: NDArray[np.intp]) -> Floats:
        high, low, close = (of.values(field) * of.units for field in self._prices)
        return _mean(recent(two_day_spreads(high, low, close, self._estimator), upto, BARS - 1))


class _Traded:
    """The mean traded value of the last bars."""

    def __init__(self, values: Floats) -> None:
        self._values = values

    def at(self, of: "_Bars", upto: NDArray[np.intp]) -> Floats:
        return _mean(recent(of.values(self._values), upto, BARS))


class _Impacts:
    """Volatility of the last bars over the root of their mean traded value."""

    def __init__(self, panel: Panel) -> None:
        self._close, self._value = panel.fields["close"], value_traded(panel, len(panel.times))

    def at(self, of: "_Bars", upto: NDArray[np.intp]) -> Floats:
        close = of.values(self._close) * of.units
        moves = np.full(close.shape, np.nan)
        moves[:, 1:] = close[:, 1:] / close[:, :-1] - 1.0
        traded = _mean(recent(of.values(self._value), upto, BARS))
        return _deviation(recent(moves, upto, BARS - 1)) / np.sqrt(np.where(traded > 0.0, traded, np.nan))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Bars:
    """The B bars of N names that have them on the same rows; `units` (N x B) are what one unit has become by splits."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    units: Floats

    @classmethod
    def of(cls, panel: Panel, columns: NDArray[np.intp]) -> Self:
        """Return the bars of these columns, whose first says which rows have one."""
        rows, units = np.flatnonzero(panel.tradable[:, columns[0]]), np.ones((1, 1))
        if "split" in panel.fields:
            units = units_of(panel.fields["split"][:, columns])[rows].T
        return cls(rows=rows, columns=columns, units=units)

    def values(self, field: Floats) -> Floats:
        """Return a field of them (N x B)."""
        return np.ascontiguousarray(field[self.rows][:, self.columns].T)


def mean_traded_value(panel: Panel, columns: Columns, decided: NDArray[np.int64]) -> Floats:
    """Return the mean value traded in each name's last bars to each decision (K x N), 0 where none is known.

    Raises
    ------
    ProfileError : the panel has no volume, which participation needs.
    """
    _check_volumes(panel, PARTICIPATION, "null")
    return np.nan_to_num(_of_each(panel, columns, decided, _Traded(value_traded(panel, len(panel.times)))))


def _of_each(
    panel: Panel, columns: Columns, decided: NDArray[np.int64], figure: _Spreads | _Impacts | _Traded
) -> Floats:
    """Return a figure of each name's bars to each decision (K x N); NaN where there are too few."""
    chosen = np.arange(len(panel.instruments)) if columns is None else columns
    have, alike = np.ascontiguousarray(panel.tradable[:, chosen].T), dict[bytes, list[int]]()
    for n, bars in enumerate(have):
        alike.setdefault(bars.tobytes(), []).append(n)
    found = np.empty((len(decided), len(chosen)))
    for names in alike.values():
        for first in range(0, len(names), BLOCK):
            block = names[first : first + BLOCK]
            of = _Bars.of(panel, chosen[block])
            found[:, block] = figure.at(of, np.searchsorted(of.rows, decided, side="right")).T
    return found


def recent(values: Floats, upto: NDArray[np.intp], width: int) -> Floats:
    """Return the last `width` of the first `upto` values (... x K x width), NaN where there are fewer."""
    at = upto[:, None] - 1 - np.arange(width)
    if not values.shape[-1]:
        return np.full((*values.shape[:-1], *at.shape), np.nan)
    return np.where(at >= 0, values[..., np.maximum(at, 0)], np.nan)


def _mean(values: Floats) -> Floats:
    """Return the means of the known values on the last axis; NaN where there is none."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    return np.where(known, values, 0.0).sum(axis=-1) / np.where(count > 0, count, np.nan)


def _deviation(values: Floats) -> Floats:
    """Return the standard deviations of the known values on the last axis (ddof 1); NaN of fewer than two."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    from_mean = np.where(known, values - _mean(values)[..., None], 0.0)
    return np.sqrt((from_mean**2).sum(axis=-1) / np.where(count >= LEAST_RETURNS, count - 1.0, np.nan))


def _known(found: Floats, path: WeightPath, needs: str) -> Floats:
    """Refuse a weight without its rate; a name that is not weighed keeps its last one, for what is left of it."""
    lacking = np.argwhere(np.isnan(found) & (path.net != 0.0))
    if len(lacking):
        k, j = (int(i) for i in lacking[0])
        raise ModelError(
            f"{path.keys[j]}: {needs}, and by decision {k} (row {path.decided[k]}) the last {BARS} bars do not have "
            "them; leave the name out, or the key"
        )
    last = np.maximum.accumulate(np.where(np.isnan(found), -1, np.arange(len(found))[:, None]), axis=0)
    return np.where(last >= 0, np.take_along_axis(found, np.maximum(last, 0), axis=0), 0.0)
