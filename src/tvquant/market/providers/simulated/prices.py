"""Prices of a simulated market: random paths with their levels, planted edges, actions, ticks and lots, as bars.

A day's bar is the exact aggregate of its steps, which coins publish as 4h bars.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tvquant.core.calendars import CRYPTO, DAY, NEW_YORK, calendar
from tvquant.core.panel import Floats, Times
from tvquant.market.providers.simulated import paths
from tvquant.market.providers.simulated.market import Listing, SimulatedMarket, Venue
from tvquant.market.providers.simulated.paths import STEPS, Ints

BASE_FUNDING, FUNDING_SLOPE, MOST_FUNDING = 1e-4, 0.3, 0.0075
"""Per eight hours: the rate without a basis, what a basis adds to it, and its bound."""
BASIS = 4e-4
"""Standard deviation of a perpetual's price against its coin."""
BORROW = {Venue.COINS: 0.02, Venue.STOCKS: 0.003}
"""Median annual rate for borrowing one unit."""
JUMP = 400.0
"""Price of a ticker's second holder over the last price of the first."""
QUARTER = 63


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Times of one venue: day stamps and closes (D), opens and closes of steps (D * STEPS)."""

    days: Times
    closes: Times
    step_opens: Times
    step_closes: Times
    periods_per_year: int

    def times(self, interval: str) -> tuple[Times, Times]:
        """Return opens and closes of the bars of an interval."""
        return (self.days, self.closes) if interval == "1d" else (self.step_opens, self.step_closes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """One venue's bars by interval and column name, rows x listings, and what its listings trade in."""

    grid: Grid
    bars: Mapping[str, Mapping[str, Floats]]
    ticks: Floats
    lots: Floats
    splits: Mapping[int, Mapping[int, float]]
    dividends: Mapping[int, Mapping[int, float]]
    funding: Floats
    borrow: Floats


def aggregate(steps: Mapping[str, Floats], size: int) -> dict[str, Floats]:
    """Return bars of `size` steps each, from bars of one step (rows x n)."""
    cut = {name: column.reshape(-1, size, column.shape[1]) for name, column in steps.items()}
    return {
        "open": cut["open"][:, 0],
        "high": cut["high"].max(axis=1),
        "low": cut["low"].min(axis=1),
        "close": cut["close"][:, -1],
        "volume": cut["volume"].sum(axis=1),
        "quote_volume": cut["quote_volume"].sum(axis=1),
    }


def span(one: Listing, first_day: np.datetime64, opens: Times) -> tuple[int, int]:
    """Return first row and the row after the last one of a listing, among bars that open at `opens`."""
    lo, hi = np.searchsorted(opens, [first_day + one.first * DAY, first_day + one.last * DAY])
    return int(lo), int(hi)


def _grid(market: SimulatedMarket, venue: Venue) -> Grid:
    first = np.datetime64(market.start, "D")
    last = first + (market.days - 1) * DAY
    found = calendar(CRYPTO if venue is Venue.COINS else NEW_YORK, first.item(), last.item())
    days = found.bars(first, last)
    closes = found.close_of(days)
    parts = (days[:, None] + (closes - days)[:, None] * np.arange(STEPS + 1) / STEPS).astype("datetime64[us]")
    return Grid(
        days=days,
        closes=closes,
        step_opens=parts[:, :-1].ravel(),
        step_closes=parts[:, 1:].ravel(),
        periods_per_year=found.periods_per_year,
    )


def prices_of(market: SimulatedMarket, venue: Venue, listings: list[Listing], regimes: Ints) -> Prices:
    """Return all bars of a venue; its listings are in order of their columns."""
    grid = _grid(market, venue)
    stream = [market.seed, 10 + list(Venue).index(venue)]
    character = paths.COINS if venue is Venue.COINS else paths.STOCKS
    first_day = np.datetime64(market.start, "D")
    regime = regimes[(grid.days.astype("datetime64[D]") - first_day).astype(np.int64)]
    own = [one for one in listings if one.coin is None]
    returns = paths.log_returns([*stream, 0], character, regime, np.array([one.sector for one in own]))
    _plant(returns, own, grid, first_day)
    followed = [one.coin for one in listings if one.coin is not None]
    basis = BASIS * paths.autoregression(np.random.default_rng([*stream, 1]), len(grid.step_opens), len(followed), 0.95)
    moves = np.diff(basis, axis=0, prepend=0.0).reshape(len(grid.days), STEPS, len(followed))
    returns = np.concatenate([returns, returns[:, :, followed] + moves], axis=2)
    steps = paths.bars(np.random.default_rng([*stream, 2]), character, returns)
    del returns
    spans = [span(one, first_day, grid.step_opens) for one in listings]
    rng = np.random.default_rng([*stream, 3])
    level = _levels(rng, listings, spans, steps)
    split, dividend = _actions(rng, market, venue, listings, grid, first_day)
    units, paid = _factors(len(grid.days), len(listings), split, dividend)
    bars, ticks, lots = _traded(steps, level, units, paid)
    noise = paths.autoregression(np.random.default_rng([*stream, 4]), len(grid.days), len(listings), 0.97)
    rate = np.clip(BASE_FUNDING + FUNDING_SLOPE * basis[::2], -MOST_FUNDING, MOST_FUNDING)
    return Prices(
        grid=grid,
        bars={"4h" if venue is Venue.COINS else "step": bars, "1d": aggregate(bars, STEPS)},
        ticks=ticks,
        lots=lots,
        splits=split,
        dividends=dividend,
        funding=np.round(rate, 8),
        borrow=np.round(BORROW[venue] * np.exp(0.5 * noise), 6),
    )


