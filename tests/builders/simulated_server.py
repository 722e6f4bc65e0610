"""The simulated exchange behind the loopback server, so that it can be told to lie; encoded as by its own server."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from builders.lies import Wire
from builders.loopback import Reply, Request
from tvquant.market.providers.contract import ProviderError
from tvquant.market.providers.simulated import protocol
from tvquant.market.providers.simulated.exchange import Exchange, ExchangeReply
from tvquant.market.providers.simulated.server import answer


class LyingExchange(Exchange):
    """An exchange whose bars are what the wire makes of them."""

    wire = Wire()

    def bars(
        self, symbol: str, interval: str, *, start: datetime | None, end: datetime | None, limit: int | None = None
    ) -> ExchangeReply:
        told = super().bars(symbol, interval, start=start, end=end, limit=limit)
        return replace(told, rows=self.wire.lie.rows(told.rows))


def handler_of(exchange: LyingExchange) -> Callable[[Request], Reply]:
    """Return what answers a request as the exchange's own server does."""

    def handler(request: Request) -> Reply:
        try:
            _, body = answer(exchange, request.path, request.query)
        except ProviderError as error:
            status, headers, fields = protocol.encode_error(error)
            return Reply(fields, status, headers)
        if request.path == "/v1/klines":
            body = json.dumps([exchange.wire.lie.row(row) for row in json.loads(body)]).encode()
        return Reply(body)

    return handler
