"""A webhook is told within bounds, whatever it does; and nothing but its host is ever shown."""

import logging
import socket
import time
from collections.abc import Sequence

import pytest

from builders.clocks import ManualClock
from builders.loopback import Loopback, Reply
from builders.loopback_thread import serving
from tvquant.app.notification import notify
from tvquant.core.version import VERSION
from tvquant.market.retry import Backoff

QUICK = Backoff(attempts=3, base=0.01, cap=0.02, longest=10.0)
WAY = "/hooks/secret-path?key=secret-key"


def told(first: Sequence[Reply] = (), always: Reply | None = None) -> tuple[Loopback, str, float]:
    """The server, what went wrong, and the seconds it took; who answers at all has longer than a busy machine takes."""
    patience = 0.4 if always is not None and always.silent else 1.5 if any(one.silent for one in first) else 5.0
    with serving(lambda _: always or Reply("ok")) as server:
        server.once += first
        began = time.perf_counter()
        said = notify(f"{server.url}{WAY}", {"status": "done"}, clock=ManualClock(), backoff=QUICK, patience=patience)
        return server, said, time.perf_counter() - began


def test_a_message_comes_once_as_json() -> None:
    server, said, _ = told()
    (request,) = server.requests
    assert said == ""
    assert (request.method, request.path, request.query) == ("POST", "/hooks/secret-path", {"key": "secret-key"})
    assert request.headers["content-type"] == "application/json"
    assert request.json == {"tvquant": VERSION, "status": "done"}


@pytest.mark.parametrize(
    "first", [[Reply(status=500)], [Reply(silent=True)], [Reply(status=503), Reply(status=429)], [Reply("no", cut=1)]]
)
def test_what_may_pass_is_tried_again(first: list[Reply]) -> None:
    server, said, _ = told(first)
    assert said == ""
    assert len(server.requests) == len(first) + 1


@pytest.mark.parametrize(
    ("always", "times", "why"),
    [
        (Reply("secret-path", status=500), 3, "cannot be reached, did not answer in time, or failed"),
        (Reply(silent=True), 3, "did not answer in time"),
        (Reply("secret-key", status=404), 1, "answered HTTP 404"),
        (Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}), 1, "answered HTTP 302"),
        (Reply(status=429, headers={"Retry-After": "3600"}), 1, "asks for fewer messages"),
        (Reply(b"x" * 2**17), 1, "cannot be read"),
    ],
)
def test_it_gives_up_in_time_with_one_line(
    always: Reply, times: int, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server, said, seconds = told(always=always)
    assert said.startswith("127.0.0.1 was not notified: ")
    assert why in said
    assert len(server.requests) == times
    assert seconds < 12.0  # an hour is asked for, and a silent server waited for would be ever
    assert "secret" not in said + caplog.text
    assert "\n" not in said


def test_nobody_there_is_a_line() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    said = notify(f"http://user:secret@127.0.0.1:{port}{WAY}", {}, clock=ManualClock(), backoff=QUICK, patience=0.2)
    assert said.startswith("127.0.0.1 was not notified: it cannot be reached")
    assert "secret" not in said


@pytest.mark.parametrize(
    "address",
    [
        "secret",
        "ftp://host/secret",
        "https:///secret",
        "http://host:99999/secret",
        "http://[secret",
        "//host/secret",
        "http://a b/secret",
    ],
)
def test_what_is_no_address_is_said_without_it(address: str) -> None:
    said = notify(address, {}, clock=ManualClock(), backoff=QUICK)
    assert said == (
        "no notification was sent: TVQUANT_NOTIFY_URL holds no address that begins with https:// or http://"
    )


@pytest.mark.parametrize("proxy", ["socks5://me:secret@127.0.0.1:9", "foo://me:secret@127.0.0.1:9"])
def test_a_proxy_that_cannot_be_used_is_no_answer_of_the_webhook(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    said = notify(f"http://hook.invalid{WAY}", {}, clock=ManualClock(), backoff=QUICK, patience=0.2)
    assert said.startswith("hook.invalid was not notified: nothing could be sent; ")
    assert "proxy" in said
    assert "secret" not in said
    assert WAY not in said
