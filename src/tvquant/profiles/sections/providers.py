"""Key `data.providers`: who delivers the bars of an exchange, or of one kind of instrument there."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from tvquant.core.instruments import Kind
from tvquant.core.quoting import shown
from tvquant.profiles.fields import broken
from tvquant.profiles.messages import unknown
from tvquant.symbology import venues

NAME = "name"
"""Key of a delivery that is a mapping: who; the others are the provider's options."""
KINDS = (Kind.SPOT, Kind.SWAP, Kind.STOCK, Kind.ETF, Kind.INDEX)
"""Kinds that may be delivered by another than the rest of their exchange."""
EXCHANGES = venues.CRYPTO_EXCHANGES | venues.US_EXCHANGES | venues.INDEX_EXCHANGES

type Plain = str | int | float | bool | None
type Delivery = str | tuple[tuple[str, Plain], ...]
"""Name of a provider, or its name and options as pairs."""


def _delivery(key: str, value: object) -> object:
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or not isinstance(value.get(NAME), str):
        raise broken(
            f"{key}: expected the name of a provider, or its name and options ({{name: binance, ...}}), "
            f"found {shown(value)}"
        )
    for name, one in value.items():
        if not isinstance(name, str) or not isinstance(one, str | int | float | bool | None):
            raise broken(f"{key}: expected options with plain values, found {shown(name)}: {shown(one)}")
    return tuple(value.items())


def _deliveries(value: object) -> object:
    """Return the mapping as pairs, whose keys are exchanges, or `EXCHANGE/kind`."""
    if isinstance(value, tuple):
        return value
    if not isinstance(value, Mapping):
        raise broken(f"expected a mapping of an exchange to its provider, found {shown(value)}")
    for key in value:
        exchange, slash, kind = str(key).partition("/")
        if exchange not in EXCHANGES:
            raise broken(unknown("exchange", exchange, EXCHANGES))
        if slash and kind not in KINDS:
            raise broken(f"{key}: {unknown('kind', kind, KINDS)}")
    return tuple((key, _delivery(key, one)) for key, one in value.items())


def _written(pairs: tuple[tuple[str, Delivery], ...]) -> dict[str, Any]:
    return {key: one if isinstance(one, str) else dict(one) for key, one in pairs}


type Deliveries = Annotated[tuple[tuple[str, Delivery], ...], BeforeValidator(_deliveries), PlainSerializer(_written)]


def told(delivery: Delivery) -> tuple[str, dict[str, Plain]]:
    """Return the name of a provider and its options."""
    if isinstance(delivery, str):
        return delivery, {}
    options = dict(delivery)
    return str(options.pop(NAME)), options
