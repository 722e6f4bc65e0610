"""Which value of which row was changed, and what rows were before."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.tables import MEASURES, SCHEMAS, TIME, VALUES
from tvquant.lake.writing import repairs

BTC = "BINANCE:BTCUSDT"
FIRST = datetime(2021, 1, 1, tzinfo=UTC)

value = st.sampled_from([None, 1.0, 2.0, 3.0])
row = st.fixed_dictionaries(dict.fromkeys(VALUES, value) | {"day": st.integers(0, 2), "batch": st.integers(0, 2)})
change = st.fixed_dictionaries(dict.fromkeys(MEASURES, value))


def told(**values: float) -> dict[str, float | None]:
    return dict.fromkeys(MEASURES) | values


ONE = dict.fromkeys(VALUES) | {"close": 1.0, "day": 0, "batch": 0}


def frame_of(rows: list[dict[str, float | None]]) -> pl.DataFrame:
    """Stored rows; `batch` stands for where they came from."""
    made = [
        {name: one[name] for name in VALUES}
        | {"symbol": BTC, "timestamp": FIRST + timedelta(days=int(one["day"] or 0)), "interval": "1d", "basis": "raw"}
        | {"source": "s", "import_id": str(one["batch"]), "recorded_at": FIRST}
        for one in rows
    ]
    return pl.DataFrame(made, schema=SCHEMAS["bars"])


def repaired(held: pl.DataFrame, change: pl.DataFrame) -> pl.DataFrame:
    """What a merge makes of the rows, slowly."""
    told = {one["timestamp"]: one for one in change.iter_rows(named=True)}
    rows = []
    for one in held.iter_rows(named=True):
        new = told.get(one["timestamp"], {})
        rows.append(one | {name: new[name] for name in MEASURES if new.get(name) is not None})
    return pl.DataFrame(rows, schema=held.schema)


def same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    columns = list(SCHEMAS["bars"])
    return one.select(columns).sort(columns).equals(other.select(columns).sort(columns))


@given(
    rows=st.lists(row, min_size=1, max_size=8),
    changes=st.lists(st.dictionaries(st.integers(0, 2), change, min_size=1, max_size=3), min_size=1, max_size=4),
)
@example(rows=[ONE], changes=[{0: told(close=2.0)}, {0: told(close=3.0)}])
@example(rows=[ONE, ONE | {"close": 2.0}], changes=[{0: told(close=3.0)}])
def test_whatever_was_changed_comes_back_row_by_row(
    rows: list[dict[str, float | None]], changes: list[dict[int, dict[str, float | None]]]
) -> None:
    states, journal = [frame_of(rows)], []
    for sequence, what in enumerate(changes):
        held = states[-1]
        days = [{"symbol": BTC, "timestamp": FIRST + timedelta(days=day), **new} for day, new in what.items()]
        schema = {"symbol": pl.String(), "timestamp": TIME, **dict.fromkeys(MEASURES, pl.Float64())}
        change = pl.DataFrame(days, schema=schema).join(held, on=repairs.BAR, how="semi")
        mine = held.join(change, on=repairs.BAR, how="semi")
        journal.append(repairs.entries(mine, change).with_columns(sequence=pl.lit(sequence, pl.Int64)))
        states.append(repaired(held, change))
    for back in range(len(changes), -1, -1):
        found, _ = repairs.undone(states[-1], pl.concat([journal[0].clear(), *journal[back:]]))
        assert same(found, states[back])


def test_an_entry_is_one_value_of_one_row() -> None:
    none = dict.fromkeys(VALUES, None)
    held = frame_of(
        [none | {"day": 0, "batch": 1, "close": 2.0}, none | {"day": 0, "batch": 0, "close": 1.0, "volume": 5.0}]
    )
    change = pl.DataFrame(
        {"symbol": [BTC], "timestamp": [FIRST], **{key: [None] for key in MEASURES}, "close": [1.0]},
        schema={"symbol": pl.String(), "timestamp": TIME, **dict.fromkeys(MEASURES, pl.Float64())},
    )
    found = repairs.entries(held, change)
    assert found.select("version", "field", "original", "repaired").rows() == [
        (0, "close", 1.0, 1.0), (1, "close", 2.0, 1.0),
    ]  # fmt: skip


def test_a_value_that_is_no_longer_as_repaired_stays() -> None:
    held = frame_of([dict.fromkeys(VALUES, None) | {"day": 0, "batch": 0, "close": 3.0}])
    entry = {"symbol": BTC, "timestamp": FIRST, "version": 0, "sequence": 0, "field": "close"}
    found = pl.DataFrame(
        [entry | {"original": 1.0, "repaired": 2.0}],
        schema_overrides={"timestamp": TIME},
    )
    rows, told = repairs.undone(held, found)
    assert rows["close"].to_list() == [3.0]
    assert told["put_back"].to_list() == [False]


def test_open_repairs_are_those_of_an_interval_not_reverted(tmp_path: Path) -> None:
    rows = [
        {"symbol": BTC, "interval": interval, "timestamp": FIRST, "field": "close", "version": 0, "sequence": k,
         "upsert_id": "u", "reason": "r", "source": "s", "recorded_at": FIRST, "reverted_at": reverted}
        for k, (interval, reverted) in enumerate([("1d", None), ("4h", None), ("1d", FIRST), ("1d", None)])
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema=SCHEMAS["repairs"])
    commits.append(tmp_path, "repairs", frame)
    assert repairs.open_repairs(tmp_path, interval="1d")["sequence"].to_list() == [0, 3]
    later = FIRST + timedelta(days=1)
    assert repairs.open_repairs(tmp_path, interval="1d", span=(later, later)).is_empty()
    assert repairs.open_repairs(tmp_path, interval="4h", symbols=[BTC])["sequence"].to_list() == [1]
    assert repairs.open_repairs(tmp_path, interval="4h", symbols=["BINANCE:ETHUSDT"]).is_empty()
    assert tables.read(tmp_path, "repairs").height == 4
