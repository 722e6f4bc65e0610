"""The data of a workspace: import, audit, snapshots, and the panels read from them; result shards of runs."""

from tvquant.lake.audit import audit
from tvquant.lake.checks import Finding, FindingKind
from tvquant.lake.health import AssetHealth, HealthState, health
from tvquant.lake.import_reports import FileReport, ImportReport
from tvquant.lake.imports import import_files
from tvquant.lake.lake import Lake, LakeStatus, Listing, TableStatus
from tvquant.lake.shards import ResultStore
from tvquant.lake.snapshots import Snapshot

__all__ = [
    "AssetHealth",
    "FileReport",
    "Finding",
    "FindingKind",
    "HealthState",
    "ImportReport",
    "Lake",
    "LakeStatus",
    "Listing",
    "ResultStore",
    "Snapshot",
    "TableStatus",
    "audit",
    "health",
    "import_files",
]
