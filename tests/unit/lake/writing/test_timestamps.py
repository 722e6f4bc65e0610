"""Times of Parquet files, of any unit and zone: the right instant, or one row with its reason."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from tvquant.core.errors import DataError
from tvquant.lake.writing.files import Delivery, read_file

BTC, Z = "BINANCE:BTCUSDT", "UTC"
SECOND = 1_704_153_600
"""2024-01-02T00:00:00Z."""
TWO = datetime(2024, 1, 2, tzinfo=UTC)


def _read(folder: Path, times: Any) -> Delivery:
    columns = {"symbol": pa.array([BTC] * len(times)), "timestamp": times, "close": pa.array([1.5] * len(times))}
    path = folder / "bars.parquet"
    pq.write_table(pa.table(columns), path)
    return read_file(path)


@pytest.mark.parametrize(
    "times",
    [
        *(pa.array([SECOND * 10**k], pa.timestamp(unit, Z)) for unit, k in (("s", 0), ("ms", 3), ("us", 6), ("ns", 9))),
        *(
            pa.array([SECOND * 10**6], pa.timestamp("us", zone))
            for zone in ("+05:30", "Asia/Kolkata", "America/New_York", "-11:00", "Mars/Phobos")
        ),
        pa.array([date(2024, 1, 2)], pa.date32()),
        pa.array([date(2024, 1, 2)], pa.date64()),
    ],
    ids=str,
)
def test_an_instant_is_the_same_in_every_unit_and_zone(times: Any, tmp_path: Path) -> None:
    found = _read(tmp_path, times)
    assert found.rejected.is_empty()
    assert found.rows["timestamp"].to_list() == [TWO]


PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
BAD = {
    "ns called ms": (
        SECOND * 10**9,
        pa.timestamp("ms", Z),
        "to 2100; it would be a time in ns, but the column is of ms",
    ),
    "the largest": (2**63 - 1, pa.timestamp("us", Z), "is outside of the years 1900 to 2100"),
    "the least": (-(2**63) + 1, pa.timestamp("ms", Z), "is outside of the years 1900 to 2100"),
    "a sliver of a second": (SECOND * 10**9 + 1, pa.timestamp("ns", Z), "is no whole number of microseconds"),
    "zero": (0, pa.timestamp("us", Z), "is where a clock starts that was never set"),
    "a day of no calendar": (2**31 - 1, pa.date32(), "is outside of the years 1900 to 2100"),
    "the first of 2101": (4_133_980_800, pa.timestamp("s", Z), "is outside of the years 1900 to 2100"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_time_that_is_none_is_one_bad_row(name: str, tmp_path: Path) -> None:
    number, kind, why = BAD[name]
    whole = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    good = SECOND // 86_400 if whole == pa.int32() else SECOND * PER_SECOND[kind.unit]
    found = _read(tmp_path, pa.array([good, number, None], whole).cast(kind))
    assert found.rows["timestamp"].to_list() == [TWO]
    assert found.rejected.select("row", "column").rows() == [(1, "timestamp"), (2, "timestamp")]
    assert why in found.rejected["reason"][0]
    assert str(number) in found.rejected["value"][0]
    assert found.rejected["reason"][1] == "is empty"


@pytest.mark.parametrize(("called", "unit"), [("ms", "s"), ("us", "s"), ("ns", "ms"), ("ns", "us")])
def test_days_told_in_too_small_a_unit_are_no_bars(called: str, unit: str, tmp_path: Path) -> None:
    days = [(SECOND + 86_400 * k) * PER_SECOND[unit] for k in range(3)]
    found = _read(tmp_path, pa.array(days, pa.timestamp(called, Z)))
    assert found.rows.is_empty()
    assert len(found.rejected) == 3


def test_a_column_of_no_times_is_refused_whole(tmp_path: Path) -> None:
    for times, why in (
        (pa.array([TWO.replace(tzinfo=None)]), "2024-01-02 00:00:00 has no zone"),
        (pa.array([SECOND * 10**9], pa.timestamp("ms")), "has no zone"),
        (pa.array([SECOND]), f"{SECOND} is of type int64, expected times with a zone"),
        (pa.array(["\u202e" * 90]), r"'.u202e.*\.\.\. is of type string"),
        (pa.array([b"x"]), r"b'x' is of type binary"),
        (pa.array([{"a": 1}]), "is of type struct<a: int64>"),
        (pa.array([timedelta(days=1)]), "is of type duration"),
    ):
        with pytest.raises(DataError, match=f"row 0, column 'timestamp': .*{why}") as caught:
            _read(tmp_path, times)
        assert str(caught.value).isprintable()
