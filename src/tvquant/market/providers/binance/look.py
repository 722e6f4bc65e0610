"""What a list of instruments tells of the server that sent it: its time, its limit, whether it has what we use."""

from datetime import datetime, timedelta
from typing import Any

from tvquant.market.http_client import host
from tvquant.market.probing import Probe, Rate
from tvquant.market.providers.binance.answers import EPOCH, LATEST, STEP
from tvquant.market.providers.binance.client import SPOT, BinanceClient
from tvquant.market.providers.binance.instruments import Instruments
from tvquant.market.providers.contract import Malformed

LENGTHS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86400}
LACKING = {
    "tick": "orders cannot be put on the exchange's steps of price",
    "lot": "orders cannot be put on the exchange's steps of quantity",
    "min_notional": "orders that are too small are not seen",
    "tradfi": "contracts on shares and metals cannot be told from those on coins",
    "listed_at": "when a contract began is not known",
}


def heard(answer: Any, told: Instruments, client: BinanceClient, *, asked: datetime, answered: datetime) -> Probe:
    """Return what an answer of `exchangeInfo` says of its server; `told` is the answer, read.

    Raises
    ------
    Malformed : it does not tell its time.
    """
    product, time = client.product, answer.get("serverTime")
    if not isinstance(time, int) or not 0 < time < LATEST:
        raise Malformed(f"{product.name} ({host(client.url)}) tells no time of the server in milliseconds since 1970")
    used = ("tick", "lot", "min_notional") if product is SPOT else tuple(LACKING)
    lost = {name: LACKING[name] for name in used if told.rows[name].null_count() == len(told.rows)}
    kept, allowed = client.limits.requests_per_second, _pages_a_second(answer, product.page_weight)
    rates = () if allowed is None else (Rate(what=f"{product.name}, pages of bars", told=allowed, kept=kept),)
    return Probe(
        server=host(client.url),
        asked=asked,
        answered=answered,
        time=EPOCH + time * STEP,
        exact=timedelta(milliseconds=1),
        rates=rates,
        absent=lost,
        fields=len(used),
    )


def _pages_a_second(answer: Any, weight: int) -> float | None:
    """Return how many full pages of bars the limit on weight leaves room for; None where it is not told."""
    try:
        limit = next(one for one in answer["rateLimits"] if one["rateLimitType"] == "REQUEST_WEIGHT")
        return float(limit["limit"]) / (LENGTHS[limit["interval"]] * int(limit["intervalNum"]) * weight)
    except (KeyError, TypeError, ValueError, StopIteration, ZeroDivisionError, OverflowError):
        return None
