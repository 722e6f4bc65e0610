"""What commands say beside their answer."""

import pytest
from numba import njit

from tvquant.app.cli import console


def compiled_now() -> None:
    """Compile two functions, of which one compiles the other."""

    @njit
    def inner(x: float) -> float:
        return x + 1.0

    @njit
    def outer(x: float) -> float:
        return 2.0 * inner(x)

    assert outer(1.0) == 4.0


def test_long_compiling_is_said_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(console, "COMPILING", 0.0)
    with console.compiling_told():
        compiled_now()
        compiled_now()
    assert capsys.readouterr().err.count("compiling kernels") == 1
    compiled_now()
    assert capsys.readouterr().err == ""


def test_short_compiling_is_not_worth_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "COMPILING", 60.0)
    with console.compiling_told():
        compiled_now()
    assert capsys.readouterr().err == ""
