"""Digests: SHA-256 names of content, equal exactly when the canonical content is equal.

Canonical means, in arrays: floats as little-endian float64 with one NaN and one zero, integers as int64, times as
microseconds. In JSON: UTF-8, sorted keys, no spaces, and every float exactly as it is (-0.0 is not 0.0).
Nothing of a clock, a host or an order of work enters unless it is given.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_STRICT = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)
EMPTY = hashlib.sha256(b"").hexdigest()


def digest_bytes(*parts: bytes) -> str:
    """Return the SHA-256 (hex) of length-prefixed parts, so that moving a boundary changes the digest."""
    h = hashlib.sha256()
    for part in parts:
        h.update(len(part).to_bytes(8, "little"))
        h.update(part)
    return h.hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return UTF-8 JSON with sorted keys, no spaces and shortest round-trip floats; non-finite numbers are refused.

    It is exact: 1, 1.0, 0.0 and -0.0 are four texts. Numbers that are to be equal by value belong in an array.
    """
    text = own_json(value)
    return _CANONICAL.encode(value).encode() if text is None else text


def own_json(value: Any) -> bytes | None:
    """Return the canonical JSON of a value of JSON's own types throughout, of none derived from them; None of another.

    orjson takes a quarter of the time of the standard library. Both give a float its fewest digits, but lay them out
    otherwise below 1e-4, and orjson writes `null` for what is not finite: where its text may have one of these, the
    standard library writes the value, or refuses it. So it does with an exponent of any kind.

    Raises
    ------
    ValueError : a number that is not finite.
    """
    try:
        text = orjson.dumps(value, option=_STRICT)
    except TypeError:
        return None
    return _CANONICAL.encode(value).encode() if _doubtful(text) else text


def _doubtful(text: bytes) -> bool:
    """Return whether a text may have small numbers, exponents or `null`; single bytes are what is found quickest."""
    return (
        b"0.0000" in text
        or (b"-" in text and b"e-" in text)
        or (b"+" in text and b"e+" in text)
        or (b"u" in text and b"null" in text)
    )


def digest_json(value: Any) -> str:
    """Return the digest of a JSON-able value in canonical form."""
    return digest_bytes(canonical_json(value))


def canonical_array(array: "NDArray[Any]") -> bytes:
    """Return the canonical bytes of a float, integer, bool or datetime array, its shape included.

    Every NaN becomes one NaN and -0.0 becomes 0.0, so that equal values have equal bytes. An integer
    above 2^63 - 1 or a time that microseconds cannot hold is a ValueError: nothing is wrapped or cut.
    """
    import numpy as np  # JSON has digests without it: `tvquant runs` lists a workspace in the time that numpy takes

    a = np.asarray(array)
    match a.dtype.kind:
        case "f":
            a = np.where(np.isnan(a), np.nan, a.astype("<f8") + 0.0)
            tag = "f8"
        case "M":
            us = a.astype("datetime64[us]")
            if not ((us.astype(a.dtype) == a) | np.isnat(a)).all():
                raise ValueError(f"times of dtype {a.dtype} do not fit microseconds; round them first")
            a, tag = us.astype("<i8"), "us"
        case "i" | "u":
            if a.dtype == np.uint64 and (a > np.iinfo(np.int64).max).any():
                raise ValueError(f"an integer above 2^63 - 1 has no canonical bytes: found {a.max()}")
            a, tag = a.astype("<i8"), "i8"
        case "b":
            a, tag = a.astype("u1"), "b1"
        case _:
            raise TypeError(f"no canonical bytes for dtype {a.dtype}")
    return f"{tag}{a.shape}".encode() + np.ascontiguousarray(a).tobytes()


def merkle_root(leaves: Mapping[str, str] | Iterable[tuple[str, str]]) -> str:
    """Return the root of a binary Merkle tree over (key, digest) leaves sorted by key.

    A leaf is hashed with prefix 0 and a node with prefix 1 (RFC 6962, section 2.1), so neither can pose as the other;
    an odd node is carried up unchanged.
    """
    pairs = sorted(leaves.items() if isinstance(leaves, Mapping) else leaves)
    level = [hashlib.sha256(b"\x00" + canonical_json([k, d])).digest() for k, d in pairs]
    if not level:
        return EMPTY
    while len(level) > 1:
        paired = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(paired) * 2 :]
    return level[0].hex()
