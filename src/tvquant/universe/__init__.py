"""Who is considered at a moment: recruited by scanners, and judged by the health of what was known of them."""

from tvquant.universe.consolidation import Consolidated, consolidate
from tvquant.universe.discovery import (
    HOLD,
    Discovery,
    belongs,
    discover,
    recruits,
    required_features,
    traded_values,
)
from tvquant.universe.discovery_audit import Auditor, ScannerAudit
from tvquant.universe.health import Health, judge
from tvquant.universe.screening import Screen, ScreeningOutcome

__all__ = [
    "HOLD",
    "Auditor",
    "Consolidated",
    "Discovery",
    "Health",
    "ScannerAudit",
    "Screen",
    "ScreeningOutcome",
    "belongs",
    "consolidate",
    "discover",
    "judge",
    "recruits",
    "required_features",
    "traded_values",
]
