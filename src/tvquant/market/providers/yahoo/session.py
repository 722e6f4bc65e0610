"""Requests of yfinance: one session of its own HTTP library, paced, bounded, and kept to Yahoo's hosts.

1. Every request waits for its turn: yfinance sends several for one call (a cookie, a crumb, the chart).
2. It goes to one of `HOSTS`, or to the address that stands in for them. Nothing else is asked, wherever a redirection
   leads; so Yahoo's form of consent is never filled in for the user.
3. A body beyond `LARGEST` is not taken, an answer that does not come within `PATIENCE` is none.
4. The cookie is asked for once: yfinance, which would keep it on disk, asks before every chart where it may not.
5. An answer of the chart's address is judged (`answers`) before yfinance reads it. A crumb that is refused is left to
   yfinance, which asks once more without one; what is refused then is an error.
6. Where Yahoo has had too many requests and says how long to wait, nothing more is sent, whatever was asked for. A
   crumb that is not given without such a word is done without.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from tvquant.core.clock import Clock
from tvquant.core.quoting import shown
from tvquant.market.addresses import is_loopback
from tvquant.market.http_client import host, seconds_told
from tvquant.market.probing import Probe, time_told
from tvquant.market.providers.contract import Malformed, ProviderError, RateLimited, Unavailable
from tvquant.market.providers.yahoo.answers import Chart, judged

COOKIE = "fc.yahoo.com"
HOSTS = frozenset({"query1.finance.yahoo.com", "query2.finance.yahoo.com", COOKIE})
CHART = "/v8/finance/chart/"
LARGEST = 16 * 2**20
"""Bytes of a body; a chart of sixty years has two millions."""
PATIENCE = 15.0
REDIRECTIONS = 5


def new_session(*, url: str | None, turn: Callable[[], None], hold: Callable[[float], None], clock: Clock) -> Any:
    """Return a session that yfinance takes; `for_symbol` says whose chart comes next, `chart` is what it told, `probe`
    what the last request heard of its server.

    Parameters
    ----------
    url : address that stands in for all hosts of Yahoo.
    turn : waits until a request may be sent; `hold` : sends none for so many seconds.
    clock : the present, from which waits are counted.
    """
    from curl_cffi import CurlOpt, requests
    from curl_cffi.const import CurlECode
    from curl_cffi.curl import CURL_WRITEFUNC_ERROR

    class Elsewhere(requests.exceptions.ConnectionError):
        """A host that nothing is asked of."""

    class PacedSession(requests.Session):  # type: ignore[type-arg]
        """See the head of the module."""

        symbol = ""
        chart = Chart()
        refusals = 0
        cookie: Any = None
        probe: Probe | None = None

        def for_symbol(self, symbol: str) -> None:
            """Say whose chart is asked for next."""
            self.symbol, self.chart, self.refusals = symbol, Chart(), 0

        def request(self, method: Any, url: str, *args: Any, **given: Any) -> Any:
            """Send a request as `Session.request` does, within the rules."""
            split = urlsplit(url)
            charted = split.path.startswith(CHART)
            if split.hostname == COOKIE and self.cookie is not None:
                return self.cookie
            try:
                answer = self._followed(method, url, *args, **given)
            except requests.exceptions.RequestException as error:
                if not charted:  # yfinance does without a cookie and a crumb
                    raise
                if error.code == CurlECode.WRITE_ERROR:
                    what = f"Yahoo sent more than {LARGEST:,} bytes"
                    raise Malformed(f"{self.symbol}: {what}", retryable=False) from error
                if isinstance(error, Elsewhere):
                    why = "which is not asked; if it wants consent to cookies, that is yours to give, not a program's"
                    raise ProviderError(f"{self.symbol}: Yahoo leads to the host {shown(str(error))}, {why}") from error
                raise Unavailable(f"{self.symbol}: Yahoo did not answer: {type(error).__name__}") from error
            wait = seconds_told(answer.headers.get("Retry-After"), clock.now())
            if answer.status_code == 429 and wait:  # who says for how long means all requests
                hold(wait)
                raise RateLimited(f"{self.symbol}: Yahoo answered HTTP 429, too many requests", retry_after=wait)
            if charted:
                self._judge(answer, wait)
            elif split.hostname == COOKIE and answer.status_code < 429:
                self.cookie = answer
            return answer

        def _followed(self, method: Any, url: str, *args: Any, **given: Any) -> Any:
            """Return the answer behind redirections, each of which is a request of its own."""
            for _ in range(REDIRECTIONS):
                body = bytearray()

                def put(part: bytes, body: bytearray = body) -> int:
                    if len(body) + len(part) > LARGEST:
                        return int(CURL_WRITEFUNC_ERROR)
                    body.extend(part)
                    return len(part)

                place = _placed(url)
                if place is None:
                    raise Elsewhere(str(urlsplit(url).hostname))
                turn()
                mine = {**given, "timeout": PATIENCE, "allow_redirects": False, "content_callback": put}
                asked = clock.now()
                answer = super().request(method, place, *args, **mine)
                answer.content = bytes(body)
                heard = {name.lower(): value or "" for name, value in answer.headers.items()}
                server = host(place)
                self.probe = Probe(server=server, asked=asked, answered=clock.now(), time=time_told(heard))
                where = answer.headers.get("Location")
                if answer.status_code not in (301, 302, 303, 307, 308) or not where:
                    return answer
                url, given = urljoin(url, where), {k: v for k, v in given.items() if k != "params"}
            raise requests.exceptions.TooManyRedirects(f"more than {REDIRECTIONS} redirections")

        def _judge(self, answer: Any, wait: float | None) -> None:
            if answer.status_code in (401, 403):
                self.refusals += 1
                self.cookie = None
                if self.refusals > 1:
                    why = "with a crumb of its own and without"
                    said = f"Yahoo refused the request {why} (HTTP {answer.status_code}); try again some hours later"
                    raise ProviderError(f"{self.symbol}: {said}")
                return
            self.chart = judged(self.symbol, status=answer.status_code, retry_after=wait, body=answer.content)

    def _placed(asked: str) -> str | None:
        """Return where a request goes; None where nothing is asked."""
        split = urlsplit(asked)
        if url is None:
            return asked if split.hostname in HOSTS and split.scheme == "https" else None
        own = urlsplit(url)
        if split.hostname not in HOSTS and split.netloc != own.netloc:
            return None
        return urlunsplit((own.scheme, own.netloc, split.path or "/", split.query, ""))

    alone: Mapping[Any, Any] = {CurlOpt.NOPROXY: "*"} if url and is_loopback(url) else {}
    return PacedSession(impersonate="chrome", curl_options=dict(alone))
