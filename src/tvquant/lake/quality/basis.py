"""What prices say of the basis that was declared for them: pure on frames, and nothing is changed.

1. Every bar stands beside the one before: the log move of its close, the step of its adjustment factor (`adj_close`
   over `close`), and the symbol's own robust daily spread, which a few wild days do not move.
2. Every action is held against the first bar that can show it: raw prices fall by a split, split-adjusted ones do not;
   total ones fall by no dividend. The move is compared with and without the factor. A factor that the spread can hide
   is not judged; a crash on the day of a split is not accused while the factor explains more than it leaves.
3. The splits of a symbol vote together on its basis. What single actions say against the vote is said of them.
4. Dividends are small: they are judged together, over all symbols of a delivery, by the share of them that prices show.

What is said of a day follows from bars up to it, but for the vote and the common share, which are of whole deliveries.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import polars as pl

from tvquant.core.panel import Basis

NORMAL = 1.4826
"""Standard deviations of a normal distribution per median absolute deviation."""
LEAST = 6.0
"""Daily spreads that a move must have to be told from noise."""
FLOOR, FEW, FLOOR_OF_FEW = 0.005, 10, 0.02
"""Smallest spread that is believed, and the smallest where fewer moves than so many are known."""
CLEAR = 0.5
"""Share of the factor by which one reading must fit better than the other."""
APART = timedelta(days=10)
"""A bar so long after an action, or after the bar before it, shows neither."""
MOST_YIELD = 0.95
"""A dividend of more than this share of the price is taken for this share: prices stay above zero."""
ORDINARY, SPECIAL = 0.1, 0.6
"""Largest dividends, as shares of the price: that are judged together, and that testify alone against `total`."""
SHOWN_BY_FEW, SHOWN_BY_MOST, SURE, MANY = 0.3, 0.5, 6.0, 12
"""Shares of all dividends that prices show when they are total, at most, and when they are not, at least; standard
errors between the share that is found and the one that is declared; and how many dividends can testify together."""
COPY = 1e-3
"""A factor that never moves by more than this adjusts nothing: `adj_close` is `close` again."""
DRIFTED = 5e-3
"""A factor that has moved by more than this from its first bars to its last says that `close` is not total."""
EDGE = 5
"""Bars at either end that this is told by."""
WHOLE, ROUNDED = 1.45, 0.02
"""Smallest factor that can be read as a split off `adj_close`, and how near it must be to a whole number, or 3 to 2."""

ACTION = ["symbol", "timestamp", "kind", "value"]
PRICED = ["symbol", "timestamp", "close", "adj_close", "basis"]
_DAY = pl.col("timestamp").dt.truncate("1d").alias("day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Prices of a symbol that are not of the basis that was declared: since which day, what of, and what they look."""

    symbol: str
    at: datetime
    said: str
    looks: str

    def __str__(self) -> str:
        return f"{self.symbol} {self.at:%Y-%m-%d}: {self.said}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What bears on the declared basis: the actions beside the bars that can show them, and what factors contradict.

    Of many symbols it is gathered part by part (`of`), and weighed as a whole (`joined`): dividends testify together.
    """

    judged: pl.DataFrame
    factors: tuple[Contradiction, ...]

    @classmethod
    def of(cls, prices: pl.DataFrame, actions: pl.DataFrame) -> Self:
        """Return the evidence of some symbols.

        Parameters
        ----------
        prices : bars, `PRICED`, of any number of symbols; `basis` is what was declared, the same for all bars of one.
        actions : `ACTION`, dividends and splits that were delivered with them, or before.
        """
        steps = moves(_telling(prices, actions))
        return cls(judged=beside(steps, actions), factors=tuple(_of_factors(steps, actions)))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the evidence of all symbols of the parts, at least one; no symbol is in two of them."""
        factors = tuple(one for part in parts for one in part.factors)
        return cls(judged=pl.concat(part.judged for part in parts), factors=factors)

    def contradictions(self) -> tuple[Contradiction, ...]:
        """Return what speaks against the declared basis of the symbols, at most one of each, by name."""
        found: dict[str, Contradiction] = {}
        for one in (*_of_splits(self.judged), *self.factors, *_of_dividends(self.judged)):
            found.setdefault(one.symbol, one)
        return tuple(found[name] for name in sorted(found))

    def confirmed(self) -> frozenset[str]:
        """Return the symbols whose splits show the declared basis: each speaks for the declaration as a whole."""
        votes = _read(self.judged).filter(pl.col("kind") == "split")
        summed = votes.group_by("symbol").agg(pl.col("gain").sum())
        return frozenset(summed.filter(pl.col("gain") <= -CLEAR)["symbol"])


