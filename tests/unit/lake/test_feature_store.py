"""Stored features: digests of what they were made of, which rows stand, and what a refresh writes."""

import multiprocessing
import os
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from builders.panels import instrument, panel_of
from tvquant.lake import Lake
from tvquant.lake.feature_store import input_digests, refresh, stored
from tvquant.lake.storage import tables
from tvquant.lake.writing.compaction import compact

pytestmark = [pytest.mark.requirement("R-DAT-23"), pytest.mark.requirement("R-UNI-22")]
NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = np.timedelta64(1, "D")
NAMES = ("sum", "last")
ROWS = 8


def panel(close, *, first=0, calendar="24x7", names=None, **fields):
    """Columns of closes; NaN is a row without a bar."""
    blocks = {name: np.asarray(block, float) for name, block in {"close": close, **fields}.items()}
    rows, columns = blocks["close"].shape
    times = np.datetime64("2026-01-01", "us") + np.arange(first, first + rows) * DAY
    traded = [instrument(name, calendar=calendar) for name in names or [f"N{j}" for j in range(columns)]]
    return panel_of(
        blocks, names=traded, times=times, known_at=np.broadcast_to((times + DAY)[:, None], (rows, columns))
    )


def walk(rows=ROWS, names=3, seed=0):
    return 10.0 + np.random.default_rng(seed).random((rows, names))


class Counted:
    """Computes and remembers of which names and how many rows."""

    def __init__(self):
        self.asked = []

    def __call__(self, given, rows):
        self.asked.append((given.keys, rows))
        close = given.fields["close"]
        total = np.where(np.isnan(close), np.nan, np.nancumsum(close, axis=0))
        return np.stack([total[-rows:], close[-rows:]])


def put(lake, *panels, version="a", names=NAMES):
    compute = Counted()
    done = refresh(lake, panels, names, compute, version=version, recorded_at=NOW)
    return (done.appended, done.recomputed, done.dropped, done.keys), compute.asked


def check(lake, made, version="a"):
    """All that the panel has is stored, as it would be computed."""
    values, have = stored(lake, made, input_digests(made), NAMES, version=version)
    assert (have == made.tradable).all()
    expected = Counted()(made, len(made.times))
    assert np.where(have, values, np.nan).tobytes() == expected.tobytes()


def test_a_changed_cell_changes_the_digest_from_its_bar_on_and_of_its_name_only():
    close, volume = walk(), walk(seed=1)
    before = input_digests(panel(close, volume=volume))
    for field in ("close", "volume"):
        blocks = {"close": close.copy(), "volume": volume.copy()}
        blocks[field][3, 1] += 1e-12
        changed = before != input_digests(panel(blocks.pop("close"), **blocks))
        assert changed[3:, 1].all()
        assert changed.sum() == ROWS - 3
    gone = close.copy()
    gone[2, 0] = np.nan
    changed = before != input_digests(panel(gone, volume=np.where(np.isnan(gone), np.nan, volume)))
    assert changed[2:, 0].all()
    assert not changed[:, 1:].any()
    assert not changed[:2].any()


@pytest.mark.requirement("R-FEA-12")
@pytest.mark.parametrize("row", [0, 3, 4])
def test_a_split_changes_the_digest_from_its_row_on_and_of_its_name_only(row):
    """The name has no bar in row 4, in which the split may stand all the same."""
    close = walk()
    close[4, 1] = np.nan
    split = np.ones_like(close)
    before = input_digests(panel(close))
    assert (before == input_digests(panel(close, split=split))).all()
    split[row, 1] = 10.0
    changed = before != input_digests(panel(close, split=split))
    assert changed[5:, 1].all()
    assert changed[row:, 1].sum() == changed.sum() >= ROWS - row - 1


def test_digests_are_of_content():
    close = walk()
    plain = input_digests(panel(close))
    assert (plain == input_digests(panel(close, volume=np.full_like(close, np.nan)))).all()
    assert (input_digests(panel(close, volume=0.0 * close)) == input_digests(panel(close, volume=-0.0 * close))).all()
    assert (plain[:, 1:] == input_digests(panel(close[:, 1:]))).all()
    assert (plain[:5] == input_digests(panel(close[:5]))).all()
    assert (plain != input_digests(panel(close, calendar="XNYS"))).all()
    assert (plain != input_digests(panel(close, first=1))).all()
    late = np.vstack([np.full((2, 3), np.nan), close])
    late[0, 0] = 1.0
    other = input_digests(panel(late, first=-2))
    assert (other[2:, 1:] == plain[:, 1:]).all()
    swapped = input_digests(panel(close, high=2.0 * close, low=close))
    assert (swapped != input_digests(panel(close, high=close, low=2.0 * close))).all()


