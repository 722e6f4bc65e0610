"""The friction section against the audit that it is drawn from."""

import polars as pl
import pytest

from tvquant.report.blocks import Facts, Figure, Table, Text
from tvquant.report.run import read_run
from tvquant.report.sections.friction import FRICTION
from tvquant.tournament.friction import LADDER, LAGS

HEADLINE = "v4/custom/hrp/custom"


def edit(run, *columns):
    path = run / "results" / "friction.parquet"
    pl.read_parquet(path).with_columns(*columns).write_parquet(path)


def drawn(run):
    return FRICTION.draw(read_run(run))


def of(kind, blocks):
    return [block for block in blocks if isinstance(block, kind)]


def only(group, value=None):
    """Rows of the headline in a group."""
    found = (pl.col("cell") == HEADLINE) & (pl.col("group") == group)
    return found if value is None else found & (pl.col("value") == value)


def setting(column, of_rows):
    """A column with other values in some rows: (rows, value) ..."""
    found = pl.col(column)
    for rows, value in of_rows:
        found = pl.when(rows).then(pl.lit(value)).otherwise(found)
    return found.alias(column)


@pytest.mark.requirement("R-SIM-06")
def test_five_and_ten_points_stand_in_two_columns_with_their_difference(run):
    edit(
        run,
        setting("cagr", [(only("slippage", "5"), 0.10), (only("slippage", "10"), 0.09)]),
        setting("turnover", [(only("slippage", "5"), 4.0), (only("slippage", "10"), 4.01)]),
        setting("traded", [(only("slippage", "5"), 8.0)]),
    )
    table = of(Table, drawn(run))[0]
    rows = {row[0]: row[1:] for row in table.rows}
    assert table.head[1:] == ("slippage 5 bps", "slippage 10 bps", "difference")
    assert rows["CAGR"] == ("10.00 %", "9.00 %", "-1.00 %")
    assert rows["turnover per year, one-way"] == ("400.00 %", "401.00 %", "1.00 %")
    assert rows["of it 5 bps x traded value"][-1] == "-0.40 %"


@pytest.mark.requirement("R-SIM-05")
@pytest.mark.requirement("R-SIM-04")
def test_every_book_has_its_row(run):
    data = read_run(run)
    blocks = FRICTION.draw(data)
    _, costs, timing = of(Table, blocks)
    assert [row[1:3] for row in costs.rows] == [
        ("5.0", "1.0"), *((f"{bps:.1f}", "1.0") for bps in LADDER), ("10.0", "4.0")
    ]  # fmt: skip
    assert [row[0] for row in timing.rows[: 1 + len(LAGS)]] == [
        "as it is",
        "lag of 0 bars",
        "lag of 1 bar",
        "lag of 2 bars",
    ]
    assert "not played: convention next_open needs" in timing.rows[-3][0]
    assert {row[5] for row in timing.rows} == {"–"}
    assert any("160 rows are fewer than 10 blocks of 20" in text.text for text in of(Text, blocks))
    whole = next(row for row in data.rows() if row["cell"] == HEADLINE)
    assert costs.rows[0][3] == timing.rows[0][1] == f"{100 * whole['cagr']:.2f} %"
    assert costs.rows[0][-1] == timing.rows[0][-1] == "160"


def test_why_there_is_no_interval_is_not_said_of_a_span_that_is_long_enough(run):
    edit(run, setting("rows", [(only("as_is"), 200)]))
    said = [text.text for text in of(Text, drawn(run))]
    assert not any("fewer than" in text for text in said)
    assert any("no book of other timing was played that differs" in text for text in said)


