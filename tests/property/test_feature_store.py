"""Whatever happens to a lake, its store of features ends as one that was made from nothing."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.clocks import ManualClock
from tvquant.app.feature_cycle import feature_history, lake_panels, refresh_features
from tvquant.app.progress import Watcher
from tvquant.app.workspace import Workspace
from tvquant.core.panel import Basis
from tvquant.features import TERMS, history
from tvquant.features.terms.contract import Settings
from tvquant.lake import feature_store
from tvquant.lake.storage import tables
from tvquant.lake.storage.tables import TIME
from tvquant.lake.writing.actions import store_actions
from tvquant.lake.writing.upserts import revert, upsert

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
KEPT = tuple(name for name, term in TERMS.items() if term.of_bars)
NAMES = ("BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "BINANCE:SOLUSDT", "NASDAQ:AAPL", "NASDAQ:MSFT")
DAYS = 45


CLOCK = ManualClock(datetime(2026, 6, 1, tzinfo=UTC))


def bars(name, first, days, seed):
    """Bars of a walk; of a share only on weekdays. The same seed gives the same bars, whatever the days."""
    draw = np.random.default_rng([NAMES.index(name), seed])
    close = 50.0 * np.exp(draw.normal(0.0, 0.03, 2 * DAYS).cumsum())
    high, low = close * (1.0 + draw.random(2 * DAYS) / 20), close * (1.0 - draw.random(2 * DAYS) / 20)
    times = [FIRST + timedelta(days=k) for k in range(first, first + days)]
    frame = pl.DataFrame({"symbol": name, "timestamp": pl.Series(times, dtype=TIME)}).with_columns(
        close=close[first : first + days],
        open=close[first : first + days],
        high=high[first : first + days],
        low=low[first : first + days],
        volume=draw.random(2 * DAYS)[first : first + days],
    )
    return frame if name.startswith("BINANCE") else frame.filter(pl.col("timestamp").dt.weekday() <= 5)


def put(lake, rows):
    if len(rows):
        upsert(lake, rows, interval="1d", basis=Basis.RAW, source="s", recorded_at=CLOCK.now(), reason="r")


def expected(lake):
    """Rows that a store made from nothing has, by symbol and time."""
    parts = []
    for panel in lake_panels(lake)[0]:
        found = history(panel, KEPT, rating_min_bars=1)
        column, row = np.nonzero(panel.tradable.T)
        parts.append(
            pl.DataFrame(
                {"symbol": [panel.keys[j] for j in column], "timestamp": panel.times[row]}
                | {name: found.values[k, row, column] for k, name in enumerate(found.names)}
            )
        )
    rows = pl.concat(parts).with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
    return rows.sort("symbol", "timestamp")


def held(lake):
    schema = tables.SCHEMAS["features"] | dict.fromkeys(KEPT, pl.Float64())
    rows = tables.read(lake.root, "features", schema=schema)
    assert not rows.select("symbol", "timestamp").is_duplicated().any()
    return rows.drop("inputs", "version", "recorded_at").sort("symbol", "timestamp")


append = st.tuples(st.just("append"), st.integers(1, 3))
repair = st.tuples(st.just("repair"), st.sampled_from(NAMES), st.integers(0, DAYS), st.sampled_from([0.5, 1.01, 30.0]))
late = st.tuples(st.just("late"), st.sampled_from(NAMES))
split = st.tuples(st.just("split"), st.integers(5, DAYS))
older = st.tuples(st.just("older"), st.sampled_from(NAMES[:3]))
undo = st.tuples(st.just("revert"))


def act(lake, what, known):
    """Do one thing to the lake; `known` is name -> (first, end) of its days."""
    match what:
        case ("append", days):
            put(lake, pl.concat([bars(name, end, days, 0) for name, (_, end) in known.items()]))
            known |= {name: (first, end + days) for name, (first, end) in known.items()}
        case ("repair", name, place, factor) if name in known:
            first, end = known[name]
            one = bars(name, min(first + place, end - 1), 1, 0)
            put(lake, one.with_columns(pl.col("close", "open", "high", "low") * factor))
        case ("late", name) if name not in known:
            end = max(end for _, end in known.values())
            put(lake, bars(name, end - 9, 9, 0))
            known[name] = (end - 9, end)
        case ("older", name) if name in known:
            first, end = known[name]
            put(lake, bars(name, max(first - 4, 0), 3, 0))  # a gap of a day stays
        case ("split", place):
            when = FIRST + timedelta(days=place)
            rows = pl.DataFrame({"timestamp": [when], "kind": ["split"], "value": [2.0]})
            store_actions(lake, "NASDAQ:AAPL", rows, first=FIRST, last=when, source="s", recorded_at=CLOCK.now())
        case ("revert",):
            if len(tables.read(lake.root, "repairs", ["symbol"], where=pl.col("reverted_at").is_null())):
                revert(lake, recorded_at=CLOCK.now())


@pytest.mark.requirement("R-FEA-12")
@pytest.mark.requirement("R-DAT-23")
@pytest.mark.requirement("R-UNI-22")
@settings(max_examples=6)
@given(steps=st.lists(st.one_of(append, repair, late, split, older, undo), min_size=1, max_size=4), data=st.data())
def test_any_sequence_of_changes_leaves_it_equal_to_scratch(steps, data):
    with tempfile.TemporaryDirectory() as folder:
        home = Workspace(Path(folder))
        home.create()
        lake = home.lake()
        known = dict.fromkeys((NAMES[0], NAMES[1], NAMES[3]), (5, DAYS - 10))
        put(lake, pl.concat([bars(name, first, end - first, 0) for name, (first, end) in known.items()]))
        refresh_features(home, Watcher(), clock=CLOCK)
        for step in steps:
            act(lake, step, known)
            if data.draw(st.booleans(), label="refresh"):
                refresh_features(home, Watcher(), clock=CLOCK)
            for panel in lake_panels(lake)[0]:  # whatever the store has, reading it never differs
                asked = Settings(rating_min_bars=20)
                found = feature_history(lake, panel, TERMS, asked)
                scratch = history(panel, TERMS, rating_min_bars=20)
                assert found.values.tobytes() == scratch.values.tobytes()
                assert (found.absent == scratch.absent).all()
        refresh_features(home, Watcher(), clock=CLOCK)
        assert held(lake).equals(expected(lake), null_equal=True)
        again = refresh_features(home, Watcher(), clock=CLOCK)
        assert (again.appended, again.recomputed, again.dropped, again.keys) == (0, 0, 0, 0)
        assert feature_store.TABLE in {one.name for one in lake.status().tables}
