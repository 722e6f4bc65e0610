"""HTTP as providers and screeners use it: paced, bounded in time and size, and every failure a `ProviderError`.

What is sent and what comes back is never logged; messages name the host and path, not the query, where a key may stand.
"""

import asyncio
import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tvquant.core.clock import Clock
from tvquant.core.quoting import shown, visible
from tvquant.market.addresses import is_loopback, proxy_refused, usable
from tvquant.market.limiter import Limiter
from tvquant.market.probing import Probe, time_told
from tvquant.market.providers.contract import (
    Banned,
    Malformed,
    ProviderError,
    RateLimited,
    RateLimits,
    Unavailable,
)

if TYPE_CHECKING:
    import httpx

LARGEST = 64 * 2**20
"""Bytes of a body that are taken; whoever sends more is not believed."""
PACKINGS = frozenset({"", "identity", "gzip", "deflate"})
"""How a body may be packed: none unfolds a piece of it to more than a thousand times its bytes."""
BAN = 60.0
"""Seconds of a ban that names none."""
LONGEST_WAIT = 366.0 * 86_400.0
"""Seconds that a server can ask to be left alone for; more is as good as that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What came back: its status, its headers by lower-case name, its body whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """Requests to one server; connections are opened at the first and kept.

    Parameters
    ----------
    name : of the server, for messages.
    url : address that paths are behind: `http://` or `https://`.
    clock : the present, from which bans and waits are counted.
    limits : what the server declares; every request waits for its turn here.
    most : bytes of a body that are taken.
    """

    def __init__(
        self,
        *,
        name: str,
        url: str,
        clock: Clock,
        limits: RateLimits,
        most: int = LARGEST,
    ) -> None:
        self.name = name
        self.url = url.rstrip("/")
        self.limits = limits
        self._clock = clock
        self._most = most
        self._limiter = Limiter(limits)
        self._client: httpx.AsyncClient | None = None

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> HttpAnswer:
        """Return the answer to a GET, of status 200 to 299; else what is raised says what came (see `_sent`)."""
        return await self._sent("GET", path, params=dict(query or {}))

    async def post(self, path: str, content: Any, query: Mapping[str, str] | None = None) -> HttpAnswer:
        """Return the answer to a POST of JSON, as `get` does."""
        return await self._sent("POST", path, params=dict(query or {}), json=content)

    async def probe(self, path: str, query: Mapping[str, str] | None = None) -> tuple[HttpAnswer, Probe]:
        """Return the answer to a GET as `get` does, and what it says of the server: how long it took, its `Date`."""
        asked = self._clock.now()
        answer = await self.get(path, query)
        told = Probe(server=host(self.url), asked=asked, answered=self._clock.now(), time=time_told(answer.headers))
        return answer, told

    async def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _sent(self, method: str, path: str, **content: Any) -> HttpAnswer:
        """Return an answer of status 200 to 299.

        Raises
        ------
        RateLimited, Banned, Unavailable, Malformed, ProviderError : no such answer came (429, 418, 5xx or no answer,
            more bytes than are taken, any other status).
        """
        import httpx

        client = self._opened(path)
        try:
            async with self._limiter.request(), asyncio.timeout(self.limits.timeout):
                request = client.build_request(method, f"{self.url}{path}", **content)
                answer = await client.send(request, stream=True)
                try:
                    body = await self._body(answer, path)
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            raise Unavailable(f"{self._what(path)} did not answer within {self.limits.timeout:g} s") from error
        except httpx.TransportError as error:
            why = visible(str(error)) or type(error).__name__
            raise Unavailable(f"{self._what(path)} cannot be reached: {why}") from error
        except httpx.DecodingError as error:
            raise Malformed(f"{self._what(path)} sent a body that is not packed as its headers say") from error
        except (OverflowError, ExceptionGroup) as error:  # a port that there is none of
            raise proxy_refused(self._what(path), error) from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if not 200 <= answer.status_code < 300:
            refusal = self._refusal(answer.status_code, headers, body, path)
            if isinstance(refusal, RateLimited | Banned) and refusal.retry_after:  # it means all requests
                self._limiter.hold(refusal.retry_after)
            raise refusal
        return HttpAnswer(status=answer.status_code, headers=headers, body=body)

    def _opened(self, path: str) -> "httpx.AsyncClient":
        """Return the client, opened where it is not; ProviderError where the address or a proxy's is none."""
        import httpx

        if self._client is None:
            if not usable(self.url):
                raise ProviderError(f"{self.name} cannot be asked: its address is none; expected http(s)://HOST[:PORT]")
            try:
                self._client = httpx.AsyncClient(
                    timeout=self.limits.timeout,
                    limits=httpx.Limits(max_connections=self.limits.concurrency),
                    headers={"Accept-Encoding": "gzip, deflate"},
                    trust_env=not is_loopback(self.url),
                    follow_redirects=False,
                )
            except (ImportError, ValueError, httpx.InvalidURL) as error:
                raise proxy_refused(self._what(path), error) from error
        return self._client

    async def _body(self, answer: "httpx.Response", path: str) -> bytes:
        packing = answer.headers.get("content-encoding", "").strip().lower()
        if packing not in PACKINGS:  # packed twice over, a kilobyte unfolds to gigabytes before a byte of it is counted
            raise Malformed(f"{self._what(path)} sent a body packed as {shown(packing)}; gzip at most is taken")
        parts, size = [], 0
        async for part in answer.aiter_bytes():
            size += len(part)
            if size > self._most:
                raise Malformed(f"{self._what(path)} sent more than {self._most:,} bytes", retryable=False)
            parts.append(part)
        return b"".join(parts)

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes, path: str) -> ProviderError:
        message = f"{self._what(path)} answered HTTP {status}: {words(body)}"
        wait = seconds_told(headers.get("retry-after"), self._clock.now())
        if status == 429:
            return RateLimited(message, retry_after=wait)
        if status == 418:
            seconds = BAN if wait is None else wait
            return Banned(message, until=self._clock.now() + timedelta(seconds=seconds), retry_after=seconds)
        if status >= 500:
            return Unavailable(message, retry_after=wait)
        return HttpRefused(message, status=status, body=body)

    def _what(self, path: str) -> str:
        return f"{self.name} ({host(self.url)}{path})"


def host(url: str) -> str:
    """Return an address's host, and its port where it names one: a name or word in front of them is left out."""
    return urlsplit(url).netloc.rpartition("@")[2]


class HttpRefused(ProviderError):
    """A status that asking again will not change (3xx, 4xx): `status` and `body` as they came."""

    def __init__(self, message: str, *, status: int, body: bytes) -> None:
        super().__init__(message, retryable=False)
        self.status = status
        self.body = body


def seconds_told(told: str | None, now: datetime) -> float | None:
    """Return the seconds of a `Retry-After`, which is a number of them or a date; None where it is neither."""
    if told is None:
        return None
    if told.strip().isdecimal():
        return min(float(told), LONGEST_WAIT)
    try:
        until = email.utils.parsedate_to_datetime(told)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), LONGEST_WAIT)


def words(body: bytes, most: int = 200) -> str:
    """Return the beginning of a body in one printable line."""
    text = " ".join(body[: 4 * most].decode("utf-8", "replace").split())
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text[:most] + ("..." if len(text) > most else "") or "no text"
