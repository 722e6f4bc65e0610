"""The workspace: where everything of one user lives, and who may write there.

profiles/                       the user's profiles, over the packaged presets
data/lakehouse/                 the lake; with TVQUANT_LAKE_URI set, its tables are at that URI, and locks here
data/.lock, data/.writer.json   held by the one who writes; who that is
data/consents.json              terms of sources that the user agreed to
data/logs/                      what commands outside a run had to say
artifacts/certifications/<profile>/  certifications by number, each held against the one before
artifacts/summaries/INDEX.md    every run and its state
artifacts/summaries/anchors.jsonl   anchors of runs, where no other file was named for them
artifacts/summaries/runs/.order every run's id in the order of making, which no clock decides
artifacts/summaries/runs/<id>/  one run: manifest.json, audit.jsonl, audit.head, data/, results/, report/, logs/
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING

from tvquant.app.writer import Writer
from tvquant.core.errors import DataError, ProfileError, unwritten
from tvquant.ledger.run_folder import RunFolder

if TYPE_CHECKING:
    from tvquant.lake import Lake

LAKE_URI = "TVQUANT_LAKE_URI"
"""Environment: `s3://BUCKET/PREFIX` for the lake's tables; the store's address and credentials are `AWS_*`."""
MOMENT = 0.2
"""Seconds for which every writer waits: another one may just be ending."""
RUN_ID = re.compile(r"\d{8}T\d{6}-[a-z0-9_]+-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace by its root directory.

    Parameters
    ----------
    wait : seconds for which a writer waits for another one.
    tell : receives the line on whom it waits for.
    """

    root: Path
    wait: float = 0.0
    tell: Callable[[str], None] = field(default=lambda _: None, compare=False)

    @property
    def profiles(self) -> Path:
        """The user's profiles."""
        return self.root / "profiles"

    @property
    def logs(self) -> Path:
        """Logs of commands outside a run."""
        return self.root / "data" / "logs"

    @property
    def runs(self) -> Path:
        """The folder of all runs."""
        return self.root / "artifacts" / "summaries" / "runs"

    def lake(self) -> "Lake":
        """Return the lake of this workspace: in its folder, or at the object store's URI that the environment names.

        Raises
        ------
        ProfileError : the URI is none, or this workspace has a lake in its folder, which the URI would hide.
        """
        from tvquant.lake import Lake
        from tvquant.lake.storage.location import Place

        folder = self.root / "data" / "lakehouse"
        uri = os.environ.get(LAKE_URI, "").rstrip("/")
        if not uri:
            return Lake(folder)
        if any(folder.glob("*/_delta_log")):
            raise ProfileError(f"{LAKE_URI} is set, but {folder} has a lake; unset it, or use another workspace")
        credentials = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        return Lake(Place(uri=uri, folder=folder, options=credentials))

    def create(self) -> None:
        """Make the folders that are missing; what is there stays."""
        for folder in (self.profiles, self.root / "data" / "lakehouse", self.logs, self.runs):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise DataError(f"cannot create {folder}: {error.strerror}; choose another directory") from error

    def require(self) -> None:
        """Refuse to work outside a workspace.

        Raises
        ------
        ProfileError : this directory is none.
        """
        if not self.profiles.is_dir() or not (self.root / "data").is_dir():
            raise ProfileError(
                f"{self.root} is not a tvquant workspace; make one with `tvquant init DIR` and name it by --workspace "
                "(in Python `Workspace.create`)"
            )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the only right to write here.

        Raises
        ------
        DataError : another command is writing, and was for as long as this one waits (retryable).
        """
        from filelock import FileLock, Timeout

        self.require()
        lock, writer = FileLock(self.root / "data" / ".lock"), Writer(self.root / "data" / ".writer.json")
        try:
            try:
                lock.acquire(timeout=MOMENT)
            except Timeout:
                if not self.wait:
                    raise
                self.tell(f"waiting: {writer.told()} is writing in {self.root}")
                lock.acquire(timeout=-1 if isinf(self.wait) else self.wait)
        except Timeout as error:
            raise DataError(
                f"{writer.told()} is writing in {self.root}; try again when it has ended, or let this command wait "
                "for it by --wait (in Python `Workspace.open(..., wait=...)`)",
                retryable=True,
            ) from error
        except OSError as error:
            raise DataError(f"cannot lock {self.root}: {error.strerror}; is it writable?") from error
        try:
            writer.enter()
            yield
        finally:
            writer.leave()
            lock.release()

    def new_run(self, run_id: str) -> RunFolder:
        """Return the folder that a run of this id is to have; from now on it is the latest.

        Raises
        ------
        DataError : the disk refuses.
        """
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            with self._order.open("a", encoding="utf-8") as order:
                order.write(f"{run_id}\n")
        except OSError as error:
            raise unwritten(f"run {run_id} cannot be written to {self._order}: {error.strerror}", error) from error
        return RunFolder(self.runs / run_id)

    def all_runs(self) -> tuple[RunFolder, ...]:
        """Return every run in the order of making; before them, by id, those that were not made here or long ago."""
        if not self.runs.is_dir():
            return ()
        made = self._order.read_text("utf-8").splitlines() if self._order.is_file() else []
        place = {run_id: number for number, run_id in enumerate(made)}
        names = [path.name for path in self.runs.iterdir() if path.is_dir() and RUN_ID.fullmatch(path.name)]
        return tuple(RunFolder(self.runs / name) for name in sorted(names, key=lambda n: (place.get(n, -1), n)))

    @property
    def _order(self) -> Path:
        return self.runs / ".order"

    def run(self, name: str) -> RunFolder:
        """Return the run of this id, of an unambiguous part of one, or `latest`.

        Raises
        ------
        ProfileError : none or several fit.
        """
        self.require()
        runs = self.all_runs()
        found = runs[-1:] if name == "latest" else tuple(r for r in runs if name in r.id)
        exact = tuple(r for r in found if r.id == name)
        if len(exact or found) == 1:
            return (exact or found)[0]
        have = f"runs here: {', '.join(r.id for r in runs[-5:])}" if runs else "there are no runs here yet"
        if found:
            have = f"the last of {len(found)} that it fits: {', '.join(r.id for r in found[-5:])}"
        raise ProfileError(f"run {name!r} {'is ambiguous' if found else 'does not exist'}; {have}")
