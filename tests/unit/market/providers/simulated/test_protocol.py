import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvquant.market.providers.contract import (
    BARS,
    Banned,
    Malformed,
    ProviderError,
    RateLimited,
    Unavailable,
    UnknownSymbol,
)
from tvquant.market.providers.simulated import protocol

COIN = "BINANCE:S001USDT"
NOW = datetime(2024, 1, 1, tzinfo=UTC)


def test_stamps_are_milliseconds_since_1970():
    assert protocol.stamp(datetime(2022, 1, 1, tzinfo=UTC)) == 1_640_995_200_000
    assert protocol.moment(1_640_995_200_000) == datetime(2022, 1, 1, tzinfo=UTC)
    assert protocol.stamp(datetime(2022, 1, 1, microsecond=999, tzinfo=UTC)) == 1_640_995_200_000


def test_bars_look_like_those_of_exchanges_and_come_back_to_the_bit(world, over):
    rows = world.truth(COIN, "4h", now=over)
    lines = protocol.encode_bars(rows, "4h")
    first = rows.row(0, named=True)
    assert lines[0][0] == protocol.stamp(first["timestamp"])
    assert lines[0][6] == lines[0][0] + 4 * 3600 * 1000 - 1
    assert all(isinstance(text, str) for text in (*lines[0][1:6], lines[0][7]))
    assert float(lines[0][4]) == first["close"]
    assert protocol.decode_bars(json.dumps(lines).encode(), COIN).equals(rows)


def test_the_other_tables_come_back_to_the_bit(world, over):
    for rows, encode, decode in (
        (world.instruments(now=over), protocol.encode_instruments, protocol.decode_instruments),
        (world.actions("NASDAQ:T002", now=over), protocol.encode_actions, protocol.decode_actions),
        (world.funding(f"{COIN}.P", now=over), protocol.encode_funding, protocol.decode_funding),
    ):
        assert len(rows) > 0
        assert decode(json.dumps(encode(rows)).encode()).equals(rows)


def test_no_bars_are_an_empty_table():
    rows = protocol.decode_bars(b"[]", COIN)
    assert rows.schema == pl.Schema(dict(BARS))
    assert rows.is_empty()


GOOD = [1_640_995_200_000, "1", "2", "0.5", "1.5", "10", 1_641_081_599_999, "15"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b"\xff\xfe",
        b"{}",
        b"null",
        b"[1]",
        b"[[]]",
        b'[{"open": 1}]',
        json.dumps([GOOD[:5]]).encode(),
        json.dumps([GOOD]).encode()[:-9],
        json.dumps([[*GOOD[:4], "abc", *GOOD[5:]]]).encode(),
        json.dumps([[*GOOD[:4], None, *GOOD[5:]]]).encode(),
        json.dumps([["later", *GOOD[1:]]]).encode(),
        json.dumps([[10**30, *GOOD[1:]]]).encode(),
    ],
)
def test_what_cannot_be_read_is_malformed(body):
    with pytest.raises(Malformed) as found:
        protocol.decode_bars(body, COIN)
    assert found.value.retryable
    assert "\n" not in str(found.value)


@given(st.binary(max_size=60) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_bytes_are_bars_or_malformed(body):
    try:
        rows = protocol.decode_bars(body if isinstance(body, bytes) else body.encode(), COIN)
    except Malformed:
        return
    assert rows.columns == list(BARS)


UNTIL = datetime(2024, 1, 1, 0, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (RateLimited("busy", retry_after=0.2), 429, 1.0),
        (RateLimited("busy", retry_after=2.5), 429, 3.0),
        (RateLimited("busy"), 429, None),
        (Unavailable("down"), 503, None),
        (UnknownSymbol("no such"), 400, None),
    ],
)
def test_refusals_come_back_as_what_they_were(error, status, retry_after):
    code, headers, body = protocol.encode_error(error)
    assert code == status
    back = protocol.decode_error(code, headers.get("Retry-After"), json.dumps(body).encode(), NOW)
    assert type(back) is type(error)
    assert (back.retryable, back.retry_after) == (error.retryable, retry_after)
    assert str(error) in str(back)


def test_a_ban_comes_back_with_its_end():
    code, headers, body = protocol.encode_error(Banned("out", until=UNTIL, retry_after=29.4))
    assert (code, headers) == (418, {"Retry-After": "30"})
    back = protocol.decode_error(code, headers["Retry-After"], json.dumps(body).encode(), NOW)
    assert isinstance(back, Banned)
    assert UNTIL <= back.until <= UNTIL + timedelta(milliseconds=1)
    assert back.retry_after == pytest.approx(30.0, abs=0.002)


@pytest.mark.parametrize(
    ("status", "wait", "body", "kind", "retry_after"),
    [
        (418, "7", b"nonsense", Banned, 7.0),
        (418, None, b"{}", Banned, 60.0),
        (429, "soon", b"[]", RateLimited, None),
        (502, "5", b"<html>", Unavailable, 5.0),
        (403, None, b"", ProviderError, None),
    ],
)
def test_bodies_of_errors_are_not_relied_on(status, wait, body, kind, retry_after):
    back = protocol.decode_error(status, wait, body, NOW)
    assert type(back) is kind
    assert back.retry_after == retry_after
    assert back.retryable == (kind is not ProviderError)
