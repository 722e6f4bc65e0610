"""Trading rules of instruments, as they became known."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.lake import Lake, tables
from tvquant.lake.facts import known_facts, store_facts

BTC, ETH = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT"
MAY = datetime(2026, 5, 1, tzinfo=UTC)
JUNE = MAY + timedelta(days=31)


def told(tick: float | None, lot: float | None = None, symbol: str = BTC) -> pl.DataFrame:
    schema = {"symbol": pl.String(), "tick": pl.Float64(), "lot": pl.Float64()}
    return pl.DataFrame({"symbol": [symbol], "tick": [tick], "lot": [lot]}, schema=schema)


def known(lake: Lake, at: datetime) -> list[tuple[str, str, float]]:
    return known_facts(lake, at=at).select("symbol", "field", "value").rows()


def test_a_fact_is_known_from_when_it_was_told(lake: Lake) -> None:
    assert known(lake, MAY) == []
    rows = pl.concat([told(0.1, 0.001), told(0.01, None, ETH)])
    assert store_facts(lake, rows, source="s", recorded_at=MAY) == 3
    assert known(lake, MAY - timedelta(seconds=1)) == []
    assert known(lake, MAY) == [(BTC, "lot", 0.001), (BTC, "tick", 0.1), (ETH, "tick", 0.01)]
    assert known_facts(lake, [ETH], at=MAY)["symbol"].to_list() == [ETH]


def test_only_what_is_new_is_stored_and_the_past_stays(lake: Lake) -> None:
    store_facts(lake, told(0.1, 0.001), source="s", recorded_at=MAY)
    version = tables.version(lake.root, "facts")
    assert store_facts(lake, told(0.1, 0.001), source="s", recorded_at=JUNE) == 0
    assert tables.version(lake.root, "facts") == version
    assert store_facts(lake, told(0.5, 0.001), source="s", recorded_at=JUNE) == 1
    assert known(lake, JUNE) == [(BTC, "lot", 0.001), (BTC, "tick", 0.5)]
    assert known(lake, MAY) == [(BTC, "lot", 0.001), (BTC, "tick", 0.1)]
    assert store_facts(lake, told(0.1), source="s", recorded_at=JUNE + timedelta(days=1)) == 1  # back to what it was


def test_what_is_no_fact_is_refused(lake: Lake) -> None:
    for rows, why in (
        (told(0.0), "tick of BINANCE:BTCUSDT is 0.0"),
        (told(float("inf")), "is inf; one number above zero"),
        (pl.concat([told(0.1), told(0.2)]), "is 0.1; one number"),
        (told(0.1, symbol="NOWHERE:X"), "exchange 'NOWHERE'"),
    ):
        with pytest.raises(DataError, match=why):
            store_facts(lake, rows, source="s", recorded_at=MAY)
    assert not lake.root.exists()
