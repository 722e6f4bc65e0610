"""The contract of every term's history: a row is what the view until that row gives, bit for bit."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from builders.panels import instrument, panel_of
from tvquant.core.errors import DataError, ProfileError
from tvquant.features import TERMS, compute, history
from tvquant.features.rating_rules import CLASSIC, LIBRARY_V3
from tvquant.tournament.views import look

pytestmark = pytest.mark.xdist_group("histories")  # one worker compiles for all of them

DAY, HOUR = np.timedelta64(1, "D"), np.timedelta64(1, "h")
START = np.datetime64("2021-03-03", "us")
REAL = Path(__file__).parents[3] / "shared" / "data"
ROWS, NAMES = 1060, 6
MIN_BARS = 60


def blocks(rows=ROWS, names=NAMES, seed=0):
    """Walks with holes, a name that dies and names that are listed late."""
    draw = np.random.default_rng(seed)
    close = 50.0 * np.exp(draw.normal(0.0, 0.03, (rows, names)).cumsum(axis=0))
    close[80:115, 2] = close[80, 2]
    out = {
        "close": close,
        "high": close * (1.0 + 0.04 * draw.random((rows, names))),
        "low": close * (1.0 - 0.04 * draw.random((rows, names))),
        "volume": np.where(draw.random((rows, names)) < 0.01, 0.0, draw.random((rows, names)) * 1e6),
    }
    out["quote_volume"] = np.where(draw.random((rows, names)) < 0.3, np.nan, out["volume"] * close * 1.01)
    gone = draw.random((rows, names)) < 0.04
    gone[0] = False
    gone[rows // 3 : rows // 3 + 70, 1] = True
    gone[rows * 3 // 4 :, 2] = True
    gone[: rows * 2 // 3, -2] = True
    gone[: rows - 12, -1] = True
    gone[rows * 2 // 3, -2] = gone[rows - 12, -1] = False
    return {name: np.where(gone, np.nan, block) for name, block in out.items()}


def panel(fields, *, times=None, delay=None, calendar="24x7"):
    """A panel of names in order of listing; `delay` by name."""
    rows, names = fields["close"].shape
    times = START + np.arange(rows) * DAY if times is None else times
    known = np.broadcast_to((times + DAY)[:, None], (rows, names))
    if delay is not None:
        known = (times + DAY)[:, None] + np.asarray(delay)
    order = sorted(range(names), key=lambda j: known[(~np.isnan(fields["close"][:, j])).argmax(), j])
    return panel_of(
        {name: np.ascontiguousarray(block[:, order]) for name, block in fields.items()},
        names=[instrument(f"N{j}", calendar=calendar) for j in order],
        times=times,
        known_at=known if delay is None else np.ascontiguousarray(known[:, order]),
    )


def without(fields, *names):
    return {name: block for name, block in fields.items() if name not in names}


def with_splits(fields):
    """Raw bars of names that were split, one on a day without a bar, and of one whose shares came together."""
    split = np.ones(fields["close"].shape)
    split[[150, 300], [0, 1]] = 10.0, 4.0
    split[fields["close"].shape[0] // 3 + 20, 1] = 3.0  # among the rows without a bar
    split[200, 3] = 1.0 / 8.0
    units = split.cumprod(axis=0)
    raw = {name: fields[name] / units for name in ("close", "high", "low")}
    return fields | raw | {"volume": fields["volume"] * units, "split": split}


def late_volume(fields):
    """No name has volume before the hundredth row."""
    hidden = np.arange(len(fields["close"]))[:, None] < 100
    return fields | {name: np.where(hidden, np.nan, fields[name]) for name in ("volume", "quote_volume")}


def sessions():
    fields = blocks(760)
    from tvquant.core.calendars import calendar

    opens = calendar("XNYS").opens
    first = np.searchsorted(opens, np.datetime64("2021-12-20", "us"))
    return panel(fields, times=opens[first : first + 760], calendar="XNYS")


PANELS = {
    "everything": lambda: panel(blocks()),
    "sessions": sessions,
    "close only": lambda: panel(without(blocks(400), "high", "low", "volume", "quote_volume")),
    "splits": lambda: panel(with_splits(blocks(500))),
    "splits of late cells": lambda: panel(with_splits(blocks(320)), delay=[0 * HOUR, HOUR, HOUR, 9 * HOUR, HOUR, HOUR]),
    "no volume": lambda: panel(without(blocks(400), "volume", "quote_volume")),
    "late volume": lambda: panel(late_volume(blocks(400))),
    "late cells": lambda: panel(blocks(300), delay=[0 * HOUR, 3 * HOUR, 0 * HOUR, 7 * HOUR, 0 * HOUR, 1 * HOUR]),
    "cells a day late": lambda: panel(blocks(120), delay=[0 * HOUR, 30 * HOUR, 0 * HOUR, 49 * HOUR, 0 * HOUR, HOUR]),
    "first rows empty": lambda: panel({k: np.where(np.arange(300)[:, None] < 9, np.nan, v)
                                       for k, v in blocks(300).items()}),
    "one row": lambda: panel(blocks(300)).until(START + DAY),
    "a view of late cells": lambda: panel(blocks(300), delay=[0 * HOUR, 3 * HOUR, 0 * HOUR, HOUR, HOUR, HOUR]).until(
        START + 250 * DAY + HOUR
    ),
}  # fmt: skip


def same(made, row, found, rules=LIBRARY_V3):
    view = look(made, row).panel
    if not len(view.times):
        with pytest.raises(DataError, match="nothing was known yet"):
            found.at(row - len(made.times))
        return
    then, now = compute(view, TERMS, rating_min_bars=MIN_BARS, rating_rules=rules), found.at(row - len(made.times))
    assert now.names == then.names
    assert now.keys == then.keys
    assert now.absent == then.absent
    assert now.known_at == then.known_at
    for k, name in enumerate(now.names):
        assert now.values[k].tobytes() == then.values[k].tobytes(), (name, row)


def some_rows(made, count=40):
    rows = len(made.times)
    edges = {0, rows - 1, rows - 2, rows // 2}
    return sorted({*edges, *np.random.default_rng(3).integers(0, rows, count).tolist()} & set(range(rows)))


@pytest.mark.requirement("R-FEA-01")
@pytest.mark.requirement("R-UNI-22")
@pytest.mark.parametrize("case", PANELS)
def test_every_row_is_that_of_the_view_until_then(case):
    made = PANELS[case]()
    found = history(made, TERMS, rating_min_bars=MIN_BARS)
    for row in some_rows(made):
        same(made, row, found)


def test_it_does_not_depend_on_which_rows_are_asked_for():
    made = panel(blocks(400))
    whole = history(made, TERMS, rating_min_bars=MIN_BARS, rating_rules=CLASSIC)
    for rows in map(np.array, ([399], [1, 398], [7, 33, 34, 270], range(300, 400))):
        part = history(made, TERMS, rows=rows, rating_min_bars=MIN_BARS, rating_rules=CLASSIC)
        assert part.values.tobytes() == np.ascontiguousarray(whole.values[:, rows]).tobytes()
        assert (part.absent == whole.absent[:, rows]).all()
        for name in ("times", "as_of", "known_at", "listed"):
            assert (getattr(part, name) == getattr(whole, name)[rows]).all()
    same(made, 350, whole, CLASSIC)
    late = PANELS["cells a day late"]()
    terms, rows = ("roc_9", "value_traded_last"), np.array([0, 40, 41, 119])
    every = history(late, terms, rating_min_bars=MIN_BARS)
    part = history(late, terms, rows=rows, rating_min_bars=MIN_BARS)
    assert part.values.tobytes() == np.ascontiguousarray(every.values[:, rows]).tobytes()
    assert part.known_at.tolist() == every.known_at[rows].tolist()


def test_a_name_alone_has_the_same_history():
    made = panel(blocks())
    whole = history(made, TERMS, rating_min_bars=MIN_BARS)
    for j in (0, 2, NAMES - 1):
        cut = {name: made.fields[name][:, [j]] for name in ("close", "high", "low", "volume", "quote_volume")}
        alone = history(panel(cut), TERMS, rating_min_bars=MIN_BARS)
        assert alone.values[:, :, 0].tobytes() == np.ascontiguousarray(whole.values[:, :, j]).tobytes()


def test_it_is_read_only_and_refuses_what_it_cannot_give():
    made = panel(blocks(120))
    found = history(made, ["roc_9"], rating_min_bars=1)
    assert found.names == ("roc_9",)
    with pytest.raises(ValueError, match="read-only"):
        found.values[0, 0, 0] = 1.0
    with pytest.raises(ProfileError, match="unknown feature"):
        history(made, ["roc_8"], rating_min_bars=1)
    for rows in ([], [-1, 3], [3, 120]):
        with pytest.raises(DataError, match="but the data have 120"):
            history(made, ["roc_9"], rows=np.array(rows, dtype=np.int64), rating_min_bars=1)
    assert history(made, (), rating_min_bars=1).values.shape == (0, 120, NAMES)


@pytest.mark.requirement("R-UNI-22")
@pytest.mark.parametrize(
    ("file", "calendar"), [("crypto_binance_spot_1d_2022_2025.parquet", "24x7"), ("us_equities_1d.parquet", "XNYS")]
)
def test_on_real_data(file, calendar):
    if not (REAL / file).exists():
        pytest.skip(f"{file} is not here")
    rows = pl.read_parquet(REAL / file).sort("timestamp")
    names = rows.group_by("symbol").len().sort("len", "symbol")["symbol"][:: max(1, rows["symbol"].n_unique() // 12)]
    rows = rows.filter(pl.col("symbol").is_in(names.implode()))
    days = rows["timestamp"].dt.date().to_numpy().astype("datetime64[us]")
    times, at = np.unique(days, return_inverse=True)
    column = rows["symbol"].cast(pl.Enum(names.to_list())).to_physical().to_numpy()
    fields = {}
    for name in ("close", "high", "low", "volume"):
        fields[name] = np.full((len(times), len(names)), np.nan)
        fields[name][at, column] = rows[name].cast(pl.Float64).to_numpy()
    made = panel(fields, times=times, calendar=calendar)
    found = history(made, TERMS, rating_min_bars=MIN_BARS)
    for row in some_rows(made, 12):
        same(made, row, found)
