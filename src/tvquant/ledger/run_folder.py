"""The directory of one run: where its files are, and its JSON documents.

manifest.json   the resolved profile
audit.jsonl, audit.head   the ledger
data/   health and snapshot
results/   result tables
shadow/   those of challengers
report/, INDEX.md   what was drawn from them
logs/   what the run had to say
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvquant.core import durable
from tvquant.core.errors import DataError

MANIFEST = "manifest.json"
HEALTH = "data/health.json"
PINNED = "data/snapshot.json"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The directory of one run; its name is the run id."""

    path: Path

    @property
    def id(self) -> str:
        """The run id."""
        return self.path.name

    @property
    def results(self) -> Path:
        """Result tables."""
        return self.path / "results"

    @property
    def shadow(self) -> Path:
        """Result tables of challengers."""
        return self.path / "shadow"

    @property
    def report(self) -> Path:
        """The report's page."""
        return self.path / "report" / "index.html"

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON document of the run, whole or not at all; it is on the disk when this returns.

        Raises
        ------
        DataError : the disk refuses.
        """
        durable.write_text(self.path / name, document(value))

    def read_json(self, name: str) -> Any:
        """Return a JSON document of the run.

        Raises
        ------
        DataError : it is missing or not JSON.
        """
        target = self.path / name
        try:
            return json.loads(target.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"run {self.id}: {name} cannot be read ({error}); the run folder is damaged") from error


def document(value: Any) -> str:
    """Return a value as the text of a JSON document in a run's folder."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
