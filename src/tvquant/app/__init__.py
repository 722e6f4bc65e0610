"""All wiring: the workspace, the stages of a run, the commands. Only this room and `market` know the outside."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

# Both must be set before numpy and numba are imported, hence here.
# Equal bytes for any number of processes need one BLAS thread each.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"


def user_cache() -> Path:
    """Return the user's cache directory for tvquant: compiled kernels, the only thing written outside a workspace."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tvquant"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "tvquant" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tvquant"


def _cache_refused() -> str | None:
    """Give compiled kernels their folder; why that cannot be written, when a folder of this process stands in for it.

    Worker processes find that folder in the environment; it goes when this process ends.
    """
    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or user_cache() / "numba")
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        passing = tempfile.mkdtemp(prefix="tvquant-kernels-")
        atexit.register(shutil.rmtree, passing, ignore_errors=True)
        os.environ["NUMBA_CACHE_DIR"] = passing
        return f"{folder}: {error.strerror}"


CACHE_REFUSED = _cache_refused()
"""Why compiled kernels are not kept; None where they are."""
