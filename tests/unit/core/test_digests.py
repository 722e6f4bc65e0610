import hashlib
import json
import struct

import numpy as np
import pytest

from tvquant.core.digests import (
    EMPTY,
    canonical_array,
    canonical_json,
    digest_bytes,
    digest_json,
    merkle_root,
)


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_bytes_are_prefixed_by_their_length() -> None:
    assert digest_bytes(b"ab", b"") == sha(struct.pack("<Q", 2) + b"ab" + struct.pack("<Q", 0)).hex()
    assert len({digest_bytes(b"ab", b"c"), digest_bytes(b"a", b"bc"), digest_bytes(b"abc"), digest_bytes()}) == 4
    assert EMPTY == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # FIPS 180-4, empty message


def test_json_has_one_form() -> None:
    assert canonical_json({"b": [1, 0.1], "a": "é"}) == '{"a":"é","b":[1,0.1]}'.encode()
    assert digest_json({"a": 1, "b": 2}) == digest_json({"b": 2, "a": 1})
    assert digest_json([1, 2]) != digest_json([2, 1])
    assert canonical_json([0.0, -0.0, 1, 1.0]) == b"[0.0,-0.0,1,1.0]"


def test_a_float_has_the_text_of_the_standard_library_whatever_its_size() -> None:
    rng = np.random.default_rng(3)
    edges = [1e-5, 9.999999999999999e-5, 1e-4, 1e15, 9999999999999998.0, 1e16, 5e-324, 1.7976931348623157e308, 0.0]
    drawn = [*rng.normal(size=500), *np.exp(rng.normal(scale=30.0, size=1000)), *rng.integers(0, 9, 50).astype(float)]
    bits = rng.integers(0, 2**63, 1000).view(np.float64)
    for value in map(float, [*edges, *drawn, *bits[np.isfinite(bits)]]):
        for one in (value, -value):
            assert canonical_json({"a": [one, "e1"]}) == f'{{"a":[{one!r},"e1"]}}'.encode()


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, {"a": 2**70, "b": 0.5}, {"b": [None, 0.1], "a": "null"}])
def test_json_is_that_of_the_standard_library(value: object) -> None:
    assert canonical_json(value) == json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": -float("inf")}], ids=str)
def test_json_refuses_what_is_not_finite(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)


def test_an_array_is_its_values_as_little_endian_float64() -> None:
    assert canonical_array(np.array([1.5, -2.0])) == b"f8(2,)" + struct.pack("<2d", 1.5, -2.0)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.array([0.0, 1.0]), np.array([-0.0, 1.0])),
        (np.array([np.nan]), -np.array([np.nan])),
        (np.array([np.nan]), np.frombuffer(struct.pack("<Q", 0x7FF8_0000_0000_BEEF))),
        (np.array([0.5, np.nan], np.float32), np.array([0.5, np.nan])),
        (np.array([0.1, 0.2], ">f8"), np.array([0.1, 0.2])),
        (np.arange(12.0).reshape(3, 4)[:, ::2], np.array([[0.0, 2.0], [4.0, 6.0], [8.0, 10.0]])),
        (np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(6.0).reshape(2, 3)),
        (np.array([1, 2], np.int8), np.array([1, 2], ">i8")),
        (np.array([7], np.uint32), np.array([7])),
        (np.array([2**63 - 1], np.uint64), np.array([2**63 - 1])),
        (
            np.array(["2020-01-01T00:00:00.000001", "NaT"], "M8[ns]"),
            np.array(["2020-01-01T00:00:00.000001", "NaT"], "M8[us]"),
        ),
        (np.array(["2020-01-01", "NaT"], "M8[D]"), np.array(["2020-01-01T00", "NaT"], "M8[us]")),
    ],
)
def test_equal_values_are_equal_bytes(a: np.ndarray, b: np.ndarray) -> None:
    assert canonical_array(a) == canonical_array(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.array([0.1]), np.array([0.1], np.float32)),  # other values
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros(1), np.zeros((1, 1))),
        (np.zeros(2), np.zeros(2, np.int64)),
        (np.zeros(2, bool), np.zeros(2, np.int64)),
        (np.array([0], "M8[us]"), np.array([0])),
        (np.array([1.0, 2.0]), np.array([2.0, 1.0])),
        (np.array([np.nan]), np.array([np.inf])),
        (np.array([1.0]), np.nextafter(np.array([1.0]), 2.0)),
    ],
)
def test_other_content_is_other_bytes(a: np.ndarray, b: np.ndarray) -> None:
    assert canonical_array(a) != canonical_array(b)


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.array([2**63], np.uint64), "above 2\\^63 - 1"),
        (np.array(["2020-01-01T00:00:00.000000001"], "M8[ns]"), "do not fit microseconds"),
        (np.array([400_000], "M8[Y]"), "do not fit microseconds"),
    ],
)
def test_nothing_is_wrapped_or_cut(array: np.ndarray, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        canonical_array(array)


@pytest.mark.parametrize(
    "array", [np.array(["a"]), np.array([None]), np.array([1j])], ids=["text", "object", "complex"]
)
def test_arrays_without_canonical_bytes(array: np.ndarray) -> None:
    with pytest.raises(TypeError, match="no canonical bytes for dtype"):
        canonical_array(array)


def leaf(key: str, digest: str) -> bytes:
    return sha(b"\x00" + f'["{key}","{digest}"]'.encode())


def node(a: bytes, b: bytes) -> bytes:
    return sha(b"\x01" + a + b)


A, B, C, D, E = (leaf(key, str(i)) for i, key in enumerate("abcde"))


@pytest.mark.parametrize(
    ("count", "root"),
    [
        (1, A),
        (2, node(A, B)),
        (3, node(node(A, B), C)),
        (4, node(node(A, B), node(C, D))),
        (5, node(node(node(A, B), node(C, D)), E)),
    ],
)
def test_a_tree_by_hand(count: int, root: bytes) -> None:
    leaves = {key: str(i) for i, key in enumerate("abcde"[:count])}
    assert merkle_root(leaves) == root.hex()
    assert merkle_root(list(leaves.items())[::-1]) == root.hex()


def test_a_tree_of_nothing() -> None:
    assert merkle_root({}) == EMPTY


def test_a_node_cannot_pose_as_a_leaf() -> None:
    """Without the prefixes the parent of two leaves would be the leaf whose content is their hashes."""
    assert node(A, B) != sha(b"\x00" + A + B)
    assert merkle_root({"a": "0", "b": "1"}) != sha(A + B).hex()


def test_every_leaf_counts() -> None:
    leaves = dict.fromkeys("abcdefg", "0")
    roots = {merkle_root({**leaves, key: "1"}) for key in leaves} | {merkle_root(leaves)}
    roots |= {merkle_root({**leaves, "h": "0"}), merkle_root({k: v for k, v in leaves.items() if k != "g"})}
    assert len(roots) == 10
