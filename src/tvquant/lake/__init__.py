"""The data of a workspace: import, audit, snapshots, and the panels read from them."""

from tvquant.lake.quality.audit import audit
from tvquant.lake.quality.checks import Finding, FindingKind
from tvquant.lake.quality.health import AssetHealth, HealthState, health
from tvquant.lake.reading.contents import Contents, PinnedData
from tvquant.lake.reading.lake import Lake, LakeStatus, Listing, TableStatus
from tvquant.lake.reading.snapshots import Snapshot
from tvquant.lake.writing.import_reports import FileReport, ImportReport
from tvquant.lake.writing.imports import import_files

__all__ = [
    "AssetHealth",
    "Contents",
    "FileReport",
    "Finding",
    "FindingKind",
    "HealthState",
    "ImportReport",
    "Lake",
    "LakeStatus",
    "Listing",
    "PinnedData",
    "Snapshot",
    "TableStatus",
    "audit",
    "health",
    "import_files",
]
