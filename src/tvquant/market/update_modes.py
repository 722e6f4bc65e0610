"""How late TradingView says that its figures are: one word, of its charts and of its screener."""

import re

_LATE = re.compile(r"delayed_streaming_([0-9]{1,6})")


def seconds_late(mode: object) -> int | None:
    """Return the seconds of an update mode such as "delayed_streaming_900"; None where it tells none."""
    found = _LATE.fullmatch(mode) if isinstance(mode, str) else None
    return int(found[1]) if found else None