def test_break_even_is_told_alone_and_against_the_best_baseline(run):
    """Growth falls from 3 % by a point per 5 bps, the best baseline's from 2 % by half of that."""
    baseline = (pl.col("cell") == "base_universe_ew/custom") & (pl.col("group") == "slippage")
    edit(
        run,
        pl.when(only("slippage")).then(0.03 - 0.002 * pl.col("slippage_bps"))
        .when(baseline).then(0.02 - 0.001 * pl.col("slippage_bps"))
        .when(pl.col("group") == "slippage").then(-1.0).otherwise(pl.col("log_growth")).alias("log_growth"),
    )  # fmt: skip
    edit(run, setting("log_growth", [
        ((pl.col("group") == "as_is") & (pl.col("cell") != HEADLINE), 0.001),
        ((pl.col("group") == "as_is") & (pl.col("cell") == "base_universe_ew/custom"), 0.02),
    ]))  # fmt: skip
    blocks = drawn(run)
    cards = dict(of(Facts, blocks)[0].pairs)
    assert cards["break-even slippage"] == "15.0 bps"
    assert cards["no edge over base_universe_ew from"] == "10.0 bps"
    said = (
        "Slippage of 15.0 bps leaves nothing of the growth. Slippage of 10.0 bps leaves nothing of an edge over "
        "base_universe_ew, the best baseline, where both pay the same."
    )
    assert said in [text.text for text in of(Text, blocks)]


@pytest.mark.parametrize(
    ("growth", "card", "words"),
    [(0.5, "> 100 bps", "At the highest slippage of the ladder something is left of the growth."),
     (-0.5, "none", "The book does not grow, even without slippage."),
     (None, "–", "It is not known at which slippage nothing is left of the growth.")],
)  # fmt: skip
def test_where_no_rung_is_the_end_that_is_said(run, growth, card, words):
    edit(run, setting("log_growth", [(only("slippage"), growth)]))
    blocks = drawn(run)
    assert dict(of(Facts, blocks)[0].pairs)["break-even slippage"] == card
    assert any(text.text.startswith(words) for text in of(Text, blocks))


def test_capacity_is_a_curve_or_the_reason_that_there_is_none(run):
    reasons = [text.text for text in of(Text, drawn(run)) if text.tone == "missing"]
    assert len(reasons) == 1
    why = "costs.impact is measured of volumes, and this panel has none: it can only be 0"
    assert reasons[0] == f"Capacity is not known: {why}."
    sizes = pl.col("nav").log10()
    played = only("nav")
    edit(
        run,
        pl.when(played).then(None).otherwise(pl.col("why")).alias("why"),
        pl.when(played).then(0.20 - 0.05 * (sizes - 5.0)).otherwise(pl.col("cagr")).alias("cagr"),
        pl.when(played).then(0.20 - 0.05 * (sizes - 5.0)).otherwise(pl.col("log_growth")).alias("log_growth"),
    )
    blocks = drawn(run)
    (curve,) = (block for block in of(Figure, blocks) if block.key == "friction_capacity")
    assert curve.spec["data"][1]["y"][0] == pytest.approx(20.0)
    assert curve.spec["data"][1]["x"][0] == 1e5
    assert any("half of the growth of 100 k is left at 10 m, none at 1 bn" in text.text for text in of(Text, blocks))
    edit(run, pl.when(played).then(0.20).otherwise(pl.col("log_growth")).alias("log_growth"))
    assert any("is left at 10 bn, some is still left at 10 bn" in text.text for text in of(Text, drawn(run)))


def test_intervals_are_drawn_where_there_are_some(run):
    later = only("lag", "1")
    found = (("mean_difference", -0.02), ("mean_difference_se", 0.01), ("low", -0.05), ("high", 0.004))
    edit(run, *(setting(name, [(later, value)]) for name, value in found))
    blocks = drawn(run)
    assert of(Table, blocks)[2].rows[2][3:6] == ("-2.00 %", "1.00 %", "[-5.00, 0.40] %")
    (trace,) = next(block for block in of(Figure, blocks) if block.key == "friction_timing").spec["data"]
    assert (trace["y"], trace["x"]) == (["lag of 1 bar"], [-2.0])
    assert (trace["error_x"]["array"], trace["error_x"]["arrayminus"]) == ([2.4], [3.0])


def test_a_book_that_was_ruined_says_so(run):
    edit(run, setting("status", [(only("slippage", "100"), "liquidated")]))
    assert of(Table, drawn(run))[1].rows[6][0] == "slippage (liquidated)"


def test_a_measured_spread_and_tiers_are_no_figure_of_the_book_as_it_is(run):
    edit(run, *(setting(name, [(only("as_is"), None)]) for name in ("slippage_bps", "commission_bps")))
    costs = of(Table, drawn(run))[1]
    assert costs.rows[0][1:3] == ("measured", "by tier")
    assert costs.rows[1][1:3] == ("0.0", "1.0")
