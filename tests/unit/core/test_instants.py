from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from tvquant.core.instants import instant, moment

NOON = datetime(2024, 6, 1, 12, 0, 0, 5, tzinfo=UTC)


def test_instants_and_moments_are_the_same_times() -> None:
    assert instant(NOON) == np.datetime64("2024-06-01T12:00:00.000005", "us")
    assert moment(instant(NOON)) == NOON
    assert moment(np.datetime64("2024-06-01")) == datetime(2024, 6, 1, tzinfo=UTC)


def test_a_moment_of_another_zone_is_the_same_instant() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert instant(elsewhere) == instant(NOON)
    assert moment(instant(elsewhere)).tzinfo is UTC


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a datetime with a zone"):
        instant(NOON.replace(tzinfo=None))
