"""The picture of the house is what its generator makes of the imports as they are."""

import subprocess
import sys

from sources import ROOT


def test_the_picture_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "house.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
