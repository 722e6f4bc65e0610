"""Plans of syncs: what was asked for, written down before anything is fetched and struck out when the sync has ended.

A sync that is killed leaves its plan. The same command takes it up again, and until then it can be named; so what a
lake lacks because no one got round to fetching it is never taken for what there is.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from tvquant.core import durable
from tvquant.core.errors import DataError, unwritten

FILE = ".sync.json"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPlan:
    """What one sync was asked for.

    Parameters
    ----------
    command : what a person repeats to finish it.
    provider, interval : of the bars.
    symbols : the assets that it promised, sorted.
    begun : when.
    """

    command: str
    provider: str
    interval: str
    symbols: tuple[str, ...]
    begun: datetime

    def covers(self, other: "SyncPlan") -> bool:
        """Return whether all that the other plan promised is promised by this one."""
        alike = (self.provider, self.interval) == (other.provider, other.interval)
        return alike and set(other.symbols) <= set(self.symbols)


class PlanBook:
    """The unfinished plans of a lake, in one file of its folder; who writes holds the workspace."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def unfinished(self) -> tuple[SyncPlan, ...]:
        """Return plans that were begun and have not ended, the oldest first.

        Raises
        ------
        DataError : the file is none of plans.
        """
        try:
            content = json.loads(self.path.read_text("utf-8"))
            if content["version"] != VERSION:
                raise ValueError(f"version {content['version']} is not {VERSION}")
            return tuple(
                SyncPlan(**one | {"symbols": tuple(one["symbols"]), "begun": datetime.fromisoformat(one["begun"])})
                for one in content["plans"]
            )
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise DataError(f"plans of syncs {self.path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{self.path} holds no plans of syncs ({error}); delete it and repeat the sync that was interrupted"
            ) from error

    def begin(self, plan: SyncPlan) -> SyncPlan:
        """Write the plan down; where the same command was interrupted, with what that one had promised as well.

        Raises
        ------
        DataError : the file cannot be read or written.
        """
        held = self.unfinished()
        earlier = [name for one in held if one.command == plan.command for name in one.symbols]
        plan = replace(plan, symbols=tuple(sorted({*plan.symbols, *earlier})))
        self._write([*(one for one in held if one.command != plan.command), plan])
        return plan

    def end(self, plan: SyncPlan) -> None:
        """Strike out the plan, and those whose promises it kept with its own: the outcome of each asset is reported.

        Raises
        ------
        DataError : the file cannot be read or written.
        """
        self._write([one for one in self.unfinished() if not plan.covers(one)])

    def _write(self, plans: Sequence[SyncPlan]) -> None:
        listed = [asdict(one) | {"begun": one.begun.isoformat()} for one in plans]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            durable.replace(self.path, (json.dumps({"version": VERSION, "plans": listed}, indent=1) + "\n").encode())
        except OSError as error:
            raise unwritten(f"plans of syncs {self.path} cannot be written: {error.strerror}", error) from error
