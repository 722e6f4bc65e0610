"""Data of a portfolio, made ready: fetched once per asset, healed, judged, and written into the run's own folder."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Protocol

import polars as pl

from tvquant.core import durable
from tvquant.core.digests import digest_bytes
from tvquant.core.errors import DataError
from tvquant.core.instants import instant
from tvquant.lake import AssetHealth, health
from tvquant.lake.quality.health import to_report
from tvquant.market.healing import HealReport, heal
from tvquant.market.listings import delistings
from tvquant.market.metadata import store_metadata
from tvquant.market.orchestrator import DataPipelineOrchestrator, Summary
from tvquant.market.tasks import FORCED_DEPTH, DataTask
from tvquant.market.worker import Result
from tvquant.profiles import Profile

METADATA, HEALTH = "data/metadata.json", "data/health.json"
REASON = "prepare"


class Mode(StrEnum):
    """How deep: what a preview needs, or what the whole walk-forward needs."""

    LIGHT = "light"
    FULL = "full"


RETURNS = {mode: f"data/returns-{mode}.parquet" for mode in Mode}


class Candidate(Protocol):
    """Whatever holds an asset for a reason (R-DAT-16)."""

    @property
    def physical_symbol(self) -> str:
        """`EXCHANGE:TICKER`: what is fetched, stored and judged."""
        ...

    @property
    def symbol(self) -> str:
        """The key of strategies' matrices."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a preparation did.

    Parameters
    ----------
    digests : file -> digest of its bytes; equal data give equal files.
    excluded : physical symbol -> why it is left out.
    healthy, total : assets that are good, and all.
    """

    summary: Summary
    healed: HealReport
    digests: Mapping[str, str]
    excluded: Mapping[str, str]
    healthy: int
    total: int


def depth(profile: Profile, mode: Mode) -> int:
    """Bars that a profile needs of each asset: floor, training window and ratings; or all it walks over as well."""
    data = profile.data
    light = max(data.min_history, profile.windows.train, data.rating_min_bars)
    if mode is Mode.LIGHT:
        return light
    return max(light, FORCED_DEPTH if data.span == "all" else data.span + data.lookback)


async def prepare_portfolio_data(
    folder: Path,
    profile: Profile,
    candidates: Iterable[Candidate],
    *,
    mode: Mode,
    pipeline: DataPipelineOrchestrator,
) -> Prepared:
    """Fetch, heal and judge the candidates' assets, each once, and write returns, metadata and health (R-DAT-26).

    Parameters
    ----------
    folder : of the run; nothing is written outside of it and the lake.
    candidates : any number of them may share an asset.

    Raises
    ------
    DataError : no asset is left.
    """
    wanted = tuple(candidates)
    names = sorted({one.physical_symbol for one in wanted})
    if not names:
        raise DataError("no candidate was given, so there are no data to prepare; see the profile's universe")
    bars, interval = depth(profile, mode), profile.data.interval
    tasks = [
        DataTask(physical_symbol=one.physical_symbol, interval=interval, depth=bars, reason=REASON) for one in wanted
    ]
    summary = await pipeline.run(tasks)
    if any(one.result is Result.FETCHED for one in summary.outcomes):
        await store_metadata(pipeline.listings, pipeline.lake, names, clock=pipeline.clock)
    healed = await heal(pipeline, names, interval=interval, strict=True, depth=max(bars, FORCED_DEPTH))
    states = _health(pipeline, names, profile)
    excluded = _excluded(states, healed.unhealthy)
    kept = [name for name in names if name not in excluded]
    if not kept:
        name, why = next(iter(excluded.items()))
        raise DataError(f"none of {len(names)} assets is fit for use, e.g. {name}: {why}; see `tvquant data audit`")
    files = {
        RETURNS[mode]: _returns(pipeline, kept, bars),
        METADATA: _document(_metadata(wanted, excluded, mode, bars)),
        HEALTH: _document(to_report(states)),
    }
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(target, content)
    return Prepared(
        summary=summary,
        healed=healed,
        digests={name: digest_bytes(content) for name, content in files.items()},
        excluded=excluded,
        healthy=len(kept),
        total=len(names),
    )


def richest_returns(folder: Path) -> tuple[str, pl.DataFrame]:
    """The returns matrix of a run folder with the most healthy cells, and its name; no other folder is looked at.

    Raises
    ------
    DataError : none was prepared.
    """
    found = {name: pl.read_parquet(folder / name, glob=False) for name in RETURNS.values() if (folder / name).is_file()}
    if not found:
        raise DataError(f"{folder.name} holds no returns matrix; prepare its data with `tvquant data sync PROFILE`")
    return max(found.items(), key=lambda pair: _healthy_cells(pair[1]))


def _healthy_cells(matrix: pl.DataFrame) -> int:
    values = matrix.drop("timestamp")
    return sum(values.height - column.null_count() for column in values.iter_columns())


def _health(pipeline: DataPipelineOrchestrator, names: Sequence[str], profile: Profile) -> tuple[AssetHealth, ...]:
    """States by the profile's floor and lookback, which an older gap does not touch."""
    now = instant(pipeline.clock.now()) if pipeline.provider.capabilities.live else None
    data = profile.data
    ended = delistings(pipeline.lake)
    return health(pipeline.lake, names, now=now, minimum=data.min_history, lookback=data.lookback, delisted=ended)


def _excluded(states: Sequence[AssetHealth], unhealthy: Mapping[str, str]) -> dict[str, str]:
    """Assets without a good instrument, with the reason."""
    good = {asset.symbol for asset in states if asset.state.usable}
    bad = {asset.symbol: asset.state.value for asset in states if asset.symbol not in good}
    return {name: unhealthy.get(name, state) for name, state in sorted(bad.items())}


def _returns(pipeline: DataPipelineOrchestrator, names: Sequence[str], rows: int) -> bytes:
    """Total returns of the last rows, a column per instrument; missing where there is no bar."""
    panel = pipeline.lake.panel(pipeline.lake.pin(names))
    values = panel.fields["total_return"][-rows:]
    columns = {key: values[:, j] for j, key in enumerate(panel.keys)}
    frame = pl.DataFrame({"timestamp": panel.times[-rows:], **columns}).with_columns(
        pl.col(pl.Float64).fill_nan(None), pl.col("timestamp").cast(pl.Datetime("us", "UTC"))
    )
    content = BytesIO()
    frame.write_parquet(content, compression="zstd")
    return content.getvalue()


def _metadata(wanted: Sequence[Candidate], excluded: Mapping[str, str], mode: Mode, bars: int) -> dict[str, object]:
    pairs = sorted({(one.physical_symbol, one.symbol) for one in wanted})
    return {
        "mode": mode.value,
        "depth": bars,
        "candidates": [{"physical_symbol": asset, "symbol": atom} for asset, atom in pairs],
        "excluded": dict(excluded),
    }


def _document(content: object) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
