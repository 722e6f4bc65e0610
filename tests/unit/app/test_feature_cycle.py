"""The store of features in a workspace: what is kept, what is left out, and that reading it is computing it."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from builders.clocks import ManualClock
from tvquant.app import feature_cycle
from tvquant.app.feature_cycle import feature_history, feature_version, lake_panels, refresh_features
from tvquant.app.progress import Watcher
from tvquant.app.workspace import Workspace
from tvquant.core.calendars import calendar
from tvquant.core.panel import Basis, Panel
from tvquant.features import TERMS, compute, history
from tvquant.features.rating_rules import CLASSIC
from tvquant.features.terms.contract import Settings
from tvquant.lake.storage import tables
from tvquant.lake.storage.tables import TIME
from tvquant.lake.writing.upserts import upsert
from tvquant.tournament.views import look

pytestmark = [pytest.mark.requirement("R-FEA-12"), pytest.mark.requirement("R-UNI-22")]
COINS, SHARES = ("BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "BINANCE:SOLUSDT"), ("NASDAQ:AAPL", "NASDAQ:MSFT")
FIRST, DAYS = np.datetime64("2024-01-01", "us"), 300


CLOCK = ManualClock(datetime(2026, 6, 1, tzinfo=UTC))


class Told(Watcher):
    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def steps(self, done: int, total: int) -> None:
        self.seen.append((done, total))


def bars(symbol: str, first: int = 0, days: int = DAYS, market: str = "24x7") -> pl.DataFrame:
    draw = np.random.default_rng(len(symbol) + ord(symbol[-5]))
    close = 50.0 * np.exp(draw.normal(0.0, 0.03, 2 * DAYS).cumsum())
    times = calendar(market).bars(FIRST, FIRST + np.timedelta64(3 * DAYS, "D"))[first : first + days]
    close = close[first : first + days]
    frame = pl.DataFrame({"symbol": symbol, "timestamp": pl.Series(times).dt.replace_time_zone("UTC").cast(TIME)})
    return frame.with_columns(open=close, high=close * 1.02, low=close * 0.97, close=close, volume=pl.lit(5e4))


def put(home: Workspace, *parts: pl.DataFrame) -> None:
    rows = pl.concat(parts)
    upsert(home.lake(), rows, interval="1d", basis=Basis.RAW, source="s", recorded_at=CLOCK.now(), reason="r")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Three coins, one of them young, and two shares; all stored but the last day."""
    made = Workspace(tmp_path_factory.mktemp("features"))
    made.create()
    shares = [bars(name, days=200, market="XNYS") for name in SHARES]
    put(made, bars(COINS[0]), bars(COINS[1]), bars(COINS[2], first=260, days=40), *shares)
    refresh_features(made, Watcher(), clock=CLOCK)
    put(made, bars(COINS[0], first=DAYS, days=1))
    return made


def same(found, panel: Panel, floor: int, names=TERMS, rules=None) -> None:
    more = {} if rules is None else {"rating_rules": rules}
    expected = history(panel, names, rating_min_bars=floor, **more)
    assert found.names == expected.names
    assert found.keys == expected.keys
    assert found.values.tobytes() == expected.values.tobytes()
    for name in ("times", "as_of", "known_at", "listed", "absent"):
        assert (getattr(found, name) == getattr(expected, name)).all(), name


@pytest.mark.parametrize("floor", [1, 60, 250])
def test_reading_is_computing_whatever_the_floor(home: Workspace, floor: int) -> None:
    for panel in lake_panels(home.lake())[0]:
        same(feature_history(home.lake(), panel, TERMS, Settings(rating_min_bars=floor)), panel, floor)


