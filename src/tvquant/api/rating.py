"""`ratings`: TradingView's technical rating of a frame of bars, rebuilt bar by bar."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tvquant.api import frames
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Instrument
from tvquant.core.panel import Basis, Floats, Panel
from tvquant.core.quoting import shown
from tvquant.profiles.messages import unknown

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("recommend_all", "recommend_ma", "recommend_other", "votes_ma", "votes_other")


def ratings(bars: Any, *, rules: str = "library_v3", min_bars: int = 1) -> "pl.DataFrame":
    """Return the ratings of every bar (R rows in the order given), each from that bar and those before it alone.

    Columns: `symbol` where the frame has one, `time`, `recommend_all`, `recommend_ma`, `recommend_other` in [-1, 1],
    and `votes_ma`, `votes_other`: how many of 15 averages and 11 oscillators have a vote. Null where there is no vote.

    Parameters
    ----------
    bars : pandas or polars frame, a row per bar: dates, close, and where there are any symbol, open, high, low, volume.
        Without high and low Ichimoku and most oscillators have no vote, without volume the VWMA. Prices are taken to be
        adjusted for splits. A row without a close is no bar: the bars around it follow each other.
    rules : which published rating is meant: `library_v3`, `classic` or `screener`.
    min_bars : bars that a symbol needs before it has a rating; a profile asks for 200.

    Raises
    ------
    ProfileError : the frame cannot be read, a price is not above zero, or the rules are unknown.
    """
    import polars as pl

    from tvquant.features.compute import asked
    from tvquant.features.rating_rules import RATING_RULES
    from tvquant.features.terms.contract import Settings, evaluate

    if rules not in RATING_RULES:
        raise ProfileError(f"rules: {unknown('rating', rules, RATING_RULES)}")
    if not isinstance(min_bars, int) or isinstance(min_bars, bool) or min_bars < 1:
        raise ProfileError(f"min_bars: expected a whole number from 1 on, found {shown(min_bars)}")
    given = frames.bars(bars, "bars")
    _refuse_odd(given)
    panel, rows, columns = _panel(given)
    settings = Settings(rating_min_bars=min_bars, rating_rules=RATING_RULES[rules])
    terms = asked(COLUMNS)
    values = dict(zip((term.name for term in terms), evaluate(terms, panel, settings, len(panel.times)), strict=True))
    named = {"symbol": given.symbols} if given.named else {}
    found = pl.DataFrame({**named, "time": given.times} | {name: values[name][rows, columns] for name in COLUMNS})
    votes = pl.col("votes_ma", "votes_other").cast(pl.Int64)
    return found.with_columns(pl.col(COLUMNS).fill_nan(None)).with_columns(votes)


def _refuse_odd(given: frames.Bars) -> None:
    """Refuse a price that is not above zero, a volume below it, and a bar that has a close but not its other fields."""
    there = ~np.isnan(given.fields["close"])
    for name, values in given.fields.items():
        holes = there & np.isnan(values) & ~np.isnan(values).all()
        wrong = there & ~np.isnan(values) & ~((values >= 0.0 if name == "volume" else values > 0.0) & (values < np.inf))
        for bad, why in ((holes, "is missing beside a close"), (wrong, "is no number above zero")):
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                of = f" of {given.symbols[row]}" if given.named else ""
                on = frames.day(given.times[row])
                raise ProfileError(f"bars: {name}{of} on {on} {why} ({values[row]:g}); mend the row or drop it")


def _panel(given: frames.Bars) -> tuple[Panel, Any, Any]:
    """Return the bars as a panel, and the row and the column of each."""
    tables, rows, columns = given.spread()
    close = tables["close"]
    there = ~np.isnan(close.values)
    order = np.argsort(np.where(there.any(axis=0), there.argmax(axis=0), len(close.times)), kind="stable")
    fields: dict[str, Floats] = {name: table.values[:, order] for name, table in tables.items()}
    traded = tuple(
        Instrument(symbol=close.names[j] or "BARS", kinds=frozenset(), currency="USD", calendar="24x7") for j in order
    )
    panel = Panel(
        times=close.times,
        instruments=traded,
        fields=fields,
        known_at=np.broadcast_to(close.times[:, None], fields["close"].shape),
        tradable=~np.isnan(fields["close"]),
        bases=(Basis.SPLIT,) * len(traded),
        stamps=(frozenset(),) * len(traded),
        calendar="24x7",
    )
    return panel, rows, np.argsort(order)[columns]
