"""The registry: what is known of each asset's data, in one JSON file beside the lake's tables.

`DataRegistry` is its content, `RegistryManager` its only reader and writer. A writer holds a lock for the moment
between reading and replacing the file, and the file is replaced whole, so that a reader never needs the lock and never
sees half a file, whoever is killed when. The file holds its own digest, and the one before it is kept beside it.
"""

import json
import os
import platform
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Self

from tvquant.core import durable
from tvquant.core.digests import digest_json
from tvquant.core.errors import DataError, unwritten

FILE = ".registry.json"
VERSION = 1
PATIENCE = 30.0
"""Seconds a writer waits for others before it asks whether the holder of the lock still lives."""
POLL = 0.005

type Key = tuple[str, str]
"""Physical symbol and interval."""
type Span = tuple[datetime, datetime]
"""First and last bar, both included, UTC."""


class AssetState(StrEnum):
    """What the data of an asset are good for (R-DAT-20)."""

    STABLE = "stable"
    """Fresh, without gaps, and enough of them."""
    DEGRADED = "degraded"
    """Anything else; the record's reason says what."""
    ABSENT = "absent"
    """Never fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRecord:
    """What is known of one asset's data at one interval.

    Parameters
    ----------
    reason : why it is not stable; empty where it is.
    first_bar, last_bar, bars, gaps : valid stored bars, and the missing ones between them.
    last_attempt, error : when a provider was last asked, and what went wrong then (None: nothing).
    genesis : the first bar its provider has; nothing before it is ever asked for again.
    irreparable : spans of missing bars that its provider has not either; they are not asked for again by themselves.
    told_by : the provider that `genesis` and `irreparable` are of; another one may have more (None: it is not noted).
    delisted : when its provider ended it; it does not become stale then.
    refused : why newer bars were not taken beside the stored ones, which are good but will not go on (None: they were).
    """

    physical_symbol: str
    interval: str
    state: AssetState = AssetState.ABSENT
    reason: str = ""
    first_bar: datetime | None = None
    last_bar: datetime | None = None
    bars: int = 0
    gaps: int = 0
    last_attempt: datetime | None = None
    error: str | None = None
    genesis: datetime | None = None
    irreparable: tuple[Span, ...] = ()
    told_by: str | None = None
    delisted: datetime | None = None
    refused: str | None = None

    @property
    def key(self) -> Key:
        """Asset and interval."""
        return self.physical_symbol, self.interval

    def of(self, provider: str) -> Self:
        """Return what is known where this provider is asked: what another one lacks it may have."""
        if self.told_by in (None, provider):
            return self
        return replace(self, genesis=None, irreparable=(), told_by=None)

    def to_json(self) -> dict[str, Any]:
        """Return plain values; dates as ISO text."""
        out = {name: _text(getattr(self, name)) for name in _names()}
        return out | {"irreparable": [[_text(edge) for edge in span] for span in self.irreparable]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Return the record that `to_json` described."""
        values = {name: content[name] for name in _names() if name in content}
        for name in ("first_bar", "last_bar", "last_attempt", "genesis", "delisted"):
            values[name] = _moment(values.get(name))
        spans = tuple((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in values.get("irreparable", ()))
        return cls(**values | {"state": AssetState(values["state"]), "irreparable": spans})


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRegistry:
    """All records; an asset without one was never fetched."""

    records: Mapping[Key, AssetRecord] = field(default_factory=dict)

    def record(self, symbol: str, interval: str) -> AssetRecord:
        """Return what is known of an asset; ABSENT where nothing is."""
        return self.records.get((symbol, interval)) or AssetRecord(physical_symbol=symbol, interval=interval)

    def with_record(self, record: AssetRecord) -> Self:
        """Return the same with this record in place of the asset's old one."""
        return replace(self, records={**self.records, record.key: record})

    def to_json(self) -> str:
        """Return one document, a line for each record, sorted, with the digest of these."""
        records = [self.records[key].to_json() for key in sorted(self.records)]
        lines = ",\n".join(map(json.dumps, records))
        return f'{{"version": {VERSION}, "digest": "{digest_json(records)}", "assets": [\n{lines}\n]}}\n'

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the registry that `to_json` wrote; ValueError, KeyError or TypeError where the text is none."""
        content = json.loads(text)
        if content["version"] != VERSION:
            raise ValueError(f"version {content['version']} is not {VERSION}")
        if content.get("digest", computed := digest_json(content["assets"])) != computed:
            raise ValueError("its records are not those that were written")
        records = [AssetRecord.from_json(one) for one in content["assets"]]
        return cls(records={record.key: record for record in records})


class RegistryManager:
    """The only reader and writer of a registry file (R-DAT-19); any number of processes may have one.

    Parameters
    ----------
    path : the file, or the folder of the lake that it is in.
    patience : seconds to wait for other writers.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        self.path = path / FILE if path.is_dir() else path
        self.patience = patience
        self._last: tuple[str | None, DataRegistry] = None, DataRegistry()

    def read(self) -> DataRegistry:
        """Return the content; empty where there is no file. A text that was read or written last is not parsed again.

        Raises
        ------
        DataError : the file is not a registry.
        """
        try:
            text = self.path.read_text("utf-8")
            if text != self._last[0]:
                self._last = text, DataRegistry.from_json(text)
            return self._last[1]
        except FileNotFoundError:
            return DataRegistry()
        except OSError as error:
            raise DataError(f"registry {self.path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"registry {self.path} is torn or changed ({error}); `tvquant doctor --fix` goes back to the one before"
            ) from error

    def update(self, symbol: str, interval: str, **changes: Any) -> AssetRecord:
        """Change fields of one record, atomically; returns the record as it is now.

        Raises
        ------
        DataError : the file cannot be read or written, or another process keeps the lock (retryable).
        """
        with self._writing():
            held = self.read()
            record = replace(held.record(symbol, interval), **changes)
            self._replace(held.with_record(record))
        return record

    def forget(self, symbols: Collection[str]) -> None:
        """Drop the records of these symbols, atomically: as if they had never been fetched.

        Raises
        ------
        DataError : see `update`.
        """
        if not self.path.exists():
            return
        with self._writing():
            held = self.read().records
            self._replace(DataRegistry(records={key: one for key, one in held.items() if key[0] not in symbols}))

    def _replace(self, registry: DataRegistry) -> None:
        try:
            if self.path.exists():
                shutil.copyfile(self.path, self.before)
            text = registry.to_json()
            durable.replace(self.path, text.encode())
            self._last = text, registry
        except OSError as error:
            raise unwritten(f"registry {self.path} cannot be written: {error.strerror}", error) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the lock, and be named as its holder."""
        from filelock import FileLock, Timeout

        lock = FileLock(self._lock, poll_interval=POLL)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=self.patience)
            except Timeout:
                self._break(lock)
            self._holder.write_text(f"{os.getpid()} {platform.node()}", "utf-8")
        except OSError as error:
            lock.release()  # also where it was got, and only its holder could not be named
            message = f"registry {self.path} cannot be locked: {error.strerror}; is it writable?"
            raise unwritten(message, error) from error
        try:
            yield
        finally:
            self._holder.unlink(missing_ok=True)
            lock.release()

    @property
    def before(self) -> Path:
        """The file as it was before the last change."""
        return self.path.with_name(f"{self.path.name}.before")

    def mend(self) -> str:
        """Put the file before the last change in the place of one that cannot be read; what was done.

        Raises
        ------
        DataError : another process keeps the lock (retryable), or the file cannot be written.
        """
        with self._writing():
            try:
                last = RegistryManager(self.before).read()
            except DataError:
                last = DataRegistry()
            self.path.unlink(missing_ok=True)
            if not last.records:
                return "registry: none before it is whole; `tvquant data sync` makes it anew"
            durable.replace(self.path, last.to_json().encode())
        return f"registry: goes back to the one before the last change, of {len(last.records):,} assets"

    @property
    def _lock(self) -> Path:
        return self.path.with_name(f"{self.path.name}.lock")

    @property
    def _holder(self) -> Path:
        return self.path.with_name(f"{self.path.name}.holder")

    def _break(self, lock: Any) -> None:
        """Take over a lock whose holder is dead.

        The system drops the lock of a killed process, but not where a child of it lives on with its open files. Only
        one process at a time may take over, and only from a holder that is named and dead, so no living one is robbed.
        """
        from filelock import FileLock, Timeout

        with FileLock(self.path.with_name(f"{self.path.name}.break"), poll_interval=POLL):
            holder = self._dead_holder()
            if holder is not None:
                self._lock.unlink(missing_ok=True)
            try:
                lock.acquire(timeout=0 if holder is None else self.patience)
            except Timeout as error:
                raise DataError(
                    f"registry {self.path} has been locked by another process for {self.patience:g} s; wait until it "
                    "ends and try again",
                    retryable=True,
                ) from error
            self._holder.write_text(f"{os.getpid()} {platform.node()}", "utf-8")

    def _dead_holder(self) -> int | None:
        """Return number of the process that is named as holder, where it is of this machine and no longer there."""
        try:
            number, _, node = self._holder.read_text("utf-8").partition(" ")
        except FileNotFoundError:
            return None
        if node != platform.node() or not number.isdigit():
            return None
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return int(number)
        except PermissionError:
            return None
        return None


@cache
def _names() -> tuple[str, ...]:
    """Return the fields of a record; looking them up takes longer than reading them."""
    return tuple(one.name for one in fields(AssetRecord))


def _text(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
