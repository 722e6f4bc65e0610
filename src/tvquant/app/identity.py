"""Identity: the digests that name a plan, and the ids that name runs.

*Plan digest* = resolved profile + snapshot content + source files + installed dependencies (with their seed in the
profile). Two runs with equal plan digests have equal result digests on one machine. A run id is a directory.
"""

import secrets
import sys
from datetime import datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from tvquant.core.digests import digest_bytes, digest_json

PACKAGE = Path(__file__).resolve().parents[1]
SOURCES = ("*.py", "*.yaml", "*.csv", "*.html", "*.md")


@cache
def source_digest() -> str:
    """Return digest of every source file of the package, by its path inside it."""
    files = sorted(p for pattern in SOURCES for p in PACKAGE.rglob(pattern))
    return digest_bytes(*(part for p in files for part in (p.relative_to(PACKAGE).as_posix().encode(), p.read_bytes())))


@cache
def environment() -> dict[str, str]:
    """Return Python and the installed versions of everything tvquant declares.

    A wheel has no lock, so this replaces it.
    """
    found = {"python": sys.version.split()[0]}
    for requirement in metadata.requires("tvquant") or ():
        name = requirement.split(";")[0].split("[")[0].split(">")[0].split("=")[0].strip()
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def code() -> dict[str, str]:
    """Return what every worker of a run must have alike: Python, and tvquant's own source files."""
    return {"Python": environment()["python"], "tvquant's source files": source_digest()[:16]}


def plan_digest(*, profile: str, snapshot: str) -> str:
    """Return digest of everything that a result depends on."""
    parts: dict[str, Any] = {
        "profile": profile,
        "snapshot": snapshot,
        "source": source_digest(),
        "environment": environment(),
    }
    return digest_json(parts)


def new_run_id(now: datetime, profile: str) -> str:
    """Start time, profile and six random hex digits."""
    return f"{now:%Y%m%dT%H%M%S}-{profile}-{secrets.token_hex(3)}"
