"""How late figures are."""

import pytest

from tvquant.market.update_modes import seconds_late


@pytest.mark.parametrize(
    ("mode", "seconds"),
    [
        ("delayed_streaming_900", 900),
        ("delayed_streaming_0", 0),
        ("streaming", None),
        ("endofday", None),
        ("delayed_streaming_", None),
        ("delayed_streaming_9999999", None),
        ("delayed_streaming_٩", None),
        (None, None),
        (900, None),
    ],
)
def test_only_its_own_word_tells_seconds(mode: object, seconds: int | None) -> None:
    assert seconds_late(mode) == seconds
