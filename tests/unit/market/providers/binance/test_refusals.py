"""What a status and a code of Binance mean; over the wire they are tried in `test_client`."""

from datetime import UTC, datetime, timedelta

import pytest

from tvquant.market.providers.binance.refusals import BAN, Refused, refusal
from tvquant.market.providers.contract import Banned, ProviderError, RateLimited, Unavailable

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def error(status, body="", **headers):
    told = Refused(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body)
    return refusal(told, what="Binance spot (host/path)", symbol="BINANCE:A", now=NOW)


def test_a_ban_ends_when_the_header_says_else_when_the_body_does_else_after_the_shortest_there_is():
    body = '{"code":-1003,"msg":"IP(203.0.113.9) banned until 1704067500000. Please use the websocket"}'
    for found, seconds in (
        (error(418, body, retry_after="30"), 30.0),
        (error(418, body), 300.0),
        (error(429, body), 300.0),
        (error(418, "<html>"), BAN),
        (error(418, body.replace("17040675", "16040675")), 0.0),
    ):
        assert type(found) is Banned
        assert (found.retry_after, found.until) == (seconds, NOW + timedelta(seconds=seconds))
        assert "203.0.113.9" not in str(found)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"code":-1003,"msg":"Too many requests queued."}', RateLimited),
        (408, '{"code":-1007,"msg":"Timeout"}', Unavailable),
        (500, "[]", Unavailable),
        (400, '{"code":"x","msg":1}', ProviderError),
        (400, '{"code":Infinity,"msg":"x"}', ProviderError),
        (400, '{"code":-1100,"msg":"Illegal characters found in parameter \'interval\'"}', ProviderError),
        (400, "[" * 100_000, ProviderError),
        (302, "", ProviderError),
    ],
)
def test_kinds(status, body, kind):
    found = error(status, body)
    assert type(found) is kind
    assert str(found).startswith(f"Binance spot (host/path) answered HTTP {status}: ")
    assert len(str(found)) < 400
