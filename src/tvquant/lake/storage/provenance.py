"""Where a stored row came from: its source, the operation that wrote it, and when that was."""

from datetime import UTC, datetime
from typing import Any

import polars as pl

from tvquant.core.digests import digest_json
from tvquant.lake.storage.tables import TIME


def operation_id(*given: Any) -> str:
    """Return the 16 hex digits that name an operation on the lake: a digest of all that it was given (JSON-able)."""
    return digest_json(list(given))[:16]


def origin(source: str | pl.Expr, operation: str, recorded_at: datetime) -> dict[str, pl.Expr]:
    """Return the three columns of provenance, by name; `recorded_at` has a zone."""
    return {
        "source": pl.lit(source) if isinstance(source, str) else source,
        "import_id": pl.lit(operation),
        "recorded_at": pl.lit(recorded_at.astimezone(UTC), TIME),
    }
