"""No scanner looks ahead: what is scrambled, listed or delisted after a moment changes no scan made by then."""

from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import pytest

from builders.panels import instrument, panel_of
from tvquant.app.scanning import Ratings, Scanned, replay, scan_at
from tvquant.app.vocabulary import vocabulary
from tvquant.core.calendars import CRYPTO, NEW_YORK, calendar
from tvquant.core.instruments import Kind
from tvquant.core.panel import Panel
from tvquant.features.rating_rules import LIBRARY_V3
from tvquant.profiles.files import SCANNERS as SHELF
from tvquant.profiles.scanners import Scanner, load_scanner

ROWS, NAMES, MOMENT = 1500, 24, 1400
RATINGS = Ratings(rules=LIBRARY_V3, min_bars=200)
SCANNERS = tuple(name for name in SHELF.available([]) if load_scanner(name).kinds)
"""All but layers of hygiene, sessions and strategies, which name no kinds: nobody can be scanned with those alone."""
US = ("AAPL", "MSFT", "KO", "JNJ", "PG", "XOM", "JPM", "IBM", "SPY", "QQQ", "XLF", "TLT", "GLD", "IEF", "XLK", "USO")


def names(scanner: Scanner) -> tuple[tuple[str, Kind], ...]:
    """Symbols that the scanner's structure takes, by its own kinds."""
    if not set(scanner.kinds) & {Kind.SPOT, Kind.SWAP}:
        etfs = US[8:]
        return tuple((f"NYSE:{t}", Kind.ETF if t in etfs else Kind.STOCK) for t in US)
    spot = Kind.SPOT in scanner.kinds
    suffix, kind = ("", Kind.SPOT) if spot else (".P", Kind.SWAP)
    return tuple((f"BINANCE:C{k}USDT{suffix}", kind) for k in range(NAMES))


@cache
def market(found: tuple[tuple[str, Kind], ...], *, other_future: bool, rows: int = ROWS) -> Panel:
    """Walks of all moods, the last one listed at the moment, one gone before, one after it."""
    draw = np.random.default_rng(7)
    drift = np.linspace(-0.004, 0.004, len(found))
    close = 50.0 * np.exp((drift + draw.normal(0.0, 0.03, (ROWS, len(found)))).cumsum(axis=0))
    high = close * np.exp(np.abs(draw.normal(0.0, 0.02, close.shape)))
    low = close / np.exp(np.abs(draw.normal(0.0, 0.02, close.shape)))
    volume = draw.lognormal(16.0, 1.0, close.shape) / close * 50.0
    if other_future:
        future = np.random.default_rng(11)
        for block in (close, high, low, volume):
            block[MOMENT:] *= np.exp(future.normal(0.0, 3.0, block[MOMENT:].shape))
        high[MOMENT:], low[MOMENT:] = np.maximum(close, high)[MOMENT:], np.minimum(close, low)[MOMENT:]
    gone = np.zeros(close.shape, bool)
    gone[: MOMENT + 5, -1] = gone[900:, -2] = gone[MOMENT + 3 :, -3] = True
    if other_future:
        gone[:, -1] = gone[MOMENT:, 0] = True
        gone[MOMENT:, -3] = False
    crypto = found[0][1] in (Kind.SPOT, Kind.SWAP)
    name = CRYPTO if crypto else NEW_YORK
    grid = calendar(name)
    times = grid.bars(np.datetime64("2015-01-01", "us"), np.datetime64("2023-01-01", "us"))[:rows]
    listed = [k for k in range(len(found)) if not gone[:rows, k].all()]
    order = sorted(listed, key=lambda k: int(np.argmin(gone[:, k])))
    cut = (slice(None, rows), order)
    blocks = {"open": close, "high": high, "low": low, "close": close, "volume": volume}
    return panel_of(
        {field: np.where(gone, np.nan, block)[cut] for field, block in blocks.items()},
        names=[instrument(found[k][0], kind=found[k][1], calendar=name) for k in order],
        times=times,
    )


def told(found: Scanned) -> dict[str, Any]:
    keys = found.keys
    values = {key: found.values(key) for key in keys}
    return {"bar": found.bar, "known": found.known_at, "outcomes": found.outcomes(), "audits": found.audits,
            "atoms": found.found, "values": values}  # fmt: skip


@pytest.mark.requirement("R-UNI-22")
@pytest.mark.parametrize("name", SCANNERS)
def test_the_future_changes_no_scan(name: str) -> None:
    scanner = load_scanner(name)
    assert set(scanner.fields) <= vocabulary().features
    kinds = set(scanner.kinds)
    for kind in kinds & {Kind.SPOT, Kind.SWAP} or {Kind.STOCK}:
        one = scanner if kind is Kind.STOCK else scanner.model_copy(update={"kinds": (kind,)})
        found = names(one)
        world, other = market(found, other_future=False), market(found, other_future=True)
        past = market(found, other_future=False, rows=MOMENT)
        for row in (MOMENT - 1, MOMENT - 12, MOMENT - 300):
            day = world.times[row].astype("datetime64[D]").item()
            assert timedelta(0) < world.times[-1].item() - world.times[row].item()
            here = told(scan_at(world, [one], day, RATINGS))
            assert here == told(scan_at(other, [one], day, RATINGS))
            assert here == told(scan_at(past, [one], day, RATINGS))
            assert here == told(next(replay(other, [one], [row], RATINGS)))