def test_doubled_prices_and_shifted_bars_do_not_meet():
    """Values whose bits differ in a few high places only, summed over fields: no two digests of many are equal."""
    whole = np.arange(1.0, 257.0)[:, None] * np.ones(8)
    scaled = [whole * 2.0**k for k in range(-8, 8)]
    found = [input_digests(panel(one, open=one, high=two, low=one)) for one in scaled for two in scaled[:4]]
    ends = np.array([block[-1, 0] for block in found])
    assert len(np.unique(ends)) == len(ends)


def test_a_refresh_writes_all_then_only_what_is_new(lake: Lake):
    close = walk()
    assert put(lake, panel(close[:5])) == ((15, 0, 0, 3), [(("X:N0", "X:N1", "X:N2"), 5)])
    check(lake, panel(close[:5]))
    assert put(lake, panel(close[:5])) == ((0, 0, 0, 0), [])
    version = tables.version(lake.root, "features")
    assert put(lake, panel(close[:6])) == ((3, 0, 0, 3), [(("X:N0", "X:N1", "X:N2"), 1)])
    assert tables.version(lake.root, "features") == version + 1
    check(lake, panel(close[:6]))


def test_a_repaired_bar_costs_its_name_the_rows_from_there_on(lake: Lake):
    close = walk()
    put(lake, panel(close[:7]))
    repaired = close.copy()
    repaired[4, 1] = 99.0
    counts, asked = put(lake, panel(repaired))
    assert counts == (3, 3, 3, 3)
    assert sorted(asked) == [(("X:N0", "X:N1", "X:N2"), 4)]
    check(lake, panel(repaired))
    values, have = stored(lake, panel(close), input_digests(panel(close)), NAMES, version="a")
    assert have[:4].all()
    assert not have[4:, 1].any()
    assert np.isnan(values[:, 4:, 1]).all()


def test_names_far_apart_are_computed_apart(lake: Lake):
    close = walk(200)
    put(lake, panel(close[:199]))
    close[3, 2] = 77.0
    counts, asked = put(lake, panel(close))
    assert counts == (3, 196, 196, 3)
    assert asked == [(("X:N2",), 197), (("X:N0", "X:N1"), 1)]
    check(lake, panel(close))


@pytest.mark.parametrize("gone", [0, 3, 7])
def test_a_bar_taken_out_takes_its_row_along(lake: Lake, gone):
    close = walk()
    put(lake, panel(close))
    close[gone, 2] = np.nan
    (appended, recomputed, dropped, _), _ = put(lake, panel(close))
    assert (appended, recomputed, dropped) == (0, 7 - gone, 8 - gone)
    check(lake, panel(close))
    assert len(tables.read(lake.root, "features", ["symbol"])) == 23


def test_a_late_listing_and_older_bars(lake: Lake):
    close = walk(names=2)
    put(lake, panel(close))
    three = np.column_stack([close, walk(names=1, seed=5)])
    three[:5, 2] = np.nan
    counts, asked = put(lake, panel(three))
    assert counts == (3, 0, 0, 1)
    assert asked == [(("X:N2",), 3)]
    three[3:5, 2] = 4.0
    assert put(lake, panel(three))[0] == (0, 5, 3, 1)
    check(lake, panel(three))


def test_panels_of_several_calendars_stand_in_one_table(lake: Lake):
    one, other = panel(walk()), panel(walk(seed=3), calendar="XNYS", names=["N:A", "N:B", "N:C#2"])
    assert put(lake, one, other)[0] == (48, 0, 0, 6)
    check(lake, one)
    check(lake, other)
    assert put(lake, one)[0] == (0, 0, 24, 0)
    assert tables.read(lake.root, "features", ["symbol"])["symbol"].str.starts_with("X:").all()
    assert put(lake)[0] == (0, 0, 24, 0)
    assert tables.read(lake.root, "features", ["symbol"]).is_empty()
    assert put(lake, other)[0] == (24, 0, 0, 3)
    check(lake, other)


