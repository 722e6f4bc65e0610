"""Addresses of servers, as users give them, and proxies, as the environment names them: refused in words, not shown.

A name and a word may stand in front of a host, and a key in a query; so a refusal never quotes what it refuses.
"""

from collections.abc import Collection
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from tvquant.market.providers.contract import ProviderError
from tvquant.profiles.fields import broken

HTTP = ("http", "https")
PROXIES = "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY"


def usable(address: str, schemes: Collection[str] = HTTP) -> bool:
    """Return whether an address has one of the schemes, a host that can be looked up, and a port that there is."""
    if not address.isprintable() or " " in address or "#" in address:
        return False
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        host.encode("idna").decode("idna")
    except ValueError:
        return False
    return parts.scheme in schemes and bool(host) and port != 0


def is_loopback(address: str) -> bool:
    """Return whether an address is of this machine, to which no proxy leads."""
    return urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1")


def _http(address: str) -> str:
    if "?" in address or not usable(address):  # what is asked for is put behind it, and would be taken for its query
        raise broken("expected an address http(s)://HOST[:PORT][/PATH]")
    return address


def proxy_refused(what: str, error: Exception) -> ProviderError:
    """Return why nothing could be asked through the proxy that the environment names; its address is not shown."""
    why = "its address is none"
    if isinstance(error, ImportError):
        why = "a SOCKS proxy needs packages that are not installed (httpx[socks], python-socks)"
    return ProviderError(
        f"{what} cannot be asked through the proxy that the environment names ({PROXIES}): {why}; name another one, "
        "or set NO_PROXY where none is needed"
    )


type HttpAddress = Annotated[str, Field(strict=True), AfterValidator(_http)]
"""Option of a provider: an address over HTTP."""
