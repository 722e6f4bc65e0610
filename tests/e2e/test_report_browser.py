"""The report of the demo in a real browser, opened from disk."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FIGURES = (
    "equity", "annual", "rolling_sharpe", "rolling_volatility", "rolling_beta", "contribution", "exposure", "cash",
    "weights", "costs", "turnover", "funnel", "vetoes", "correlation",
)  # fmt: skip
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--virtual-time-budget=8000",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

pytestmark = pytest.mark.xdist_group("demo")


def dumped(page: Path, profile: Path) -> str:
    """The document after its scripts have run."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium on PATH")
    command = [browser, *QUIET, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def test_every_figure_is_drawn_and_the_headline_is_there(demo: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    _, said = demo
    html = dumped(Path(said["report"]), tmp_path / "browser")
    assert "data-script-error" not in html
    drawn = re.findall(r'id="figure-(\w+)"[^>]*>(.*?)<script type="application/json"', html, re.S)
    assert tuple(key for key, _ in drawn) == FIGURES
    for key, inside in drawn:
        assert 'class="main-svg"' in inside, key
        assert inside.count("<path") > 5, key
        assert "ytitle" in inside, key
    for words in ("not yet tested for selection bias", "Against base_universe_ew", said["run"]):
        assert words in html


def test_without_its_script_the_page_says_what_it_needs(demo: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    _, said = demo
    page = Path(shutil.copy(said["report"], tmp_path / "index.html"))
    html = dumped(page, tmp_path / "browser")
    assert "data-script-error" in html
    assert html.count("This figure needs the file plotly.min.js beside this page.</div>") == len(FIGURES)
