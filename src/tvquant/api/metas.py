"""`MetaRun`: what a meta-portfolio's run recorded, as frames; its accounts are read as the books of any run are."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvquant.api.runs import EVERY, Played
from tvquant.report.meta.run import STREAMS, read_meta
from tvquant.report.meta.run import MetaRun as MetaData

if TYPE_CHECKING:
    import polars as pl


class MetaRun(Played):
    """The run of a meta-portfolio. `docs/results.md` has the columns and units of every frame.

    Of what belongs to a way of weighing, whatever simulator keeps the account, `cell` is any account of it.
    """

    def __init__(self, folder: Path) -> None:
        self._data: MetaData = read_meta(folder)
        super().__init__(self._data)

    @property
    def profile(self) -> Mapping[str, Any]:
        """The resolved meta-profile, section by section."""
        return self._data.profile.values()

    @property
    def notices(self) -> tuple[str, ...]:
        """What the meta-profile leaves to defaults, or asks for in vain."""
        return self._data.meta.notices

    @property
    def sleeves(self) -> "pl.DataFrame":
        """One row per sleeve: whose run it is, and the state of its data."""
        import polars as pl

        rows = [
            (one.name, one.profile, one.run, one.result, one.calendar, one.periods_per_year, json.dumps(one.health))
            for one in self._data.sleeves
        ]
        names = ("sleeve", "profile", "run", "result", "calendar", "periods_per_year", "health")
        return pl.DataFrame(rows, schema=names, orient="row")

    @property
    def gates(self) -> "pl.DataFrame":
        """One row per gate of the headline's sleeves, in the order in which they judged."""
        import polars as pl

        rows = [
            (one.gate, list(one.sleeves), one.passed, one.finding, _text(one.found), _text(one.limit), one.why)
            for one in self._data.gates
        ]
        flags, words = (
            dict.fromkeys(("passed", "finding"), pl.Boolean),
            dict.fromkeys(("found", "limit", "why"), pl.String),
        )
        table = pl.DataFrame(
            rows, schema=["gate", "sleeves", *flags, *words], orient="row",
            schema_overrides={"gate": pl.String, "sleeves": pl.List(pl.String), **flags, **words},
        )  # fmt: skip
        return table

    def streams(self) -> "pl.DataFrame":
        """Return the streams of the sleeves on the dates that all of them have, by risk profile."""
        import polars as pl

        parts = pl.col("cell").str.split("/").list
        rows = self._data.table(STREAMS)
        return rows.select(parts.first().alias("sleeve"), parts.last().alias("risk_profile"), "time", "level")

    def shares(self, cell: str | None = None) -> "pl.DataFrame":
        """Return what part of equity each sleeve was given at each decision."""
        return self._of_weighing("shares", cell)

    def tree(self, cell: str | None = None) -> "pl.DataFrame":
        """Return what each atom of each sleeve adds to its instrument, at each date of the account's decisions."""
        return self._of_weighing("tree", cell)

    def mix(self, cell: str | None = None) -> "pl.DataFrame":
        """Return the mix of the streams at the shares that were decided."""
        return self._of_weighing("mixes", cell)

    def gap(self, cell: str | None = None) -> "pl.DataFrame":
        """Return the way from the mix of streams to the account, in parts that add up."""
        return self._rows("gap", cell)

    def correlations(self) -> "pl.DataFrame":
        """Return the correlation of every two sleeves with its interval, by risk profile."""
        return self._data.table("correlations").rename({"cell": "risk_profile"})

    def _of_weighing(self, table: str, cell: str | None) -> "pl.DataFrame":
        """Return the rows of a table that is kept by what decides; `cell` is as it is kept."""
        import polars as pl

        rows = self._data.table(table)
        if cell == EVERY:
            return rows
        return rows.filter(pl.col("cell") == self._one(cell).rpartition("/")[0])


def _text(value: Any) -> str | None:
    """Return a finding of a gate as JSON text; None where there is none."""
    return None if value is None else json.dumps(value, ensure_ascii=False)
