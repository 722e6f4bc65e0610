"""Garbage is looked for seldom while a block runs, or by a process of our own; never more often than it was."""

import gc
import subprocess
import sys

import pytest

from tvquant.core.garbage import SELDOM, collected_seldom


@pytest.mark.parametrize(("before", "within"), [((700, 10, 10), SELDOM), ((60_000, 5, 5), 60_000), ((0, 10, 10), 0)])
def test_garbage_is_looked_for_seldom_while_the_block_runs(before: tuple[int, int, int], within: int) -> None:
    usual = gc.get_threshold()
    gc.set_threshold(*before)
    try:
        with collected_seldom():
            assert gc.get_threshold() == (within, *before[1:])
        assert gc.get_threshold() == before
    finally:
        gc.set_threshold(*usual)


def test_commands_set_it_for_their_process_and_the_library_leaves_that_of_others() -> None:
    code = (
        "import gc; usual = gc.get_threshold()[0]; import tvquant, tvquant.app\n"
        "print(gc.get_threshold()[0] == usual); import tvquant.app.cli; print(gc.get_threshold()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", str(SELDOM)]
