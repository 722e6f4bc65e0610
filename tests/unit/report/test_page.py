"""Pages of figures and a table."""

from tvquant.report.figures import axis, figure
from tvquant.report.page import page_of

NASTY = "<script>alert(1)</script>"


def test_every_word_is_escaped() -> None:
    drawn = figure(
        "key", NASTY, [{"name": "</script>" + NASTY, "x": [1], "y": [2]}], xaxis=axis(NASTY), yaxis=axis("y")
    )
    html = page_of(title=NASTY, summary=NASTY, figures=[drawn], head=[NASTY], rows=[[NASTY]], nothing="Nothing at all.")
    assert NASTY not in html
    assert html.count("<script") == html.count("</script>") == 4  # the figure's values, and three of the page's own
    assert "Nothing at all." not in html


def test_without_rows_it_says_what_that_means() -> None:
    html = page_of(title="t", summary="s", figures=[], head=["a"], rows=[], nothing="Nothing at all.")
    assert "Nothing at all." in html
    assert "<table>" not in html
