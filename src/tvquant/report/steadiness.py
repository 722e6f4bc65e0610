"""Selections from window to window: how many won, how independent they are, how much stayed the same."""

from collections.abc import Mapping

import polars as pl

from tvquant.core.selection import SelectionResponse
from tvquant.statistics import adjusted_rand, jaccard

SCHEMA = {
    "window": pl.Int64, "model": pl.String, "stage": pl.Int64, "pool": pl.Int64, "winners": pl.Int64,
    "assets": pl.Int64, "clusters": pl.Int64, "effective_bets": pl.Float64, "jaccard": pl.Float64,
    "adjusted_rand": pl.Float64, "overridden": pl.Int64, "flags": pl.String,
}  # fmt: skip
OF_WINDOWS = ("window", "decided_at", "allocation_clusters", "cash", "forced_cash")
"""Columns of the table `windows` that stand beside them."""


def steadiness_of(responses: Mapping[int, SelectionResponse]) -> pl.DataFrame:
    """Return one row per selection by window: what was selected, and what it shares with the one before.

    `jaccard` is of the winners, `adjusted_rand` of the clusters, both among atoms that are in both pools; null at the
    first decision, and where too few are.
    """
    order = sorted(responses)
    before = dict(zip(order[1:], (responses[window] for window in order), strict=False))
    rows = [_row(window, responses[window], before.get(window)) for window in order]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(pl.col(pl.Float64).fill_nan(None))


def selection_frame(found: pl.DataFrame, windows: pl.DataFrame, cluster_cap: float) -> pl.DataFrame:
    """Return one row per decision: its selection as `steadiness_of` found it, and what clusters can hold.

    `cluster_room` is allocation clusters x cluster cap, at most 1; null where nobody was weighted.
    """
    room = (pl.col("allocation_clusters") * cluster_cap).clip(upper_bound=1.0)
    return (
        windows.select(OF_WINDOWS)
        .join(found, on="window", how="left", maintain_order="left")
        .with_columns(cluster_room=pl.when(pl.col("allocation_clusters") > 0).then(room))
    )


def _row(window: int, made: SelectionResponse, before: SelectionResponse | None) -> tuple[object, ...]:
    won = {atom.symbol for atom in made.winners}
    stayed = grouped = None
    if before is not None:
        both = made.scores.keys() & before.scores.keys()
        stayed = jaccard(won & both, {atom.symbol for atom in before.winners} & both)
        grouped = adjusted_rand(made.clusters, before.clusters)
    return (
        window, made.model, made.stage, len(made.scores), len(won), len({a.physical_symbol for a in made.winners}),
        len(set(made.clusters.values())), made.effective_bets, stayed, grouped,
        sum(veto.overridden for veto in made.vetoes.values()), " ".join(sorted(made.flags)),
    )  # fmt: skip
