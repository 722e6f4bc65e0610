"""A finished run of a meta-portfolio by hand: books of a real run under the names of a meta-portfolio's cells.

Two sleeves, `binance_spot_rating_all_long` and `binance_spot_rating_all_short`, hold the first name against each other
at every decision; streams are made up, and the mix holds them at the shares without restoring costs.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from builders.clocks import ManualClock
from tvquant.app.vocabulary import vocabulary
from tvquant.core.digests import merkle_root
from tvquant.core.records import RUN, Entry
from tvquant.core.sleeve_records import SleeveRecord, text_of
from tvquant.ledger import Ledger, genesis_entry, outputs_of, records
from tvquant.ledger.result_store import ResultStore
from tvquant.profiles import load, resolve_meta, to_manifest

RUN_ID = "20260102T000000-meta_benchmark-abcdef"
LONGS, SHORTS = "binance_spot_rating_all_long", "binance_spot_rating_all_short"
HEADLINE, EQUAL = "meta/custom/hrp/custom", "mix/equal/custom"
CELLS = {"v4/custom/hrp/custom": HEADLINE, "v4/custom/equal_weight/custom": EQUAL}
"""Cell of the run that gives the books -> cell of the meta-portfolio."""
SHARE = {HEADLINE: (0.7, 0.3), EQUAL: (0.5, 0.5)}
GATES: tuple[Mapping[str, Any], ...] = (
    {"gate": "complete", "sleeves": [LONGS, SHORTS], "passed": True, "found": 2, "limit": 2, "why": "both are there"},
    {"gate": "solver", "sleeves": [LONGS], "passed": True, "found": 1.0, "limit": 0.75, "why": "8 of 8 were solved"},
    {"gate": "solver", "sleeves": [SHORTS], "passed": True, "found": 0.875, "limit": 0.75, "why": "7 of 8 were solved"},
)
HEALTH = {LONGS: {"ok": 3}, SHORTS: {"ok": 3}}


def meta_run(
    books: Path, within: Path, *, gates: Sequence[Mapping[str, Any]] = GATES,
    health: Mapping[str, Mapping[str, int]] = HEALTH, description: str = "Longs and shorts.",
) -> Path:  # fmt: skip
    """Return the folder of a meta-portfolio's run, whose accounts are those of a profile's run in `books`."""
    folder = within / RUN_ID
    store = ResultStore(folder / "results")
    for table in sorted((books / "results").glob("*.parquet")):
        _renamed(store, table)
    times = pl.read_parquet(books / "results" / "returns.parquet").filter(pl.col("cell") == next(iter(CELLS)))["time"]
    decided = _decided(books)
    streams = _streams(times.to_numpy())
    market = np.random.default_rng(12).normal(0.0, 0.01, len(times) - 1)
    levels = np.concatenate([[1.0], np.cumprod(1.0 + market)])
    store.put("benchmark", "benchmark", {"time": streams["time"], "level": levels})
    for cell, shares in SHARE.items():
        _of_weighing(store, cell, shares, decided, streams)
    _correlations(store)
    store.compact()
    manifest = resolve_meta(load("meta_benchmark"), vocabulary(), arguments={"--d": ("description", description)})
    (folder / "manifest.json").write_text(json.dumps(to_manifest(manifest)))
    for name in (LONGS, SHORTS):
        path = folder / "streams" / name / "custom_custom_hrp.parquet"
        path.parent.mkdir(parents=True)
        streams.select("time", pl.col(name).alias("level")).write_parquet(path)
    _ledger(folder, books, manifest.digest, gates, health)
    return folder


def _renamed(store: ResultStore, table: Path) -> None:
    frame = pl.read_parquet(table)
    for old, new in CELLS.items():
        mine = frame.filter(pl.col("cell") == old).drop("cell")
        if "atom" in mine.columns and table.stem != "tree":
            sleeve = pl.when(pl.col("atom").str.contains("AAA|BBB")).then(pl.lit(LONGS)).otherwise(pl.lit(SHORTS))
            named = pl.when(pl.col("atom") == "").then(pl.lit("")).otherwise(sleeve + "/" + pl.col("atom"))
            mine = mine.with_columns(atom=named)
        store.put(table.stem, new, mine.to_dict())


def _decided(books: Path) -> pl.DataFrame:
    """Names that the headline weighs, by decision."""
    weights = pl.read_parquet(books / "results" / "weights.parquet")
    return weights.filter(pl.col("cell") == next(iter(CELLS))).select("decided_at", "symbol", "weight")


def _streams(times: Any) -> pl.DataFrame:
    draws = np.random.default_rng(11).normal(0.0005, 0.01, (len(times) - 1, 2))
    levels = np.vstack([np.ones(2), np.cumprod(1.0 + draws @ np.array([[1.0, -0.5], [0.0, 0.9]]), axis=0)])
    return pl.DataFrame({"time": times, LONGS: levels[:, 0], SHORTS: levels[:, 1]})


def _of_weighing(
    store: ResultStore, cell: str, shares: tuple[float, float], decided: pl.DataFrame, streams: pl.DataFrame
) -> None:
    """Put shares, tree, mix and gap of one way of weighing, and the streams beside it."""
    path = cell.removesuffix("/custom")
    dates = decided["decided_at"].unique().sort()
    both = dict(zip((LONGS, SHORTS), shares, strict=True))
    rows = [(at, name, share, "solved") for at in dates for name, share in both.items()]
    columns = ("decided_at", "sleeve", "share", "status")
    store.put("shares", path, pl.DataFrame(rows, schema=columns, orient="row").to_dict())
    atoms = [
        (at, sleeve, f"{sleeve}/{symbol}_all_{side}", symbol, both[sleeve], sign * weight * both[sleeve])
        for at, symbol, weight in decided.iter_rows()
        for sleeve, side, sign in ((LONGS, "LONG", 1.0), (SHORTS, "SHORT", -1.0))
        if sleeve == LONGS or symbol == "NYSE:AAA"
    ]
    columns = ("decided_at", "sleeve", "atom", "symbol", "share", "weight")
    store.put("tree", path, pl.DataFrame(atoms, schema=columns, orient="row").to_dict())
    level = sum(share * streams[name].to_numpy() for name, share in both.items())
    store.put("mixes", path, {"time": streams["time"], "level": level})
    parts = {"mix": level[-1] - 1.0, "netting": 0.01, "costs": -0.02, "caps": -0.005, "timing": 0.001, "rest": 0.002}
    values = [*parts.values(), sum(parts.values())]
    store.put("gap", cell, {"part": [*parts, "account"], "value": values})
    for name in both:
        store.put("streams", f"{name}/hrp", {"time": streams["time"], "level": streams[name]})


def _correlations(store: ResultStore) -> None:
    one = {"first": [LONGS], "second": [SHORTS], "rows": [140], "correlation": [-0.5], "low": [-0.6], "high": [-0.38]}
    store.put("correlations", "hrp", one)


def _ledger(
    folder: Path,
    books: Path,
    manifest: str,
    gates: Sequence[Mapping[str, Any]],
    health: Mapping[str, Mapping[str, int]],
) -> None:
    sleeves = [
        SleeveRecord(name=name, profile=name, run=f"20260101T000000-{name}-abcdef", result="ab" * 32,
                     snapshot="cd" * 32, calendar="24/7", periods_per_year=365, health=health[name])
        for name in (LONGS, SHORTS)
    ]  # fmt: skip
    clock = ManualClock(datetime(2026, 1, 2, tzinfo=UTC), step=timedelta(seconds=1))
    files = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.parquet"))]
    leaves = {}
    with Ledger.create(folder, run_id=RUN_ID, clock=clock) as ledger:
        ledger.record(
            genesis_entry(run_id=RUN_ID, profile="meta_benchmark", code="c0de", manifest=manifest, environment="e",
                          train=60, test=20, step=20, lookback=500, selection="meta", rebalance="window")
        )  # fmt: skip
        pinned = {"plan": "p1an", "snapshot": "5nap"}
        ledger.record(Entry(chain=RUN, stage=6, kind="plan", outputs=pinned, data={"snapshot": text_of(sleeves)}))
        for gate in gates:
            ledger.record(Entry(chain=RUN, stage=6, kind="gate", data={"stops": "run", **gate}))
        for record in records(books, kind="outcome"):
            if record.chain in CELLS:
                new = CELLS[record.chain]
                metrics = {**record.metrics, "baseline": not new.startswith("meta/")}
                leaves[new] = record.outputs["cell"]
                ledger.record(Entry(chain=new, stage=15, pillar=4, kind="outcome", outputs=record.outputs,
                                    metrics=metrics, data=record.data))  # fmt: skip
        tried = {"status": "failed", "attempts": [{"what": "problem", "outcome": "no sleeve moves"}]}
        ledger.record(Entry(chain="weighing/meta/custom/hrp", stage=14, kind="weighing", data={"allocation": tried}))
        lost = {name: {"rows": 200, "dropped": 40} for name in (LONGS, SHORTS)}
        ended = {"status": "played"}
        ledger.record(Entry(chain=RUN, stage=6, kind="outcome", metrics=ended, data={"lost": lost}))
        ledger.record(Entry(chain=RUN, stage=15, kind="intent"))
        outputs = {"result": merkle_root(leaves), **outputs_of(folder, ["manifest.json", *files])}
        ledger.record(
            Entry(chain=RUN, stage=15, kind="outcome", metrics=ended, outputs=outputs,
                  data={"leaves": leaves})
        )  # fmt: skip
