"""The page of result tables is what a run gives."""

from pathlib import Path

import tvquant as tv
from tvquant.api.tables import TABLES, page

ROOT = Path(__file__).resolve().parents[3]


def test_every_documented_table_has_its_columns_in_order(run: tv.Run) -> None:
    for name, table in TABLES.items():
        made = getattr(run, name)
        frame = made() if callable(made) else made
        assert table.call.startswith(f"run.{name}")
        wanted = [one.name for one in table.columns]
        if name == "weights":
            assert frame.columns[0] == wanted[0]
            assert all(":" in symbol for symbol in frame.columns[1:])
        else:
            assert frame.columns == wanted, name


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "results.md").read_text("utf-8") == page(), "run python docs/results.py and commit it"