def unshown(prices: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Return actions that the prices deny (the rows of `beside`, with `said`): each by the bars around it alone."""
    found = _read(beside(moves(_telling(prices, actions)), actions)).filter("against")
    return found.with_columns(pl.Series("said", [_action(row) for row in found.iter_rows(named=True)], pl.String))


def _telling(prices: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Return the prices of symbols that have actions or an `adj_close`: no others say anything."""
    mine = pl.col("symbol").cast(pl.String).is_in(actions["symbol"].cast(pl.String).unique().implode())
    return prices.filter(mine | pl.col("adj_close").is_not_null().any().over("symbol"))


def moves(prices: pl.DataFrame) -> pl.DataFrame:
    """Each bar with a close, beside the one before: symbol, day, basis, close, before, move, step, spread, adjusts.

    `move` and `step` are logs, of the close and of the factor; `adjusts` : the symbol's factor does not stand still.
    """
    frame = prices.filter(pl.col("close") > 0).select(pl.col("symbol").cast(pl.String), _DAY, *PRICED[2:])
    frame = frame.unique(["symbol", "day"], keep="first", maintain_order=True).sort("symbol", "day")
    factor = pl.when(pl.col("adj_close") > 0).then((pl.col("adj_close") / pl.col("close")).log())
    frame = frame.with_columns(factor=factor)
    frame = frame.with_columns(
        before=pl.col("close").shift().over("symbol"),
        move=pl.col("close").log().diff().over("symbol"),
        step=pl.col("factor").diff().over("symbol"),
        apart=pl.col("day").diff().over("symbol"),
        adjusts=(pl.col("factor").max() - pl.col("factor").min() > COPY).over("symbol"),
    )
    spread = (NORMAL * pl.col("move").abs().median()).over("symbol")
    floor = pl.when(pl.col("move").count().over("symbol") < FEW).then(FLOOR_OF_FEW).otherwise(FLOOR)
    return frame.with_columns(spread=pl.max_horizontal(spread, floor))


def beside(steps: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Return the actions, each with the first bar that can show it, and the log move that it makes where it is shown.

    Returns
    -------
    The columns of `moves`, with kind, value, `expected`, and `due`: what of it is to be seen in prices of that basis.
    """
    told = actions.select(pl.col("symbol").cast(pl.String), _DAY, "kind", "value").unique(maintain_order=True)
    bars = steps.filter(pl.col("before").is_not_null() & (pl.col("apart") <= APART)).sort("day")
    rows = told.sort("day").join_asof(
        bars.with_columns(bar=pl.col("day")), on="day", by="symbol", strategy="forward", tolerance=APART,
        check_sortedness=False,
    )  # fmt: skip
    rows = rows.filter(pl.col("bar").is_not_null())
    split, share = pl.col("kind") == "split", pl.col("value") / pl.col("before")
    expected = pl.when(split).then(-pl.col("value").log()).otherwise((1.0 - share.clip(None, MOST_YIELD)).log())
    shows = pl.when(split).then(pl.col("basis") == str(Basis.RAW)).otherwise(pl.col("basis") != str(Basis.TOTAL))
    rows = rows.with_columns(expected=expected, share=share)
    return rows.with_columns(due=pl.when(shows).then("expected").otherwise(0.0)).sort("symbol", "day", "kind", "value")


def _read(judged: pl.DataFrame) -> pl.DataFrame:
    """Return the actions with `gain`, by how much of the factor the undeclared reading fits better, and `against`.

    The gain is none where the spread can hide the factor. A fall of split-adjusted prices that `adj_close` has as well
    is a fall. A move as large as the factor, but the other way, is a ratio upside down, whatever the basis.
    """
    move, due, expected = pl.col("move"), pl.col("due"), pl.col("expected")
    size, split = expected.abs(), pl.col("kind") == "split"
    off, other = (move - due).abs(), (move - (expected - due)).abs()
    real = split & (due == 0) & pl.col("adjusts") & (pl.col("step").abs() <= size / 4)
    clear = (size >= LEAST * pl.col("spread")) & ~real.fill_null(False)
    gain = pl.when(clear).then(((off - other) / size).clip(-1.0, 1.0))
    upside = clear & split & ((move + expected).abs() <= size / 4)
    return judged.with_columns(gain=gain, upside=upside, near=pl.min_horizontal(off, other) <= size / 2).with_columns(
        against=((pl.col("gain") >= CLEAR) | pl.col("upside")).fill_null(False)
    )


def _of_splits(judged: pl.DataFrame) -> Iterator[Contradiction]:
    """Yield symbols whose splits, together, are shown where they must not be, or are not where they must.

    So are large dividends in total prices; in others, one that is not shown is itself in doubt, not the basis.
    """
    total, split = pl.col("basis") == str(Basis.TOTAL), pl.col("kind") == "split"
    votes = _read(judged).filter((split | (total & (pl.col("share") <= SPECIAL))) & pl.col("near") & ~pl.col("upside"))
    votes = votes.filter(pl.col("gain").is_not_null())
    lost = votes.group_by("symbol").agg(pl.col("gain").sum()).filter(pl.col("gain") >= CLEAR)
    first = votes.filter("against").join(lost, on="symbol", how="semi").unique("symbol", keep="first")
    for row in first.iter_rows(named=True):
        looks = "split-adjusted" if row["due"] else "raw" if row["kind"] == "split" else "without dividends"
        yield Contradiction(symbol=row["symbol"], at=row["bar"], said=_action(row), looks=looks)


def _of_factors(steps: pl.DataFrame, actions: pl.DataFrame) -> Iterator[Contradiction]:
    """What `adj_close` beside `close` says: a factor that steps as the close falls by a split, or that steps at all."""
    known = steps.filter(pl.col("adjusts").fill_null(False) & (pl.col("basis") != str(Basis.RAW)))
    told = actions.filter(pl.col("kind") == "dividend").select(pl.col("symbol").cast(pl.String), _DAY)
    step, size = pl.col("step"), pl.col("step").abs()
    ratio = size.exp()
    whole = ((ratio / ratio.round() - 1).abs() <= ROUNDED) | ((ratio / 1.5 - 1).abs() <= ROUNDED)
    falls = (ratio >= WHOLE) & whole & ((pl.col("move") + step).abs() <= size / 4)
    for row in (
        known.filter(falls)
        .join(told, on=["symbol", "day"], how="anti")
        .unique("symbol", keep="first")
        .iter_rows(named=True)
    ):
        times = f"{pl.Series([row['step']]).exp()[0]:.4g}"
        said = f"{row['basis']} prices must not show a split, but close moves {_percent(row['move'])} ({_both(row)})"
        said += f" while adj_close over close steps up to {times} times"
        yield Contradiction(symbol=row["symbol"], at=row["day"], said=said, looks="raw")
    edges = known.filter(pl.col("basis") == str(Basis.TOTAL)).group_by("symbol").agg(
        first=pl.col("factor").drop_nulls().head(EDGE).median(),
        last=pl.col("factor").drop_nulls().tail(EDGE).median(),
        day=pl.col("day").get(pl.col("step").abs().arg_max()),
    )  # fmt: skip
    for row in edges.filter((pl.col("last") - pl.col("first")).abs() > DRIFTED).iter_rows(named=True):
        share = _percent(row["last"] - row["first"])
        said = f"total prices are adj_close, but adj_close over close steps, by {share} in all"
        yield Contradiction(symbol=row["symbol"], at=row["day"], said=said, looks="raw or split-adjusted")


def _of_dividends(judged: pl.DataFrame) -> Iterator[Contradiction]:
    """Yield every symbol with dividends, where the prices of all of them together show too few or too many."""
    rows = judged.filter((pl.col("kind") == "dividend") & (pl.col("share") <= ORDINARY))
    for (basis,), mine in rows.partition_by("basis", as_dict=True, maintain_order=True).items():
        total = basis == str(Basis.TOTAL)
        if len(mine) < MANY:
            continue
        share, error = _shown(mine)
        few = not total and share <= SHOWN_BY_FEW and 1.0 - share >= SURE * error
        many = total and share >= SHOWN_BY_MOST and share >= SURE * error
        if not few and not many:
            continue
        looks = "total (or dividends that do not stand on their ex-dates)" if few else "without dividends"
        for name, when, count in mine.group_by("symbol").agg(pl.col("bar").min(), pl.len()).iter_rows():
            said = f"{basis} prices must show {'none' if total else 'all'} of their dividends, and show {share:.0%} "
            said += f"of the {len(mine):,} delivered, {count:,} of them its own"
            yield Contradiction(symbol=name, at=when, said=said, looks=looks)


def _shown(rows: pl.DataFrame) -> tuple[float, float]:
    """Return share of the dividends that the moves of their days show, by least squares, and its standard error."""
    move, expected, spread = pl.col("move"), pl.col("expected"), pl.col("spread")
    moved = move.clip(expected - 3 * spread, 3 * spread)  # one wild day decides nothing
    weight = expected.pow(2) / spread.pow(2)
    top, norm = rows.select((moved * expected / spread.pow(2)).sum(), weight.sum()).row(0)
    return (top / norm, norm**-0.5) if norm else (0.0, float("inf"))


def _action(row: dict[str, object]) -> str:
    """Return `raw prices must show a split of 4 as a move of -75.0 %, but close moves -1.1 % (119.8 to 118.5)`."""
    shows = "must" if row["due"] else "must not"
    what = f"a {row['kind']} of {row['value']:g}"
    return (
        f"{row['basis']} prices {shows} show {what} as a move of {_percent(row['expected'])}, "
        f"but close moves {_percent(row['move'])} ({_both(row)})"
    )


def _both(row: dict[str, object]) -> str:
    return f"{row['before']:.6g} to {row['close']:.6g}"


def _percent(log: object) -> str:
    return f"{float(pl.Series([log]).exp()[0]) - 1:+.1%}"
