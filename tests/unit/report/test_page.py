"""Pages of figures and a table."""

from tvquant.report.figures import axis, figure
from tvquant.report.page import page_of

NASTY = "<script>alert(1)</script>"


def test_every_word_is_escaped() -> None:
    drawn = figure(
        "key", NASTY, [{"name": "</script>" + NASTY, "x": [1], "y": [2]}], xaxis=axis(NASTY), yaxis=axis("y")
    )
    html = page_of(title=NASTY, summary=NASTY, figures=[drawn], head=[NASTY], rows=[[NASTY]], nothing="none")
    assert NASTY not in html
    assert "</script><script>" not in html.replace("</script>\n<script>", "")
    assert "none" not in html.split("<body>")[1].split("<script>")[0]


def test_without_rows_it_says_what_that_means() -> None:
    html = page_of(title="t", summary="s", figures=[], head=["a"], rows=[], nothing="Nothing at all.")
    assert "Nothing at all." in html
    assert "<table>" not in html
