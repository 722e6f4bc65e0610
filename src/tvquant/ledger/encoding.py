"""Lossless JSON of what a record may carry.

Plain JSON stands for itself. What JSON has no word for is a tag: an object with one key that begins with `$`.

    {"$null": "nan"}                                        a float that is not finite: nan, inf, -inf
    {"$date": "2020-01-31"}                                 datetime.date
    {"$datetime": "2020-01-31T21:00:00+00:00"}              datetime.datetime
    {"$timedelta": [days, seconds, microseconds]}           datetime.timedelta
    {"$datetime64": ["2020-01-31T21:00:00.000000", "us"]}   numpy.datetime64, null for NaT, and its unit
    {"$timedelta64": [86400000000, "us"]}                   numpy.timedelta64, null for NaT, and its unit
    {"$decimal": "1.10"}                                    decimal.Decimal
    {"$array": {"dtype": ..., "shape": ..., "values": ...}} numpy.ndarray, values flat in C order

A key of the caller's that begins with `$` gets a second one. Values come back equal, not always of the same type:
numpy numbers as Python numbers (a float32 as the float64 of the same value), tuples as lists, enum members as their
value, paths as text, time zones as their offset. The order of keys is not kept.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from math import isfinite
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None

MARK = "$"
SCALAR_TAGS = {"$null", "$date", "$datetime", "$timedelta", "$decimal", "$datetime64", "$timedelta64"}


def encode(value: Any, where: str = "value") -> Json:
    """Return JSON form of `value`; `where` names it in errors.

    Raises
    ------
    TypeError : a type with no lossless form, or a mapping key that is not text; says where in the value.
    ValueError : text that is not valid Unicode (lone surrogates).
    """
    match value:
        case float() if type(value) is float:
            return value if isfinite(value) else {"$null": str(value)}
        case str() if type(value) is str:
            return _text(value, where)
        case int() if type(value) in (int, bool):
            return value
        case None:
            return None
        case list() | tuple():
            return [item if _is_plain(item) else encode(item, f"{where}[{i}]") for i, item in enumerate(value)]
        case dict() | Mapping():  # most are dicts, and to ask that of an abstract class takes longer
            return {
                _key(key, where): item if _is_plain(item) else encode(item, f"{where}.{key}")
                for key, item in value.items()
            }
        case Enum():
            return encode(value.value, where)
        case _:
            return _library_value(value, where)


def _is_plain(value: Any) -> bool:
    """Return whether a value is its own encoding: most are, and need no name for an error."""
    kind = type(value)
    if kind is float:
        return isfinite(value)
    return value is None or kind is int or kind is bool or (kind is str and value.isascii())


def is_scalar(encoded: Json) -> bool:
    """Return whether an encoded value was a single value, not a list, mapping or array."""
    match encoded:
        case list():
            return False
        case dict():
            return len(encoded) == 1 and encoded.keys() <= SCALAR_TAGS
        case _:
            return True


def decode(value: Json) -> Any:
    """Return the value that `encode` was given (see the module for what changes its type).

    Raises
    ------
    ValueError : a tag that `encode` never writes.
    """
    match value:
        case list():
            return [decode(item) for item in value]
        case dict():
            if len(value) == 1:
                ((key, body),) = value.items()
                if key.startswith(MARK) and not key.startswith(MARK * 2):
                    return _untag(key, body)
            return {key.removeprefix(MARK): decode(item) for key, item in value.items()}
        case _:
            return value


def _text(value: str, where: str) -> str:
    if type(value) is str and value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{where}: {value!r} is not valid Unicode text") from error
    return str(value)


def _key(key: Any, where: str) -> str:
    if type(key) is str and key.isascii():
        return MARK + key if key.startswith(MARK) else key
    if not isinstance(key, str):
        raise TypeError(f"{where}: keys must be text, found {key!r} ({type(key).__name__})")
    text = _text(str.__str__(key), where)
    return MARK + text if text.startswith(MARK) else text


def _refused(value: Any, where: str) -> TypeError:
    name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    dtype = f" of dtype {value.dtype}" if name == "numpy.ndarray" else ""
    return TypeError(f"{where}: a {name}{dtype} has no lossless form in a record; convert it to plain values first")


def _library_value(value: Any, where: str) -> Json:
    """Return values of the standard library.

    Subclasses may carry more (a pandas Timestamp has nanoseconds): refused.
    """
    kind = type(value)
    if kind is datetime:
        return {"$datetime": value.isoformat()}
    if kind is date:
        return {"$date": value.isoformat()}
    if kind is timedelta:
        return {"$timedelta": [value.days, value.seconds, value.microseconds]}
    if kind is Decimal:
        return {"$decimal": str(value)}
    if isinstance(value, PurePath):
        return _text(str(value), where)
    return _numpy_value(value, where)


def _numpy_value(value: Any, where: str) -> Json:
    import numpy as np

    match value:
        case np.ndarray():
            dtype, values = _dtype_name(value, where), _values(value.ravel(), where)
            return {"$array": {"dtype": dtype, "shape": list(value.shape), "values": values}}
        case np.str_():
            return _text(value, where)
        case np.generic():
            return _numpy_scalar(value, where)
        case _:
            raise _refused(value, where)


def _dtype_name(array: "NDArray[Any]", where: str) -> str:
    match array.dtype.name:
        case "datetime64":  # without a unit it can only hold NaT
            return "datetime64[us]"
        case "timedelta64":  # a count of nothing
            raise _refused(array, where)
        case name:
            return "str" if array.dtype.kind == "U" else name


def _numpy_scalar(value: "np.generic", where: str) -> Json:
    import numpy as np

    match value:
        case np.datetime64() | np.timedelta64():
            kind, _, unit = _dtype_name(np.array(value), where).removesuffix("]").partition("[")
            return {f"${kind}": [_values(np.array([value]), where)[0], unit]}
        case np.bool_() | np.integer() | np.floating() if value.dtype.itemsize <= 8:
            return encode(value.item(), where)
        case _:
            raise _refused(value, where)


def _values(flat: "NDArray[Any]", where: str) -> list[Json]:
    import numpy as np

    values: list[Json]
    match flat.dtype.kind:
        case "f" if flat.dtype.itemsize <= 8:
            values = flat.tolist()
            return values if np.isfinite(flat).all() else [encode(x, where) for x in values]
        case "b" | "i" | "u":
            values = flat.tolist()
            return values
        case "U":
            return [_text(x, where) for x in flat.tolist()]
        case "M":
            texts = np.datetime_as_string(flat).tolist()
            return [None if x == "NaT" else x for x in texts]
        case "m":
            counts = flat.astype(np.int64).tolist()
            return [None if gone else x for gone, x in zip(np.isnat(flat), counts, strict=True)]
        case _:
            raise _refused(flat, where)


def _untag(key: str, body: Any) -> Any:
    try:
        return _tagged(key, body)
    except (TypeError, ArithmeticError, LookupError) as error:
        raise ValueError(f"the content of {key!r} is not what this encoding writes: {body!r}") from error


def _tagged(key: str, body: Any) -> Any:
    match key, body:
        case "$null", "nan" | "inf" | "-inf":
            return float(body)
        case "$date", str():
            return date.fromisoformat(body)
        case "$datetime", str():
            return datetime.fromisoformat(body)
        case "$timedelta", [days, seconds, microseconds]:
            return timedelta(days, seconds, microseconds)
        case "$decimal", str():
            return Decimal(body)
        case _:
            return _tagged_numpy(key, body)


def _tagged_numpy(key: str, body: Any) -> Any:
    import numpy as np

    match key, body:
        case "$datetime64", [count, unit]:
            return np.array([count], f"M8[{unit}]")[0]
        case "$timedelta64", [count, unit]:
            return np.array([count], f"m8[{unit}]")[0]
        case "$array", {"dtype": str(dtype), "shape": list(shape), "values": list(values)}:
            return np.array([decode(x) for x in values], dtype).reshape(shape)
        case _:
            raise ValueError(f"{key!r} with {body!r} is not a tag of this encoding")
