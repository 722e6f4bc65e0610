import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_provider import run

from tvquant.market.limiter import Limiter
from tvquant.market.providers.contract import RateLimited, RateLimits


def limits(rate: float, burst: int, concurrency: int = 50) -> RateLimits:
    return RateLimits(requests_per_second=rate, burst=burst, bars_per_request=1, concurrency=concurrency)


async def sent(limiter: Limiter, waits: list[float]) -> list[float]:
    """When requests passed that were asked for after such waits."""
    loop, times = asyncio.get_running_loop(), []

    async def one(wait: float) -> None:
        await asyncio.sleep(wait)
        async with limiter.request():
            times.append(loop.time())

    await asyncio.gather(*(one(wait) for wait in waits))
    return times


@settings(max_examples=30)
@given(rate=st.floats(0.5, 100), burst=st.integers(1, 20), waits=st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_no_span_of_time_has_more_requests_than_a_bucket_of_that_rate_allows(
    rate: float, burst: int, waits: list[float]
) -> None:
    times = sorted(run(sent(Limiter(limits(rate, burst)), waits)))
    for i, first in enumerate(times):
        for j in range(i, len(times)):
            assert j - i + 1 <= burst + rate * (times[j] - first) + 1e-6


def test_the_rate_is_nearly_used() -> None:
    times = run(sent(Limiter(limits(10, 5)), [0.0] * 104))
    assert times[-1] == pytest.approx(100 / 9.5)


def test_who_is_asked_to_wait_for_longer_than_anybody_does_is_refused_and_not_kept_waiting() -> None:
    async def held(seconds: float) -> float:
        limiter = Limiter(limits(10, 5))
        limiter.hold(seconds)
        (passed,) = await sent(limiter, [0.0])
        return passed

    assert run(held(600.0)) == pytest.approx(600.0)
    with pytest.raises(RateLimited, match="another 601 s") as told:
        run(held(601.0))
    assert told.value.retry_after == pytest.approx(601.0)


def test_open_requests_are_bounded() -> None:
    limiter, now, most = Limiter(limits(1000, 1000, concurrency=3)), 0, 0

    async def one() -> None:
        nonlocal now, most
        async with limiter.request():
            now += 1
            most = max(most, now)
            await asyncio.sleep(1)
            now -= 1

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(10)))

    run(all_of_them())
    assert most == 3


def test_a_hold_stops_everyone() -> None:
    limiter = Limiter(limits(100, 10))

    async def main() -> list[float]:
        limiter.hold(30)
        return await sent(limiter, [0.0, 0.0, 40.0])

    first, second, third = run(main())
    assert (first, third) == (pytest.approx(30), pytest.approx(40))
    assert 30 <= second < 31
