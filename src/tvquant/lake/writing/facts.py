"""Facts of instruments that providers deliver, put into the lake: one is stored when it differs from the one before.

None is ever changed. One that was never delivered is not known: files of bars carry none.
"""

from datetime import datetime

import polars as pl

from tvquant.core.errors import DataError
from tvquant.lake.reading.facts import KEY, known_facts
from tvquant.lake.reading.lake import Lake
from tvquant.lake.storage import commits
from tvquant.lake.storage.provenance import operation_id, origin
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
    columns = origin(source, operation_id(given.rows(), source, recorded_at.isoformat()), recorded_at)

    def decide() -> int:
        held = known_facts(lake.root, given["symbol"].unique(), at=recorded_at)
        new = given.join(held, on=[*KEY, "value"], how="anti", maintain_order="left")
        commits.append(lake.root, "facts", new.with_columns(known_at=columns["recorded_at"], **columns))
        return len(new)

    return commits.transact(lake.root, decide)


def restore_facts(lake: Lake, rows: pl.DataFrame) -> None:
    """Store facts (symbol, field, value, known_at) as they were known elsewhere, none left out."""
    columns = {"source": pl.lit("restored"), "import_id": pl.lit("restored"), "recorded_at": pl.col("known_at")}
    commits.transact(lake.root, lambda: commits.append(lake.root, "facts", rows.with_columns(**columns)))
