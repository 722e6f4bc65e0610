"""What is found once, and by whoever shares with nobody."""

from tvquant.core.once import alone


def test_who_shares_with_nobody_computes_each_time() -> None:
    made = iter((1, 2))
    assert [alone("key", lambda: next(made)) for _ in range(2)] == [1, 2]
