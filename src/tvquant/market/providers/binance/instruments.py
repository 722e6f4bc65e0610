"""Binance's lists of instruments: steps, what a contract is on, when it was listed and when it ended.

What is an end, and what a halt:

| market    | state                                                       | meaning                               |
|-----------|-------------------------------------------------------------|---------------------------------------|
| spot      | TRADING, PRE_TRADING, POST_TRADING, END_OF_DAY, CANCEL_ONLY | goes on, or is about to               |
| spot      | HALT, AUCTION_MATCH                                         | stands for a while                    |
| spot      | BREAK                                                       | stands; ended once 30 days had no bar |
| perpetual | PENDING_TRADING, TRADING, PRE_DELIVERING, PRE_SETTLE        | goes on, or is about to               |
| perpetual | DELIVERING, DELIVERED, SETTLING, CLOSE                      | has ended, at its delivery date       |

Spot tells no date of an end, and uses BREAK for both. A state that is not here is a finding, and ends nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from tvquant.market.providers.binance.answers import EPOCH, LATEST, STEP
from tvquant.market.providers.binance.client import PERPETUAL, SPOT, Product
from tvquant.market.providers.contract import INSTRUMENTS, Malformed
from tvquant.symbology.kinds import kinds_of

BROKEN = "BREAK"
ENDED = frozenset({"DELIVERING", "DELIVERED", "SETTLING", "CLOSE"})
STATES = {
    SPOT: {"TRADING", "PRE_TRADING", "POST_TRADING", "END_OF_DAY", "CANCEL_ONLY", "HALT", "AUCTION_MATCH", BROKEN},
    PERPETUAL: {"PENDING_TRADING", "TRADING", "PRE_DELIVERING", "PRE_SETTLE", *ENDED},
}
CONTRACTS = {"PERPETUAL": None, "TRADIFI_PERPETUAL": 1.0}
"""Contracts without an end, and what their name says of `tradfi`; all others are left out."""
ON_COINS = "COIN"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instruments:
    """What a product lists.

    Parameters
    ----------
    rows : `INSTRUMENTS`.
    states : symbol -> state, as it was said.
    findings : what was said and is not understood.
    """

    rows: pl.DataFrame
    states: dict[str, str] = field(default_factory=dict)
    findings: tuple[str, ...] = ()


def read_instruments(answer: object, product: Product, *, now: datetime) -> Instruments:
    """Return the instruments of an answer of `exchangeInfo` that symbology knows, those of the future left out.

    Raises
    ------
    Malformed : it has no list of symbols, one without name or state, or one twice.
    """
    what = f"the list of instruments of {product.name}"
    listed = answer.get("symbols") if isinstance(answer, dict) else None
    if not isinstance(listed, list) or not listed:
        raise Malformed(f"{what} cannot be read: no list of symbols is in it")
    rows, states, findings = [], {}, []
    for one in listed:
        ticker, state = (one.get(name) if isinstance(one, dict) else None for name in ("symbol", "status"))
        if not isinstance(ticker, str) or not isinstance(state, str):
            raise Malformed(f"{what} cannot be read: an instrument has no name or no state")
        symbol = f"BINANCE:{ticker}" + (".P" if product is PERPETUAL else "")
        if not kinds_of(symbol) or (product is PERPETUAL and _text(one.get("contractType")) not in CONTRACTS):
            continue
        if symbol in states:
            raise Malformed(f"{what} cannot be read: {symbol} is in it twice")
        begun, over = (_date(one.get(name)) for name in ("onboardDate", "deliveryDate"))
        if begun is not None and begun > now:
            continue
        states[symbol] = state
        if state not in STATES[product]:
            findings.append(f"{symbol}: state {state[:40]!r} of {product.name} is unknown; it is taken to go on")
        over = over if product is PERPETUAL and state in ENDED and over is not None and over <= now else None
        rows.append((symbol, *_steps(one.get("filters")), _tradfi(one, product), begun, over))
    table = pl.DataFrame(rows, schema=dict(INSTRUMENTS), orient="row").sort("symbol")
    return Instruments(rows=table, states=states, findings=tuple(findings))


def _steps(filters: Any) -> tuple[float | None, float | None, float | None]:
    """Return tick, lot and smallest order; None where it is not said, zero included."""
    listed = [one for one in filters if isinstance(one, dict)] if isinstance(filters, list) else []
    by_type = {_text(one.get("filterType")): one for one in listed}

    def step(kind: str, name: str) -> float | None:
        try:
            value = float(by_type[kind][name])
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        return value if 0 < value < float("inf") else None

    smallest = (
        step("NOTIONAL", "minNotional") or step("MIN_NOTIONAL", "minNotional") or step("MIN_NOTIONAL", "notional")
    )
    return step("PRICE_FILTER", "tickSize"), step("LOT_SIZE", "stepSize"), smallest


def _tradfi(one: dict[str, Any], product: Product) -> float | None:
    """Return 0 for a contract on a coin, 1 for one on anything else; None where it is not said, as of spot."""
    if product is SPOT:
        return None
    if CONTRACTS[one["contractType"]]:
        return 1.0
    underlying = one.get("underlyingType")
    return float(underlying != ON_COINS) if isinstance(underlying, str) else None


def _text(found: Any) -> str:
    """Return a name; empty where something else stands in its place."""
    return found if isinstance(found, str) else ""


def _date(found: Any) -> datetime | None:
    """Return a time in milliseconds; None where there is none."""
    return EPOCH + found * STEP if isinstance(found, int) and 0 < found < LATEST else None
