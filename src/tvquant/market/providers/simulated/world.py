"""What truly traded on a simulated market: every price, action, funding payment and borrow rate, without any fault.

Prices are drawn in steps (four hours, or a sixth of a session); a day's bar is the exact aggregate of its steps.
Looks are taken as of a moment: the bar of that moment is there as far as it has got.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from tvquant.core.instants import instant, moment
from tvquant.core.panel import Floats, Times
from tvquant.market.providers.contract import ACTIONS, BARS, FUNDING, INSTRUMENTS
from tvquant.market.providers.simulated.market import Listing, SimulatedMarket, Venue, roster
from tvquant.market.providers.simulated.paths import regimes
from tvquant.market.providers.simulated.prices import Prices, aggregate, prices_of, span


class World:
    """One simulated market: built once from its declaration, and only looked at from then on."""

    def __init__(self, market: SimulatedMarket) -> None:
        self.market = market
        self.listings = roster(market)
        self._of = {one.symbol: tuple(o for o in self.listings if o.symbol == one.symbol) for one in self.listings}
        self.regimes = regimes(np.random.default_rng([market.seed, 3]), market.days)
        self._first_day = np.datetime64(market.start, "D")
        self._prices = {
            venue: prices_of(market, venue, mine, self.regimes)
            for venue in Venue
            if (mine := [one for one in self.listings if one.venue is venue])
        }

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol that is ever listed, sorted."""
        return tuple(sorted(self._of))

    def intervals(self, symbol: str) -> frozenset[str]:
        """Intervals that the symbol has bars of; none for one that is never listed."""
        if symbol not in self._of:
            return frozenset()
        return frozenset(self._prices[self._of[symbol][0].venue].bars)

    def listings_of(self, symbol: str) -> tuple[Listing, ...]:
        """Holders of the symbol in order of time."""
        return self._of.get(symbol, ())

    def truth(self, symbol: str, interval: str = "1d", *, now: datetime) -> pl.DataFrame:
        """All bars that had closed at `now`, as they should stand in a lake (`BARS`)."""
        parts = [self._finished(one, interval, instant(now)) for one in self.listings_of(symbol)]
        return pl.concat([pl.DataFrame(schema=dict(BARS)), *parts])

    def bars(self, symbol: str, interval: str, *, now: datetime) -> pl.DataFrame:
        """The same and the unfinished bar of the moment, if there is one."""
        parts = [self.truth(symbol, interval, now=now)]
        parts += [self._unfinished(one, interval, instant(now)) for one in self.listings_of(symbol)]
        return pl.concat(parts)

    def instruments(self, *, now: datetime) -> pl.DataFrame:
        """All listings so far; an end is known when it has come (`INSTRUMENTS`)."""
        rows = []
        for one in self.listings:
            prices = self._prices[one.venue]
            listed, ended = self.day(one.first), self.day(one.last)
            if listed > now:
                continue
            column = one.column
            over = ended if one.ends and ended <= now else None
            notional = 5.0 if one.venue is Venue.COINS else 1.0
            steps = float(prices.ticks[column]), float(prices.lots[column]), notional
            rows.append((one.symbol, *steps, 0.0 if one.venue is Venue.COINS else None, listed, over))
        return pl.DataFrame(rows, schema=dict(INSTRUMENTS), orient="row").sort("symbol", "listed_at")

    def actions(self, symbol: str, *, now: datetime) -> pl.DataFrame:
        """Dividends and splits whose ex-date has come (`ACTIONS`)."""
        rows = []
        for one in self.listings_of(symbol):
            prices = self._prices[one.venue]
            close = prices.bars["1d"]["close"][:, one.column]
            lo, hi = self._rows(one, "1d")
            found = [(day, "split", ratio) for day, ratio in prices.splits.get(one.column, {}).items()]
            for day, share in prices.dividends.get(one.column, {}).items():
                found.append((day, "dividend", round(float(close[day]) * share / (1 - share), 6)))
            stamps = prices.grid.days
            rows += [(moment(stamps[day]), kind, value) for day, kind, value in found if lo <= day < hi]
        known = [row for row in rows if row[0] <= now]
        return pl.DataFrame(known, schema=dict(ACTIONS), orient="row").sort("timestamp", "kind")

    def funding(self, symbol: str, *, now: datetime) -> pl.DataFrame:
        """Payments of a perpetual so far, every eight hours (`FUNDING`); other symbols have none."""
        parts = [pl.DataFrame(schema=dict(FUNDING))]
        for one in self.listings_of(symbol):
            if one.coin is None:
                continue
            prices = self._prices[one.venue]
            times = prices.grid.step_opens[::2]
            alive = (times >= prices.grid.days[one.first]) & (times < instant(self.day(one.last)))
            mine = alive & (times <= instant(now))
            place = one.column - (len(prices.ticks) - prices.funding.shape[1])
            parts.append(pl.DataFrame({"timestamp": _utc(times[mine]), "funding_rate": prices.funding[mine, place]}))
        return pl.concat(parts)

    def borrow(self, symbol: str, *, now: datetime) -> pl.DataFrame:
        """Annual rate for borrowing the symbol, per day so far: `timestamp`, `borrow_rate`."""
        parts = [pl.DataFrame(schema={"timestamp": FUNDING["timestamp"], "borrow_rate": pl.Float64()})]
        for one in self.listings_of(symbol):
            prices = self._prices[one.venue]
            lo, hi = self._rows(one, "1d")
            stamps = prices.grid.days[lo:hi]
            until = slice(lo, lo + int(np.searchsorted(stamps, instant(now), "right")))
            rates = prices.borrow[until, one.column]
            parts.append(pl.DataFrame({"timestamp": _utc(prices.grid.days[until]), "borrow_rate": rates}))
        return pl.concat(parts)

    def day(self, number: int) -> datetime:
        """Midnight of the day with that number, counted from the start."""
        return datetime.combine(self.market.start, datetime.min.time(), UTC) + timedelta(days=number)

    def _rows(self, one: Listing, interval: str) -> tuple[int, int]:
        """First row and the row after the last one of a listing, in bars of the interval."""
        grid = self._prices[one.venue].grid
        return span(one, self._first_day, grid.times(interval)[0])

    def _finished(self, one: Listing, interval: str, now: np.datetime64) -> pl.DataFrame:
        prices = self._prices[one.venue]
        opens, closes = prices.grid.times(interval)
        lo, hi = self._rows(one, interval)
        hi = max(lo, min(hi, int(np.searchsorted(closes, now, "right"))))
        values = {name: column[lo:hi, one.column] for name, column in prices.bars[interval].items()}
        return _frame(one.symbol, opens[lo:hi], values)

    def _unfinished(self, one: Listing, interval: str, now: np.datetime64) -> pl.DataFrame:
        """The bar that is open at `now`: its finished steps, and the step of the moment as far as it has got."""
        prices = self._prices[one.venue]
        opens, closes = prices.grid.times(interval)
        row = int(np.searchsorted(closes, now, "right"))
        lo, hi = self._rows(one, interval)
        if not lo <= row < hi or now < opens[row]:
            return pl.DataFrame(schema=dict(BARS))
        size = len(prices.grid.step_opens) // len(opens)
        step = int(np.searchsorted(prices.grid.step_closes, now, "right"))
        begin, end = prices.grid.step_opens[step], prices.grid.step_closes[step]
        share = float((now - begin) / (end - begin))
        steps = {name: column[row * size : step, one.column] for name, column in _steps(prices).items()}
        partial = _so_far({name: column[step, one.column] for name, column in _steps(prices).items()}, share)
        tick = prices.ticks[one.column]
        partial["close"] = np.clip(np.round(partial["close"] / tick) * tick, partial["low"], partial["high"])
        joined = {name: np.append(steps[name], partial[name])[:, None] for name in steps}
        values = {name: column[:, 0] for name, column in aggregate(joined, len(joined["open"])).items()}
        return _frame(one.symbol, opens[row : row + 1], values)


def _steps(prices: Prices) -> Mapping[str, Floats]:
    """Bars of steps, which coins publish as 4h."""
    return prices.bars["4h"] if "4h" in prices.bars else prices.bars["step"]


def _so_far(bar: Mapping[str, float], share: float) -> dict[str, float]:
    """A step's bar after that share of its time: every price has gone that share of its way from the open."""
    out = {name: bar["open"] + share * (bar[name] - bar["open"]) for name in ("open", "high", "low", "close")}
    return {**out, "volume": bar["volume"] * share, "quote_volume": bar["quote_volume"] * share}


def _frame(symbol: str, stamps: Times, values: Mapping[str, Floats]) -> pl.DataFrame:
    head = {"symbol": pl.repeat(symbol, len(stamps), dtype=pl.String(), eager=True), "timestamp": _utc(stamps)}
    return pl.DataFrame({**head, **{name: values[name] for name in BARS if name in values}})


def _utc(stamps: Times) -> pl.Series:
    return pl.Series(stamps.astype("datetime64[us]")).dt.replace_time_zone("UTC")
