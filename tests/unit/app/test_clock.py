import itertools
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from tvquant.app.clock import SystemClock


def test_it_tells_utc_and_moves_forward() -> None:
    first, second = SystemClock().now(), SystemClock().now()
    assert first.tzinfo is UTC
    assert timedelta(0) <= second - first < timedelta(seconds=10)


def test_who_sets_the_machines_clock_does_not_move_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count(100.0, 2.5)
    monkeypatch.setattr("tvquant.app.clock.time.monotonic", lambda: next(ticks))
    clock = SystemClock(_since=97.5)

    class SetBack(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime(2000, 1, 1, tzinfo=tz)

    monkeypatch.setattr("tvquant.app.clock.datetime", SetBack)
    assert clock.now() - clock.began == timedelta(seconds=2.5)
    assert clock.now() - clock.began == timedelta(seconds=5)
