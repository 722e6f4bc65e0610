"""Facts of instruments that providers deliver, put into the lake: one is stored when it differs from the one before.

None is ever changed. One that was never delivered is not known: files of bars carry none.
"""

from datetime import UTC, datetime

import polars as pl

from tvquant.core.digests import digest_json
from tvquant.core.errors import DataError
from tvquant.lake.reading.facts import KEY, known_facts
from tvquant.lake.reading.lake import Lake
from tvquant.lake.storage import commits
from tvquant.lake.storage.tables import TIME
from tvquant.symbology.kinds import structure

STEPS = ("tick", "lot", "min_notional")
FIELDS = (*STEPS, "tradfi")


def store_facts(lake: Lake, rows: pl.DataFrame, *, source: str, recorded_at: datetime) -> int:
    """Store what is new; how many facts that was.

    Parameters
    ----------
    rows : one per symbol: symbol, tick, lot, min_notional, tradfi (null or absent: not said).
    recorded_at : when they were asked for, with a zone: they are known from then on.

    Raises
    ------
    DataError : a symbol is none or comes twice, a step is not above zero, `tradfi` not 0 or 1, or the lake cannot be
        written.
    """
    for symbol in rows["symbol"]:
        structure(symbol)
    said = [name for name in FIELDS if name in rows.columns]
    given = rows.select("symbol", pl.col(said).cast(pl.Float64)).unpivot(
        said, index="symbol", variable_name="field", value_name="value"
    )
    given = given.drop_nulls("value").sort(KEY)
    value, step = pl.col("value"), pl.col("field").is_in(STEPS)
    good = pl.when(step).then(value.is_finite() & (value > 0)).otherwise(value.is_in([0.0, 1.0]))
    bad = given.filter(~good | pl.struct(KEY).is_duplicated())
    if len(bad):
        symbol, field, found = bad.row(0)
        expected = "one number above zero" if field in STEPS else "one of 0 and 1"
        raise DataError(f"{field} of {symbol} is {found}; {expected} was expected; nothing was stored")
    now = pl.lit(recorded_at.astimezone(UTC), TIME)
    import_id = digest_json([given.rows(), source, recorded_at.isoformat()])[:16]

    def decide() -> int:
        with commits.writing(lake.root):
            held = known_facts(lake.root, given["symbol"].unique(), at=recorded_at)
            new = given.join(held, on=[*KEY, "value"], how="anti", maintain_order="left")
            origin = {"source": pl.lit(source), "import_id": pl.lit(import_id), "recorded_at": now}
            commits.append(lake.root, "facts", new.with_columns(known_at=now, **origin))
        return len(new)

    return commits.retried(lake.root, decide)


def restore_facts(lake: Lake, rows: pl.DataFrame) -> None:
    """Store facts (symbol, field, value, known_at) as they were known elsewhere, none left out."""
    origin = {"source": pl.lit("restored"), "import_id": pl.lit("restored"), "recorded_at": pl.col("known_at")}
    with commits.writing(lake.root):
        commits.append(lake.root, "facts", rows.with_columns(**origin))
