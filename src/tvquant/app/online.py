"""Whether the sources that may be asked are there and well: one cheap look at each, all at once, bounded in time.

Nothing is sent to a source whose terms the user has not agreed to.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from tvquant.app import consents
from tvquant.app.workspace import Workspace
from tvquant.core.clock import Clock
from tvquant.core.errors import DataError, ProfileError
from tvquant.market import probing
from tvquant.market.addresses import usable
from tvquant.market.probing import Found, Loading, Probing, Standing
from tvquant.market.providers.catalogue import PROVIDERS
from tvquant.market.providers.contract import Banned, Malformed, Provider, ProviderError, RateLimited, Unavailable
from tvquant.market.providers.tradingview.member import TRADINGVIEW
from tvquant.market.screeners.client import URL, TradingViewScreener
from tvquant.profiles.messages import unknown

PATIENCE = 5.0
"""Seconds for one source."""
REACHED = "reached"
SCREENER = "screener"
"""TradingView's, which lives on the same terms as its charts."""
CURES: tuple[tuple[type[ProviderError], str], ...] = (
    (RateLimited, "wait, and ask again"),
    (Banned, "wait until the ban is over; see that no other program asks from this address"),
    (Malformed, "something else may answer there (a network's sign-in page), or a newer tvquant knows a new protocol"),
    (Unavailable, "see whether this machine reaches it (network, proxy, firewall), or ask later"),
)
"""What to do about a failure, the first that fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """What was found of one source, line by line."""

    name: str
    found: tuple[Found, ...]

    @property
    def fine(self) -> bool:
        """Nothing is wrong or doubtful; one that was not asked is fine."""
        return all(one.standing in (Standing.FINE, Standing.NOT_ASKED) for one in self.found)

    @property
    def asked(self) -> bool:
        """It was asked, whatever it answered."""
        return any(one.standing is not Standing.NOT_ASKED for one in self.found)


def sources_looked_at(
    home: Workspace,
    *,
    clock: Clock,
    options: Mapping[str, Mapping[str, object]],
) -> tuple[SourceHealth, ...]:
    """Return how every source stands, by name; they are asked at the same time, `PATIENCE` seconds each.

    What a source has to load first does not count.

    Parameters
    ----------
    options : source -> what it is opened with, by name.

    Raises
    ------
    ProfileError : options of a source that is not there, or that it does not take.
    """
    sources = _sources(options, clock)
    for name in options:
        if name not in sources:
            raise ProfileError(f"--option: {unknown('source', name, tuple(sources))}")

    async def main() -> Iterable[SourceHealth]:
        opened = [_opened(home, one) for one in sources.values()]
        loaded = await asyncio.gather(*(_loaded(one) for one in opened))
        found = await asyncio.gather(*(_looked_at(one) for one in loaded))
        return (SourceHealth(name=name, found=lines) for name, lines in zip(sources, found, strict=True))

    return tuple(asyncio.run(main()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What may be looked at: whose terms must be agreed to before, and how it is opened."""

    consent: str
    terms: str
    open: Callable[[], "Provider | TradingViewScreener"]


type _Opened = Provider | TradingViewScreener | tuple[Found, ...]


def _sources(options: Mapping[str, Mapping[str, object]], clock: Clock) -> dict[str, _Source]:
    """Return every source by name, in their order."""
    found = {
        name: _Source(consent=name, terms=factory.terms, open=partial(factory.opened, options.get(name, {}), clock))
        for name, factory in PROVIDERS.items()
    }
    screener = partial(_screener, options.get(SCREENER, {}), clock)
    found[SCREENER] = _Source(consent=TRADINGVIEW.name, terms=TRADINGVIEW.terms, open=screener)
    return dict(sorted(found.items()))


def _screener(given: Mapping[str, object], clock: Clock) -> TradingViewScreener:
    for name in given:
        if name != "url":
            raise ProfileError(f"source {SCREENER}: {unknown('option', name, ('url',))}")
    url = given.get("url", URL)
    if not isinstance(url, str) or not usable(url):
        raise ProfileError(f"source {SCREENER}: option url: expected an address http(s)://HOST[:PORT][/PATH]")
    return TradingViewScreener(clock=clock, url=url)


def _opened(home: Workspace, source: _Source) -> _Opened:
    """Return the source, open; or why it is not to be asked."""
    if source.terms and consents.agreed(home, source.consent, source.terms) is None:
        return _not_asked(
            "its terms are not agreed to, so nothing was sent",
            f"`tvquant data terms {source.consent}` shows them, --agree agrees",
        )
    try:
        return source.open()
    except DataError as error:
        return _not_asked(str(error))


async def _loaded(opened: _Opened) -> _Opened:
    """Return the source with its library loaded; or why it is not to be asked."""
    try:
        if isinstance(opened, Loading):
            await asyncio.to_thread(opened.load)
    except ModuleNotFoundError as error:
        return _lacking(error)
    return opened


async def _looked_at(opened: _Opened) -> tuple[Found, ...]:
    """Return how a source stands; one that is not to be asked stands as it was said."""
    if isinstance(opened, tuple):
        return opened
    if not isinstance(opened, Probing):
        return _not_asked("it has no server to reach")
    try:
        return await _heard(opened)
    finally:
        await _closed(opened)


async def _heard(source: Probing) -> tuple[Found, ...]:
    """Return what a source's servers said of themselves, or why they did not."""
    try:
        async with asyncio.timeout(PATIENCE):
            probes = await source.probe()
    except TimeoutError:
        return _wrong(Unavailable(f"no answer within {PATIENCE:g} s"))
    except ProviderError as error:
        return _wrong(error)
    except ModuleNotFoundError as error:
        return _lacking(error)
    return tuple(line for one in probes for line in probing.judged(one))


async def _closed(source: "Provider | TradingViewScreener") -> None:
    """Close a source, which may not take longer than its look."""
    try:
        async with asyncio.timeout(PATIENCE):
            await source.close()
    except TimeoutError:
        return  # its connections end with the command


def _not_asked(said: str, cure: str = "") -> tuple[Found, ...]:
    return (Found(what=REACHED, standing=Standing.NOT_ASKED, said=said, cure=cure),)


def _lacking(error: ModuleNotFoundError) -> tuple[Found, ...]:
    return _not_asked(f"it needs the package {error.name}, which is not installed", "install tvquant[live]")


def _wrong(error: ProviderError) -> tuple[Found, ...]:
    cure = next((words for kind, words in CURES if isinstance(error, kind)), "")
    return (Found(what=REACHED, standing=Standing.WRONG, said=str(error), cure=cure),)
