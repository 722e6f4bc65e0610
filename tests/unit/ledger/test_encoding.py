from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from math import copysign, inf, isnan, nan
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from tvquant.core.digests import canonical_json, own_json
from tvquant.core.written import may_have_tags
from tvquant.ledger import decode, encode
from tvquant.ledger.encoding import is_scalar

pytestmark = pytest.mark.requirement("R-LED-07")


class Side(StrEnum):
    LONG = "long"


class Grade(IntEnum):
    TOP = 1


class Pair(Enum):
    BOTH = (1, 2)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (2**80, 2**80),
        (0.1, 0.1),
        ("BINANCE:BTCUSDT.P", "BINANCE:BTCUSDT.P"),
        (nan, {"$null": "nan"}),
        (inf, {"$null": "inf"}),
        (-inf, {"$null": "-inf"}),
        (np.int64(-3), -3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.bool_(True), True),
        (np.str_("é"), "é"),
        (np.float64(0.1), 0.1),
        (np.float32(0.1), 0.10000000149011612),
        (np.float16(nan), {"$null": "nan"}),
        (date(2020, 1, 31), {"$date": "2020-01-31"}),
        (datetime(2020, 1, 31, 21, 0, 0, 5, tzinfo=UTC), {"$datetime": "2020-01-31T21:00:00.000005+00:00"}),
        (timedelta(days=-1, microseconds=3), {"$timedelta": [-1, 0, 3]}),
        (Decimal("1.10"), {"$decimal": "1.10"}),
        (np.datetime64("2020-01-31T21:00", "us"), {"$datetime64": ["2020-01-31T21:00:00.000000", "us"]}),
        (np.datetime64("NaT", "D"), {"$datetime64": [None, "D"]}),
        (np.timedelta64(36, "h"), {"$timedelta64": [36, "h"]}),
        (Side.LONG, "long"),
        (Grade.TOP, 1),
        (Path("a") / "b.csv", "a/b.csv"),
        (MappingProxyType({"a": (1, 2)}), {"a": [1, 2]}),
        ({Side.LONG: 1}, {"long": 1}),
        ({"$null": "nan"}, {"$$null": "nan"}),
        ({"$$a": 1, "$": 2}, {"$$$a": 1, "$$": 2}),
        (
            np.array([[1.5, nan]], np.float32),
            {"$array": {"dtype": "float32", "shape": [1, 2], "values": [1.5, {"$null": "nan"}]}},
        ),
    ],
)
def test_form(value: Any, form: Any) -> None:
    assert encode(value) == form
    assert type(encode(value)) is type(form)
    canonical_json(encode(value))


@pytest.mark.parametrize(
    "value",
    [
        date(1, 1, 1),
        datetime(2020, 1, 31, 21, 0, 0, 5),
        datetime(2020, 1, 31, 21, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
        timedelta.min,
        Decimal("-0.00E+7"),
        np.datetime64("2020-01", "M"),
        np.datetime64("2020-01-30", "W"),
        np.datetime64("2020-01-30T10:11:12.123456789", "ns"),
        np.timedelta64(-(2**62), "ns"),
        {"$null": "nan", "$date": {"$array": []}, "": {"$$": None}},
        [[], {}, [{}]],
    ],
)
def test_equal_values_come_back(value: Any) -> None:
    back = decode(encode(value))
    assert back == value
    assert type(back) is type(value)
    if isinstance(value, np.generic):
        assert back.dtype == value.dtype


@pytest.mark.parametrize(
    "array",
    [
        np.array([True, False]),
        np.array([[1, -2], [3, 4]], np.int16),
        np.array([2**64 - 1], np.uint64),
        np.array([0.1, -0.0, nan, inf], np.float32),
        np.array([1.0, 2.0], ">f8"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3.5),
        np.empty((0, 3)),
        np.array(["a", "BYBIT:ß"]),
        np.empty(0, "U4"),
        np.array(["2020-01-01", "NaT"], "M8[us]"),
        np.array(["2020-01-01"], "M8[25s]"),
        np.array([5, "NaT"], "m8[D]"),
    ],
    ids=str,
)
def test_arrays_come_back(array: np.ndarray) -> None:
    back = decode(encode(array))
    assert back.dtype.kind == array.dtype.kind
    assert back.dtype == array.dtype.newbyteorder("=") or array.dtype.kind == "U"
    np.testing.assert_array_equal(back, array)
    if array.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(back), np.signbit(array))