def _plant(returns: Floats, listings: list[Listing], grid: Grid, first_day: np.datetime64) -> None:
    """Shift the paths that carry a declared edge, so that their days from the first close to the last have it."""
    for one in listings:
        if one.sharpe is not None:
            lo, hi = span(one, first_day, grid.days)
            daily = returns[lo + 1 : hi, :, one.column].sum(axis=1)
            returns[:, :, one.column] += paths.drift_for(one.sharpe, daily, grid.periods_per_year) / STEPS


def _levels(
    rng: np.random.Generator, listings: list[Listing], spans: list[tuple[int, int]], steps: paths.Steps
) -> Floats:
    """Return the n factors of the relative paths: a price of its own, the coin's, or far from the last holder's."""
    coins = listings[0].venue is Venue.COINS
    drawn = np.exp(rng.normal(1.0, 2.5, len(listings)) if coins else rng.normal(4.3, 0.7, len(listings)))
    out = np.zeros(len(listings))
    last: dict[str, float] = {}
    for one, (lo, hi) in zip(listings, spans, strict=True):
        column = one.column
        price = drawn[column] if one.generation == 1 else last[one.symbol] * JUMP
        out[column] = out[one.coin] if one.coin is not None else price / steps.open[lo, column]
        last[one.symbol] = float(steps.close[hi - 1, column] * out[column])
    return out


def _actions(
    rng: np.random.Generator,
    market: SimulatedMarket,
    venue: Venue,
    listings: list[Listing],
    grid: Grid,
    first_day: np.datetime64,
) -> tuple[dict[int, dict[int, float]], dict[int, dict[int, float]]]:
    """Return splits (new for one old) and dividends (share of the price), by column and row of the ex-date.

    Stocks only.
    """
    splits: dict[int, dict[int, float]] = {}
    dividends: dict[int, dict[int, float]] = {}
    if venue is Venue.COINS:
        return splits, dividends
    for one in listings:
        lo, hi = span(one, first_day, grid.days)
        divides, pays, share = rng.random() < market.splits, rng.random() < 0.5, rng.uniform(0.002, 0.01)
        days = np.sort(rng.choice(np.arange(lo + 20, hi), int(rng.integers(1, 3)), replace=False))
        ratios = rng.choice([2.0, 3.0, 4.0, 10.0, 0.1], len(days))
        if divides:
            splits[one.column] = dict(zip(days.tolist(), ratios.tolist(), strict=True))
        if pays:
            dividends[one.column] = dict.fromkeys(range(lo + QUARTER, hi, QUARTER), float(share))
    return splits, dividends


def _factors(
    days: int, n: int, splits: Mapping[int, Mapping[int, float]], dividends: Mapping[int, Mapping[int, float]]
) -> tuple[Floats, Floats]:
    """Return D x n each: units that one unit of the first day became, and the share of its price left by dividends."""
    units, left = np.ones((days, n)), np.ones((days, n))
    for column, found in splits.items():
        for day, ratio in found.items():
            units[day:, column] *= ratio
    for column, found in dividends.items():
        for day, share in found.items():
            left[day:, column] *= 1 - share
    return units, left


def _traded(steps: paths.Steps, level: Floats, units: Floats, left: Floats) -> tuple[dict[str, Floats], Floats, Floats]:
    """Return bars in quoted prices and whole lots, with ticks and lots (n each) that follow from the size of prices."""
    price = level * np.repeat(left / units, STEPS, axis=0)
    quoted = {name: getattr(steps, name) * price for name in ("open", "high", "low", "close")}
    size = np.floor(np.log10(np.median(quoted["close"], axis=0)))
    tenths = 10.0 ** np.clip(5 - size, 0, 12)
    for column in quoted.values():
        np.round(np.multiply(column, tenths, out=column), out=column)
        np.maximum(column, 1.0, out=column)
        np.divide(column, tenths, out=column)
    parts = 10.0 ** np.clip(size, 0, 6)
    volume = np.maximum(np.round(steps.value / quoted["close"] * parts), 1.0) / parts
    middle = (quoted["open"] + quoted["high"] + quoted["low"] + quoted["close"]) / 4
    return {**quoted, "volume": volume, "quote_volume": np.round(volume * middle, 2)}, 1 / tenths, 1 / parts
