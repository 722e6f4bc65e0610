"""Certification of a profile: the release matrix by one command, kept, and held against the one before.

1. The release matrix is a grid like any other: the profile's own with these selections, risk profiles, engines and
   simulators, its windows, costs and rules (R-TRN-06). It is played as a tournament is.
2. Each certification of a profile is two files with a number: `NNNN.json`, the matrix and the bounds, and
   `NNNN.parquet`, the returns that the next one is compared on (R-TRN-05). They outlive the run.
3. A run that has been certified is not certified twice.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl

from tvquant.app.resolving import resolved_here
from tvquant.app.tournament import Widening
from tvquant.app.workspace import Workspace
from tvquant.core import durable
from tvquant.core.errors import DataError, LedgerError, unwritten
from tvquant.ledger import RunFolder
from tvquant.profiles import ResolvedProfile
from tvquant.report.certification import Certificate, certificate_of
from tvquant.report.run import read_run

RELEASE = Widening(
    selections=("v3.2", "v3.4", "v4"),
    risk=("barbell", "equal_weight", "hrp", "market_neutral", "max_sharpe", "min_variance", "risk_parity"),
    engines=("custom", "skfolio", "riskfolio"),
    simulators=("custom", "vectorbt"),
)
"""The release matrix: 3 selections x 7 risk profiles x 3 engines x 2 simulators, 126 cells less what is left out."""
ALONE: Mapping[str, Any] = {
    "grid.costs": {}, "grid.train": [], "grid.test": [], "grid.step": [], "grid.starts": [], "grid.phases": 1,
}  # fmt: skip
"""The rest of the grid is not of the release matrix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A certificate on disk, with its number and where it is."""

    number: int
    path: Path
    certificate: Certificate


def release_profile(
    workspace: Workspace,
    name: str,
    arguments: Mapping[str, tuple[str, Any]],
    matrix: Widening = RELEASE,
) -> ResolvedProfile:
    """Return a profile with the release matrix for its grid; `arguments` are set before.

    Raises
    ------
    ProfileError : the profile does not resolve, or cannot hold the matrix.
    """
    before = resolved_here(workspace, name, arguments).profile
    alone = {f"certify, {key}": (key, value) for key, value in ALONE.items()}
    asked = matrix.arguments(before)
    return resolved_here(workspace, name, {**arguments, **alone, **asked})


def certify(workspace: Workspace, folder: RunFolder) -> tuple[Stored, Stored | None]:
    """Return the stored certificate of a finished run, written where it is new, and the one before it.

    Raises
    ------
    LedgerError : the run is not finished, or does not verify.
    DataError : the disk refuses; an earlier certificate is damaged.
    """
    run = read_run(folder.path)
    if not run.verification.finished:
        raise LedgerError(f"only a finished run that verifies is certified; see `tvquant ledger verify {folder.id}`")
    place = place_of(workspace, run.profile_name)
    kept = stored(place)
    mine = next((one for one in kept if one.certificate.run == folder.id), None)
    if mine is None:
        mine = _write(place, kept[-1].number + 1 if kept else 1, certificate_of(run))
    before = [one for one in kept if one.number < mine.number]
    return mine, before[-1] if before else None


def place_of(workspace: Workspace, profile: str) -> Path:
    """Return the folder of a profile's certifications."""
    return workspace.root / "artifacts" / "certifications" / profile


def stored(place: Path) -> tuple[Stored, ...]:
    """Return the certificates of a folder by number.

    Raises
    ------
    DataError : one is damaged, or its returns are not those that it was written with.
    """
    return tuple(_read(path) for path in sorted(place.glob("[0-9][0-9][0-9][0-9].json")))


def _write(place: Path, number: int, made: Certificate) -> Stored:
    path, content = place / f"{number:04}.json", BytesIO()
    made.excess.write_parquet(content, compression="zstd")
    document = made.document() | {"returns": sha256(content.getvalue()).hexdigest()}
    try:
        place.mkdir(parents=True, exist_ok=True)
        durable.replace(path.with_suffix(".parquet"), content.getvalue())
        durable.replace(path, json.dumps(document, indent=1, sort_keys=True).encode())
    except OSError as error:
        raise unwritten(f"{path}: {error.strerror}; make room and certify again, the run is kept", error) from error
    return Stored(number=number, path=path, certificate=made)


def _read(path: Path) -> Stored:
    returns = path.with_suffix(".parquet")
    try:
        document, content = json.loads(path.read_text("utf-8")), returns.read_bytes()
        digest = document.pop("returns")
        if sha256(content).hexdigest() != digest:
            raise DataError(f"{returns} is not the file that {path.name} was written with; put it back, or remove both")
        made = Certificate.from_document(document, pl.read_parquet(BytesIO(content)))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, pl.exceptions.PolarsError) as error:
        raise DataError(f"the certification {path} cannot be read ({error}); put it back, or remove it") from error
    return Stored(number=int(path.stem), path=path, certificate=made)
