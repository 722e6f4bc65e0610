"""The report of the demo in a real browser, opened from disk."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tvquant.app.cli import main

FIGURES = (
    "equity", "annual", "rolling_sharpe", "rolling_volatility", "rolling_beta", "regime", "contribution",
    "attribution", "exposure", "cash", "synthetic_gap", "weights", "costs", "turnover", "friction_slippage",
    "friction_timing", "funnel",
    "flow", "vetoes", "waterfall_1", "waterfall_2", "waterfall_3", "steady", "alike", "concentration", "expected",
    "correlation",
)  # fmt: skip
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--virtual-time-budget=8000",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip

PROOF, RENEWED = bool(os.environ.get("TVQUANT_PROOF")), bool(os.environ.get("TVQUANT_RENEW_PICTURE"))
PICTURE = Path(__file__).parents[2] / "docs" / "images" / "report.png"

pytestmark = pytest.mark.xdist_group("demo")


def dumped(page: Path, profile: Path, *more: str) -> str:
    """The document after its scripts have run."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium on PATH")
    command = [browser, *QUIET, *more, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def html(demo: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The demo's page as a browser has it."""
    return dumped(Path(demo[1]["report"]), tmp_path_factory.mktemp("browser"))


def test_every_figure_is_drawn_and_the_headline_is_there(demo: tuple[Path, dict[str, Any]], html: str) -> None:
    _, said = demo
    assert "data-script-error" not in html
    drawn = re.findall(r'id="figure-(\w+)"[^>]*>(.*?)<script type="application/json"', html, re.S)
    assert tuple(key for key, _ in drawn) == FIGURES
    for key, inside in drawn:
        assert 'class="main-svg"' in inside, key
        assert inside.count("<path") > 5, key
        assert "ytitle" in inside or key == "flow", key
    for words in ("not yet tested for selection bias", "Against base_universe_ew", said["run"]):
        assert words in html


def test_trades_are_shown_a_page_at_a_time_from_what_is_packed(html: str) -> None:
    """The last page of them, read out of the file that the button gives."""
    box = html[html.index('data-paged="trades"') :].split("</div>\n<p", 1)[0]
    rows = re.findall(r"<tr>(<td.*?)</tr>", box.split("<tbody>")[1], re.S)
    assert 0 < len(rows) <= 25
    assert all(re.match(r'<td class="word">\d{4}-\d\d-\d\d</td><td class="word">\w+:\w+</td>', row) for row in rows)
    assert re.search(r"rows [\d,]+ to (\d+) of \1; numbers at six digits", html)


def test_on_a_telephone_no_page_is_wider_than_the_screen(demo: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """Of 390 px, in frames, as a window of this browser is never that narrow; what is wider scrolls within itself."""
    home, said = demo
    assert main(["runs", "diff", said["run"], said["run"], "--html", "-w", str(home)]) == 0
    (compared,) = (home / "artifacts" / "summaries" / "comparisons").glob("*.html")
    frames = "".join(
        f'<iframe src="{page.as_uri()}" width="390" height="800" frameborder="0" onload="this.dataset.found = '
        "[this.contentWindow.innerWidth, this.contentDocument.documentElement.scrollWidth, "
        "this.contentDocument.querySelectorAll('.main-svg').length > 0]\"></iframe>"
        for page in (Path(said["report"]), compared, Path(said["report"]).with_name("forensic.html"))
    )
    every = tmp_path / "every.html"
    every.write_text(f"<!doctype html><body>{frames}</body>")
    html = dumped(every, tmp_path / "browser", "--allow-file-access-from-files", "--hide-scrollbars")
    assert re.findall(r'data-found="([^"]*)"', html) == ["390,390,true"] * 2 + ["390,390,false"]


def test_the_picture_of_the_readme_is_one_of_the_demo(demo: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """`TVQUANT_RENEW_PICTURE=1 pytest tests/e2e/test_report_browser.py` takes docs/images/report.png anew.

    The proof takes one too and throws it away; the gate looks at the picture that is there.
    """
    pictures = {PICTURE}
    if PROOF or RENEWED:
        picture = PICTURE if RENEWED else tmp_path / "report.png"
        pictures.add(picture)
        browser = shutil.which("chromium")
        if browser is None:
            pytest.skip("no chromium on PATH")
        where = (f"--user-data-dir={tmp_path / 'browser'}", f"--screenshot={picture}", "--window-size=1280,2420")
        words = [browser, *QUIET, "--hide-scrollbars", *where, Path(demo[1]["report"]).as_uri()]
        subprocess.run(words, capture_output=True, timeout=120, check=True)
    for one in pictures:
        head = one.read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (1280, 2420)


def test_without_its_script_the_page_says_what_it_needs(demo: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    _, said = demo
    page = Path(shutil.copy(said["report"], tmp_path / "index.html"))
    html = dumped(page, tmp_path / "browser")
    assert "data-script-error" in html
    assert html.count("This figure needs the file plotly.min.js beside this page.</div>") == len(FIGURES)