def test_what_is_not_finite_comes_back() -> None:
    assert isnan(decode(encode(nan)))
    assert decode(encode([inf, -inf])) == [inf, -inf]
    assert np.isnat(decode(encode(np.datetime64("NaT", "us"))))
    assert np.isnat(decode(encode(np.timedelta64("NaT", "us"))))


def test_negative_zero_keeps_its_sign() -> None:
    assert copysign(1.0, decode(encode(-0.0))) == -1.0


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        {1, 2},
        1j,
        object(),
        np.complex128(1j),
        np.bytes_(b"a"),
        np.array([object()]),
        np.array([1j]),
        np.longdouble(1),
        float.__new__(type("Price", (float,), {}), 1.0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_unknown_types_are_refused_with_their_place(value: Any) -> None:
    with pytest.raises(TypeError, match=r"^data\.cells\[1\]\.w: a .* no lossless form"):
        encode({"cells": [0, {"w": value}]}, "data")


def test_a_pandas_timestamp_is_refused_for_its_nanoseconds() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match="Timestamp"):
        encode(pandas.Timestamp("2020-01-01T00:00:00.000000001"))


@pytest.mark.filterwarnings("ignore:The 'generic' unit:DeprecationWarning")
def test_times_without_a_unit() -> None:
    """A datetime without a unit can only be NaT; a duration without one counts nothing."""
    assert encode(np.datetime64("NaT")) == {"$datetime64": [None, "us"]}
    assert encode(np.array(["NaT"], "M8")) == {"$array": {"dtype": "datetime64[us]", "shape": [1], "values": [None]}}
    with pytest.raises(TypeError, match="timedelta64"):
        encode(np.timedelta64(5))


def test_keys_must_be_text() -> None:
    with pytest.raises(TypeError, match=r"data: keys must be text, found 3 \(int\)"):
        encode({3: 1}, "data")


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, Path("\udc80"), np.array(["\ud800"])], ids=repr)
def test_text_that_is_not_unicode_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="not valid Unicode"):
        encode(value)


@pytest.mark.parametrize(
    "form",
    [
        {"$what": 1},
        {"$null": "zero"},
        {"$null": None},
        {"$timedelta": ["a", 0, 0]},
        {"$decimal": "many"},
        {"$date": "2020-13-01"},
        {"$array": {"dtype": "float64", "shape": [3], "values": [1.0]}},
        {"$array": {"dtype": "nothing", "shape": [1], "values": [1.0]}},
    ],
    ids=str,
)
def test_forms_that_are_never_written_are_refused(form: Any) -> None:
    with pytest.raises(ValueError):
        decode(form)


def test_scalars() -> None:
    scalars = [None, 1, nan, "a", date(2020, 1, 1), Decimal(1), np.datetime64("NaT", "D"), np.timedelta64(1, "D")]
    nested = [[], {}, (1,), {"$null": "nan"}, np.array(1.0), Pair.BOTH]
    assert all(is_scalar(encode(value)) for value in scalars)
    assert not any(is_scalar(encode(value)) for value in nested)


def test_a_line_without_a_tag_is_its_own_value() -> None:
    """Whatever is decoded to something else is seen in the bytes of the line."""
    for value in (nan, date(2024, 1, 2), {"$a": 1}, {"a": [{"$$": 0}]}, np.arange(2), {"$": {}}):
        assert may_have_tags(canonical_json(encode(value)))
    assert may_have_tags(b'{"\\u0024null":"nan"}'), "as another writer may put it"
    plain = {"a": [1, 0.5, None, "cash $"], "b": {"c": True, "d$": "\\u00e4"}}
    assert not may_have_tags(canonical_json(encode(plain)))
    assert decode(encode(plain)) == plain


@pytest.mark.parametrize("value", [{3: 1}, {Side.LONG: 1}, {None: 1}, np.float64(1), np.int64(1), {1}, object()])
def test_text_of_a_value_as_it_is_is_the_text_of_its_encoding(value: Any) -> None:
    """Of one that has another encoding, or none, there is no such text."""
    plain = {"a": [1, 2.5, None, True, "é", (), {"b": {}}], "c": ({"d": [[0]]},), "e": [Side.LONG, Grade.TOP]}
    assert own_json(plain) == canonical_json(encode(plain))
    for one in (value, [value], (1, [value]), {"a": {"b": value}}):
        assert own_json(one) is None
