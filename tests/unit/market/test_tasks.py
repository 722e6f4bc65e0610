import pytest

from tvquant.core.errors import ProfileError
from tvquant.market.tasks import DataTask, merged

BTC, ETH = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT"


@pytest.mark.requirement("R-DAT-18")
def test_tasks_for_the_same_bars_are_equal_and_merge_to_the_larger_demand() -> None:
    plain = DataTask(physical_symbol=BTC, depth=500, reason="prepare")
    forced = DataTask(physical_symbol=BTC, depth=90, force_sync=True, reason="repair; prepare", attempt=1)
    assert plain == forced
    assert len({plain, forced}) == 1
    both = plain.merged_with(forced)
    assert (both.depth, both.force_sync, both.reason, both.attempt) == (500, True, "prepare; repair", 1)
    assert (plain.depth, plain.force_sync) == (500, False)


def test_another_interval_is_another_task() -> None:
    daily, short = DataTask(physical_symbol=BTC), DataTask(physical_symbol=BTC, interval="4h")
    assert daily != short
    with pytest.raises(ValueError, match="cannot be merged"):
        daily.merged_with(short)


@pytest.mark.requirement("R-DAT-17")
def test_many_requests_for_an_asset_become_one() -> None:
    tasks = [DataTask(physical_symbol=name, depth=depth) for name, depth in ((ETH, 1), (BTC, 5), (ETH, 9), (BTC, 2))]
    assert [(one.physical_symbol, one.depth) for one in merged(tasks)] == [(ETH, 9), (BTC, 5)]


def test_a_depth_of_nothing_is_refused() -> None:
    with pytest.raises(ProfileError, match="at least 1 bar"):
        DataTask(physical_symbol=BTC, depth=0)
