"""All wiring: the workspace, the stages of a run, the commands. Only this room and `market` know the outside."""

import os
import sys
from pathlib import Path

# Both must stand before numpy and numba are imported, hence here.
# Equal bytes for any number of processes need one BLAS thread each.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"


def user_cache() -> Path:
    """The user's cache directory for tvquant: compiled kernels, the only thing written outside a workspace."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tvquant"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "tvquant" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tvquant"


os.environ.setdefault("NUMBA_CACHE_DIR", str(user_cache() / "numba"))