def test_another_version_is_not_read_and_makes_all_anew_with_its_own_columns(lake: Lake):
    made = panel(walk())
    put(lake, made)
    assert not stored(lake, made, input_digests(made), ("new",), version="b")[1].any()
    done = refresh(
        lake, [made], ("new",), lambda one, rows: one.fields["close"][None, -rows:], version="b", recorded_at=NOW
    )
    assert (done.appended, done.dropped, done.keys) == (24, 24, 3)
    assert done.recomputed == 0
    values, have = stored(lake, made, input_digests(made), ("new",), version="b")
    assert have.all()
    assert values[0].tobytes() == made.fields["close"].tobytes()
    assert not stored(lake, made, input_digests(made), NAMES, version="a")[1].any()


def test_nothing_is_read_of_no_store_nor_written_of_no_panel(lake: Lake):
    made = panel(walk())
    assert not stored(lake, made, input_digests(made), NAMES, version="a")[1].any()
    assert put(lake)[0] == (0, 0, 0, 0)
    assert tables.version(lake.root, "features") is None


def test_rows_that_are_there_twice_are_not_trusted(lake: Lake):
    from tvquant.lake.storage import commits

    made = panel(walk())
    put(lake, made)
    schema = tables.SCHEMAS["features"] | dict.fromkeys(NAMES, pl.Float64())
    rows = tables.read(lake.root, "features", schema=schema).head(1)
    commits.renew(lake.root, "features", iter([rows]), schema, "", tables.version(lake.root, "features"))
    assert put(lake, made)[0] == (0, 24, 25, 3)
    check(lake, made)


def test_it_may_be_compacted_and_is_told_of_in_the_status(lake: Lake, deliver, bars):
    deliver(bars("BINANCE:BTCUSDT", [1.0, 2.0]))
    close = walk(12)
    for rows in range(1, 13):
        put(lake, panel(close[:rows]))
    done = {one.name: one for one in compact(lake, {}, now=datetime.now(UTC))}
    assert (done["features"].before, done["features"].after) == (12, 1)
    check(lake, panel(close))
    assert next(one.rows for one in lake.status().tables if one.name == "features") == 36


@pytest.mark.parametrize("place", ["_delta_log/*.json", "*.parquet"])
@pytest.mark.parametrize("size", [0, 9, -1, None])
def test_a_damaged_store_stands_for_nothing_and_is_made_anew(lake: Lake, place, size):
    close = walk()
    put(lake, panel(close))
    (path,) = (lake.root / "features").glob(place)
    content = path.read_bytes()
    if size is None:
        path.unlink()
    else:
        path.write_bytes(content[:-40] + b"!" + content[-39:] if size == -1 else content[:size])
    assert "features" not in tables.held(lake.root) or place == "*.parquet"
    values, have = stored(lake, panel(close), input_digests(panel(close)), NAMES, version="a")
    assert not have.any()
    assert np.isnan(values).all()
    done = refresh(lake, [panel(close)], NAMES, Counted(), version="a", recorded_at=NOW)
    assert path.name in done.damage
    assert done.appended == close.size
    check(lake, panel(close))
    assert refresh(lake, [panel(close)], NAMES, Counted(), version="a", recorded_at=NOW).damage == ""


def killed(root, close, stage):
    """Refresh, but die before or after the commit."""
    from tvquant.lake.storage import commits

    commit = commits.renew

    def dying(*args):
        if stage == "after":
            commit(*args)
        os._exit(9)

    def compute(one, rows):
        if stage == "computing":
            os._exit(9)
        return Counted()(one, rows)

    if stage != "computing":
        commits.renew = dying
    refresh(Lake(root), [panel(close)], NAMES, compute, version="a", recorded_at=NOW)


@pytest.mark.parametrize("stage", ["computing", "before", "after"])
def test_killed_in_between_it_is_old_or_new(lake: Lake, stage):
    close = walk()
    put(lake, panel(close[:5]))
    repaired = close.copy()
    repaired[2, 0] = 50.0
    process = multiprocessing.get_context("spawn").Process(target=killed, args=(lake.root, repaired, stage))
    process.start()
    process.join()
    assert process.exitcode == 9
    rows = len(tables.read(lake.root, "features", ["symbol"]))
    assert rows == (24 if stage == "after" else 15)
    assert put(lake, panel(repaired))[0][0] == (0 if stage == "after" else 9)
    check(lake, panel(repaired))
