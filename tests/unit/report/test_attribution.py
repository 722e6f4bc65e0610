"""What logics and directions brought, against the table that it is drawn from."""

import math
import statistics

import polars as pl
import pytest

from tvquant.report.attribution import by_logic
from tvquant.report.blocks import Data, Figure, Table, Text
from tvquant.report.run import read_run

HEADLINE = "v4/custom/hrp/custom"
COSTS = ("slippage", "commission", "borrow", "overdraft", "funding", "cash_yield", "impact")


def table(lines):
    """The result table of (window, part, logic, direction, gross, slippage, level)."""
    names = ("window", "part", "logic", "direction", "gross", "slippage", "level")
    frame = pl.DataFrame(lines, schema=names, orient="row").with_columns(
        *(pl.lit(0.0).alias(kind) for kind in COSTS[1:]),
        cell=pl.lit(HEADLINE), atom=pl.lit("a"), symbol=pl.lit("s"), net=pl.col("gross") - pl.col("slippage"),
    )  # fmt: skip
    return frame


def drawn(run, lines):
    table(lines).write_parquet(run / "results" / "attribution.parquet")
    return by_logic(read_run(run), HEADLINE)


def test_lines_add_up_by_logic_and_direction_with_their_errors(run):
    """Two atoms of one logic in the first window, one in the second; eight windows were filled."""
    blocks = drawn(run, [
        (20, "atom", "hold", "LONG", 0.05, 0.01, 1.0), (20, "atom", "hold", "LONG", 0.02, 0.0, 1.0),
        (40, "atom", "hold", "LONG", -0.01, 0.0, 2.0), (40, "atom", "ma", "SHORT", 0.03, 0.02, 2.0),
        (40, "execution", "", "", 0.004, 0.0, 2.0), (40, "cash", "", "", -0.001, 0.0, 2.0),
    ])  # fmt: skip
    (found,) = (block for block in blocks if isinstance(block, Table))
    assert found.head == ("part", "gross", "slippage", "net", "± SE", "of starting capital", "windows with it")
    net = {"hold long": [0.06, -0.01, *[0.0] * 6], "ma short": [0.0, 0.01, *[0.0] * 6]}
    errors = {name: math.sqrt(8) * statistics.stdev(values) for name, values in net.items()}
    rows = {row[0]: row[1:] for row in found.rows}
    assert list(rows) == ["hold long", "ma short", "execution", "cash", "all"]
    assert rows["hold long"] == ("6.00 %", "1.00 %", "5.00 %", f"{100 * errors['hold long']:.2f} %", "4.00 %", "2")
    assert rows["ma short"] == ("3.00 %", "2.00 %", "1.00 %", f"{100 * errors['ma short']:.2f} %", "2.00 %", "1")
    assert rows["all"][0::2] == ("9.30 %", "6.30 %", "6.60 %")
    (bars,) = (block for block in blocks if isinstance(block, Figure))
    gross, costs, both = bars.spec["data"]
    assert gross["x"] == ["hold long", "ma short", "execution", "cash"]
    assert (gross["y"], costs["y"]) == (pytest.approx([6, 3, 0.4, -0.1]), pytest.approx([-1, -2, 0, 0]))
    assert both["y"] == pytest.approx([5, 1, 0.4, -0.1])


def test_of_a_run_it_is_the_total_return(run):
    data = read_run(run)
    blocks = by_logic(data, HEADLINE)
    (found,) = (block for block in blocks if isinstance(block, Table))
    (frame,) = (block.frame for block in blocks if isinstance(block, Data))
    whole = next(row for row in data.rows() if row["cell"] == HEADLINE)["total_return"]
    assert (frame["net"] * frame["level"]).sum() == pytest.approx(whole, abs=1e-10)
    assert found.rows[-1][-2] == f"{100 * whole:.2f} %"
    assert "8 windows" in next(block.text for block in blocks if isinstance(block, Text))


def test_a_cell_without_atoms_has_nothing(run):
    assert by_logic(read_run(run), "base_universe_ew/custom") == ()
