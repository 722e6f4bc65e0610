from datetime import UTC, timedelta

from tvquant.app.clock import SystemClock


def test_it_tells_utc_and_moves_forward() -> None:
    first, second = SystemClock().now(), SystemClock().now()
    assert first.tzinfo is UTC
    assert timedelta(0) <= second - first < timedelta(seconds=10)
