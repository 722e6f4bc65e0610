"""Kernels of the simulator `vectorbt`, as a profile names them."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, Literal, override

from tvquant.core.errors import ProfileError
from tvquant.profiles.options import Options

RUST = "vectorbt_rust"
NO_RUST = "rust is not installed; install tvquant[simulators], or take numba"


class Engine(Options):
    """Which kernels of vectorbt play.

    Parameters
    ----------
    engine : `rust`, compiled beforehand, or `numba`, whose first book of a machine takes some ten seconds to compile.
    """

    under = "vectorbt"
    engine: Literal["rust", "numba"] = "rust"

    @override
    def complaints(self, profile: Any) -> Iterator[tuple[str, str]]:
        """Yield that the chosen kernels are not installed."""
        if self.missing:
            yield "engine", NO_RUST

    @property
    def missing(self) -> bool:
        """Whether the chosen kernels are not installed."""
        return self.engine == "rust" and find_spec(RUST) is None

    def kernels(self) -> str:
        """Return the kernels that play; ProfileError where they are not installed."""
        if self.missing:
            raise ProfileError(f"execution.vectorbt.engine: {NO_RUST}")
        return self.engine
