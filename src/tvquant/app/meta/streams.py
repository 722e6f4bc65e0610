"""The streams of sleeves as files of a meta-portfolio's run, each with what it is in its own metadata (R-SYN-07).

A stream is out of sample, stitched over the sleeve's windows, net of its costs: the whole of it, not only the dates
that it has in common with others.
"""

import io
import json
from collections.abc import Iterable

import polars as pl

from tvquant.core import durable
from tvquant.core.errors import unwritten
from tvquant.core.sleeves import Sleeve
from tvquant.ledger import RunFolder

FOLDER = "streams"
KEY = "tvquant"
"""Of the file's metadata: one JSON document."""


def write_streams(folder: RunFolder, sleeves: Iterable[Sleeve]) -> list[str]:
    """Write a file for each sleeve; return their paths in the run folder.

    Raises
    ------
    DataError : the disk refuses.
    """
    return [_write(folder, one) for one in sleeves]


def file_of(sleeve: Sleeve) -> str:
    """Return where the stream of a sleeve is: by engine, simulator and risk profile of its cell."""
    _, engine, risk_profile, simulator = sleeve.cell.split("/")
    return f"{FOLDER}/{sleeve.name}/{engine}_{simulator}_{risk_profile}.parquet"


def described(sleeve: Sleeve) -> dict[str, object]:
    """Return what the metadata say of a stream."""
    costs = {key: value for key, value in sleeve.conventions.items() if key.startswith("costs.")}
    return {
        "sleeve": sleeve.name,
        "profile": sleeve.profile,
        "run": sleeve.run,
        "result": sleeve.result,
        "cell": sleeve.cell,
        "calendar": sleeve.calendar,
        "first": str(sleeve.times[0])[:10],
        "convention": sleeve.conventions.get("execution.convention"),
        "costs": costs,
        "stamps": sorted(sleeve.stamps),
    }


def _write(folder: RunFolder, sleeve: Sleeve) -> str:
    name = file_of(sleeve)
    table, content = pl.DataFrame({"time": sleeve.times, "level": sleeve.levels}), io.BytesIO()
    about = {KEY: json.dumps(described(sleeve), sort_keys=True)}
    table.write_parquet(content, compression="zstd", metadata=about)
    path = folder.path / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, content.getvalue())
    except OSError as error:
        raise unwritten(f"{path}: {error.strerror}; make room and play it again", error) from error
    return name
