"""How the kernel is compiled. Importing this module imports numba.

A cache on disk is renewed when the file of its function changes, and a function is compiled together with the parts and
constants that it takes from other files. So what is made of several files closes over `SOURCES`, for what a function
closes over is part of its key in the cache: a change of any of them makes it another key.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from numba import njit
from numba.np import linalg

SOURCES = int.from_bytes(
    sha256(b"".join(one.read_bytes() for one in sorted(Path(__file__).parent.glob("*.py")))).digest()[:7]
)
"""Digest of the files of this room, above 0."""


def load_array_functions() -> None:
    """Import numba's functions of arrays, and not scipy, which numba imports then only to see whether it is there.

    That takes .13 s of each process, and no kernel here multiplies matrices; one that did would import it when it is
    compiled. A numba that asks by another name imports it as ever.
    """
    if not hasattr(linalg, "ensure_blas"):
        return
    asked = linalg.ensure_blas
    linalg.ensure_blas = lambda: None
    try:
        import numba.np.arraymath  # noqa: F401  # for what it registers
    finally:
        linalg.ensure_blas = asked


load_array_functions()


def compiled[F: Callable[..., Any]](function: F) -> F:
    """Compile a function that Python calls: cached on disk, in IEEE arithmetic (no fastmath)."""
    return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))


LINKED = MappingProxyType({"nogil": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True})
"""How what only compiled code calls is compiled."""


def part[F: Callable[..., Any]](function: F) -> F:
    """Compile a function that only compiled ones call; it is linked into them and cached with them."""
    return cast(F, cast(Any, njit)(**LINKED)(function))


def inlined[F: Callable[..., Any]](function: F) -> F:
    """Compile a part into the code that calls it: for parts of a row, to which handing over many arrays takes longest.

    Each place that calls it is compiled longer for it.
    """
    return cast(F, cast(Any, njit)(**LINKED, forceinline=True)(function))
