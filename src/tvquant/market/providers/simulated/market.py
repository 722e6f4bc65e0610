"""What a simulated market is made of: its declaration, and the roster of listings that follows from it.

Symbols are `BINANCE:S001USDT` (coins), `BINANCE:S001USDT.P` (perpetuals of the same coins) and `NASDAQ:T001` (stocks);
the first coin bears the leader's symbol where the market has one.
The roster is drawn from the seed alone, so equal declarations have equal markets.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from tvquant.core.errors import ProfileError

REUSE_PAUSE = 30
"""Days between the end of a ticker's first holder and the listing of its second."""


class Venue(StrEnum):
    """Which calendar and which prices a listing has."""

    COINS = "coins"
    STOCKS = "stocks"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedMarket:
    """A market declared.

    Parameters
    ----------
    seed : equal declarations with equal seeds have equal markets, to the bit.
    start, days : first day and number of calendar days; nothing trades before or after.
    coins, perpetuals, stocks : how many; the first `perpetuals` coins have a perpetual each.
    sectors : number of sectors; listing i belongs to sector i modulo this.
    late, delisted : shares of coins and of stocks that are listed after the start, and that end before the end.
    reused : how many coins' tickers are given to another coin later.
    splits : share of stocks that split once or more; dividends are paid quarterly by half of them.
    planted : (symbol of a coin or stock, annualised Sharpe ratio of holding it from its first to its last close).
    leader : symbol of the first coin, which then trades from the market's first day to its last, so that it can be what
        others are compared with; None is a coin as the others.
    """

    seed: int = 0
    start: date = date(2020, 1, 1)
    days: int = 2922
    coins: int = 40
    perpetuals: int = 20
    stocks: int = 20
    sectors: int = 6
    late: float = 0.25
    delisted: float = 0.1
    reused: int = 1
    splits: float = 0.3
    planted: tuple[tuple[str, float], ...] = ()
    leader: str | None = None

    def __post_init__(self) -> None:
        if self.days < 200 or self.sectors < 1:
            raise ProfileError(
                f"a simulated market has 200 days and 1 sector at least, not {self.days}, {self.sectors}"
            )
        if not 0 <= self.reused + self.perpetuals <= self.coins:
            raise ProfileError(
                f"a simulated market of {self.coins} coins cannot have {self.perpetuals} perpetuals and {self.reused} "
                "tickers used again: each needs a coin of its own; raise coins"
            )
        if self.leader is not None and self.coins <= self.reused:
            raise ProfileError(f"a simulated market led by {self.leader} needs a coin whose ticker is not used again")
        if max(self.coins, self.stocks) > 999 or self.coins + self.stocks == 0:
            raise ProfileError("a simulated market has 1 to 999 coins or stocks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One thing under one symbol for one span of days.

    Parameters
    ----------
    generation : 1, or 2 for the second holder of a ticker.
    venue, column : place of its prices.
    first, last : numbers of its first day and of the day after its last one, counted from the market's start.
    ends : it is delisted at `last`, which may be the market's own end otherwise.
    sector : its sector; `coin` : of a perpetual, the column of its coin.
    sharpe : the planted annualised Sharpe ratio, if any.
    """

    symbol: str
    generation: int = 1
    venue: Venue
    column: int
    first: int
    last: int
    ends: bool
    sector: int
    coin: int | None = None
    sharpe: float | None = None


def roster(market: SimulatedMarket) -> tuple[Listing, ...]:
    """Return every listing, in order of columns within its venue: coins, their second holders, perpetuals; stocks.

    Raises
    ------
    ProfileError : an edge is planted in a symbol that is not there.
    """
    edges = dict(market.planted)
    coins = _spans(market, "BINANCE:S{:03d}USDT", market.coins, Venue.COINS, edges, stream=1)
    stocks = _spans(market, "NASDAQ:T{:03d}", market.stocks, Venue.STOCKS, edges, stream=2)
    coins = _reuse(market, coins)
    for place in range(market.perpetuals):
        coin = coins[place]
        first = min(coin.first + 14, coin.last - 1)
        coins.append(
            Listing(
                symbol=f"{coin.symbol}.P",
                venue=Venue.COINS,
                column=len(coins),
                first=first,
                last=coin.last,
                ends=coin.ends,
                sector=coin.sector,
                coin=place,
            )
        )
    absent = sorted(set(edges) - {one.symbol for one in (*coins, *stocks) if one.coin is None})
    if absent:
        raise ProfileError(f"an edge is planted in {absent[0]!r}, which is no coin or stock of the simulated market")
    return (*coins, *stocks)


def _spans(
    market: SimulatedMarket, name: str, count: int, venue: Venue, edges: dict[str, float], *, stream: int
) -> list[Listing]:
    """Return listings with their days: all of them last 120 days at least."""
    rng = np.random.default_rng([market.seed, stream])
    late, ends = rng.random(count) < market.late, rng.random(count) < market.delisted
    first = np.where(late, rng.integers(1, market.days - 120, count), 0)
    symbols = [name.format(number + 1) for number in range(count)]
    if venue is Venue.COINS and market.leader is not None:
        symbols[0], first[0], ends[0] = market.leader, 0, False
    last = np.where(ends, first + 120 + rng.random(count) * (market.days - 121 - first), market.days).astype(np.int64)
    return [
        Listing(
            symbol=symbol,
            venue=venue,
            column=number,
            first=int(first[number]),
            last=int(last[number]),
            ends=bool(ends[number]),
            sector=number % market.sectors,
            sharpe=edges.get(symbol),
        )
        for number, symbol in enumerate(symbols)
    ]


def _reuse(market: SimulatedMarket, coins: list[Listing]) -> list[Listing]:
    """Return the last coins end half-way, and something else gets their tickers."""
    kept = coins[: len(coins) - market.reused]
    middle = market.days // 2
    old = [
        Listing(
            symbol=coin.symbol,
            venue=coin.venue,
            column=coin.column,
            first=0,
            last=middle,
            ends=True,
            sector=coin.sector,
        )
        for coin in coins[len(kept) :]
    ]
    new = [
        Listing(
            symbol=coin.symbol,
            generation=2,
            venue=coin.venue,
            column=len(coins) + place,
            first=middle + REUSE_PAUSE,
            last=market.days,
            ends=False,
            sector=(coin.sector + 1) % market.sectors,
            sharpe=coin.sharpe,
        )
        for place, coin in enumerate(coins[len(kept) :])
    ]
    return kept + old + new
