import pytest

from tvquant.core.errors import DataError, LedgerError, ModelError, ProfileError, TvquantError


@pytest.mark.parametrize(
    ("kind", "code"), [(LedgerError, 1), (ProfileError, 2), (DataError, 3), (ModelError, 4), (TvquantError, 70)]
)
def test_exit_codes_say_who_must_act(kind: type[TvquantError], code: int) -> None:
    error = kind("profiles/a.yaml: train must be >= 1, found 0")
    assert error.exit_code == code
    assert str(error) == "profiles/a.yaml: train must be >= 1, found 0"
    assert isinstance(error, TvquantError)


def test_one_catch_does_not_take_another_kind() -> None:
    kinds = (ProfileError, DataError, ModelError, LedgerError)
    assert not any(issubclass(a, b) for a in kinds for b in kinds if a is not b)


def test_only_the_world_may_be_tried_again() -> None:
    assert not DataError("no such file").retryable
    assert DataError("locked", retryable=True).retryable
