"""What an answer is taken for, before the client library reads it."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from builders.loopback import Reply
from tvquant.core.errors import TvquantError
from tvquant.market.providers.contract import (
    Malformed,
    ProviderError,
    RateLimited,
    Unavailable,
    UnknownSymbol,
    Unsupported,
)
from tvquant.market.providers.yahoo.answers import Chart, NothingThere, judged

ACME = "NASDAQ:ACME"
type Recorded = Callable[..., Reply]


def told(reply: Reply, wait: float | None = None) -> Chart:
    return judged(ACME, status=reply.status, retry_after=wait, body=reply.bytes)


@pytest.mark.parametrize(
    ("name", "status", "kind", "said"),
    [
        ("wrong_symbol", 200, Malformed, "ACME was asked for, Yahoo answered for 'ACMX'"),
        ("pounds", 200, Unsupported, "prices are in 'GBp'; USD was expected"),
        ("elsewhere", 200, UnknownSymbol, "ask for NYSE:ACME"),
        ("unknown_exchange", 200, UnknownSymbol, "on exchange 'LSE'"),
        ("index", 200, UnknownSymbol, "'INDEX' under this ticker"),
        ("monthly", 200, Malformed, "dataGranularity of Yahoo's answer is '1mo'; 1d was expected"),
        ("london_time", 200, Malformed, "exchangeTimezoneName .* 'Europe/London'; America/New_York"),
        ("two_bars_of_a_day", 200, Malformed, "two bars of 2024-03-07"),
        ("invented_split", 200, Malformed, "2024-03-11: Yahoo has a split of 4 for 1, .* from 20.25 to 82.4: history"),
        ("unreadable_split", 200, Malformed, "splits of Yahoo's answer cannot be read"),
        ("short_column", 200, Malformed, "6 times, and of low 5"),
        ("text_price", 200, Malformed, "close of Yahoo's answer are not all finite numbers"),
        ("no_bars", 200, NothingThere, None),
        ("no_data_in_span", 400, NothingThere, None),
        ("unknown", 404, UnknownSymbol, "does not know ACME: 'No data found, symbol may be delisted'"),
        ("bad_interval", 422, ProviderError, "HTTP 422: 'Invalid input"),
    ],
)
def test_a_recorded_answer_is_taken_for_what_it_is(
    recorded: Recorded, name: str, status: int, kind: type[Exception], said: str | None
) -> None:
    with pytest.raises(kind, match=said) as caught:
        told(recorded(name, status))
    assert type(caught.value) is kind
    if isinstance(caught.value, TvquantError):
        assert str(caught.value).startswith(f"{ACME}: ")


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (Reply("Edge: Too Many Requests", status=429), RateLimited, "too many requests"),
        (Reply("<html>Will be right back</html>", status=503), Unavailable, "HTTP 503"),
        (Reply("", status=500), Unavailable, "HTTP 500"),
        (
            Reply("<!doctype html>\n<p>consent\x1b"),
            Malformed,
            r"begins '<!doctype html> <p>consent\\\\x1b'",
        ),
        (Reply(b"\xff\xfe"), Malformed, "no JSON"),
        (Reply('{"chart":' * 100_000), Malformed, "no JSON"),
        (Reply([]), Malformed, "no chart"),
        (Reply({"chart": []}), Malformed, "no chart"),
        (Reply({"chart": {"result": []}}), Malformed, "no single result"),
        (Reply({"chart": {"result": [{}]}}), Malformed, "does not say what it is about"),
        (Reply({"chart": {}}, status=403), ProviderError, "HTTP 403 without a reason"),
        (
            Reply({"finance": {"result": None, "error": {"code": "x", "description": "y\nz"}}}),
            ProviderError,
            r"'y\\nz'",
        ),
    ],
)
def test_what_is_no_answer_is_named(reply: Reply, kind: type[ProviderError], said: str) -> None:
    with pytest.raises(kind, match=said) as caught:
        told(reply, 7.0)
    assert caught.value.retry_after == (7.0 if kind in (RateLimited, Unavailable) else None)


def test_sessions_without_a_volume_are_known_and_the_price_of_the_moment_may_stand_alone(recorded: Recorded) -> None:
    assert told(recorded("plain")) == Chart()
    assert told(recorded("live_bar")) == Chart()
    assert told(recorded("null_days")).without_volume == {date(2024, 3, 8), date(2024, 3, 12)}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "true"])
@pytest.mark.parametrize("name", ["close", "volume"])
def test_what_is_no_finite_number_is_refused(recorded: Recorded, name: str, number: str) -> None:
    body = recorded("plain").body
    body["chart"]["result"][0]["indicators"]["quote"][0][name][1] = "here"
    with pytest.raises(Malformed):
        told(Reply(json.dumps(body).replace('"here"', number)))


def test_times_are_seconds(recorded: Recorded) -> None:
    body = recorded("plain").body
    times = body["chart"]["result"][0]["timestamp"]
    for strange in (times[0] * 1000, float(times[0]), True):
        body["chart"]["result"][0]["timestamp"] = [strange, *times[1:]]
        with pytest.raises(Malformed, match="not seconds since 1970"):
            told(Reply(body))


def test_a_day_is_new_yorks_and_only_the_last_may_be_double(recorded: Recorded) -> None:
    evening = int(datetime(2024, 3, 14, 1, tzinfo=UTC).timestamp())
    body = recorded("plain").body
    result = body["chart"]["result"][0]
    result["timestamp"][-1] = evening
    result["indicators"]["quote"][0]["volume"][-1] = None
    assert told(Reply(body)).without_volume == {date(2024, 3, 13)}
    result["timestamp"][-2] = evening - 3600
    assert told(Reply(body)).without_volume == {date(2024, 3, 13)}
    result["timestamp"][-3] = result["timestamp"][-4] + 3600
    with pytest.raises(Malformed, match="two bars of 2024-03-08"):
        told(Reply(body))
    result["timestamp"][-3:] = [result["timestamp"][-3] + 4 * 86400] * 2 + [evening]
    with pytest.raises(Malformed, match="two bars of 2024-03-12"):
        told(Reply(body))
