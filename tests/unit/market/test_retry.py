import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from table_provider import run

from tvquant.market.limiter import Limiter
from tvquant.market.providers.contract import (
    Banned,
    Malformed,
    ProviderError,
    RateLimited,
    RateLimits,
    Unavailable,
    UnknownSymbol,
)
from tvquant.market.retry import Backoff, retried

LIMITS = RateLimits(requests_per_second=1000, burst=1000, bars_per_request=1, concurrency=10)


class Answers:
    """Raises or returns what it was given, one after the other, and knows when it was asked."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.times: list[float] = []

    async def __call__(self) -> object:
        self.times.append(asyncio.get_running_loop().time())
        answer = self.answers.pop(0)
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return "late"
        if isinstance(answer, BaseException):
            raise answer
        return answer


async def asked(answers: Answers, backoff: Backoff | None = None, limiter: Limiter | None = None) -> object:
    return await retried(
        answers, limiter=limiter or Limiter(LIMITS), backoff=backoff or Backoff(), random=random.Random(7)
    )


def test_failures_that_may_pass_are_asked_again_after_growing_waits() -> None:
    answers = Answers(Unavailable("503"), Malformed("cut"), Unavailable("dropped"), "rows")
    assert run(asked(answers)) == "rows"
    waits = [b - a for a, b in zip(answers.times, answers.times[1:], strict=False)]
    for wait, most in zip(waits, (0.5, 1.0, 2.0), strict=True):
        assert most / 2 <= wait <= most + 0.01


def test_the_provider_says_how_long_to_wait() -> None:
    answers = Answers(RateLimited("429", retry_after=17.0), "rows")
    run(asked(answers))
    assert 17.0 <= answers.times[1] <= 17.6


def test_a_rate_limit_holds_up_everyone() -> None:
    limiter = Limiter(LIMITS)
    limited, other = Answers(RateLimited("429", retry_after=10.0), "rows"), Answers("rows")

    async def later() -> None:
        await asyncio.sleep(1)
        await asked(other, limiter=limiter)

    async def main() -> None:
        await asyncio.gather(asked(limited, limiter=limiter), later())

    run(main())
    assert other.times[0] >= 10.0


@pytest.mark.parametrize(
    ("failure", "requests"),
    [
        (UnknownSymbol("who?"), 1),
        (Unavailable("503"), 6),
        (Banned("418", until=datetime(2030, 1, 1, tzinfo=UTC), retry_after=86400.0), 1),
    ],
)
def test_it_ends(failure: ProviderError, requests: int) -> None:
    answers = Answers(*[failure] * 20)
    with pytest.raises(type(failure)):
        run(asked(answers))
    assert len(answers.times) == requests


def test_no_answer_in_time_is_a_failure() -> None:
    answers = Answers(100.0, "rows")
    hasty = replace(LIMITS, timeout=5.0)
    assert run(asked(answers, limiter=Limiter(hasty))) == "rows"
    assert 5 < answers.times[1] < 6
    with pytest.raises(Unavailable, match="within 5 s"):
        run(asked(Answers(100.0), Backoff(attempts=1), Limiter(hasty)))


def test_equal_seeds_wait_alike_and_others_do_not() -> None:
    def times(seed: int) -> list[float]:
        answers = Answers(*[Unavailable("503")] * 3, "rows")

        async def main() -> None:
            await retried(answers, limiter=Limiter(LIMITS), backoff=Backoff(), random=random.Random(seed))

        run(main())
        return answers.times

    assert times(1) == times(1)
    assert times(1) != times(2)


def test_waits_are_capped() -> None:
    assert Backoff(cap=30).wait(50, 0.999, None) <= 30
