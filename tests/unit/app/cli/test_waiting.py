"""`--wait` with and without seconds."""

import pytest

from tvquant.app.cli.waiting import with_seconds


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("run p", "run p"),
        ("run --wait p", "run --wait=inf p"),
        ("run p --wait", "run p --wait=inf"),
        ("run --wait 2.5 p", "run --wait=2.5 p"),
        ("run --wait 1.2.3", "run --wait=inf 1.2.3"),
        ("run --wait --jobs 2", "run --wait=inf --jobs 2"),
        ("run --wait=7 p", "run --wait=7 p"),
        ("rm -- --wait 3", "rm -- --wait 3"),
    ],
)
def test_a_number_behind_it_is_its_seconds(words: str, read: str) -> None:
    assert with_seconds(words.split()) == read.split()
