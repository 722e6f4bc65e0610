"""The section on atoms: purity, gates, and the decided streams beside the book."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tvquant.ledger.recorded_parts import Absent
from tvquant.report.blocks import Block, Figure, Table, Text
from tvquant.report.formatting import count, number, percent
from tvquant.report.run import read_run
from tvquant.report.sections.atoms import ATOMS
from tvquant.statistics import market_model

HEADLINE = "v4/custom/hrp/custom"


def edit(run: Path, table: str, *columns: pl.Expr) -> None:
    path = run / "results" / f"{table}.parquet"
    pl.read_parquet(path).with_columns(*columns).write_parquet(path)


def windows(run: Path) -> pl.DataFrame:
    return pl.read_parquet(run / "results" / "windows.parquet").filter(pl.col("cell") == HEADLINE)


def blocks(run: Path) -> tuple[Block, ...]:
    return ATOMS.draw(read_run(run))


def tables(run: Path) -> list[Table]:
    return [one for one in blocks(run) if isinstance(one, Table)]


@pytest.mark.requirement("R-SYN-06")
@pytest.mark.requirement("R-SYN-08")
def test_every_strategy_has_its_purity_net_gross_and_beta(run: Path) -> None:
    first, table = blocks(run)[:2]
    assert isinstance(first, Text)
    assert isinstance(table, Table)
    assert first.text.startswith("Directional purity is 100 %")
    cells = [cell.key for cell in read_run(run).cells if not cell.baseline]
    assert [row[0] for row in table.rows] == cells
    mine, book = next(row for row in table.rows if row[0] == HEADLINE), windows(run)
    atoms = pl.read_parquet(run / "results" / "atoms.parquet").filter(
        (pl.col("cell") == HEADLINE) & (pl.col("weight") > 0)
    )
    assert mine[1] == count(len(atoms)) != "0"
    assert mine[2:5] == ("0", "0", "0")
    assert 0 < int(book["confirmed"].sum()) <= len(atoms)
    held = 1.0 - book["cash"].mean()
    assert mine[6:10] == (percent(1.0), percent(held), percent(book["gross"].mean()), percent(book["net"].mean()))
    returns = pl.read_parquet(run / "results" / "returns.parquet")
    ours, other = (
        returns.filter(pl.col("cell") == name).with_columns(x=pl.col("return") - pl.col("risk_free"))
        for name in (HEADLINE, next(cell.key for cell in read_run(run).cells if cell.baseline))
    )
    both = ours.join(other, on="time")
    found = market_model(both["x"].to_numpy(), both["x_right"].to_numpy())
    assert found is not None
    assert mine[10] == number(found.beta)


def test_a_strategy_without_a_recorded_decision_has_no_figures(run: Path) -> None:
    path = run / "results" / "windows.parquet"
    pl.read_parquet(path).filter(pl.col("cell") != HEADLINE).write_parquet(path)
    _, table = blocks(run)[:2]
    assert isinstance(table, Table)
    mine = next(row for row in table.rows if row[0] == HEADLINE)
    assert mine[6:10] == ("–", "–", "–", "–")


@pytest.mark.requirement("R-SYN-06")
def test_what_is_not_pure_is_a_warning_with_its_figures(run: Path) -> None:
    held = int(windows(run)["contributions"].sum())
    late = pl.col("window") == windows(run)["window"].max()
    only = (pl.col("cell") == HEADLINE) & late
    edit(run, "windows", pl.when(only).then(2).otherwise(0).alias("inverted"),
         pl.when(only).then(1).otherwise(0).alias("contradicted"))  # fmt: skip
    first, table = blocks(run)[:2]
    assert isinstance(first, Text)
    assert isinstance(table, Table)
    assert first.tone == "warning"
    assert "2 lost their sign in flattening and 1 brought money on the other side" in first.text
    mine = next(row for row in table.rows if row[0] == HEADLINE)
    assert mine[6] == percent(1.0 - 3 / held)


def test_streams_stand_beside_the_book_with_their_difference(run: Path) -> None:
    book = windows(run).filter(pl.col("synthetic").is_not_nan())
    gap = (book["gross_return"] - book["synthetic"]).to_numpy()
    np.testing.assert_allclose(book["synthetic_gap"].to_numpy(), gap, atol=1e-15)
    assert (gap != 0.0).all()
    (drawn,) = (one for one in blocks(run) if isinstance(one, Figure))
    assert [line["y"] for line in drawn.spec["data"]] == [
        pytest.approx([100 * x for x in book[name]], rel=1e-5) for name in ("synthetic", "gross_return")
    ]
    rows = tables(run)[-1].rows
    assert rows[2] == ("book less streams", *(percent(float(x), 3) for x in (gap.mean(), gap.min(), gap.max())))
    said = " ".join(one.text for one in blocks(run) if isinstance(one, Text))
    assert f"{percent(float(gap.mean()), 3)} ± {percent(float(gap.std(ddof=1) / np.sqrt(len(gap))), 3)}" in said


def test_gates_are_told_where_there_are_any(run: Path) -> None:
    assert len(tables(run)) == 2
    held = pl.read_parquet(run / "results" / "atoms.parquet").filter(
        (pl.col("cell") == HEADLINE) & (pl.col("weight") > 0)
    )
    name = held["symbol"].min()
    half = held.filter(pl.col("symbol") == name)
    edit(run, "atoms", pl.when(pl.col("symbol") == name).then(0.25).otherwise(1.0).alias("gate"))
    edit(run, "vetoes", pl.when(pl.col("window") >= 0).then(pl.lit("gate_closed")).alias("reason"))
    closed = pl.read_parquet(run / "results" / "vetoes.parquet").filter(pl.col("cell") == HEADLINE)["atoms"].sum()
    assert tables(run)[1].rows == (
        ("no candidate: gate closed", count(closed), "–"),
        ("no candidate: gate not known", "0", "–"),
        ("held, gate open", count(len(held) - len(half)), percent(1.0)),
        ("held, gate partly open", count(len(half)), percent(0.25)),
    )


def test_a_run_of_an_earlier_version_says_so(run: Path) -> None:
    path = run / "results" / "windows.parquet"
    pl.read_parquet(path).drop("confirmed").write_parquet(path)
    with pytest.raises(Absent, match="the table of windows has no confirmed"):
        blocks(run)
