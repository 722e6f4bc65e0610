from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from table_provider import BTC, TableProvider, run

from tvquant.market.account import accounted
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.providers.contract import Offer
from tvquant.market.tasks import DataTask

SHARE = "NASDAQ:AAPL"
FRIDAY = datetime(2024, 5, 31, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(("depth", "rows", "whole"), [(3, 2, 5), (4, 1, 5), (5, 0, None), (6, 0, None)])
def test_older_bars_are_counted_in_sessions(
    pipeline: DataPipelineOrchestrator, depth: int, rows: int, whole: int | None
) -> None:
    """Five sessions lie between the 24th and the 31st of May 2024: a weekend and Memorial Day are none."""
    days = [FRIDAY - timedelta(days=back) for back in (7, 3, 2, 1, 0)]
    offer = Offer(times={SHARE: pl.Series(days)}, unread={"": (1, "row 7")})
    left = accounted(pipeline, [DataTask(physical_symbol=SHARE, depth=depth)], offer).left
    assert (left.rows, left.total, left.depth, left.deeper) == (rows, 5, whole, (SHARE,) if rows else ())
    assert (left.unread, left.example) == (1, "row 7")


def test_what_is_stored_was_taken(pipeline: DataPipelineOrchestrator, provider: TableProvider) -> None:
    run(pipeline.run([DataTask(physical_symbol=BTC, depth=200)]))
    offer = Offer(times={BTC: provider.tables[BTC]["timestamp"]})
    for depth, rows in ((50, 100), (250, 50)):
        assert accounted(pipeline, [DataTask(physical_symbol=BTC, depth=depth)], offer).left.rows == rows


def test_who_does_not_tell_may_have_older_bars_until_its_genesis_is_known(pipeline: DataPipelineOrchestrator) -> None:
    for depth, deeper in ((200, (BTC,)), (400, ())):
        task = DataTask(physical_symbol=BTC, depth=depth)
        run(pipeline.run([task]))
        assert accounted(pipeline, [task], None).left.deeper == deeper
