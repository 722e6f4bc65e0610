"""Memory that a file would take once it is decoded, against what the machine has left."""

from pathlib import Path

from tvquant.core.errors import DataError

COPIES = 3
"""Times that the rows of a file are in memory while they are judged: as read, as typed, as sorted."""
_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def check_fits(path: Path, content: str, decoded: int) -> None:
    """Refuse a file whose content, of so many bytes once decoded, would not fit.

    Raises
    ------
    DataError : it would not.
    """
    needed, left = decoded * COPIES, available()
    if needed > left:
        found = f"{path}: its {content} would take about {needed / 2**30:,.1f} GiB of memory"
        raise DataError(f"{found}, and {left / 2**30:,.1f} are left; split the file, by symbols or by years")


def available() -> int:
    """Return bytes that this process may still take: of the machine, and of its own limits."""
    import resource

    limits = [_machine(), _group()]
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        limits.append(soft)
    return max(0, min(limits))


def _machine() -> int:
    import os

    try:
        lines = _MEMINFO.read_text("ascii").splitlines()
    except OSError:  # not Linux: all of it, as what is free is not told
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")) * 1024


def _group() -> int:
    """Return what the group of this process (a container) may still take."""
    try:
        most, now = ((_GROUP / name).read_text("ascii").strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return _machine()
    return _machine() if most == "max" else int(most) - int(now)
