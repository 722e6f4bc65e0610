"""`Run`: what a run recorded, as frames; `MetaRun` is that of a meta-portfolio (`metas`).

Each file is held against the ledger before anything is read from it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvquant.api.plots import Plots, cell_of
from tvquant.api.tables import METRICS
from tvquant.core.books import COST_KINDS
from tvquant.ledger.verify import Verification, verify
from tvquant.report.played_run import PlayedRun
from tvquant.report.run import RunData, read_run

if TYPE_CHECKING:
    import polars as pl

    from tvquant.core.selection import SelectionResponse

EVERY = "*"
"""Stands for every cell."""
FUNNEL = ("universe", "discovery", "refined", "selected")


class Played:
    """What every run has, a profile's and a meta-portfolio's. `docs/results.md` has columns and units of each frame.

    `cell` is the key of a cell (they are in `metrics`); nothing is the headline's, `*` is every cell.

    Raises, from whatever reads a part: DataError where the run does not have it.
    """

    def __init__(self, data: PlayedRun) -> None:
        self._played = data

    def __repr__(self) -> str:
        return f"<tvquant run {self.id} of {self._played.profile_name}>"

    @property
    def id(self) -> str:
        """The run id."""
        return self._played.run_id

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self._played.folder.path

    @property
    def report(self) -> Path:
        """The page of its report."""
        return self._played.folder.report

    @property
    def caveats(self) -> tuple[str, ...]:
        """What qualifies the results, in words."""
        from tvquant.report import caveats

        return tuple(one.text for one in caveats(self._played))

    @property
    def headline(self) -> Mapping[str, Any]:
        """The measures of the cell that the profile names primary, by name: its row of `metrics`."""
        key = self._played.headline.key
        return next(row for row in self._played.rows() if row["cell"] == key)

    @property
    def metrics(self) -> "pl.DataFrame":
        """One row per cell: strategies by Sharpe ratio, then baselines."""
        import polars as pl

        rows = [{**row, "stamps": [str(one) for one in row["stamps"]]} for row in self._played.rows()]
        table = pl.DataFrame(rows, infer_schema_length=None, schema_overrides={"why": pl.String})
        first = [one.name for one in METRICS[:-2] if one.name in table.columns]
        last = [one.name for one in METRICS[-2:]]
        return table.select(*first, pl.exclude(*first, *last), *last)

    def weights(self, cell: str | None = None) -> "pl.DataFrame":
        """Return net physical weights as decided: a row per decision, a column per name that was ever held."""
        import polars as pl

        one = self._one(cell)
        windows = self._played.table("windows", one).select("window", "decided_at")
        held = self._played.table("weights").filter(pl.col("cell") == one)
        names = sorted(held["symbol"].unique())
        wide = held.pivot("symbol", index="window", values="weight")
        return windows.join(wide, on="window", how="left").select(
            "decided_at", *(pl.col(n).fill_null(0.0) for n in names)
        )

    def returns(self, cell: str | None = None) -> "pl.DataFrame":
        """Return simple returns per row, net of costs."""
        return self._rows("returns", cell).select("cell", "time", "return")

    def equity(self, cell: str | None = None) -> "pl.DataFrame":
        """Return equity, drawdown, cash and exposures at each close."""
        import polars as pl

        from tvquant.statistics import drawdown_series

        rows = self._rows("returns", cell)
        falls = [
            part.with_columns(pl.Series("drawdown", drawdown_series(part["return"].to_numpy())))
            for part in rows.partition_by("cell", maintain_order=True)
        ]
        return pl.concat(falls).select("cell", "time", "equity", "drawdown", "cash", "gross", "net")

    def costs(self, cell: str | None = None) -> "pl.DataFrame":
        """Return what was paid in each row, by kind."""
        import polars as pl

        rows = self._rows("returns", cell)
        kinds = (pl.col(kind) if kind in rows.columns else pl.lit(0.0).alias(kind) for kind in COST_KINDS)
        return rows.select("cell", "time", *kinds)

    def trades(self, cell: str | None = None) -> "pl.DataFrame":
        """Return what changed hands: one row per name and fill, and what was closed that nobody ordered."""
        return self._rows("trades", cell)

    def contributions(self, cell: str | None = None) -> "pl.DataFrame":
        """Return what each name brought between one fill and the next."""
        return self._rows("names", cell)

    def attribution(self, cell: str | None = None) -> "pl.DataFrame":
        """Return what each atom brought between one fill and the next, and what it paid by kind."""
        return self._rows("attribution", cell)

    def events(self, cell: str | None = None) -> "pl.DataFrame":
        """Return what nobody ordered, and orders that could not be filled."""
        import polars as pl

        return self._rows("events", cell).with_columns(pl.col("symbol", "kind").cast(pl.String))

    def ledger(self, kind: str | None = None, chain: str | None = None) -> "pl.DataFrame":
        """Return the records of the ledger, of one kind or chain when asked; what is nested is JSON text."""
        import polars as pl

        from tvquant.ledger import records

        nested = ("inputs", "outputs", "metrics", "data")
        plain = ("n", "chain", "seq", "at", "stage", "pillar", "kind", "previous", "digest")
        rows = [
            {name: getattr(one, name) for name in plain}
            | {name: json.dumps(getattr(one, name), ensure_ascii=False, default=str) for name in nested}
            for one in records(self.folder, chain=chain, kind=kind)
        ]
        whole = {"n": pl.Int64, "seq": pl.Int64, "stage": pl.Int64, "pillar": pl.Int64}
        schema = {name: whole.get(name, pl.String) for name in (*plain, *nested)} | {"at": pl.Datetime("us", "UTC")}
        return pl.DataFrame(rows, schema=schema)

    def verify(self) -> Verification:
        """Return what ledger and files are worth now, every hash recomputed; `.finished` is yes or no."""
        return verify(self.folder, run_id=self.folder.name)

    def _one(self, cell: str | None) -> str:
        """Return the key of a cell that is there."""
        return self._played.headline.key if cell is None else cell_of(self._played, cell).key

    def _rows(self, table: str, cell: str | None) -> "pl.DataFrame":
        import polars as pl

        if cell == EVERY:
            return self._played.table(table)
        return self._played.table(table).filter(pl.col("cell") == self._one(cell))


class Run(Played):
    """The run of a profile of a workspace."""

    def __init__(self, folder: Path) -> None:
        self._data: RunData = read_run(folder)
        super().__init__(self._data)

    @property
    def profile(self) -> Mapping[str, Any]:
        """The resolved profile, section by section."""
        return self._data.profile.values()

    @property
    def notices(self) -> tuple[str, ...]:
        """What the profile leaves to defaults, or asks for in vain."""
        return self._data.resolved.notices

    @property
    def plot(self) -> Plots:
        """The report's figures as plotly figures."""
        return Plots(self._data)

    def decisions(self, cell: str | None = None) -> "pl.DataFrame":
        """Return one row per decision: what was chosen and what fell out, weights, cash by cause, what it returned."""
        import polars as pl

        rows = self._rows("windows", cell)
        keys = ["cell", "window"]
        for name, table, what in (
            ("chosen", "atoms", pl.col("atom")),
            ("weights", "weights", pl.struct("symbol", "weight")),
            ("vetoed", "vetoes", pl.struct("reason", "atoms")),
        ):
            grouped = self._data.table(table).group_by(keys, maintain_order=True).agg(what.alias(name))
            rows = rows.join(grouped, on=keys, how="left", maintain_order="left").with_columns(
                pl.col(name).fill_null([])
            )
        return rows.select(
            *keys, "decided_at", "bar", "filled_at", "status", "stage", *FUNNEL, "chosen", "vetoed", "weights",
            "gross", "net", "cash",
            cash_caps=pl.col("forced_cash"), cash_reference=pl.col("reference_cash"), cash_netting=pl.col("moved"),
            cash_other=pl.col("cash") - pl.col("forced_cash") - pl.col("reference_cash") - pl.col("moved"),
            **{name: pl.col(name) for name in ("return", "traded", "turnover")},
        )  # fmt: skip

    def candidates(self, cell: str | None = None) -> "pl.DataFrame":
        """Return every atom that each decision of one cell judged: score, cluster, veto, whether it won, weight."""
        import polars as pl

        found = [
            candidate_table(one.decision.response, one.decision.atoms).with_columns(
                window=pl.lit(window, pl.Int64), decided_at=pl.lit(one.decision.footing.asked)
            )
            for window, one in self._data.decisions[self._one(cell)].items()
            if one.decision.response is not None and one.decision.footing is not None
        ]
        table = pl.concat(found) if found else candidate_table(None, {}).with_columns(window=pl.lit(0), decided_at=None)
        return table.select("window", "decided_at", pl.exclude("window", "decided_at"))

    def current(self) -> "pl.DataFrame":
        """Return what the headline would hold from the last row on: `symbol`, `weight`; none is all cash."""
        import polars as pl

        held = self._data.current.decision.weights
        return pl.DataFrame(list(held.items()), schema={"symbol": pl.String, "weight": pl.Float64}, orient="row")

    def friction(self, cell: str | None = None) -> "pl.DataFrame":
        """Return the books of the friction audit: the same weights under other costs, delays and sizes."""
        return self._rows("friction", cell)


def candidate_table(response: "SelectionResponse | None", held: Mapping[str, float]) -> "pl.DataFrame":
    """Return one row per atom that a selection judged, best score first; `held` are weights by atom."""
    import polars as pl

    schema = {
        "atom": pl.String, "score": pl.Float64, "cluster": pl.Int64, "won": pl.Boolean, "how": pl.String,
        "weight": pl.Float64, "veto": pl.String, "value": pl.Float64, "limit": pl.Float64, "hard": pl.Boolean,
        "overridden": pl.Boolean,
    }  # fmt: skip
    if response is None:
        return pl.DataFrame(schema=schema)
    vetoes = response.vetoes
    rows = [
        (
            atom, score, response.clusters[atom], atom in response.recruited, response.recruited.get(atom),
            held.get(atom, 0.0),
            *((v.rule, v.value, v.limit, v.hard, v.overridden) if (v := vetoes.get(atom)) else (None,) * 5),
        )
        for atom, score in sorted(response.scores.items(), key=lambda one: (-one[1], one[0]))
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")
