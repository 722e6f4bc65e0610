from datetime import UTC, date, datetime

import pytest

from tvquant.app.cli.data_sync import _day
from tvquant.core.errors import ProfileError

NOW = datetime(2022, 6, 20, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "day"), [("2022-06-20", date(2022, 6, 20)), ("2019", date(2019, 1, 1)), ("2022", date(2022, 1, 1))]
)
def test_a_day_that_has_begun_is_taken(text: str, day: date) -> None:
    assert _day(text, NOW) == day


@pytest.mark.parametrize("text", ["2022-06-21", "2023", "2022-02-30", "22", "", "2022-06-20T00:00"])
def test_no_other_is(text: str) -> None:
    with pytest.raises(ProfileError, match=r"^--from "):
        _day(text, NOW)