def test_views_parts_and_snapshots_read_the_same_store(home: Workspace) -> None:
    lake = home.lake()
    panel = lake.panel(lake.pin(COINS[1:]))
    names = ("recommend_all", "adx_14_1w", "volume_change_24h")
    same(feature_history(lake, panel, names, Settings(rating_min_bars=9)), panel, 9, names)
    view = lake_panels(lake)[0][0].until(FIRST + np.timedelta64(222, "D"))
    found = feature_history(lake, view, TERMS, Settings(rating_min_bars=9))
    same(found, view, 9)
    then = compute(look(view, 100).panel, TERMS, rating_min_bars=9)
    assert found.at(100).digest() == then.digest()
    assert found.at(100).known_at == then.known_at


def test_what_stands_is_not_computed(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, asked = home.lake(), []
    computed = feature_cycle.values_of

    def values_of(part: Panel, terms, settings, rows: int):
        asked.append((part.keys, rows))
        return computed(part, terms, settings, rows)

    monkeypatch.setattr(feature_cycle, "values_of", values_of)
    coins, shares = lake_panels(lake)[0]
    kept = [name for name, term in TERMS.items() if term.of_bars]
    feature_history(lake, shares, kept, Settings(rating_min_bars=1))
    assert asked == []
    feature_history(lake, coins, kept, Settings(rating_min_bars=1))
    assert asked == [((COINS[0],), 1)]
    monkeypatch.setattr(feature_cycle, "feature_version", lambda: "another")
    feature_history(lake, shares, ["roc_9"], Settings(rating_min_bars=1))
    assert asked[1:] == [(shares.keys, len(shares.times))]


def test_other_rules_and_late_cells_are_computed(home: Workspace) -> None:
    lake = home.lake()
    panel = lake_panels(lake)[0][0]
    found = feature_history(lake, panel, TERMS, Settings(rating_min_bars=60, rating_rules=CLASSIC))
    same(found, panel, 60, rules=CLASSIC)
    late = panel.known_at + np.array([0, 3, 0]) * np.timedelta64(1, "h")
    fields = {name: block for name, block in panel.fields.items() if name != "total_return"}
    other = Panel(
        times=panel.times, instruments=panel.instruments, fields=fields, known_at=late, tradable=panel.tradable,
        bases=panel.bases, stamps=panel.stamps, calendar=panel.calendar,
    )  # fmt: skip
    found = feature_history(lake, other, ["roc_9"], Settings(rating_min_bars=1))
    assert np.isnan(found.values[0, :, 1]).all()  # none of its bars is there when the others' are


def test_a_refresh_tells_what_it_did(tmp_path) -> None:
    home, told = Workspace(tmp_path), Told()
    home.create()
    nothing = refresh_features(home, told, clock=CLOCK)
    assert (nothing.appended, nothing.keys, nothing.left_out) == (0, 0, {})
    put(home, bars(COINS[0], days=50), bars(SHARES[0], days=40, market="XNYS"))
    first = refresh_features(home, told, clock=CLOCK)
    assert (first.appended, first.recomputed, first.dropped, first.keys) == (90, 0, 0, 2)
    assert told.seen[-1] == (2, 2)
    assert first.text()[0].startswith("features: 90 rows appended, 0 recomputed, 0 dropped, of 2 instruments, in ")
    assert first.document()["appended"] == 90
    stored = tables.read(home.lake().root, "features")
    assert stored["version"].unique().to_list() == [feature_version()]
    assert stored["recorded_at"].unique().to_list() == [CLOCK.now()]
    assert stored["timestamp"].max() == datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=58)


def test_what_cannot_be_in_a_panel_is_left_out_by_name(tmp_path) -> None:
    home = Workspace(tmp_path)
    home.create()
    put(home, bars(COINS[0], days=9), bars("BINANCE:BTCEUR", days=9))
    done = refresh_features(home, Watcher(), clock=CLOCK)
    assert done.left_out == {"BINANCE:BTCEUR": "priced in EUR"}
    assert done.text()[1] == "BINANCE:BTCEUR has no features: priced in EUR"
    assert done.keys == 1
