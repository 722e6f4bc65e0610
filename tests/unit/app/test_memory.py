"""The largest size that this process had is in bytes, and never below what it holds now."""

from pathlib import Path

import pytest

from tvquant.app.memory import largest_resident

STATUS = Path("/proc/self/status")


@pytest.mark.skipif(not STATUS.exists(), reason="this system does not say what a process holds")
def test_it_is_what_the_system_says_in_bytes() -> None:
    now = next(int(line.split()[1]) * 1024 for line in STATUS.read_text().splitlines() if line.startswith("VmRSS"))
    assert now * 0.99 <= largest_resident() < 100 * now
    assert largest_resident(with_worker=True) >= largest_resident()
