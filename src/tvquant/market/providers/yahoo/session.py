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


class Rules:
    """What requests keep, and what they heard: `chart` of the symbol's chart, `probe` of the server asked last.

    Parameters
    ----------
    url : address that stands in for all hosts of Yahoo.
    turn : waits until a request may be sent; `hold` : sends none for so many seconds.
    clock : the present, from which waits are counted.

    `patience` may be changed between requests: seconds for one.
    """

    def __init__(
        self, *, url: str | None, turn: Callable[[], None], hold: Callable[[float], None], clock: Clock
    ) -> None:
        self.chart = Chart()
        self.probe: Probe | None = None
        self.patience = PATIENCE
        self.url = url
        self._turn, self._hold, self._clock = turn, hold, clock
        self._symbol, self._refusals = "", 0
        self._cookie: Any = None

    def for_symbol(self, symbol: str) -> None:
        """Say whose chart is asked for next."""
        self._symbol, self._refusals, self.chart = symbol, 0, Chart()

    def answered(self, send: Callable[..., Any], url: str, given: Mapping[str, Any]) -> Any:
        """Return the answer to a request of yfinance, which `send` sends to an address with what is given.

        Raises
        ------
        ProviderError : it is no answer that yfinance may read.
        """
        from curl_cffi import requests

        split = urlsplit(url)
        charted = split.path.startswith(CHART)
        if split.hostname == COOKIE and self._cookie is not None:
            return self._cookie
        try:
            answer = self._followed(send, url, given, charted=charted)
        except requests.exceptions.RequestException as error:
            if not charted:  # yfinance does without a cookie and a crumb
                raise
            raise self._failure(error) from error
        wait = seconds_told(answer.headers.get("Retry-After"), self._clock.now())
        if answer.status_code == 429 and wait:  # who says for how long means all requests
            self._hold(wait)
            raise RateLimited(f"{self._symbol}: Yahoo answered HTTP 429, too many requests", retry_after=wait)
        if charted:
            self._judge(answer, wait)
        elif split.hostname == COOKIE and answer.status_code < 429:
            self._cookie = answer
        return answer

    def _followed(self, send: Callable[..., Any], url: str, given: Mapping[str, Any], *, charted: bool) -> Any:
        """Return the answer behind redirections, each of which is a request of its own."""
        from curl_cffi import requests
        from curl_cffi.curl import CURL_WRITEFUNC_ERROR

        for _ in range(REDIRECTIONS):
            body = bytearray()

            def put(part: bytes, body: bytearray = body) -> int:
                if len(body) + len(part) > LARGEST:
                    return int(CURL_WRITEFUNC_ERROR)
                body.extend(part)
                return len(part)

            place = self._placed(url)
            if place is None:
                name = str(urlsplit(url).hostname)
                raise self._elsewhere(name) if charted else requests.exceptions.ConnectionError(name)
            self._turn()
            asked = self._clock.now()
            mine = {"timeout": self.patience, "allow_redirects": False, "content_callback": put}
            answer = send(place, **{**given, **mine})
            answer.content = bytes(body)
            heard = {name.lower(): value or "" for name, value in answer.headers.items()}
            server = host(place)
            self.probe = Probe(server=server, asked=asked, answered=self._clock.now(), time=time_told(heard))
            where = answer.headers.get("Location")
            if answer.status_code not in (301, 302, 303, 307, 308) or not where:
                return answer
            url, given = urljoin(url, where), {k: v for k, v in given.items() if k != "params"}
        raise requests.exceptions.TooManyRedirects(f"more than {REDIRECTIONS} redirections")

    def _placed(self, asked: str) -> str | None:
        """Return where a request goes; None where nothing is asked."""
        split = urlsplit(asked)
        if self.url is None:
            return asked if split.hostname in HOSTS and split.scheme == "https" else None
        own = urlsplit(self.url)
        if split.hostname not in HOSTS and split.netloc != own.netloc:
            return None
        return urlunsplit((own.scheme, own.netloc, split.path or "/", split.query, ""))

    def _judge(self, answer: Any, wait: float | None) -> None:
        if answer.status_code in (401, 403):
            self._refusals += 1
            self._cookie = None
            if self._refusals > 1:
                why = "with a crumb of its own and without"
                said = f"Yahoo refused the request {why} (HTTP {answer.status_code}); try again some hours later"
                raise ProviderError(f"{self._symbol}: {said}")
            return
        self.chart = judged(self._symbol, status=answer.status_code, retry_after=wait, body=answer.content)

    def _failure(self, error: Any) -> ProviderError:
        from curl_cffi.const import CurlECode

        if error.code == CurlECode.WRITE_ERROR:
            return Malformed(f"{self._symbol}: Yahoo sent more than {LARGEST:,} bytes", retryable=False)
        return Unavailable(f"{self._symbol}: Yahoo did not answer: {type(error).__name__}")

    def _elsewhere(self, name: str) -> ProviderError:
        why = "which is not asked; if it wants consent to cookies, that is yours to give, not a program's"
        return ProviderError(f"{self._symbol}: Yahoo leads to the host {shown(name)}, {why}")


def new_session(rules: Rules) -> Any:
    """Return a session that yfinance takes, whose requests keep the rules; an own address on loopback has no proxy."""
    from curl_cffi import CurlOpt, requests

    class RuledSession(requests.Session[requests.Response]):
        """Asks the rules for every answer."""

        def request(self, method: Any, url: str, *args: Any, **given: Any) -> Any:
            def send(place: str, **mine: Any) -> Any:
                return requests.Session.request(self, method, place, *args, **mine)

            return rules.answered(send, url, given)

    alone: Mapping[Any, Any] = {CurlOpt.NOPROXY: "*"} if rules.url and is_loopback(rules.url) else {}
    return RuledSession(impersonate="chrome", curl_options=dict(alone))
