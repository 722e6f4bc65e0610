"""Frames of the chart websocket: `~m~LENGTH~m~PAYLOAD`, the length counted in UTF-16 code units as JavaScript does.

A message may hold several frames, and a frame may be spread over several messages.
"""

import re

from tvquant.core.quoting import shown
from tvquant.market.providers.contract import Malformed

LARGEST = 16 * 2**20
"""Code units of a frame, and bytes of a message, that are taken; whoever sends more is not believed."""
BEAT = "~h~"
"""How the payload of a heartbeat begins; it is to be sent back as it came, in a frame."""

_HEAD = re.compile(r"~m~([0-9]{1,8})~m~")
_BEGUN = re.compile(r"~?|~m|~m~[0-9]{0,8}|~m~[0-9]{1,8}~m?")
_LONGEST_HEAD = len("~m~12345678~m~")
_CODE, _UNIT = "utf-16-le", 2


def framed(payload: str) -> str:
    """Return the frame of a payload."""
    return f"~m~{len(payload.encode(_CODE)) // _UNIT}~m~{payload}"


class Frames:
    """Takes messages as they come and gives the payloads that are whole."""

    def __init__(self) -> None:
        self._rest = b""

    def fed(self, message: str) -> list[str]:
        """Return the payloads that this message completes, in their order.

        Raises
        ------
        Malformed : it is not framed so, or a frame is too large.
        """
        data, at, whole = self._rest + message.encode(_CODE, "surrogatepass"), 0, []
        while at < len(data):
            beginning = data[at : at + _LONGEST_HEAD * _UNIT].decode(_CODE, "replace")
            head = _HEAD.match(beginning)
            if head is None:
                if _BEGUN.fullmatch(beginning):
                    break
                raise Malformed(f"TradingView's chart sent no frame (~m~LENGTH~m~...): it begins {shown(beginning)}")
            units = int(head[1])
            if units > LARGEST:
                raise Malformed(f"TradingView's chart announced a frame of {units:,} units; {LARGEST:,} are taken")
            first = at + head.end() * _UNIT
            last = first + units * _UNIT
            if last > len(data):
                break
            whole.append(_text(data[first:last]))
            at = last
        self._rest = data[at:]
        return whole


def _text(payload: bytes) -> str:
    try:
        return payload.decode(_CODE)
    except UnicodeDecodeError as error:
        raise Malformed("TradingView's chart sent a frame that ends within a character: its length is wrong") from error
