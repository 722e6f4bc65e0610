"""What a lake holds at one version of each table, and what is pinned of it."""

from typing import Any

import numpy as np
import pytest

from tvquant.core.errors import DataError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.reading import contents
from tvquant.lake.reading.snapshots import Snapshot
from tvquant.lake.storage import batches as storage
from tvquant.lake.storage import tables

BTC, PERP, UP, USDC, AAPL, SPY = (
    "BINANCE:BTCUSDT", "BYBIT:BTCUSDT.P", "BINANCE:BTCUPUSDT", "BINANCE:USDCUSDT", "NASDAQ:AAPL", "AMEX:SPY",
)  # fmt: skip


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables that are read, in order."""
    found: list[str] = []
    collected = tables.collected

    def counted(root: Any, table: str, *args: Any) -> Any:
        found.append(table)
        return collected(root, table, *args)

    monkeypatch.setattr(tables, "collected", counted)
    return found


@pytest.mark.requirement("R-DAT-25")
def test_symbols_are_chosen_by_kind_and_exchange(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(*(bars(symbol, [1.0], "2021-01-04") for symbol in (BTC, PERP, UP, USDC)))
    deliver(bars(AAPL, [1.0], "2021-01-04"), bars(SPY, [1.0], "2021-01-04"), basis=Basis.TOTAL)
    assert lake.contents().names() == tuple(sorted((BTC, PERP, UP, USDC, AAPL, SPY)))
    assert lake.contents().names([Kind.SPOT]) == (UP, BTC, USDC)
    assert lake.contents().names([Kind.SPOT], [Kind.STABLECOIN, Kind.LEVERAGED_TOKEN]) == (BTC,)
    assert lake.contents().names([Kind.STOCK, Kind.ETF]) == (SPY, AAPL)
    assert lake.contents().names(exchanges=["BYBIT"]) == (PERP,)
    assert lake.contents().names([Kind.INDEX]) == ()


def test_who_is_there_is_read_once_for_names_bars_and_snapshot(
    lake: Lake, deliver: Any, bars: Any, reads: list[str]
) -> None:
    deliver(bars(BTC, [1.0, 2.0]), bars(USDC, [1.0, 1.0]))
    reads.clear()
    contents = lake.contents()
    assert (contents.names([Kind.SPOT]), contents.names(), reads.count("bars")) == ((BTC, USDC), (BTC, USDC), 1)
    pinned = contents.pinned([BTC])
    assert (list(pinned.snapshot.symbols), pinned.bars.low["close"].tolist()) == ([BTC], [1.0, 2.0])
    assert reads.count("bars") == 2
    assert pinned.snapshot == lake.pin([BTC])


def test_a_panel_takes_the_place_of_its_bars(lake: Lake, deliver: Any, bars: Any, reads: list[str]) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    pinned = lake.contents().pinned([BTC])
    first, _ = pinned.bars, reads.clear()
    assert pinned.panel is pinned.panel
    assert (pinned.panel.fields["close"][:, 0].tolist(), reads) == ([1.0, 2.0], [])
    assert pinned.bars is not first
    assert reads.count("bars") == 2


def test_contents_are_those_of_their_versions(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    before = lake.contents()
    deliver(bars(BTC, [1.0, 2.0, 3.0]), bars(PERP, [1.0]))
    assert (before.names(), before.bars().low["close"].tolist()) == ((BTC,), [1.0, 2.0])
    assert [str(edge)[:10] for edge in before.span()] == ["2021-01-01", "2021-01-02"]
    assert [str(edge)[:10] for edge in lake.contents().span()] == ["2021-01-01", "2021-01-03"]
    with pytest.raises(DataError, match="no bars of 'BYBIT:BTCUSDT"):
        before.bars([BTC, PERP])
    assert lake.panel(before.pinned([BTC]).snapshot).fields["close"][:, 0].tolist() == [1.0, 2.0]


def test_another_content_under_the_same_name_is_refused(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    snapshot = lake.pin([BTC])
    deliver(bars(BTC, [1.0, 2.0, 3.0]))
    moved = type(snapshot)(digest=snapshot.digest, tables=lake.pin([BTC]).tables, symbols=snapshot.symbols)
    with pytest.raises(DataError, match=r"no longer holds snapshot .*: BINANCE:BTCUSDT and 0 others differ"):
        _ = lake.pinned(moved).panel


def test_many_symbols_are_read_a_batch_at_a_time_and_are_the_same(
    lake: Lake, deliver: Any, bars: Any, monkeypatch: pytest.MonkeyPatch, reads: list[str]
) -> None:
    deliver(bars(PERP, [1.0, 2.0, 3.0, 4.0, 5.0]), bars(AAPL, [7.0, 8.0], "2021-01-04"), basis=Basis.RAW)
    deliver(bars(BTC, [1.0, 2.0], "2021-01-02"))
    deliver(bars(BTC, [1.0], "2021-01-01"), bars(PERP, [6.5], "2021-01-05", volume=[11.0]))  # another version of a bar
    whole, more = lake.bars(), lake.bars([BTC, PERP])
    monkeypatch.setattr(contents, "FEW", 1)
    monkeypatch.setattr(storage, "BATCH", 3)
    reads.clear()
    again, part = lake.bars(), lake.bars([BTC, PERP])
    assert reads.count("bars") == 2 * (1 + 5)  # who is there, then 3 + 3 + 1 rows of one file, 2 of each other
    assert Snapshot.of(again, {}, "1d") == Snapshot.of(whole, {}, "1d")
    assert again.conflict.tolist() == whole.conflict.tolist()
    assert whole.conflict.sum() == 1
    assert part.low["close"].tolist() == more.low["close"].tolist() == [1.0, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert len(lake.bars([AAPL]).stamp) == 2


@pytest.mark.parametrize("most", [1, 2, 4])
def test_bars_in_parts_are_the_bars_of_their_symbols(lake: Lake, deliver: Any, bars: Any, most: int) -> None:
    paid = {"dividends": [0.0, 0.5, 0.0], "stock_splits": [0.0, 0.0, 2.0]}
    deliver(*(bars(name, [4.0, 4.0, 2.0], "2021-01-04", **paid) for name in (AAPL, SPY)), basis=Basis.RAW)
    deliver(bars(BTC, [1.0, 1.0]))
    deliver(bars(PERP, [1.0, 2.0]))
    stamps = ["2021-01-01T08:00:00Z", "2021-01-02T08:00:00Z"]
    deliver({"symbol": [PERP] * 2, "timestamp": stamps, "funding_rate": [0.001, 0.002]})
    found = list(lake.bars().parts(most))
    assert [len(part.symbols) for part in found] == {1: [1] * 4, 2: [2, 2], 4: [4]}[most]
    for part in found:
        alone = lake.bars([symbol.name for symbol in part.symbols])
        assert [one.name for one in part.symbols] == [one.name for one in alone.symbols]
        for name in ("symbol", "stamp", "closes", "valid", "generation", "factor", "breaks"):
            np.testing.assert_array_equal(getattr(part, name), getattr(alone, name))
        for name in ("close", "volume"):
            np.testing.assert_array_equal(part.low[name], alone.low[name])
            np.testing.assert_array_equal(part.high[name], alone.high[name])
        for name in ("symbol", "stamp", "value"):
            np.testing.assert_array_equal(getattr(part.actions, name), getattr(alone.actions, name))
        np.testing.assert_array_equal(part.funding.symbol, alone.funding.symbol)
        np.testing.assert_array_equal(part.funding.rate, alone.funding.rate)
