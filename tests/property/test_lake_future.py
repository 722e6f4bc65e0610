"""Future rows never matter: a panel looked at as of t is the panel of a lake that ends at t.

The judging and building of bars is called on tables in memory, as the lake calls it on tables it has read.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis, Panel
from tvquant.lake.reading import panels
from tvquant.lake.reading.bars import Bars, Symbol, assemble
from tvquant.lake.reading.stored_rows import COLUMNS, gathered
from tvquant.lake.storage.tables import PRICES, SCHEMAS
from tvquant.symbology.kinds import Structure

START = datetime(2021, 1, 1, tzinfo=UTC)
DAYS = 12
# Jumps beyond and within the limits of a new generation, prices that cannot be, and quiet days.
MOVES = st.sampled_from([1.0, 1.0, 1.1, 0.9, 0.5, 2.0, 15.0, 25.0, 0.05, 0.01, -1.0])


def _symbol(name: str, closes_only: bool, first: int, last: int) -> Symbol:
    """A stock that dividends were delivered of from the first of these days to the last."""
    span = _instant(START + timedelta(days=first)), _instant(START + timedelta(days=last))
    structure = Structure(kinds=frozenset({Kind.STOCK}), currency="USD", calendar="24x7")
    return Symbol(name=name, structure=structure, basis=Basis.RAW, actions=() if closes_only else (span,))


def _instant(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.replace(tzinfo=None), "us")


def _by(symbol: Symbol, last: datetime) -> Symbol:
    """The symbol of a lake whose last bar is this."""
    known = [(first, min(end, _instant(last))) for first, end in symbol.actions if first <= _instant(last)]
    return replace(symbol, actions=tuple(known))


@st.composite
def _histories(draw: st.DrawFn) -> tuple[tuple[Symbol, ...], list[dict[str, Any]], list[dict[str, Any]]]:
    """Two or three symbols with gaps, jumps, bad and conflicting bars, without volume up to some day; on some days
    dividends and splits, some of them with two values; dividends are known on some of the days, or on none."""
    symbols, bars, actions = [], [], []
    for name in ("NYSE:A", "NYSE:B", "NYSE:C")[: draw(st.integers(2, 3))]:
        closes_only = draw(st.booleans())
        symbols.append(_symbol(name, closes_only, draw(st.sampled_from([0, 0, 3])), draw(st.integers(4, DAYS))))
        close, quiet = 10.0, draw(st.sampled_from([0, 0, 5, DAYS]))
        for day in sorted(draw(st.sets(st.integers(0, DAYS - 1), min_size=3))):
            stamp, before = START + timedelta(days=day), close
            jump, move = draw(MOVES), draw(MOVES)
            opens, close = before * abs(jump), before * abs(jump * move)
            delivered = any(first <= _instant(stamp) <= end for first, end in symbols[-1].actions)
            if delivered and draw(st.integers(0, 9)) == 0:
                actions.append(
                    {"symbol": name, "timestamp": stamp, "kind": "split", "value": draw(st.sampled_from([2.0, 15.0]))}
                )
            if delivered and draw(st.integers(0, 5)) == 0:
                paid = {"symbol": name, "timestamp": stamp, "kind": "dividend", "value": 0.5}
                actions += [paid, paid | {"value": 0.7}] if draw(st.booleans()) else [paid]
            sign = -1.0 if move < 0 else 1.0
            volume = draw(st.sampled_from([0.0, None])) if day < quiet else 1.0
            row: dict[str, Any] = {"symbol": name, "timestamp": stamp, "close": close * sign, "volume": volume}
            row["recorded_at"] = stamp + timedelta(days=draw(st.sampled_from([0, 1, 1, 1, 1])))
            if not closes_only:
                row |= {"open": opens, "high": max(opens, close), "low": min(opens, close)}
            bars.append(row)
            if draw(st.integers(0, 11)) == 0:
                bars.append(row | {"volume": 2.0})
    return tuple(symbols), bars, actions


def _judged(symbols: tuple[Symbol, ...], bars: pl.DataFrame, actions: pl.DataFrame) -> Bars:
    """The judged bars of rows that are read in two parts."""
    parts = bars[: len(bars) // 2], bars[len(bars) // 2 :]
    return assemble(symbols, gathered({one.name: one.structure for one in symbols}, parts, len(bars)), actions)


def _panel(
    symbols: tuple[Symbol, ...], bars: list[dict[str, Any]], actions: list[dict[str, Any]], last: datetime
) -> Panel:
    known = [row for row in bars if row["timestamp"] <= last]
    names = {row["symbol"] for row in known}
    frame = pl.DataFrame(known, schema={name: SCHEMAS["bars"][name] for name in COLUMNS})
    mine = [row for row in actions if row["timestamp"] <= last and row["symbol"] in names]
    schema = {name: SCHEMAS["actions"][name] for name in ("symbol", "timestamp", "kind", "value")}
    return panels.build(
        _judged(tuple(_by(s, last) for s in symbols if s.name in names), frame, pl.DataFrame(mine, schema=schema))
    )


@pytest.mark.requirement("R-SIM-03")
@settings(max_examples=settings().max_examples // 2, deadline=None)
@given(history=_histories())
def test_a_panel_until_t_is_the_panel_of_the_data_until_t(history: Any) -> None:
    symbols, bars, actions = history
    if not _judged(symbols, *_frames(bars, actions)).valid.any():
        return
    whole = _panel(symbols, bars, actions, START + timedelta(days=DAYS))
    for row in np.flatnonzero(whole.tradable.any(axis=1)):
        t = whole.known_at[row].max()
        seen = whole.until(t)
        alone = _panel(symbols, bars, actions, whole.times[row].item().replace(tzinfo=UTC))
        assert seen.keys == alone.keys
        assert seen.instruments == alone.instruments
        assert seen.stamps == alone.stamps
        assert seen.stamps_of(seen.keys) == alone.stamps_of(alone.keys)
        np.testing.assert_array_equal(seen.times, alone.times)
        np.testing.assert_array_equal(seen.tradable, alone.tradable)
        for name in ("total_return", *PRICES, "volume"):
            empty = np.full(seen.tradable.shape, np.nan)
            np.testing.assert_array_equal(seen.fields.get(name, empty), alone.fields.get(name, empty), err_msg=name)


def _frames(bars: list[dict[str, Any]], actions: list[dict[str, Any]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    return (
        pl.DataFrame(bars, schema={name: SCHEMAS["bars"][name] for name in COLUMNS}),
        pl.DataFrame(
            actions, schema={name: SCHEMAS["actions"][name] for name in ("symbol", "timestamp", "kind", "value")}
        ),
    )


@settings(max_examples=settings().max_examples // 5, deadline=None)
@given(history=_histories(), after=st.integers(1, 4), length=st.integers(0, 6))
def test_a_later_span_of_dividends_changes_nothing_known_before_it(history: Any, after: int, length: int) -> None:
    symbols, bars, actions = history
    if not _judged(symbols, *_frames(bars, actions)).valid.any():
        return
    day = np.timedelta64(1, "D")
    more = []
    for one in symbols:
        since = (one.actions[-1][1] if one.actions else _instant(START)) + after * day
        more.append(replace(one, actions=(*one.actions, (since, since + length * day))))
    first = min(one.actions[-1][0] for one in more)
    before, later = (_panel(tuple(some), bars, actions, START + timedelta(days=DAYS)) for some in (symbols, more))
    for t in before.known_at.max(axis=1):
        if t <= first:
            seen, same = later.until(t), before.until(t)
            assert (seen.keys, seen.stamps, seen.times.tolist()) == (same.keys, same.stamps, same.times.tolist())
